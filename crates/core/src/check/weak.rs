//! `weak`: a weak reference is cleared with its target, neither before nor after.
//!
//! An upgrade must lead to the living object that was downgraded, and must not be lost while the
//! target is held. It is void once its target's finalizer has run, even if that is resurrected.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "weak",
    about: "weak references are cleared exactly when their target dies or is finalized",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.plan.needs().weak {
        return Opinion::skipped("no thread makes weak references");
    }
    let mut opinion = Opinion::default();
    for survey in exhibit.surveys {
        opinion.examine(survey.weak_tried);
        opinion.find(&survey.miscleared);
    }
    for mutator in exhibit.evidence.iter().flat_map(|e| &e.mutators) {
        opinion.examine(mutator.tally.weak.judged);
        opinion.find(&mutator.tally.weak.wrong);
    }
    opinion
}
