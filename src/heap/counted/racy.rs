//! The counted heap without its lock: broken on purpose, and there to be caught.
//!
//! Its mutators are views of one heap that nothing keeps apart. What they break of each other's is
//! recognised where a reference is followed, a count goes below zero, or a cell is handed out, and
//! ends the run at the next safepoint.

use super::Counted;
use super::mutator::{CAPS, CountedMutator};
use crate::heap::{Belief, Caps, Census, Collection, Fault, Heap, Seat, Stats};

/// The heap called `racy`.
#[derive(Debug)]
pub struct Racy {
    counted: Counted,
}

impl Racy {
    pub(super) fn new(counted: Counted) -> Self {
        Self { counted }
    }

    /// A mutator without registers, for the harness's own calls.
    fn visitor(&self) -> CountedMutator<&Counted> {
        CountedMutator::new(&self.counted, 0)
    }
}

impl Heap for Racy {
    type Mutator<'h> = CountedMutator<&'h Counted>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            ..CAPS
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Fault> {
        Ok(CountedMutator::new(&self.counted, seat.slots))
    }

    fn collect(&self) -> Result<Collection, Fault> {
        Ok(self.visitor().collect_fully())
    }

    fn settle(&self) -> Result<(), Fault> {
        self.visitor().settle_counted();
        Ok(())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        Some(self.visitor().census_counted(visit))
    }

    fn stats(&self) -> Stats {
        self.counted.stats()
    }
}
