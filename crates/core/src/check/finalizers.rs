//! `finalizers`: every finalizer runs once, before its object dies.
//!
//! `premature` and `dangling` judge whether a resurrected object stays alive: it is an object like
//! any other, in a shared root.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "finalizers",
    about: "every finalizer runs once, before its object dies",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.plan.needs().finalizers {
        return Opinion::skipped("no thread makes objects with finalizers");
    }
    // Counted since the beginning, so the last survey has them all.
    let Some(survey) = exhibit.surveys.last() else {
        return Opinion::default();
    };
    let mut opinion = Opinion::default();
    let (stray, missed) = (&survey.stray_finalizations, &survey.unfinalized_deaths);
    opinion.examine(survey.finalized + stray.count + missed.count);
    opinion.find(stray);
    opinion.find(missed);
    opinion
}
