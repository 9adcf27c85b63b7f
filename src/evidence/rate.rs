//! What was asked of a run a second, and what it did.

use serde::{Deserialize, Serialize};

use super::Evidence;

/// Below this share of the offered rate a run is saturated.
pub const ACHIEVED_MIN: f64 = 0.99;

/// What one mutator with a rate was to do, and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Operations that should have started before it ended; of those that were due at the same moment
    /// as the next, only what was done.
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
    /// Less was achieved than [`ACHIEVED_MIN`] of what was offered. The queue then grows for as long
    /// as the run lasts: response times say how long that was, and nothing of the heap.
    pub saturated: bool,
    /// How many mutators had a rate.
    pub threads: u64,
}

impl Evidence {
    /// What was offered and achieved, if any mutator had a rate.
    pub fn rate(&self) -> Option<Rate> {
        let (mut offered, mut achieved, mut threads) = (0.0, 0.0, 0);
        for mutator in &self.mutators {
            let Some(Load { due, done }) = mutator.load else {
                continue;
            };
            let seconds = (mutator.elapsed_ns as f64 / 1e9).max(1e-9);
            offered += due as f64 / seconds;
            achieved += done as f64 / seconds;
            threads += 1;
        }
        (threads > 0).then_some(Rate {
            offered_per_second: offered,
            achieved_per_second: achieved,
            saturated: achieved < ACHIEVED_MIN * offered,
            threads,
        })
    }
}
