//! Mutators that record histories wait for each other twice: before the first begins, so that the
//! histories overlap, and before any of them goes on without recording.
//!
//! Without the first wait, a mutator whose thread starts a hundred microseconds earlier would have
//! filled its room before another has done anything. Without the second, the histories would end
//! for all of them where they end for the fastest. Neither wait is needed for a history to be
//! right, so both end after a while: a program may stall, or never use a shared object.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::record::Recorder;
use crate::clock::Clock;

/// How long a mutator waits for the others: a hundred times as long as recording a thousand
/// operations takes, and little compared with a run.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// That everyone begins.
    Begins,
    /// That nobody has room left.
    Ends,
}

/// How many have arrived. Relaxed: only the waits depend on it. What belongs to a window changes
/// only at a pause, which orders it.
#[derive(Debug)]
pub(super) struct Writers {
    all: usize,
    begun: AtomicUsize,
    /// In the present window; those included that will not write any more.
    ended: AtomicUsize,
    gone: AtomicUsize,
    /// The number of the present window.
    window: AtomicU64,
    /// Whether a mutator asks for another one.
    wanted: AtomicBool,
}

impl Writers {
    /// For this many mutators that record.
    pub(super) fn new(all: usize) -> Self {
        Self {
            all,
            begun: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
            window: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
        }
    }

    /// Counts the mutator with this recorder as arrived.
    pub(super) fn arrive(&self, recorder: &mut Recorder, writing: Writing) {
        match writing {
            Writing::Begins => {
                self.begun.fetch_add(1, Relaxed);
            }
            Writing::Ends if recorder.has_ended() => {}
            Writing::Ends => {
                self.ended.fetch_add(1, Relaxed);
            }
        }
    }

    /// The mutator with this recorder has nothing left to do.
    pub(super) fn leave(&self, recorder: &mut Recorder) {
        self.arrive(recorder, Writing::Ends);
        self.gone.fetch_add(1, Relaxed);
    }

    /// The next pause is to begin a window.
    pub(super) fn want_window(&self) {
        self.wanted.store(true, Relaxed);
    }

    /// Called by one mutator at each pause: begins a window if one is wanted, and says which.
    pub(super) fn begin_window(&self) -> Option<u64> {
        self.wanted.swap(false, Relaxed).then(|| {
            self.ended.store(self.gone.load(Relaxed), Relaxed);
            self.window.fetch_add(1, Relaxed) + 1
        })
    }

    /// The number of the present window.
    pub(super) fn window(&self) -> u64 {
        self.window.load(Relaxed)
    }

    /// Waits until all have arrived, `is_over` is true, or [`PATIENCE`] has passed.
    pub(super) fn wait(&self, writing: Writing, is_over: impl Fn() -> bool) {
        let there = match writing {
            Writing::Begins => &self.begun,
            Writing::Ends => &self.ended,
        };
        let clock = Clock::get();
        let start = clock.now();
        while there.load(Relaxed) < self.all && !is_over() && clock.since(start) < PATIENCE {
            std::thread::yield_now();
        }
    }
}
