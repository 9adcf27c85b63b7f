//! When the heap held mutators up, and which operations were slow because of it.
//!
//! A *stall* is a stretch of time for which the heap kept a mutator from its program. A *slow*
//! operation took longer than a threshold; its time is split over the causes of the stalls within
//! it, innermost first, so that no nanosecond counts twice. Time that is explained neither by a
//! stall nor by the machine is unattributed. Everything is measured where it happens; nothing is
//! corrected afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Latency;

/// How many stalls are kept for the charts: the longest.
pub const STALLS_KEPT: usize = 2000;
/// How many slow operations are kept one by one: the longest.
pub const SLOW_KEPT: usize = 200;
/// The cause of that part of a slow operation's time in which its thread was ready to run and the
/// system ran something else.
pub const MACHINE: &str = "machine";

/// One stretch of time for which the heap held a mutator up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// Why: the name of a [`Cause`](crate::heap::Cause); the outermost where one lay within
    /// another.
    pub cause: String,
    /// The mutator's number; `None` for work on a thread of the heap's own, which held up no
    /// mutator by itself.
    pub mutator: Option<u32>,
    /// When it began, in nanoseconds since the common start.
    pub start_ns: u64,
    /// How long it took.
    pub ns: u64,
}

/// The stalls of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stalls {
    /// How many there were, after the common start.
    pub count: u64,
    /// How long they took together, over all mutators; stalls within other stalls do not count.
    pub total_ns: u64,
    /// How many were left out of the curve of utilization, because only a limited number is kept:
    /// the shortest.
    pub omitted: u64,
    /// How long these took together.
    pub omitted_ns: u64,
    /// The longest, in the order of their beginning; at most [`STALLS_KEPT`].
    pub longest: Vec<Stall>,
}

/// One operation that was slow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowOp {
    /// When it began, in nanoseconds since the common start.
    pub at_ns: u64,
    /// How long it took.
    pub ns: u64,
    /// The kind of operation.
    pub kind: String,
    /// The mutator's number.
    pub mutator: u32,
    /// How much of its time each cause took, in nanoseconds; [`MACHINE`] may be among them.
    pub by_cause: BTreeMap<String, u64>,
}

/// The operations that took longer than a threshold, of those that were timed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slow {
    /// An operation that takes at least this many nanoseconds is slow.
    pub threshold_ns: u64,
    /// How many were.
    pub count: u64,
    /// How long they took together.
    pub total_ns: u64,
    /// How much of that time each cause took, in nanoseconds; all causes but [`MACHINE`] are the
    /// heap's.
    pub by_cause: BTreeMap<String, u64>,
    /// What no cause explains: `total_ns` minus all of these.
    pub unattributed_ns: u64,
    /// The longest, in the order of their beginning; at most [`SLOW_KEPT`].
    pub longest: Vec<SlowOp>,
}

impl Slow {
    /// The share of the slow operations' time that a cause explains; `None` if none was slow.
    pub fn attributed(&self) -> Option<f64> {
        (self.total_ns > 0).then(|| 1.0 - self.unattributed_ns as f64 / self.total_ns as f64)
    }
}

/// A time for which the process was stopped, or the machine was suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// When, in nanoseconds since the common start, without this and earlier stops.
    pub at_ns: u64,
    /// For how long, in nanoseconds.
    pub ns: u64,
}

/// The times for which the process was stopped (`SIGSTOP`), or the machine was suspended. They are
/// not part of any other time here, except of response times and of the lag of reclamation. Nothing
/// is known of them where no operation was timed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stopped {
    /// How many there were.
    pub count: u64,
    /// How long they took together, in nanoseconds.
    pub ns: u64,
    /// The longest, in the order of time.
    pub longest: Vec<Stop>,
}

/// A hiccup that matters: a millisecond, more than waking up takes on a machine whose processors
/// are all in use.
const NOISE_NS: u64 = 1_000_000;
/// A hiccup that alone is a hundredth of a run that is too short for a 99th percentile.
const LONG_NOISE_NS: u64 = 10_000_000;
/// How long a nap of the thread that looks for hiccups is, at least.
const NAP_NS: u64 = 1_000_000;
/// A run with time for fewer naps than this gives no answer.
const NAPS_MIN: u64 = 5;

