//! `premature`: no reachable object has died.
//!
//! An object is reachable if the walk met it, or if a mutator found it in one of its own registers
//! while it ran. The tags say which objects died. A dangling reference counts here too: its object
//! was freed while the reference was held.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "premature",
    about: "no reachable object has died",
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
