//! The rate that was offered to a run, and the rate that it achieved.

use serde::{Deserialize, Serialize};

use super::{Evidence, Latency};

/// Below this share of the offered rate a run is saturated.
pub const ACHIEVED_MIN: f64 = 0.99;

/// What one mutator with a rate should have done, and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Operations that were scheduled to start before it ended. Of operations that were scheduled
    /// for the very moment of the next one, only those that were done count.
    pub due: u64,
    /// Operations that it did since the common start.
    pub done: u64,
}

/// Offered against achieved, over the mutators that had a rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Operations a second that should have started while the mutators ran.
    pub offered_per_second: f64,
    /// Operations a second that were done.
    pub achieved_per_second: f64,
    /// Less than [`ACHIEVED_MIN`] of the offered rate was achieved, and what was left at the end is
    /// more than fell due during the longest operation, behind which a queue may stand that would
    /// have gone. The backlog then grows for as long as the run lasts, and response times measure
    /// the length of the run rather than the heap.
    pub saturated: bool,
    /// How many mutators had a rate.
    pub threads: u64,
}

impl Evidence {
    /// What was offered and achieved, if any mutator had a rate.
    pub fn rate(&self) -> Option<Rate> {
        let (mut offered, mut achieved, mut threads) = (0.0, 0.0, 0);
        // What fell due while the process was stopped, and may be left over for no fault of the heap.
        let mut excused = 0.0;
        let mut left_ns = 0.0_f64;
        for mutator in &self.mutators {
            let Some(Load { due, done }) = mutator.load else {
                continue;
            };
            // Operations are due while the process is stopped, too.
            let elapsed_ns = mutator.elapsed_ns + self.stopped.ns;
            let seconds = (elapsed_ns as f64 / 1e9).max(1e-9);
            offered += due as f64 / seconds;
            achieved += done as f64 / seconds;
            excused += due as f64 / seconds * self.stopped.ns as f64 / elapsed_ns.max(1) as f64;
            let left = due.saturating_sub(done) as f64 / due.max(1) as f64;
            left_ns = left_ns.max(left * elapsed_ns as f64);
            threads += 1;
        }
        let longest_ns = self.service.values().map(Latency::max).max().unwrap_or(0);
        let is_short = achieved + excused < ACHIEVED_MIN * offered;
        (threads > 0).then_some(Rate {
            offered_per_second: offered,
            achieved_per_second: achieved,
            saturated: is_short && left_ns > longest_ns as f64,
            threads,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sample;

    /// Goal: a queue that one long operation explains is no saturation, and one that is longer is.
    #[test]
    fn a_queue_behind_one_operation_is_none() {
        let mut evidence = sample::result("gil").evidence;
        evidence.mutators.truncate(1);
        let mutator = &mut evidence.mutators[0];
        // 4 operations a millisecond, for half a second.
        mutator.elapsed_ns = 500_000_000;
        (mutator.load, evidence.service) = (
            Some(Load {
                due: 2000,
                done: 1930,
            }),
            BTreeMap::new(),
        );
        assert!(evidence.rate().is_some_and(|rate| rate.saturated));
        let mut longest = Latency::default();
        longest.record(20_000_000);
        evidence.service.insert("append".to_owned(), longest);
        assert!(evidence.rate().is_some_and(|rate| !rate.saturated));
        evidence.mutators[0].load = Some(Load {
            due: 2000,
            done: 1900,
        });
        assert!(evidence.rate().is_some_and(|rate| rate.saturated));
    }
}
