//! A mutator's place in a heap, which it can give up and take again.
//!
//! To the heap that is another mutator, with the same seat and empty registers; to the run it is
//! the same one, which goes on with its program. Nobody else ever has the place meanwhile.

use crate::heap::{Defect, Heap, Seat};

/// A place in `heap`, taken by the calling thread.
#[derive(Debug)]
pub(super) struct Place<'r, H: Heap + 'r> {
    heap: &'r H,
    seat: Seat,
    /// There, but for the middle of [`Place::retake`]; if that fails, the place is lost, and must
    /// not be used any more.
    mutator: Option<H::Mutator<'r>>,
}

impl<'r, H: Heap> Place<'r, H> {
    /// Attaches to the heap.
    pub(super) fn take(heap: &'r H, seat: Seat) -> Result<Self, Defect> {
        Ok(Self {
            heap,
            seat,
            mutator: Some(heap.attach(seat)?),
        })
    }

    /// Who sits there.
    #[inline]
    pub(super) fn mutator(&mut self) -> &mut H::Mutator<'r> {
        self.mutator
            .as_mut()
            .expect("whoever lost its place does not go on")
    }

    /// Leaves the heap altogether, and attaches anew.
    pub(super) fn retake(&mut self) -> Result<(), Defect> {
        // Taken out first: a heap may panic in here, and must not be asked to let go twice.
        drop(self.mutator.take());
        self.mutator = Some(self.heap.attach(self.seat)?);
        Ok(())
    }
}
