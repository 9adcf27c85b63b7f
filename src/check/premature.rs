//! `premature`: nothing that can be reached has died.
//!
//! Who can be reached is what the walk met; who died is what the tags say. A reference that leads
//! nowhere counts here too: what it led to was freed while the reference was held.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "premature",
    about: "nothing that can be reached has died",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for survey in exhibit.surveys {
        opinion.examine(survey.reachable + survey.premature.count + survey.dangling.count);
        opinion.find(&survey.premature);
        opinion.find(&survey.dangling);
    }
    opinion
}
