//! Finishing what somebody else began: whoever meets a descriptor brings it to its end, so that a
//! mutator stopped in the middle of an operation is in nobody's way.

use super::Visit;
use super::slot::{self, Content};
use crate::heap::fault::Faults;

/// Finishes whatever is under way in a slot, as it was seen there.
#[cold]
pub(super) fn finish(visit: &mut Visit<'_, '_, impl Faults>, position: u64, seen: u64) {
    match slot::content(seen) {
        Content::Empty | Content::Value(_) => {}
        Content::Clear => visit.finish_clear(position, seen),
        Content::Seal(seal) => visit.finish_seal(seal),
        Content::Claim(claim) => visit.finish_claim(claim),
        Content::Change(change) => visit.finish_change(change),
    }
}
