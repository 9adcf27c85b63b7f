//! The figures that every report shows first: throughput, percentiles, maxima and memory.

use super::Member;
use crate::evidence::{Ended, Latency};
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

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
    /// What is better.
    pub wanted: Wanted,
}

/// Which of two figures is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The greater one.
    More,
    /// The smaller one.
    Less,
    /// Neither: it depends on how fast the heap was.
    Neither,
}

/// A figure beside that of another result.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// The figure; `None` if it is not known.
    pub figure: Option<String>,
    /// As a multiple of the first that held, if both runs held.
    pub ratio: Option<String>,
    /// `better` or `worse`, if it differs from that by a tenth or more.
    pub word: Option<&'static str>,
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
        wanted: Wanted::More,
    },
    Headline {
        name: "p50",
        of: |result| quantile(result, 0.5),
        show: figures::time,
        wanted: Wanted::Less,
    },
    Headline {
        name: "p99",
        of: |result| quantile(result, 0.99),
        show: figures::time,
        wanted: Wanted::Less,
    },
    Headline {
        name: "p99.9",
        of: |result| quantile(result, 0.999),
        show: figures::time,
        wanted: Wanted::Less,
    },
    Headline {
        name: "longest operation",
        of: |result| longest(std::iter::once(&latencies(result))),
        show: figures::time,
        wanted: Wanted::Less,
    },
    Headline {
        name: "longest pause",
        of: |result| longest(result.pauses.values()),
        show: figures::time,
        wanted: Wanted::Less,
    },
    Headline {
        name: "live peak",
        // A heap that was asked for an object has had one alive: 0 is that nobody counted.
        of: |result| counter(result, "live_peak").filter(|peak| *peak > 0.0),
        show: figures::short,
        wanted: Wanted::Neither,
    },
    Headline {
        name: "unreclaimed peak",
        of: |result| counter(result, "unreclaimed_peak"),
        show: figures::short,
        wanted: Wanted::Less,
    },
    Headline {
        name: "resident peak",
        of: |result| counter(result, "rss_bytes_peak").filter(|bytes| *bytes > 0.0),
        show: figures::memory,
        wanted: Wanted::Less,
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

/// How far a figure must lie from another before it is called better or worse. Single runs differ
/// by less than this from one to the next; `compare` judges several.
const REMARKABLE: f64 = 1.1;

/// One figure of every member, each beside that of the first whose run held. A run that did not
/// hold did something else, and has no ratio.
pub fn row(headline: &Headline, members: &[Member<'_>]) -> Vec<Beside> {
    let figure = |member: &Member<'_>| (headline.of)(member.result);
    let base = base(members);
    let first = base.and_then(figure);
    let cells = members.iter().map(|member| {
        let own = figure(member);
        let is_measured = base.is_some_and(|base| base.number != member.number)
            && member.result.verdict == Outcome::Held;
        let (own_held, first) = (own.filter(|_| is_measured), first.filter(|_| is_measured));
        Beside {
            figure: own.map(headline.show),
            ratio: ratio(own_held, first),
            word: own_held
                .zip(first)
                .and_then(|(own, first)| headline.wanted.word(own, first)),
        }
    });
    cells.collect()
}

/// The member with which others are compared: the first whose run held.
pub fn base<'m, 'a>(members: &'m [Member<'a>]) -> Option<&'m Member<'a>> {
    let mut members = members.iter();
    members.find(|member| member.result.verdict == Outcome::Held)
}

impl Wanted {
    fn word(self, own: f64, first: f64) -> Option<&'static str> {
        let (more, less) = match self {
            Self::More => ("better", "worse"),
            Self::Less => ("worse", "better"),
            Self::Neither => return None,
        };
        match own / first {
            _ if first <= 0.0 => None,
            REMARKABLE.. => Some(more),
            ratio if ratio <= 1.0 / REMARKABLE => Some(less),
            _ => None,
        }
    }
}

/// Says so if a run ended before it had done what it was asked to do.
pub fn cut_short(result: &RunResult) -> Option<String> {
    let evidence = &result.evidence;
    if evidence.ended == Ended::Done {
        return None;
    }
    let heard = evidence.heard.map_or(0, |heard| heard.elapsed_ns);
    Some(match result.elapsed_ns.max(heard) {
        0 => "cut short".to_owned(),
        elapsed_ns => format!("cut short after {}", figures::span(elapsed_ns)),
    })
}

/// How often a second a kind of operation was done, its 99th percentile, which is where heaps begin
/// to differ, and the longest.
pub fn operation(result: &RunResult, name: &str) -> Option<String> {
    let op = result.ops.get(name)?;
    let latency = op.response.as_ref().or(op.service.as_ref());
    let timed = latency.filter(|latency| latency.count() > 0);
    let p99 = timed.and_then(|latency| latency.quantile(0.99));
    let longest = timed.map(Latency::max);
    let or_none = |nanos: Option<u64>| nanos.map_or(NONE.to_owned(), figures::nanos);
    let [p99, longest] = [p99, longest].map(or_none);
    Some(format!(
        "{}, {p99}, {longest}",
        figures::rate(op.per_second)
    ))
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
