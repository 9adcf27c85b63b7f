//! How far a run is, and whether it is to end: what its threads share, apart from surveys.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::any::Panicked;
use super::gap::Deeds;
use crate::clock::Stamp;
use crate::evidence::Ended;
use crate::plan::Plan;

/// The state of one run that all of its threads see.
pub(super) struct Course {
    /// The common start.
    pub(super) started: OnceLock<Stamp>,
    /// What each mutator has done so far.
    pub(super) deeds: Vec<CachePadded<Deeds>>,
    /// The slowest operation of each mutator since the monitor looked last, in nanoseconds; 0 if
    /// none took long. Relaxed: late by a batch, as the counts are.
    pub(super) slowest: Vec<CachePadded<AtomicU64>>,
    /// Set when everyone is to stop at the next batch. Relaxed throughout: seeing it late costs one
    /// batch.
    stop: AtomicBool,
    /// Threads that are not in the background and not done.
    foreground: AtomicUsize,
    ended: Mutex<Option<Ended>>,
    /// Threads that have not returned.
    running: Mutex<usize>,
    returned: Condvar,
}

impl Course {
    /// The state of a run of this plan that has not begun.
    pub(super) fn new(plan: &Plan) -> Self {
        let mutators = &plan.mutators;
        let slowest = || CachePadded::new(AtomicU64::new(0));
        Self {
            started: OnceLock::new(),
            deeds: mutators.iter().map(|_| CachePadded::default()).collect(),
            slowest: mutators.iter().map(|_| slowest()).collect(),
            stop: AtomicBool::new(false),
            foreground: AtomicUsize::new(mutators.iter().filter(|m| !m.background).count()),
            ended: Mutex::new(None),
            running: Mutex::new(mutators.len()),
            returned: Condvar::new(),
        }
    }

    /// Operations of all mutators so far.
    pub(super) fn ops(&self) -> u64 {
        let ops = self.deeds.iter().map(|deeds| deeds.ops.load(Relaxed));
        ops.sum()
    }

    /// A number that changes whenever a mutator makes progress.
    pub(super) fn steps(&self) -> u64 {
        let steps = self.deeds.iter().map(|deeds| deeds.steps());
        steps.fold(0, u64::wrapping_add)
    }

    /// Tells all mutators to stop.
    pub(super) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// Whether a mutator should stop. Those in the background also stop once the others are done.
    pub(super) fn stopping(&self, background: bool) -> bool {
        self.stop.load(Relaxed) || (background && self.foreground.load(Relaxed) == 0)
    }

    /// One mutator that is not in the background has nothing left to do.
    pub(super) fn foreground_done(&self) {
        self.foreground.fetch_sub(1, Relaxed);
    }

    /// Ends the run for a reason; the first one is kept.
    pub(super) fn end(&self, reason: Ended) {
        locked(&self.ended).get_or_insert(reason);
        self.stop();
    }

    /// Ends the run, since the heap panicked when `who` asked something of it.
    pub(super) fn end_in_panic(&self, who: &str, panicked: &Panicked) {
        self.end(Ended::Panicked {
            mutator: who.to_owned(),
            message: panicked.to_string(),
        });
    }

    /// Why the run ended.
    pub(super) fn reason(&self) -> Ended {
        locked(&self.ended).clone().unwrap_or(Ended::Done)
    }

    /// One thread has returned.
    pub(super) fn thread_returned(&self) {
        *locked(&self.running) -= 1;
        self.returned.notify_all();
    }

    /// Waits until a thread returns, for `patience` at most. Returns whether any thread is left.
    pub(super) fn await_return(&self, patience: Duration) -> bool {
        let running = locked(&self.running);
        if *running == 0 {
            return false;
        }
        let waited = self.returned.wait_timeout(running, patience);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }
}

/// Locks a mutex, even if a thread panicked while it held it: no thread panics in the middle of a
/// change.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
