//! The scheduled starts of a mutator's operations, if it has a rate: an *open loop*.
//!
//! A mutator without a rate does one operation after the other (a *closed* loop): while the heap
//! holds it up it starts no operations, so those that would have had to wait are never measured
//! (*coordinated omission*). With a rate, the times at which operations should start are fixed
//! beforehand. They are a pure function of the rate, the seed and the mutator's number, so they are
//! the same on every heap, and nothing that happens in a run changes them. The time from an
//! operation's scheduled start to its end is its *response* time.
//!
//! The n-th constant arrival is computed from n, not from the arrival before, so that rounding
//! errors do not add up. Random arrivals are sums of gaps, with an error of far less than a
//! nanosecond in a year.

use serde::{Deserialize, Serialize};

use super::dice::Dice;

/// The maximum rate of a mutator, in operations a second: one in each nanosecond.
pub const RATE_MAX: u64 = 1_000_000_000;

/// How many operations are due at once in a burst: what a page load or a batch of messages comes
/// to.
pub const BURST_OPS: u32 = 32;

/// A stream apart from those that operations and intervals are drawn from, so that a rate changes
/// when operations are done, and not which.
const STREAM: u64 = 1 << 41;

/// How the scheduled starts are distributed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// At equal distances; each mutator's first arrival lies within one such distance of the start.
    #[default]
    Constant,
    /// Independent of each other: gaps have an exponential distribution.
    Poisson,
    /// [`BURST_OPS`] operations at once; the bursts are independent of each other.
    Bursts,
}

impl Arrivals {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Poisson, Self::Bursts];

    /// The name in workloads and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Bursts => "bursts",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// The rate of one mutator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Operations a second, above 0.
    pub per_second: f64,
    /// How the operations are distributed in time.
    pub arrivals: Arrivals,
}

impl Pace {
    /// How many operations may be due at the same moment although none is late.
    pub fn at_once(self) -> u64 {
        match self.arrivals {
            Arrivals::Constant | Arrivals::Poisson => 1,
            Arrivals::Bursts => BURST_OPS.into(),
        }
    }
}

/// The intended starts of one mutator's operations, in nanoseconds since the common start: an
/// endless sequence that never decreases.
#[derive(Debug)]
pub struct Timetable {
    pace: Pace,
    dice: Dice,
    number: u64,
    /// For constant arrivals: the first arrival, as a share of a gap.
    phase: f64,
    /// The arrival before, in nanoseconds.
    last: f64,
}

impl Timetable {
    /// The timetable of this mutator.
    pub fn new(pace: Pace, seed: u64, mutator: u32) -> Self {
        let mut dice = Dice::new(seed, STREAM | u64::from(mutator));
        Self {
            pace,
            phase: dice.unit(),
            dice,
            number: 0,
            last: 0.0,
        }
    }

    /// The next start.
    pub fn draw(&mut self) -> u64 {
        let gap = 1e9 / self.pace.per_second;
        let nanos = match self.pace.arrivals {
            Arrivals::Constant => (self.number as f64 + self.phase) * gap,
            Arrivals::Poisson => self.last + gap * self.dice.exponential(),
            Arrivals::Bursts if self.number.is_multiple_of(BURST_OPS.into()) => {
                self.last + gap * f64::from(BURST_OPS) * self.dice.exponential()
            }
            Arrivals::Bursts => self.last,
        };
        self.number += 1;
        self.last = nanos;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; what does not fit lies centuries ahead, and saturates"
        )]
        let nanos = nanos as u64;
        nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(arrivals: Arrivals, seed: u64, mutator: u32, count: usize) -> Vec<u64> {
        let pace = Pace {
            per_second: 20_000.0,
            arrivals,
        };
        let mut table = Timetable::new(pace, seed, mutator);
        (0..count).map(|_| table.draw()).collect()
    }

    /// Goal: each kind of arrivals has the rate that was asked for, and does not go backwards.
    #[test]
    fn arrivals_have_their_rate() {
        for arrivals in Arrivals::ALL {
            let starts = starts(arrivals, 5, 2, 640_000);
            assert!(starts.is_sorted(), "{arrivals:?}");
            let per_second = 640_000.0 / (starts[639_999] as f64 / 1e9);
            let error = per_second / 20_000.0 - 1.0;
            // Five standard deviations of a sum of 20,000 exponential gaps.
            let allowed = if arrivals == Arrivals::Constant {
                1e-5
            } else {
                0.036
            };
            assert!(error.abs() < allowed, "{arrivals:?}: {per_second}");
        }
    }

    /// Goal: the standard deviation of gaps fits each kind: none for constant, the mean for Poisson
    /// arrivals, and that of bursts.
    #[test]
    fn gaps_spread_as_named() {
        let spread = |arrivals| {
            let starts = starts(arrivals, 9, 0, 320_000);
            let gaps: Vec<f64> = starts
                .windows(2)
                .map(|two| (two[1] - two[0]) as f64)
                .collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let square = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>();
            (square / gaps.len() as f64).sqrt() / mean
        };
        assert!(spread(Arrivals::Constant) < 1e-4);
        assert!((spread(Arrivals::Poisson) - 1.0).abs() < 0.02);
        // Only one gap in 32 is not 0: in units of the mean, the second moment is 2 * 32, less 1
        // for the square of the mean.
        assert!((spread(Arrivals::Bursts) - 63_f64.sqrt()).abs() < 0.4);
        let bursts = starts(Arrivals::Bursts, 9, 0, 320);
        assert!(bursts.chunks(32).all(|burst| burst[0] == burst[31]));
    }

    /// Goal: times depend on seed and mutator, and on nothing else.
    #[test]
    fn times_hang_on_seed_and_mutator() {
        for arrivals in Arrivals::ALL {
            let first = starts(arrivals, 7, 1, 1000);
            assert_eq!(first, starts(arrivals, 7, 1, 1000));
            assert_ne!(first, starts(arrivals, 8, 1, 1000));
            assert_ne!(first, starts(arrivals, 7, 0, 1000));
        }
    }

    /// Goal: constant times do not drift, however long a run is and however odd the gap.
    #[test]
    fn constant_times_do_not_drift() {
        let pace = Pace {
            per_second: 3.0,
            arrivals: Arrivals::Constant,
        };
        let mut table = Timetable::new(pace, 1, 0);
        let first = table.draw();
        table.number = 3 * 86_400 * 365;
        let year = 86_400 * 365 * 1_000_000_000;
        assert!(table.draw().abs_diff(first + year) <= 8);
    }
}
