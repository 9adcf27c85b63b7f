//! `poison`: nothing writes into freed memory.
//!
//! The heap fills a freed cell with a pattern, and checks the pattern when it hands the cell out
//! again and in every census.

use super::{Check, Exhibit, Opinion};
use crate::heap::Defect;

pub(super) const CHECK: Check = Check {
    name: "poison",
    about: "nothing writes into freed memory",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for census in exhibit.censuses() {
        opinion.examine(census.free_examined);
        let spoiled = census.spoiled;
        if spoiled > 0 {
            opinion.blame(spoiled, format!("{spoiled} free cells were written to"));
        }
    }
    let spoiled = exhibit.defect_texts(|defect| matches!(defect, Defect::Spoiled { .. }));
    opinion.accuse(exhibit.defects().spoiled, spoiled);
    if opinion.wrong == 0 && opinion.examined == 0 {
        return exhibit.without_census("the heap reported no freed cells to examine");
    }
    opinion
}
