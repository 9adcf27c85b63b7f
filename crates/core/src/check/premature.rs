//! `premature`: nothing that can be reached has died.
//!
//! What can be reached is what the walk met, and what the mutators found in their own registers
//! while they ran; what died is what the tags say. A reference that leads nowhere counts here too:
//! what it led to was freed while the reference was held.

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
    for (name, peeks) in exhibit.peeks() {
        opinion.examine(peeks.found);
        let wrong = peeks.dead + peeks.stale;
        if wrong > 0 {
            let text = format!("{name} found {wrong} objects in its registers that had died");
            opinion.blame(wrong, text);
        }
    }
    opinion
}
