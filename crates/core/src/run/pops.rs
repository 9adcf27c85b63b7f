//! Notes which objects were popped, so that an element that a `pop` left in its list is found out.
//!
//! If a list is also truncated, the numbers of elements do not show such a pop, since a truncation
//! does not say how many elements it removed. So every popped object is noted in the table of tags.
//! If no object gets into the list more than once
//! ([`ListUsage::once`](crate::plan::ListUsage::once)), an object that was noted before was popped
//! twice, and a noted object that the survey finds in the list was never removed from it.
//!
//! This costs a `peek` and one bit of the table for each `pop`, some 10 ns, and nothing for any
//! other operation.

use crate::evidence::ListTally;
use crate::heap::{Mutator, Peek, Slot};
use crate::plan::Plan;

/// The lists of one mutator from which each object may be popped only once.
#[derive(Debug)]
pub(super) struct Pops {
    /// By register.
    once: Box<[bool]>,
}

impl Pops {
    /// For the mutator of this number.
    pub(super) fn new(plan: &Plan, mutator: usize) -> Self {
        let program = &plan.mutators[mutator];
        let mut once = vec![false; program.registers as usize];
        for &(slot, object) in &program.held {
            once[slot.0 as usize] = plan.objects[object].usage.once;
        }
        Self {
            once: once.into_boxed_slice(),
        }
    }

    /// Counts and notes an element that was popped from `list` into `dst`.
    #[inline]
    pub(super) fn see<M: Mutator + ?Sized>(
        &self,
        mutator: &mut M,
        dst: Slot,
        list: Slot,
        tally: &mut ListTally,
    ) {
        tally.pop();
        if self.once[list.0 as usize]
            && let Peek::Object(id) = mutator.peek(dst)
            && !id.note_pop()
        {
            tally.pop_again(id);
        }
    }
}
