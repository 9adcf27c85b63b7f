//! `dangling`: every reference leads to a living object, and to the one that it was made for, not
//! to a later one in the same cell.
//!
//! Judged by following references: those that the mutators followed while they ran, if the heap
//! recognises stale ones, and all that the walk finds while the mutators stand still.

use super::{Check, Exhibit, Opinion};
use crate::heap::Defect;

pub(super) const CHECK: Check = Check {
    name: "dangling",
    about: "every reference leads to the living object that it was made for",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for survey in exhibit.surveys {
        opinion.examine(survey.references);
        opinion.find(&survey.dangling);
    }
    for (name, peeks) in exhibit.peeks() {
        opinion.examine(peeks.found);
        if peeks.stale > 0 {
            let text = format!(
                "{name} looked at {} references in its registers whose objects were freed",
                peeks.stale
            );
            opinion.blame(peeks.stale, text);
        }
    }
    let stale = exhibit.defect_texts(|defect| matches!(defect, Defect::Stale { .. }));
    opinion.accuse(exhibit.defects().stale, stale);
    opinion
}
