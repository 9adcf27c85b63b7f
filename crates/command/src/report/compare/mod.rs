//! Compares two sets of results: is the new one worse?
//!
//! Runs of the same workload, heap and parameters that differ only in their seeds are one *group*,
//! and a group of the base is compared with its counterpart, metric by metric. Runs that do not
//! belong together are refused by name ([`Mismatch`]).
//!
//! After a false alarm nobody looks at the next one. Three things cause false alarms, and each is
//! dealt with here.
//!
//! *Noise of any distribution.* Run times have heavy tails and are often bimodal. The centre of a
//! group is its median, the interval that is shown is a bootstrap of the ratio of medians, and the
//! decision is an exact rank test (`rank`) that assumes no distribution: how likely is it that the
//! new runs rank so high above the base's, after those were made worse by what is allowed? A
//! bootstrap alone would not do: with five runs its intervals are too narrow, and never wider than
//! the range of the runs.
//!
//! *Many metrics, one alarm.* Some thirty metrics a group, each tested at one in twenty, raise an
//! alarm in most comparisons of a program with itself. By Holm's procedure ("A simple sequentially
//! rejective multiple test procedure", 1979) the whole comparison raises a false one at most once
//! in a hundred times ([`ALARM`]). The price is that a few runs cannot show anything so surely,
//! whatever they measured. Then the verdict is [`Change::TooFewRuns`], and the comparison says how
//! many it takes.
//!
//! *Coarse figures.* With a clock that ticks in tens of nanoseconds 20 may become 30 although
//! nothing has changed, and a heap that kept three objects may keep seven. Each metric has a
//! *grain*; smaller differences do not count. Where one is shown all the same, the verdict says so
//! ([`Change::BelowGrain`]).
//!
//! A regression is reported only if the test rejects and the whole interval lies beyond what is
//! allowed. The test assumes that the order of the runs does not matter. A machine that is slower
//! in the second half of the measurement breaks this assumption, so runs of both sides should take
//! turns.
//!
//! The longest time of an operation is not compared: it is a single event, and grows with the
//! number of events.

mod group;
mod libraries;
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
pub(in crate::report) use markdown::capital;
pub use markdown::markdown;
pub use metric::{Better, Family};
pub use table::table;

use crate::median::median;
use crate::result::RunResult;
use group::Runs;
use metric::Series;
use ratio::Ratio;

/// Why an interval may leave 1 out where no difference is shown.
const WIDER: &str = "an interval is that of one metric by itself; the verdict allows for all that were looked at, \
                     so an interval may leave 1 out where no difference is shown";

/// The probability of a false alarm, for all metrics of a comparison together. One in a hundred
/// leaves room for influences that the test cannot account for.
pub const ALARM: f64 = 0.01;
/// The fewest runs of each side that the advice asks for. Eight can show a change in up to 128
/// metrics; seven could do so in only 34, and one workload may have more.
const RUNS_MIN: usize = 8;

/// The comparison of two sets of results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// One for each workload, heap and parameters.
    pub groups: Vec<Compared>,
    /// Notes for the reader, such as that the machines differ.
    pub notes: Vec<String>,
    /// How many runs of each side it takes to show a change in so many metrics.
    pub runs_needed: usize,
}

/// One group: a workload on a heap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The workload's name.
    pub workload: String,
    /// The heap, and the fault planted in it.
    pub heap: String,
    /// The number of runs of the base.
    pub runs_base: usize,
    /// The number of new runs.
    pub runs_new: usize,
    /// Each metric that all runs of both sides have.
    pub metrics: Vec<MetricRow>,
    /// A command that repeats the first of the new runs.
    pub reproduce: String,
}

/// One metric of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRow {
    /// Its name: `throughput`, `append p99`, `gil_wait total`, `rss_bytes_peak`.
    pub metric: String,
    /// Its family, by which limits are set.
    pub family: Family,
    /// Whether more or less is better.
    pub better: Better,
    /// The median of the base: operations a second, nanoseconds, nanoseconds a second, bytes,
    /// objects.
    pub base: f64,
    /// The median of the new runs.
    pub new: f64,
    /// The new median divided by that of the base; `None` if the base is 0.
    pub ratio: Option<f64>,
    /// The 95 % confidence interval of the ratio; `None` with fewer than three runs of either side.
    pub interval: Option<(f64, f64)>,
    /// How much worse it may get, as a share; `None` if it is not judged.
    pub limit: Option<f64>,
    /// Smaller differences of single runs do not count: the coarseness of the clock, or of what is
    /// counted.
    pub grain: f64,
    /// The p-value of the hypothesis that it is no worse than allowed, adjusted for the number of
    /// metrics.
    pub probability: Option<f64>,
    /// The conclusion.
    pub verdict: Change,
}

