//! The figures that every report shows first: throughput, percentiles, maxima and memory.

use crate::evidence::{Ended, Latency};
use crate::result::RunResult;
use crate::result::figures::{self, NONE};

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
    /// What it is a measure of.
    pub about: About,
}

/// What a figure is a measure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// How fast a heap is. Of a broken heap no report shows it beside others.
    Speed,
    /// How much there was.
    Size,
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

/// The longest time that an operation took.
pub const LONGEST: &str = "longest operation";
/// The longest time from when an operation was due until it was done, under a rate.
pub const LONGEST_RESPONSE: &str = "longest response";

/// In the order in which reports show them. Response times are those of runs at a given rate.
pub const HEADLINES: [Headline; 12] = [
    Headline {
        name: "operations",
        of: |result| {
            let rates = result.ops.values().map(|op| op.per_second);
            // A run whose process was lost has none.
            rates.reduce(|sum, rate| sum + rate)
        },
        show: figures::rate,
        wanted: Wanted::More,
        about: About::Speed,
    },
    Headline {
        name: "p50",
        of: |result| quantile(&services(result), 0.5),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: "p99",
        of: |result| quantile(&services(result), 0.99),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: "p99.9",
        of: |result| quantile(&services(result), 0.999),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: LONGEST,
        of: |result| longest(std::iter::once(&services(result))),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: "response p99",
        of: |result| quantile(&responses(result), 0.99),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: "response p99.9",
        of: |result| quantile(&responses(result), 0.999),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: LONGEST_RESPONSE,
        of: |result| longest(std::iter::once(&responses(result))),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: "longest pause",
        of: |result| longest(result.pauses.values()),
        show: figures::time,
        wanted: Wanted::Less,
        about: About::Speed,
    },
    Headline {
        name: "live peak",
        // A heap that was asked for an object has had one alive: 0 is that nobody counted.
        of: |result| counter(result, "live_peak").filter(|peak| *peak > 0.0),
        show: figures::short,
        wanted: Wanted::Neither,
        about: About::Size,
    },
    Headline {
        name: "unreclaimed peak",
        of: |result| counter(result, "unreclaimed_peak"),
        show: figures::short,
        wanted: Wanted::Less,
        about: About::Size,
    },
    Headline {
        name: "resident peak",
        of: |result| counter(result, "rss_bytes_peak").filter(|bytes| *bytes > 0.0),
        show: figures::memory,
        wanted: Wanted::Less,
        about: About::Size,
    },
];

/// All operations of a result together: response times if there are any, as a client would see
/// them, and service times otherwise.
pub fn latencies(result: &RunResult) -> Latency {
    match has_responses(result) {
        true => responses(result),
        false => services(result),
    }
}

fn services(result: &RunResult) -> Latency {
    sum(result.ops.values().filter_map(|op| op.service.as_ref()))
}

fn responses(result: &RunResult) -> Latency {
    sum(result.ops.values().filter_map(|op| op.response.as_ref()))
}

fn sum<'a>(latencies: impl Iterator<Item = &'a Latency>) -> Latency {
    let mut all = Latency::default();
    latencies.for_each(|latency| all.add(latency));
    all
}

/// What [`operation`] says of each kind.
pub fn of_operations<'a>(mut results: impl Iterator<Item = &'a RunResult>) -> &'static str {
    match results.any(has_responses) {
        false => "a second, p99, longest",
        true => "a second, p99, longest; at a rate, of response times",
    }
}

/// Whether [`latencies`] are response times.
pub fn has_responses(result: &RunResult) -> bool {
    result.ops.values().any(|op| op.response.is_some())
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
/// to differ, and the longest; `None` of a run that is broken.
pub fn operation(result: &RunResult, name: &str) -> Option<String> {
    let op = (result.ops.get(name)).filter(|_| !result.verdict.is_broken())?;
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

fn quantile(latency: &Latency, quantile: f64) -> Option<f64> {
    latency.quantile(quantile).map(|nanos| nanos as f64)
}

fn longest<'a>(latencies: impl Iterator<Item = &'a Latency>) -> Option<f64> {
    let timed = latencies.filter(|latency| latency.count() > 0);
    timed.map(|latency| latency.max() as f64).reduce(f64::max)
}

fn counter(result: &RunResult, name: &str) -> Option<f64> {
    result.counters.get(name).map(|value| *value as f64)
}
