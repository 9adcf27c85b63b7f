//! Two sets of results against each other: is the new one worse?
//!
//! Runs of the same workload, heap and parameters that differ in nothing but their seeds are one
//! *group*, and a group of the base is compared with its counterpart, metric by metric. What does not
//! belong together is refused by name ([`Mismatch`]); nothing is averaged over what differs.
//!
//! An alarm that is wrong is worse than none, since nobody looks at the next one. Three things make
//! alarms wrong, and each has its answer here.
//!
//! *Noise of any shape.* Run times have heavy tails and two humps. The middle of a group is its median,
//! the interval that is shown a bootstrap of the ratio of medians, and the decision an exact rank
//! test (`rank`) that assumes no distribution: how likely is it that the new runs rank so high above
//! the base's, once those are made worse by what is allowed? A bootstrap alone will not do: with five
//! runs its intervals are too narrow, and never wider than the runs are spread.
//!
//! *Many metrics, one alarm.* Some thirty metrics a group, each tested at one in twenty, raise an alarm
//! in most comparisons of a program with itself. By Holm's procedure ("A simple sequentially rejective
//! multiple test procedure", 1979) the whole comparison raises a wrong one at most once in a hundred
//! times ([`ALARM`]). That has its price: a few runs cannot say anything so surely, whatever they show.
//! Then the verdict is [`Verdict::TooFewRuns`], with how many it takes.
//!
//! *Figures that are not smooth.* A clock that ticks in tens of nanoseconds makes 30 of 20 without
//! anything having changed, and a heap that kept three objects keeps seven. Each metric has a *grain*,
//! below which a difference is none.
//!
//! A regression is claimed only if the test says so and all of the interval lies beyond what is allowed.
//! The test does assume that the order of the runs does not matter. A machine that is slower in the
//! second half of the measurement than in the first breaks that, so runs should take turns.
//!
//! The longest time of an operation is not compared: it is one event, and grows with the number of
//! events.

mod group;
mod limits;
mod markdown;
mod metric;
mod rank;
mod ratio;
#[cfg(test)]
mod simulation;
mod table;

use serde::Serialize;

pub use group::Mismatch;
pub(in crate::report) use group::asked;
pub use limits::{Limits, LimitsError};
pub use markdown::markdown;
pub(in crate::report) use markdown::{capital, escaped};
pub use metric::{Better, Family};
pub use table::table;

use crate::result::RunResult;
use group::Group;
use metric::Series;
use ratio::Ratio;

/// How likely a comparison may be to raise an alarm if nothing is worse than allowed, all its metrics
/// together. One in a hundred leaves room for what the test cannot know of.
pub const ALARM: f64 = 0.01;

/// All groups of two sets of results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// One for each workload, heap and parameters.
    pub groups: Vec<Compared>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// How many runs of each side it takes to say anything of so many metrics.
    pub runs_needed: usize,
}

/// One workload on one heap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The workload's name.
    pub workload: String,
    /// The heap, and what was planted in it.
    pub heap: String,
    /// Runs of the base.
    pub runs_base: usize,
    /// Runs of the new.
    pub runs_new: usize,
    /// Each metric that both have.
    pub metrics: Vec<Row>,
    /// A line that does the first of the new runs again.
    pub reproduce: String,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which: `throughput`, `append p99`, `gil_wait total`, `rss_bytes_peak`.
    pub metric: String,
    /// Its family, by which limits are set.
    pub family: Family,
    /// Which way is good.
    pub better: Better,
    /// The median of the base: operations a second, nanoseconds, nanoseconds a second, bytes, objects.
    pub base: f64,
    /// The median of the new.
    pub new: f64,
    /// New by base; `None` where the base is 0.
    pub ratio: Option<f64>,
    /// Where the ratio lies at 95 %; `None` with fewer than three runs of each.
    pub interval: Option<(f64, f64)>,
    /// How much worse is allowed, as a share; `None` if it is not judged.
    pub limit: Option<f64>,
    /// How likely the runs would be if the metric were not worse than allowed, for all metrics together.
    pub probability: Option<f64>,
    /// What that comes to.
    pub verdict: Verdict,
}

