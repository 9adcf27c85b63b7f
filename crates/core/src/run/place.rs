//! A mutator's place in a heap, which it can give up and take again.
//!
//! To the heap that is another mutator, with the same seat and empty registers; to the run it is
//! the same one, which goes on with its program. Nobody else ever has the place meanwhile.

use crate::heap::{Defect, Seat};

use super::any::{AnyHeap, AnyMutator};

/// A place in `heap`, taken by the calling thread.
pub(super) struct Place<'r> {
    heap: &'r dyn AnyHeap,
    seat: Seat,
    /// There, but for the middle of [`Place::retake`]; if that fails, the place is lost, and must
    /// not be used any more.
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

    /// Who sits there.
    pub(super) fn mutator(&mut self) -> &mut (dyn AnyMutator + 'r) {
        self.mutator
            .as_deref_mut()
            .expect("whoever lost its place does not go on")
    }

    /// Leaves the heap altogether, and attaches anew.
    pub(super) fn retake(&mut self) -> Result<(), Defect> {
        // Taken out first: a heap may panic in here, and must not be asked to let go twice.
        drop(self.mutator.take());
        self.mutator = Some(self.heap.attach(self.seat)?);
        Ok(())
    }

    /// Leaves the heap.
    pub(super) fn leave(&mut self) {
        drop(self.mutator.take());
    }
}
