//! The collector's own thread: it pays one visit after the other to the heap while there is
//! something to do, and sleeps otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::paced::Paced;
use crate::heap::fault::Faults;
use crate::heap::lock_free::core::Core;

/// How long the thread sleeps when there is nothing new to do: on an idle machine, the longest time
/// for which a candidate waits that was handed over. Before that it is in its mutator's buffer, for
/// up to 1,024 safepoints.
const NAP: Duration = Duration::from_millis(1);

/// The running thread. Stops it when dropped.
#[derive(Debug)]
pub(in crate::heap::lock_free) struct CollectorThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl CollectorThread {
    /// Starts the thread. It belongs to the heap and not to the run, so it is started here.
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
            // A panic of the collector is a bug of our own, so it must be seen.
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

fn run(core: &Core<impl Faults>, stop: &AtomicBool) {
    let mut paced = Paced::new(core);
    let mut is_due = false;
    // Relaxed: nothing but the order to stop is read.
    while !stop.load(Ordering::Relaxed) {
        if !is_due && core.shared.candidates.is_empty() {
            paced.rest(|| std::thread::park_timeout(NAP));
        }
        if core.brands.due().is_some() {
            paced.rest(|| core.sweep_brands(&mut core.cycles()));
        }
        is_due = !core.is_clean() && paced.visit();
    }
}
