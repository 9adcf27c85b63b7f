//! Mutators that record histories wait for each other twice: before the first begins, so that the
//! histories overlap, and before any of them goes on without recording.
//!
//! Without the first wait, a mutator whose thread starts a hundred microseconds earlier would have
//! filled its room before another has done anything. Without the second, the histories would end
//! for all of them where they end for the fastest. Neither wait is needed for a history to be
//! right, so both end after a while: a program may stall, or never use a shared object.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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

/// How many have arrived. Relaxed: only the waits depend on it.
#[derive(Debug)]
pub(super) struct Writers {
    all: usize,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Writers {
    /// For this many mutators that record.
    pub(super) fn new(all: usize) -> Self {
        Self {
            all,
            begun: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
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
