//! `double-free`: no object dies twice.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "double-free",
    about: "no object dies twice",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    // Deaths are counted since the beginning, so the last survey has them all.
    let Some(survey) = exhibit.surveys.last() else {
        return Opinion::default();
    };
    let mut opinion = Opinion::default();
    opinion.examine(survey.dead + survey.double_deaths.count);
    opinion.find(&survey.double_deaths);
    opinion
}
