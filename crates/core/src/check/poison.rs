//! `poison`: nobody writes into freed memory.
//!
//! A freed cell is filled with a pattern, which is looked at when the cell is handed out again and
//! in every census.

use super::{Check, Exhibit, Opinion, Verdict};
use crate::heap::Defect;

pub(super) const CHECK: Check = Check {
    name: "poison",
    about: "nobody writes into freed memory",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for census in exhibit
        .surveys
        .iter()
        .filter_map(|survey| survey.census.as_ref())
    {
        opinion.examine(census.free_examined);
        let spoiled = census.spoiled;
        if spoiled > 0 {
            opinion.blame(spoiled, format!("{spoiled} free cells were written to"));
        }
    }
    let spoiled = exhibit.defect_texts(|defect| matches!(defect, Defect::Spoiled { .. }));
    opinion.accuse(exhibit.defects().spoiled, spoiled);
    if opinion.examined == 0 {
        opinion.nothing = Some((
            Verdict::Skipped,
            "the heap showed no freed memory".to_owned(),
        ));
    }
    opinion
}