/// What the runs show of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Worse, by more than is allowed.
    Regression,
    /// Worse, but not shown to be so by more than is allowed.
    Worse,
    /// Better.
    Better,
    /// A difference is shown, and it is smaller than what counts: than the clock can tell, or a
    /// few objects.
    BelowGrain,
    /// The noise is larger than the difference.
    NoDifference,
    /// There are too few runs to show a change, whatever they measured.
    TooFewRuns,
}

impl Change {
    /// The text in reports.
    fn text(self, family: Family) -> &'static str {
        match self {
            Self::Regression => "REGRESSION",
            Self::Worse => "worse, perhaps within the limit",
            Self::Better => "better",
            Self::BelowGrain if family.is_of_times() => "less than the clock can tell",
            Self::BelowGrain => "too small to count",
            Self::NoDifference => "no difference shown",
            Self::TooFewRuns => "not enough runs",
        }
    }
}

impl MetricRow {
    /// The verdict in reports.
    pub fn text(&self) -> &'static str {
        self.verdict.text(self.family)
    }
}

impl Comparison {
    /// Compares two sets of results, each given with the name of the file that it came from.
    ///
    /// # Errors
    ///
    /// Runs that do not belong together; the first difference is named.
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
            runs_needed: rank::runs_needed(ALARM / series.len().max(1) as f64).max(RUNS_MIN),
        })
    }

    /// Every regression, with its group.
    pub fn regressions(&self) -> impl Iterator<Item = (&Compared, &MetricRow)> {
        let rows = self.groups.iter().flat_map(|group| {
            let metrics = group.metrics.iter();
            metrics.map(move |row| (group, row))
        });
        rows.filter(|(_, row)| row.verdict == Change::Regression)
    }

    /// Whether some interval leaves 1 out, and yet no difference is shown.
    fn has_wider_verdicts(&self) -> bool {
        let mut rows = self.groups.iter().flat_map(|group| &group.metrics);
        rows.any(|row| {
            let leaves_out = row
                .interval
                .is_some_and(|(low, high)| low > 1.0 || high < 1.0);
            row.verdict == Change::NoDifference && leaves_out
        })
    }

    /// Whether some group has too few runs to show anything.
    pub fn has_too_few_runs(&self) -> bool {
        self.groups.iter().any(Compared::says_nothing)
    }
}

impl Compared {
    /// Whether there are too few runs for each of its metrics.
    pub fn says_nothing(&self) -> bool {
        let mut metrics = self.metrics.iter();
        metrics.all(|row| row.verdict == Change::TooFewRuns)
    }
}

fn compared(base: &Runs<'_>, new: &Runs<'_>) -> Compared {
    Compared {
        workload: new.first().workload.name.clone(),
        heap: new.first().subject(),
        runs_base: base.results.len(),
        runs_new: new.results.len(),
        metrics: Vec::new(),
        reproduce: new.first().reproduce.clone(),
    }
}

/// Judges metrics together, so that p-values are adjusted for their number.
fn rows(series: &[&Series], limits: &Limits) -> Vec<MetricRow> {
    // A metric without a limit raises no alarm, but is still shown as better or worse.
    let beyond: Vec<f64> = series
        .iter()
        .map(|one| limits.of(one.family).map_or(1.0, |limit| one.worse(limit)))
        .collect();
    let worse: Vec<f64> = series.iter().map(|one| one.worse(0.0)).collect();
    let better: Vec<f64> = series.iter().map(|one| one.better()).collect();
    let finer: Vec<Series> = series.iter().map(|one| one.without_grain()).collect();
    let moved = finer.iter().map(|one| one.worse(0.0).min(one.better()));
    // Of two directions.
    let moved: Vec<f64> = moved.map(|p| (2.0 * p).min(1.0)).collect();
    let [beyond, worse, better, moved] = [beyond, worse, better, moved].map(|all| rank::holm(&all));
    let least = ALARM / series.len().max(1) as f64;
    (0..series.len())
        .map(|at| {
            let (one, limit) = (series[at], limits.of(series[at].family));
            let Ratio { ratio, interval } = one.ratio();
            let is_beyond = |share| interval.is_some_and(|around| one.is_beyond(around, share));
            let verdict = if one.least() > least {
                Change::TooFewRuns
            } else if beyond[at] <= ALARM && limit.is_some_and(is_beyond) {
                Change::Regression
            } else if worse[at] <= ALARM {
                Change::Worse
            } else if better[at] <= ALARM {
                Change::Better
            } else if one.grain > 0.0 && moved[at] <= ALARM {
                Change::BelowGrain
            } else {
                Change::NoDifference
            };
            MetricRow {
                metric: one.name.clone(),
                family: one.family,
                better: one.better,
                base: median(&mut one.base.clone()),
                new: median(&mut one.new.clone()),
                ratio,
                interval,
                limit,
                grain: one.grain,
                probability: limit.map(|_| beyond[at]),
                verdict,
            }
        })
        .collect()
}
