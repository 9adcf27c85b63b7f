//! How long a heap held its mutators up, and why: one histogram a cause.
//!
//! A heap records a pause only on its slow paths (it waited for a lock, it collected), so a lock
//! around the histograms costs nothing that matters.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Stamp};

/// The longest pause that is told apart from longer ones, in nanoseconds: one hour.
pub const PAUSE_NS_MAX: u64 = 3_600_000_000_000;

/// Why a mutator did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It waited for the global lock.
    GilWait,
    /// It ran, or waited for, a collection.
    Collect,
}

impl Cause {
    /// Every cause, in the order in which reports show them.
    pub const ALL: [Self; 2] = [Self::GilWait, Self::Collect];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::GilWait => "gil_wait",
            Self::Collect => "collect",
        }
    }
}

/// The pauses of one heap. Histograms are large, and made when they are first needed: most heaps that
/// short programs are tried on have none to record.
#[derive(Debug, Default)]
pub struct Pauses {
    by_cause: Mutex<[Option<Histogram<u64>>; Cause::ALL.len()]>,
}

impl Pauses {
    /// Records a pause that began at `start` and ends now.
    pub fn record_since(&self, cause: Cause, start: Stamp) {
        let clock = Clock::get();
        let nanos = clock.nanos(start, clock.now());
        let mut by_cause = self.by_cause.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = by_cause[cause as usize].get_or_insert_with(empty);
        histogram.saturating_record(nanos);
    }

    /// The histogram of one cause, in nanoseconds.
    pub fn histogram(&self, cause: Cause) -> Histogram<u64> {
        let by_cause = self.by_cause.lock().unwrap_or_else(PoisonError::into_inner);
        by_cause[cause as usize].clone().unwrap_or_else(empty)
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, PAUSE_NS_MAX, 3).expect("constant bounds")
}
