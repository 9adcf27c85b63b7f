//! A mutator's place in a heap, which it can give up and take again.
//!
//! To the heap, a mutator that comes back is a new one, with the same seat and empty registers; to
//! the run it is the same one, which goes on with its program. No other mutator ever takes the
//! place.

use crate::heap::{Defect, Seat};

use super::any::{AnyHeap, AnyMutator};

/// A place in `heap`, taken by the calling thread.
pub(super) struct Place<'r> {
    heap: &'r dyn AnyHeap,
    seat: Seat,
    /// `None` only within [`Place::retake`]. If that fails, the place is lost and must not be used
    /// any more.
    mutator: Option<Box<dyn AnyMutator + 'r>>,
}

impl<'r> Place<'r> {
    /// Attaches to the heap.
    pub(super) fn take(heap: &'r dyn AnyHeap, seat: Seat) -> Result<Self, Defect> {
        Ok(Self {
            heap,
            seat,
            mutator: Some(heap.attach(seat)?),
        })
    }

    /// The mutator in this place.
    pub(super) fn mutator(&mut self) -> &mut (dyn AnyMutator + 'r) {
        self.mutator
            .as_deref_mut()
            .expect("a lost place is not used any more")
    }

    /// Leaves the heap altogether, and attaches anew.
    pub(super) fn retake(&mut self) -> Result<(), Defect> {
        // The mutator is taken out first: its drop may panic, and must not run a second time.
        drop(self.mutator.take());
        self.mutator = Some(self.heap.attach(self.seat)?);
        Ok(())
    }

    /// Leaves the heap.
    pub(super) fn leave(&mut self) {
        drop(self.mutator.take());
    }
}