/// What the runs say of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Worse, by more than is allowed.
    Regression,
    /// Worse, but not surely by more than is allowed.
    Worse,
    /// Better.
    Better,
    /// The noise is larger than the difference.
    NoDifference,
    /// So few runs cannot say, whatever they show.
    TooFewRuns,
}

impl Verdict {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Regression => "REGRESSION",
            Self::Worse => "worse, within the limit",
            Self::Better => "better",
            Self::NoDifference => "no difference shown",
            Self::TooFewRuns => "not enough runs",
        }
    }
}

impl Comparison {
    /// Compares two sets of results, each with a name for where it came from.
    ///
    /// # Errors
    ///
    /// What does not belong together, by name.
    pub fn of(
        base: &[(String, RunResult)],
        new: &[(String, RunResult)],
        limits: &Limits,
    ) -> Result<Self, Mismatch> {
        let (pairs, notes) = group::pairs(base, new)?;
        let mut series = Vec::new();
        let mut groups = Vec::new();
        for (number, (base, new)) in pairs.iter().enumerate() {
            groups.push(compared(base, new));
            series.extend(
                metric::series(base, new)
                    .into_iter()
                    .map(|one| (number, one)),
            );
        }
        let tests: Vec<&Series> = series.iter().map(|(_, series)| series).collect();
        let rows = rows(&tests, limits);
        for ((number, _), row) in series.iter().zip(rows) {
            groups[*number].metrics.push(row);
        }
        Ok(Self {
            groups,
            notes,
            runs_needed: rank::runs_needed(ALARM / series.len().max(1) as f64),
        })
    }

    /// Every regression, with its group.
    pub fn regressions(&self) -> impl Iterator<Item = (&Compared, &Row)> {
        let rows = self.groups.iter().flat_map(|group| {
            let metrics = group.metrics.iter();
            metrics.map(move |row| (group, row))
        });
        rows.filter(|(_, row)| row.verdict == Verdict::Regression)
    }

    /// Whether no metric had enough runs.
    pub fn says_nothing(&self) -> bool {
        let mut rows = self.groups.iter().flat_map(|group| &group.metrics);
        rows.all(|row| row.verdict == Verdict::TooFewRuns)
    }
}

fn compared(base: &Group<'_>, new: &Group<'_>) -> Compared {
    Compared {
        workload: new.first().workload.name.clone(),
        heap: new.first().subject(),
        runs_base: base.results.len(),
        runs_new: new.results.len(),
        metrics: Vec::new(),
        reproduce: new.first().reproduce.clone(),
    }
}

/// Judges metrics together: each pays for the others.
fn rows(series: &[&Series], limits: &Limits) -> Vec<Row> {
    // What nobody set a limit for raises no alarm, but is told to be better or worse all the same.
    let beyond: Vec<f64> = series
        .iter()
        .map(|one| limits.of(one.family).map_or(1.0, |limit| one.worse(limit)))
        .collect();
    let worse: Vec<f64> = series.iter().map(|one| one.worse(0.0)).collect();
    let better: Vec<f64> = series.iter().map(|one| one.better()).collect();
    let [beyond, worse, better] = [beyond, worse, better].map(|all| rank::holm(&all));
    let least = ALARM / series.len().max(1) as f64;
    (0..series.len())
        .map(|at| {
            let (one, limit) = (series[at], limits.of(series[at].family));
            let Ratio { ratio, interval } = one.ratio();
            let is_beyond = |share| interval.is_some_and(|around| one.is_beyond(around, share));
            let verdict = if one.least() > least {
                Verdict::TooFewRuns
            } else if beyond[at] <= ALARM && limit.is_some_and(is_beyond) {
                Verdict::Regression
            } else if worse[at] <= ALARM {
                Verdict::Worse
            } else if better[at] <= ALARM {
                Verdict::Better
            } else {
                Verdict::NoDifference
            };
            Row {
                metric: one.name.clone(),
                family: one.family,
                better: one.better,
                base: ratio::median(&one.base),
                new: ratio::median(&one.new),
                ratio,
                interval,
                limit,
                probability: limit.map(|_| beyond[at]),
                verdict,
            }
        })
        .collect()
}
