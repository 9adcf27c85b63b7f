//! `collector-state`: at rest the collector's buffers are empty and its marks are gone, and the free
//! list names only what is free.

use super::{Check, Exhibit, Opinion, Verdict};
use crate::heap::Fault;

pub(super) const CHECK: Check = Check {
    name: "collector-state",
    about: "at rest, buffers are empty, marks gone, nothing left to do",
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
    let in_use = exhibit.fault_texts(|fault| matches!(fault, Fault::InUse { .. }));
    opinion.accuse(exhibit.faults().in_use, in_use);
    // Those that no other check has a name for are the heap's own admission all the same.
    let named_nowhere =
        |fault: &Fault| matches!(fault, Fault::Panicked { .. } | Fault::Other { .. });
    opinion.accuse(exhibit.faults().other, exhibit.fault_texts(named_nowhere));
    if opinion.examined == 0 {
        opinion.nothing = Some((Verdict::Skipped, "the heap has no census".to_owned()));
    }
    opinion
}
