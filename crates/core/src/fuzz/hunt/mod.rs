//! A hunt tries random cases one after another, and shrinks those that fail.
//!
//! A case is a function of the hunt's seed and the case's number, so the first case that fails is
//! the same however many threads hunt. The thread that finds a failure shrinks it, within a time
//! budget for each failure. Two failures are the same if they shrink to the same check and the same
//! sequence of operations; the one with the lower number is kept, and the other is only counted.

mod chase;
mod desk;
mod failure;
mod shrink;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::Finding;
use super::programs::Programs;
use crate::clock::{Clock, Stamp};
use crate::plan::Case;
use chase::{Attempts, Chase};
pub use failure::{AsFound, Failure};
pub use shrink::HangLimit;
pub use sweep::{SWEEP_MAX, Sweep, Swept};

/// Which cases to try, and for how long.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Hunt {
    /// The strategy that draws cases.
    pub programs: Programs,
    /// The seed of all cases.
    pub seed: u64,
    /// When to stop, unless `failures_max` ends the hunt sooner.
    pub budget: HuntBudget,
    /// How long the shrinking of one failure may take.
    pub shrink_budget: Duration,
    /// The hunt stops after this many different failures.
    pub failures_max: usize,
    /// How many threads hunt.
    pub jobs: usize,
    /// How much time one case may take before it counts as hung. Time that the machine gave to
    /// other processes does not count.
    pub patience: Duration,
    /// How often a smaller case is tried before it counts as one that does not fail. Once is enough
    /// if cases are deterministic.
    pub tries: u32,
    /// How often a failure is tried again, both as it was found and when it is shrunk, to measure
    /// how reliably it fails.
    pub retries: u32,
}

/// When a hunt stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HuntBudget {
    /// After this many cases.
    Cases(u64),
    /// After this much time, including shrinking; what is being shrunk then, is to the end.
    Duration(Duration),
}

/// What a hunt came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Bag {
    /// Cases that were drawn and tried, not counting those tried in shrinking.
    pub cases: u64,
    /// The turns of those cases.
    pub turns: u64,
    /// Those turns by kind of operation.
    pub ops: BTreeMap<&'static str, u64>,
    /// How many of those cases ended their process or made the heap panic.
    pub crashed: u64,
    /// How many of those cases did not come to an end.
    pub hung: u64,
    /// How long it took, in nanoseconds.
    pub elapsed_ns: u64,
    /// For how long its threads searched, on average: without what they shrank. In nanoseconds.
    pub search_ns: u64,
    /// How long all threads together shrank what failed, in nanoseconds.
    pub shrink_ns: u64,
    /// Different failures, in the order of their numbers.
    pub failures: Vec<Failure>,
}

impl Bag {
    /// How many cases were tried in a second, while cases were searched.
    pub fn per_second(&self) -> f64 {
        self.cases as f64 * 1e9 / self.search_ns.max(1) as f64
    }
}

/// How far a hunt is.
#[derive(Debug, Clone, Copy, Default)]
pub struct HuntProgress {
    /// The time since the hunt began.
    pub elapsed: Duration,
    /// Cases tried.
    pub cases: u64,
    /// Different failures found.
    pub failures: usize,
}

/// Is told of a hunt's progress and findings, on the thread that called [`Hunt::run`], which tries
/// no cases itself.
pub trait HuntWatch {
    /// Called several times a second; may end the hunt.
    fn progress(&mut self, progress: HuntProgress) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// Called once for each failure that is in the [`Bag`], in the order of their numbers: as soon
    /// as the failure is shrunk and no earlier case is still running.
    fn found(&mut self, failure: &Failure) {
        let _ = failure;
    }

    /// Called for a case that hangs, and again as long as it does. Its thread cannot be stopped, so
    /// the hunt will not end either; whatever must still be done must be done here.
    fn hung(&mut self, case: &Case) {
        let _ = case;
    }
}

/// Tries a case, and returns what went wrong, if anything did.
pub type Attempt<'a> = dyn Fn(&Case) -> Option<Finding> + Sync + 'a;

/// How cases are tried many at a time, in other processes. What is tried may take as long as it
/// likes: no case is called hung but by this.
pub struct Elsewhere<'a> {
    /// Tries many.
    pub sweep: &'a Sweep<'a>,
    /// Tries one, to shrink it.
    pub attempt: &'a (dyn Fn(&Case, HangLimit) -> Option<Finding> + Sync),
    /// Whether cases are tried no longer, so that what was asked last may not have been tried.
    pub is_off: &'a (dyn Fn() -> bool + Sync),
}

impl fmt::Debug for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").finish_non_exhaustive()
    }
}

impl Hunt {
    /// Case number `number`.
    pub fn case(&self, number: u64) -> Case {
        // A Weyl sequence: the factor is odd, so different numbers give different seeds.
        let seed = number
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(self.seed);
        self.programs.draw(seed)
    }

    /// Runs the hunt. `attempt` tries a case.
    pub fn run(&self, attempt: &Attempt<'_>, watch: &mut dyn HuntWatch) -> Bag {
        Chase::of(self, Attempts::Here(attempt)).run(watch)
    }

    /// Runs the hunt where many cases are tried at a time.
    pub fn run_swept(&self, elsewhere: &Elsewhere<'_>, watch: &mut dyn HuntWatch) -> Bag {
        let patience = Duration::MAX;
        let hunt = Self { patience, ..*self };
        Chase::of(&hunt, Attempts::Elsewhere(elsewhere)).run(watch)
    }

    /// The number of the case after the last.
    fn end(&self) -> u64 {
        match self.budget {
            HuntBudget::Cases(most) => most,
            HuntBudget::Duration(_) => u64::MAX,
        }
    }

    fn is_late(&self, start: Stamp) -> bool {
        match self.budget {
            HuntBudget::Cases(_) => false,
            HuntBudget::Duration(most) => Clock::get().since(start) >= most,
        }
    }
}
