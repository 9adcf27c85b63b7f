//! The metrics of a group, and the value of each in every run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::group::Runs;
use super::rank;
use super::ratio::Ratio;
use crate::evidence::Latency;
use crate::result::RunResult;

/// The grain of times, in readings or steps of the clock, whichever is larger: each time includes
/// one reading, and may be rounded by a step up or down.
const CLOCK_STEPS: f64 = 2.0;
/// The grain of resident memory: the size of the allocator's arenas, whose number depends on the
/// order in which threads start.
const BYTES_GRAIN: f64 = 4.0 * 1024.0 * 1024.0;
/// The grain of counts of objects, which are allocated and freed in batches of some hundred.
const OBJECTS_GRAIN: f64 = 1000.0;
/// The grain of total pauses, in nanoseconds a second: a thousandth of the time.
const PAUSE_GRAIN: f64 = 1e6;

/// A family of metrics that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Operations a second.
    Throughput,
    /// The median time of an operation.
    P50,
    /// The 99th percentile of an operation's time.
    P99,
    /// The 99.9th percentile.
    #[serde(rename = "p99.9")]
    P99_9,
    /// How long the heap holds threads up.
    Pause,
    /// Resident memory and numbers of objects.
    Memory,
}

impl Family {
    /// Whether it is of times of single operations, which are as precise as the clock.
    pub(super) fn is_of_times(self) -> bool {
        matches!(self, Self::P50 | Self::P99 | Self::P99_9)
    }

    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Throughput,
        Self::P50,
        Self::P99,
        Self::P99_9,
        Self::Pause,
        Self::Memory,
    ];

    /// The name in `--max-regression`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::P99_9 => "p99.9",
            Self::Pause => "pause",
            Self::Memory => "memory",
        }
    }
}

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// One metric of both sides, with a value for each run.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) family: Family,
    pub(super) better: Better,
    /// Smaller differences than this do not count.
    pub(super) grain: f64,
    pub(super) base: Vec<f64>,
    pub(super) new: Vec<f64>,
}

impl Series {
    /// The p-value of the hypothesis that the new values are worse by no more than this share.
    pub(super) fn worse(&self, limit: f64) -> f64 {
        let allowed = |value: &f64| match self.better {
            Better::Lower => value * (1.0 + limit) + self.grain,
            Better::Higher => value * (1.0 - limit) - self.grain,
        };
        let allowed: Vec<f64> = self.base.iter().map(allowed).collect();
        match self.better {
            Better::Lower => rank::larger(&allowed, &self.new),
            Better::Higher => rank::larger(&self.new, &allowed),
        }
    }

    /// The p-value of the hypothesis that the new values are not better.
    pub(super) fn better(&self) -> f64 {
        let turned = Self {
            base: self.new.clone(),
            new: self.base.clone(),
            ..self.clone()
        };
        turned.worse(0.0)
    }

    /// The same metric, of which every difference counts.
    pub(super) fn without_grain(&self) -> Self {
        Self {
            grain: 0.0,
            ..self.clone()
        }
    }

    /// The smallest p-value that is possible with so many values.
    pub(super) fn least(&self) -> f64 {
        rank::least(self.base.len(), self.new.len())
    }

    pub(super) fn ratio(&self) -> Ratio {
        Ratio::of(&self.base, &self.new, self.grain)
    }

    /// Whether the whole interval is worse by more than this share.
    pub(super) fn is_beyond(&self, (low, high): (f64, f64), limit: f64) -> bool {
        match self.better {
            Better::Lower => low > 1.0 + limit,
            Better::Higher => high < 1.0 - limit,
        }
    }
}

/// The value of a metric in one run.
struct Value {
    family: Family,
    grain: f64,
    value: f64,
}

/// The metrics that all runs of both sides have. A percentile is left out if some run has too few
/// samples for it.
pub(super) fn series(base: &Runs<'_>, new: &Runs<'_>) -> Vec<Series> {
    let [base, new] = [base, new].map(|group| {
        let runs = group.results.iter().map(|(_, result)| values(result));
        runs.collect::<Vec<_>>()
    });
    let Some(first) = base.first() else {
        return Vec::new();
    };
    let column = |runs: &[Vec<(String, Value)>], name: &str| -> Option<Vec<f64>> {
        let value = |run: &Vec<(String, Value)>| {
            let found = run.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.value)
        };
        runs.iter().map(value).collect()
    };
    first
        .iter()
        .filter_map(|(name, value)| {
            Some(Series {
                name: name.clone(),
                family: value.family,
                better: match value.family {
                    Family::Throughput => Better::Higher,
                    _ => Better::Lower,
                },
                grain: value.grain,
                base: column(&base, name)?,
                new: column(&new, name)?,
            })
        })
        .collect()
}

fn values(result: &RunResult) -> Vec<(String, Value)> {
    let mut values = Vec::new();
    let mut put = |name: String, family, grain, value| {
        values.push((
            name,
            Value {
                family,
                grain,
                value,
            },
        ));
    };
    let seconds = (result.elapsed_ns as f64 / 1e9).max(1e-9);
    let ops = result.evidence.ops_since_start();
    put(
        "throughput".to_owned(),
        Family::Throughput,
        0.0,
        ops as f64 / seconds,
    );
    let clock = &result.evidence.clock;
    let step = CLOCK_STEPS * clock.cost_ns.max(clock.precision_ns as f64);
    let mut times = |name: &str, latency: &Latency| {
        let quantiles = [
            (Family::P50, 0.5),
            (Family::P99, 0.99),
            (Family::P99_9, 0.999),
        ];
        for (family, at) in quantiles {
            if let Some(nanos) = latency.quantile(at) {
                put(
                    format!("{name} {}", family.name()),
                    family,
                    step,
                    nanos as f64,
                );
            }
        }
    };
    for (name, op) in &result.ops {
        if let Some(service) = &op.service {
            times(name, service);
        }
        if let Some(response) = &op.response {
            times(&format!("{name} response"), response);
        }
    }
    pauses(&result.pauses, seconds, &mut put);
    let counters = [
        ("rss_bytes_peak", BYTES_GRAIN),
        ("live_peak", OBJECTS_GRAIN),
        ("unreclaimed_peak", OBJECTS_GRAIN),
    ];
    for (name, grain) in counters {
        if let Some(&value) = result.counters.get(name) {
            put(name.to_owned(), Family::Memory, grain, value as f64);
        }
    }
    values
}

fn pauses(
    pauses: &BTreeMap<String, Latency>,
    seconds: f64,
    put: &mut impl FnMut(String, Family, f64, f64),
) {
    for (cause, latency) in pauses {
        let total = latency.total_ns() as f64 / seconds;
        put(format!("{cause} total"), Family::Pause, PAUSE_GRAIN, total);
        if let Some(nanos) = latency.quantile(0.99) {
            put(format!("{cause} p99"), Family::Pause, 0.0, nanos as f64);
        }
    }
}
