//! A sweep: cases of a hunt that are tried one after another, up to the first that fails.
//!
//! A hunt in this process sweeps case by case. One whose cases are tried in other processes hands
//! out many at a time: they draw the cases themselves, so all that passes between the processes is
//! numbers.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Hunt;
use crate::clock::Clock;
use crate::fuzz::model::Finding;
use crate::plan::{Case, OpKind};

/// How many cases a thread takes at a time if they are tried in another process: to ask that process
/// takes as long as to try a few.
pub(super) const SHARE: u64 = 64;
/// A sweep ends after the case during which it has lasted for so long, so that the hunt ends in
/// time, whatever a case takes.
pub const SWEEP_MAX: Duration = Duration::from_millis(20);

/// Tries the cases of these numbers in order, as [`Hunt::sweep`] does, and at least the first of
/// them. `None` if the hunt is called off.
pub type Sweep<'a> = dyn Fn(Range<u64>) -> Option<Swept> + Sync + 'a;

/// What cases came to that were tried one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// The number of the first case that was not tried.
    pub next: u64,
    /// How many were tried.
    pub cases: u64,
    /// Their turns.
    pub turns: u64,
    /// Those turns by kind of operation, in the order of [`OpKind::ALL`].
    pub ops: Vec<u64>,
    /// What is wrong with the last of them, if anything is; the others are in order.
    pub finding: Option<Finding>,
}

impl Swept {
    pub(super) fn from(next: u64) -> Self {
        Self {
            next,
            ops: vec![0; OpKind::ALL.len()],
            ..Self::default()
        }
    }

    fn add(&mut self, case: &Case) {
        self.next += 1;
        self.cases += 1;
        self.turns += case.turns.len() as u64;
        for turn in &case.turns {
            self.ops[turn.op.kind() as usize] += 1;
        }
    }
}

impl Hunt {
    /// Draws the cases of these numbers and tries them in order: up to the first that fails, and as
    /// many as some hundredths of a second allow, but at least one.
    pub fn sweep(
        &self,
        numbers: Range<u64>,
        attempt: &mut dyn FnMut(u64, &Case) -> Option<Finding>,
    ) -> Swept {
        let (clock, start) = (Clock::get(), Clock::get().now());
        let mut swept = Swept::from(numbers.start);
        for number in numbers {
            let case = self.case(number);
            swept.add(&case);
            swept.finding = attempt(number, &case);
            if swept.finding.is_some() || clock.since(start) >= SWEEP_MAX {
                break;
            }
        }
        swept
    }

    /// What is counted of cases of which only the last failed, for whoever saw nothing but that.
    pub fn swept_but_for(&self, numbers: Range<u64>, finding: Finding) -> Swept {
        let mut swept = Swept::from(numbers.start);
        for number in numbers {
            swept.add(&self.case(number));
        }
        swept.finding = Some(finding);
        swept
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fuzz::{CRASHED, Elsewhere, HuntBudget, HuntWatch, programs};

    struct Quiet;

    impl HuntWatch for Quiet {}

    fn pops(case: &Case) -> Option<Finding> {
        let pops = case.turns.iter().any(|turn| turn.op.kind() == OpKind::Pop);
        pops.then(|| Finding::of_lost(CRASHED, "it pops".to_owned()))
    }

    /// Goal: a hunt that sweeps finds what one that does not finds, with any number of threads; all
    /// cases of its budget are tried, and each is counted once, also where all that is known of a
    /// sweep is which case failed.
    #[test]
    fn a_sweep_finds_the_same() {
        let hunt = |jobs, failures_max| Hunt {
            programs: programs(),
            seed: 7,
            budget: HuntBudget::Cases(300),
            shrink_budget: Duration::from_secs(60),
            failures_max,
            jobs,
            patience: Duration::from_secs(60),
            tries: 1,
            retries: 0,
        };
        for failures_max in [1, usize::MAX] {
            let plain = hunt(1, failures_max).run(&pops, &mut Quiet);
            for jobs in [1, 3] {
                let hunt = hunt(jobs, failures_max);
                let sweep = |numbers: Range<u64>| {
                    let swept = hunt.sweep(numbers.clone(), &mut |_, case| pops(case));
                    if let Some(finding) = swept.finding.clone() {
                        let known = hunt.swept_but_for(numbers.start..swept.next, finding);
                        assert_eq!(known, swept);
                    }
                    Some(swept)
                };
                let elsewhere = Elsewhere {
                    sweep: &sweep,
                    attempt: &|case, _| pops(case),
                    is_off: &|| false,
                };
                let bag = hunt.run_swept(&elsewhere, &mut Quiet);
                assert_eq!(bag.failures[0].number, plain.failures[0].number);
                let (case, other) = (&bag.failures[0].case, &plain.failures[0].case);
                assert_eq!(case.to_string(), other.to_string());
                if failures_max > 1 {
                    assert_eq!((bag.cases, bag.turns), (300, plain.turns));
                    assert_eq!((bag.ops, bag.crashed), (plain.ops.clone(), plain.crashed));
                }
            }
        }
    }
}