/// Whether the machine delayed threads so much that times are in doubt: if one nap in a hundred
/// lasted a millisecond longer than asked, the 99th percentile, which is often quoted, is in doubt.
/// A run of less than about a second has too few naps for that. It is noisy if one nap in ten
/// lasted so long, or if a single one lasted ten milliseconds longer than asked. Any run is noisy
/// if half of the naps that it had time for are missing.
///
/// `None` if the run was too short for even a few naps.
pub fn is_noisy(hiccups: &Latency, elapsed_ns: u64) -> Option<bool> {
    let (naps, expected) = (hiccups.count(), elapsed_ns / NAP_NS);
    if naps.max(expected) < NAPS_MIN {
        return None;
    }
    let is_long = match hiccups.quantile(0.99) {
        Some(quantile) => quantile >= NOISE_NS,
        None => tenth(hiccups) >= NOISE_NS || hiccups.max() >= LONG_NOISE_NS,
    };
    Some(is_long || naps < expected / 2)
}

/// How much longer than asked one nap in ten lasted at least, however few naps there were.
pub fn tenth(hiccups: &Latency) -> u64 {
    hiccups.histogram().value_at_quantile(0.9)
}

/// Minimum mutator utilization for windows of one length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MmuPoint {
    /// The length of the windows, in milliseconds.
    pub window_ms: u64,
    /// The least share of a window, 0 to 1: under a global lock, the share in which at least one
    /// mutator was not held up; elsewhere, the share in which the worst-off mutator was not.
    pub utilization: f64,
    /// The worst-off mutator's share, whatever the heap; under a global lock it is small by design.
    #[serde(default)]
    pub each: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a machine is noisy if one nap in a hundred is bad; in a short run, if one in ten is,
    /// or if one bad nap alone is a hundredth of the run; and if naps are missing. A few
    /// milliseconds give no answer.
    #[test]
    fn noise_is_told_from_its_absence() {
        let millisecond = 1_000_000;
        for (good, bad, bad_ms, elapsed_ms, expected) in [
            (2000, 0, 0, 2200, Some(false)),
            (1990, 10, 3, 2200, Some(false)),
            (1970, 30, 3, 2200, Some(true)),
            (800, 20, 3, 1000, Some(false)),
            (700, 100, 3, 1100, Some(true)),
            (800, 1, 12, 1000, Some(true)),
            (90, 1, 3, 100, Some(false)),
            (0, 1, 98, 100, Some(true)),
            (0, 0, 0, 100, Some(true)),
            // All naps were in time, but most of them are missing.
            (400, 0, 0, 1000, Some(true)),
            (4000, 0, 0, 10_000, Some(true)),
            (1, 0, 0, 2, None),
            (0, 0, 0, 0, None),
        ] {
            let mut hiccups = Latency::default();
            hiccups.record_many(60_000, good);
            hiccups.record_many(bad_ms * millisecond, bad);
            let noisy = is_noisy(&hiccups, elapsed_ms * millisecond);
            assert_eq!(noisy, expected, "{good} {bad} {elapsed_ms}");
        }
    }

    /// Goal: stalls and slow operations survive JSON, and those of an older result are read.
    #[test]
    fn survive_json() {
        let by_cause = BTreeMap::from([("collect".to_owned(), 60), (MACHINE.to_owned(), 30)]);
        let slow = Slow {
            threshold_ns: 50,
            count: 1,
            total_ns: 100,
            by_cause: by_cause.clone(),
            unattributed_ns: 10,
            longest: vec![SlowOp {
                at_ns: 5,
                ns: 100,
                kind: "append".to_owned(),
                mutator: 1,
                by_cause,
            }],
        };
        let stalls = Stalls {
            count: 1,
            total_ns: 60,
            longest: vec![Stall {
                cause: "collect".to_owned(),
                mutator: None,
                start_ns: 7,
                ns: 60,
            }],
            ..Stalls::default()
        };
        let json = serde_json::to_string(&(&slow, &stalls)).expect("it serializes");
        let back: (Slow, Stalls) = serde_json::from_str(&json).expect("it parses");
        assert_eq!((back.0.attributed(), &back.0), (Some(0.9), &slow));
        assert_eq!(back.1, stalls);
        let none: (Slow, Stalls) = serde_json::from_str("[{}, {}]").expect("it parses");
        assert_eq!(none.0.attributed(), None);
    }
}
