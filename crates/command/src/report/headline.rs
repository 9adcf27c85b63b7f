//! The figures that every report shows first: throughput, percentiles, maxima and memory.

use super::Member;
use crate::evidence::Latency;
use crate::result::RunResult;
use crate::result::figures;

/// One figure of a result.
#[derive(Debug, Clone, Copy)]
pub struct Headline {
    /// What it is called.
    pub name: &'static str,
    /// The figure, in operations a second, nanoseconds, objects or bytes; `None` where it was not
    /// measured, or where too few samples support it.
    pub of: fn(&RunResult) -> Option<f64>,
    /// How it is written.
    pub show: fn(f64) -> String,
}

/// In the order in which reports show them.
pub const HEADLINES: [Headline; 9] = [
    Headline {
        name: "operations",
        of: |result| {
            let rates = result.ops.values().map(|op| op.per_second);
            // A run whose process was lost has none.
            rates.reduce(|sum, rate| sum + rate)
        },
        show: figures::rate,
    },
    Headline {
        name: "p50",
        of: |result| quantile(result, 0.5),
        show: figures::time,
    },
    Headline {
        name: "p99",
        of: |result| quantile(result, 0.99),
        show: figures::time,
    },
    Headline {
        name: "p99.9",
        of: |result| quantile(result, 0.999),
        show: figures::time,
    },
    Headline {
        name: "longest operation",
        of: |result| longest(std::iter::once(&latencies(result))),
        show: figures::time,
    },
    Headline {
        name: "longest pause",
        of: |result| longest(result.pauses.values()),
        show: figures::time,
    },
    Headline {
        name: "live peak",
        of: |result| counter(result, "live_peak"),
        show: figures::short,
    },
    Headline {
        name: "unreclaimed peak",
        of: |result| counter(result, "unreclaimed_peak"),
        show: figures::short,
    },
    Headline {
        name: "resident peak",
        of: |result| counter(result, "rss_bytes_peak").filter(|bytes| *bytes > 0.0),
        show: figures::memory,
    },
];

/// All operations of a result together: response times if there are any, as a client would see
/// them, and service times otherwise.
pub fn latencies(result: &RunResult) -> Latency {
    let mut all = Latency::default();
    let has_responses = has_responses(result);
    for op in result.ops.values() {
        let of = if has_responses {
            &op.response
        } else {
            &op.service
        };
        if let Some(latency) = of {
            all.add(latency);
        }
    }
    all
}

/// Whether [`latencies`] are response times.
pub fn has_responses(result: &RunResult) -> bool {
    result.ops.values().any(|op| op.response.is_some())
}

/// `figure` as a multiple of the first member's: `×1.85`.
pub fn ratio(figure: Option<f64>, first: Option<f64>) -> Option<String> {
    let (figure, first) = (figure?, first.filter(|first| *first > 0.0)?);
    let ratio = figure / first;
    Some(match ratio {
        ..0.000_5 => "×<0.001".to_owned(),
        ..0.1 => format!("×{ratio:.3}"),
        ..9.995 => format!("×{ratio:.2}"),
        ..99.95 => format!("×{ratio:.1}"),
        _ => format!("×{}", figures::short(ratio)),
    })
}

/// One figure of every member, each with its ratio to the first.
pub fn row(headline: &Headline, members: &[Member<'_>]) -> Vec<(Option<String>, Option<String>)> {
    let figures: Vec<Option<f64>> = members.iter().map(|m| (headline.of)(m.result)).collect();
    let first = figures.first().copied().flatten();
    let cells = figures.iter().enumerate().map(|(number, figure)| {
        let ratio = (number > 0).then(|| ratio(*figure, first)).flatten();
        (figure.map(headline.show), ratio)
    });
    cells.collect()
}

fn quantile(result: &RunResult, quantile: f64) -> Option<f64> {
    latencies(result)
        .quantile(quantile)
        .map(|nanos| nanos as f64)
}

fn longest<'a>(latencies: impl Iterator<Item = &'a Latency>) -> Option<f64> {
    let timed = latencies.filter(|latency| latency.count() > 0);
    timed.map(|latency| latency.max() as f64).reduce(f64::max)
}

fn counter(result: &RunResult, name: &str) -> Option<f64> {
    result.counters.get(name).map(|value| *value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: ratios keep three digits at any size, and there is none to nothing.
    #[test]
    fn ratios_read_well() {
        let cases = [
            (Some(1.0), Some(2.0), Some("×0.50")),
            (Some(1.0), Some(50.0), Some("×0.020")),
            (Some(1.0), Some(1e6), Some("×<0.001")),
            (Some(123.4), Some(1.0), Some("×123")),
            (Some(4e6), Some(1.0), Some("×4 M")),
            (Some(1.0), Some(0.0), None),
            (None, Some(1.0), None),
        ];
        for (figure, first, text) in cases {
            assert_eq!(ratio(figure, first).as_deref(), text);
        }
    }
}
