//! How a soak stands, one format a file: lines of text, the view of a terminal, the table of its end, a
//! page for a browser, and metrics for Prometheus.
//!
//! All are pure functions: of a [`Snapshot`] alone, or of that and what those who watch know besides
//! ([`Watched`]).

mod charts;
mod exposition;
mod html;
mod lines;
mod live;
mod metrics;
#[cfg(test)]
mod sample;
mod sparkline;
mod table;

pub use html::{REFRESH_S, html};
pub use lines::{failure, head, line};
pub use live::live;
pub use metrics::metrics;
pub use table::page;

use std::time::Duration;

use super::lane_row::LaneRow;
use crate::result::subject;
use crate::soak::trend::Slope;
use crate::soak::{Aging, Lane, LaneStanding, Lately, Record, Snapshot};

/// A soak under way, as those see it who watch.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// How it stands.
    pub now: &'a Snapshot<'a>,
    /// Its last minute.
    pub lately: &'a Lately,
    /// How its heaps age, by heap and fault.
    pub ages: &'a [Age],
    /// What failed last, oldest first.
    pub failures: &'a [Failed],
    /// What it is at.
    pub phase: Phase,
}

/// What a soak is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Rounds follow each other.
    Rounds,
    /// It was told to end, and brings the round under way to its end.
    Ending,
    /// It is over.
    Over,
}

/// How a heap ages.
#[derive(Debug, Clone, PartialEq)]
pub struct Age {
    /// Its name.
    pub heap: String,
    /// The fault that is planted in it, if any.
    pub fault: Option<String>,
    /// How it ages.
    pub aging: Aging,
}

/// How all heaps of a soak age. It takes a while where rounds are many.
pub fn ages(now: &Snapshot<'_>) -> Vec<Age> {
    let aging = now.standing.aging(&now.header.lanes).into_iter();
    let age = |((heap, fault), aging): ((&str, Option<&str>), Aging)| Age {
        heap: heap.to_owned(),
        fault: fault.map(str::to_owned),
        aging,
    };
    aging.map(age).collect()
}

/// A round that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its number.
    pub round: u64,
    /// The workload, and the heap with its fault.
    pub lane: String,
    /// What it came to, in a word.
    pub came: &'static str,
    /// How.
    pub how: String,
    /// A line that does it again.
    pub reproduce: String,
}

impl Failed {
    /// In short.
    pub fn of(record: &Record, lane: &Lane) -> Self {
        Self {
            round: record.round,
            lane: name(lane),
            came: record.came.name(),
            how: lines::how(record),
            reproduce: record.reproduce.clone(),
        }
    }
}

/// What a lane is called.
fn name(lane: &Lane) -> String {
    let subject = subject(&lane.heap, lane.fault.as_deref());
    format!("{} on {subject}", lane.workload)
}

/// How a lane stands.
fn row(lane: &Lane, stands: &LaneStanding) -> LaneRow {
    LaneRow {
        name: name(lane),
        rounds: stands.rounds,
        held: stands.held,
        vacuous: stands.vacuous,
        failures: stands.failures,
        throughput: stands.throughput(),
        p99_9_ns_max: stands.p99_9_ns_max,
        rss_bytes_peak: stands.rss_bytes_peak,
    }
}

/// A change from round to round and the two ends of its interval, of shares.
fn percents(slope: Slope) -> [String; 3] {
    [slope.per_unit, slope.low, slope.high].map(|share| {
        let text = format!("{:+.3} %", share * 100.0);
        match text.as_str() {
            "+0.000 %" | "-0.000 %" => "0.000 %".to_owned(),
            _ => text,
        }
    })
}

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// It has not said anything.
    Starting,
    /// So long, in milliseconds.
    Running(u64),
    /// Its time is over.
    Judging,
}

impl Stage {
    fn of(now: &Snapshot<'_>) -> Option<Self> {
        let (_, beat) = now.current?;
        Some(match beat {
            None => Self::Starting,
            Some(beat) if beat.elapsed_ms >= now.header.round_ms => Self::Judging,
            Some(beat) => Self::Running(beat.elapsed_ms),
        })
    }
}

/// Operations of rounds that are over and of the one under way.
fn ops(now: &Snapshot<'_>) -> u64 {
    let over: u64 = now.standing.lanes.iter().map(|lane| lane.ops).sum();
    let under_way = now.current.and_then(|(_, beat)| beat);
    over + under_way.map_or(0, |beat| beat.ops)
}

/// How long, to the second: something that is read while it changes keeps its form.
fn whole(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// Milliseconds, to the tenth of a second.
fn tenths(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms / 100 % 10)
}
