//! While the heap settles, the run waits for it: for how long, told to whoever watches and to those who
//! read of it later.

use std::sync::Mutex;
use std::time::Duration;

use super::course::locked;
use crate::clock::{Clock, Stamp};

/// Since when the heap has been settling, if it is.
#[derive(Debug, Default)]
pub(super) struct Settling(Mutex<Option<Stamp>>);

impl Settling {
    /// Calls `settle`, and returns how long it took, in nanoseconds. If it panics, the run is over.
    pub(super) fn timed<T>(&self, settle: impl FnOnce() -> T) -> (T, u64) {
        let clock = Clock::get();
        let start = clock.now();
        *locked(&self.0) = Some(start);
        let settled = settle();
        *locked(&self.0) = None;
        (settled, clock.nanos(start, clock.now()))
    }

    /// For how long the heap has been settling; `None` while it is not.
    pub(super) fn lasts(&self) -> Option<Duration> {
        locked(&self.0).map(|since| Clock::get().since(since))
    }
}
