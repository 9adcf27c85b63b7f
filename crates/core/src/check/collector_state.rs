//! `collector-state`: at rest the collector's buffers are empty and no marks are left, and the free
//! list holds only free cells.
//!
//! Defects that belong to no other check (a panic inside the heap, or a kind of its own) count
//! here.

use super::{Check, Exhibit, Opinion, Verdict};
use crate::heap::Defect;

pub(super) const CHECK: Check = Check {
    name: "collector-state",
    about: "at rest, the collector has empty buffers, no marks left and no work to do",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for census in exhibit
        .surveys
        .iter()
        .filter_map(|survey| survey.census.as_ref())
    {
        for leftover in &census.leftovers {
            let (what, count) = (&leftover.what, leftover.count);
            opinion.expect(count == 0, || format!("found {count} {what}"));
        }
    }
    let in_use = exhibit.defect_texts(|defect| matches!(defect, Defect::InUse { .. }));
    opinion.accuse(exhibit.defects().in_use, in_use);
    let named_nowhere =
        |defect: &Defect| matches!(defect, Defect::Panicked { .. } | Defect::Other { .. });
    opinion.accuse(exhibit.defects().other, exhibit.defect_texts(named_nowhere));
    if opinion.examined == 0 {
        opinion.nothing = Some((Verdict::Skipped, "the heap has no census".to_owned()));
    }
    opinion
}
