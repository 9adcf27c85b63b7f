//! The collector's own thread: a round whenever there are candidates, and a nap when there are not.
//!
//! The thread also works off what mutators left behind, so that a heap whose mutators went quiet
//! becomes clean by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Effort;
use crate::clock::Clock;
use crate::heap::Cause;
use crate::heap::fault::Faults;
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::home::{COLLECTOR, Look};
use crate::heap::lock_free::worker::{Whose, Worker};

/// How long the thread sleeps when there is nothing to do, or nothing new: what a garbage cycle
/// waits for at the most, when the machine is idle.
const NAP: Duration = Duration::from_millis(1);

/// How much of the mutators' work a visit takes over.
const BUDGET: usize = 1 << 16;

/// The running thread. Stops it when dropped.
#[derive(Debug)]
pub(in crate::heap::lock_free) struct CollectorThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl CollectorThread {
    /// Starts the thread. `Builder` and not `spawn`, for the name; the one thread of a heap is the
    /// heap's own and not the run's.
    ///
    /// # Panics
    ///
    /// If the operating system refuses.
    pub(in crate::heap::lock_free) fn start(core: &Arc<Core<impl Faults>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, core_of_theirs) = (Arc::clone(&stop), Arc::clone(core));
        let thread = std::thread::Builder::new()
            .name("gcstorm-cycles".to_owned())
            .spawn(move || run(&core_of_theirs, &theirs))
            .expect("failed to start the collector's thread");
        core.set_collector(thread.thread().clone());
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for CollectorThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the collector is our own bug: let it be seen.
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

fn run(core: &Core<impl Faults>, stop: &AtomicBool) {
    let mut worker = Worker::new(core, COLLECTOR);
    let mut look = Look::default();
    // Relaxed: nothing but the order to stop is read.
    while !stop.load(Ordering::Relaxed) {
        if core.shared.candidates.is_empty() {
            worker.unpinned(|| std::thread::park_timeout(NAP));
        }
        if core.is_hopeless() {
            continue;
        }
        // Who waits for the lock while pinned holds up the collector that has it.
        let mut cycles = worker.unpinned(|| core.cycles());
        tidy(&mut worker, &mut look);
        let start = Clock::get().now();
        if cycles.round(&mut worker, Effort::Paced).examined > 0 {
            core.pauses.aside(Cause::Collect, start);
        }
        // Before the lock is let go: who settles the heap must find all that is left to do.
        worker.hand_over();
    }
}

/// Works off what was left behind, and what is ripe where nobody works on it: mutators at work do
/// that themselves. Either way, their cells stay theirs.
fn tidy(worker: &mut Worker<'_, impl Faults>, look: &mut Look) {
    for neglected in worker.core.shared.homes.neglected(look) {
        worker.stand_in_for(neglected, BUDGET);
    }
    worker.enter();
    worker.reap(Whose::Of(COLLECTOR), BUDGET);
}
