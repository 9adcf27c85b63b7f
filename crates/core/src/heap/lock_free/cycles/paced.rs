//! How the collector works beside the mutators: in visits, each of which does a bounded amount of
//! work.
//!
//! A visit first releases what mutators have left behind, so that a heap whose mutators do nothing
//! any more becomes clean by itself. Then it runs one round over the oldest candidates.

use super::Effort;
use crate::clock::Clock;
use crate::heap::Cause;
use crate::heap::fault::Faults;
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::home::{COLLECTOR, Look};
use crate::heap::lock_free::worker::{Whose, Worker};
use crate::sync::sized;

/// How many steps of the mutators' work a visit takes over from each.
const BUDGET: usize = sized(1 << 16, 2);

/// See the module.
#[derive(Debug)]
pub(in crate::heap::lock_free) struct Paced<'h, F: Faults> {
    worker: Worker<'h, F>,
    look: Look,
}

impl<'h, F: Faults> Paced<'h, F> {
    pub(in crate::heap::lock_free) fn new(core: &'h Core<F>) -> Self {
        Self {
            worker: Worker::new(core, COLLECTOR),
            look: Look::default(),
        }
    }

    /// Runs `wait` without a pin, so that nobody is held up.
    pub(in crate::heap::lock_free) fn rest<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        self.worker.unpinned(wait)
    }

    /// One visit. Returns whether it left candidates that it did not look at.
    pub(in crate::heap::lock_free) fn visit(&mut self) -> bool {
        let core = self.worker.core;
        // A pinned thread that waits for the lock would hold up the collector that has it.
        let mut cycles = self.worker.unpinned(|| core.cycles());
        self.tidy();
        let start = Clock::get().now();
        if cycles.round(&mut self.worker, Effort::Paced).examined > 0 {
            core.pauses.aside(Cause::Collect, start);
        }
        // Before the lock is released: whoever settles the heap must find everything there is to
        // do.
        self.worker.hand_over();
        cycles.is_due()
    }

    /// Releases what mutators have left behind, and ripe ranges at homes where nobody has worked
    /// since the last visit: mutators at work release their own. The cells go back to the same
    /// home.
    fn tidy(&mut self) {
        let worker = &mut self.worker;
        for neglected in worker.core.shared.homes.neglected(&mut self.look) {
            worker.stand_in_for(neglected, BUDGET);
        }
        worker.enter();
        worker.reap(Whose::Of(COLLECTOR), BUDGET);
    }
}
