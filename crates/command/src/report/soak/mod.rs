//! The state of a soak, one format a file: log lines, a live view for terminals, the final table, a
//! page for browsers, and metrics for Prometheus.
//!
//! All are pure functions of a [`Snapshot`], or of a [`Watched`], which adds what is kept while
//! watching.

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
use crate::result::{figures, subject};
use crate::soak::trend::Slope;
use crate::soak::{Aging, Header, Lane, LaneStanding, Lately, Record, Snapshot, Standing};

/// A soak under way, with what is kept while watching it.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Its state.
    pub now: &'a Snapshot<'a>,
    /// Its last minute.
    pub lately: &'a Lately,
    /// How its heaps change with age, by heap and fault.
    pub ages: &'a [Age],
    /// The latest failures, oldest first.
    pub failures: &'a [Failed],
    /// Its phase.
    pub phase: Phase,
    /// Of a soak as its journal tells it: how much time went by from its first round to its last in
    /// which there was none. `elapsed` is then that of all rounds, and else that of this session.
    pub between: Option<Duration>,
}

/// The phase of a soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Rounds are run.
    Rounds,
    /// It was interrupted, and finishes the round under way.
    Ending,
    /// It is over.
    Over,
}

/// How a heap changes with age.
#[derive(Debug, Clone, PartialEq)]
pub struct Age {
    /// Its name.
    pub heap: String,
    /// The fault that is planted in it, if any.
    pub fault: Option<String>,
    /// The changes.
    pub aging: Aging,
}

/// How all heaps of a soak age. This takes a while if there are many rounds.
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
    /// Its outcome, in a word.
    pub came: &'static str,
    /// How it failed.
    pub how: String,
    /// A command that repeats it.
    pub reproduce: String,
}

impl Failed {
    /// The failure in short.
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

/// How many rounds there were, and what came of them.
fn outcome(standing: &Standing) -> String {
    let mut told = figures::several(standing.rounds, "round", "rounds");
    let amiss = [
        (standing.failures, "failed"),
        (standing.vacuous(), "vacuous"),
    ];
    if amiss.iter().all(|(count, _)| *count == 0) {
        return told + ", none failed";
    }
    for (count, what) in amiss.iter().filter(|(count, _)| *count > 0) {
        told += &format!(", {} {what}", figures::count(*count));
    }
    told
}

/// The name of a lane.
fn name(lane: &Lane) -> String {
    let subject = subject(&lane.heap, lane.fault.as_deref());
    format!("{} on {subject}", lane.workload)
}

/// The names of the lanes that had no round.
fn idle(header: &Header, standing: &Standing) -> Vec<String> {
    let lanes = std::iter::zip(&header.lanes, &standing.lanes);
    let idle = lanes.filter(|(_, stands)| stands.rounds == 0);
    idle.map(|(lane, _)| name(lane)).collect()
}

/// The row of a lane.
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

/// A relative change from round to round and the ends of its interval, as percentages.
fn percents(slope: Slope) -> [String; 3] {
    [slope.per_unit, slope.low, slope.high].map(|share| {
        let text = format!("{:+.3} %", share * 100.0);
        match text.as_str() {
            "+0.000 %" | "-0.000 %" => "0.000 %".to_owned(),
            _ => text,
        }
    })
}

/// How far a round has come.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// It has not reported anything.
    Starting,
    /// It has run for so many milliseconds.
    Running(u64),
    /// Its mutators are done, and it is being judged.
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

/// Operations of finished rounds and of the one under way.
fn ops(now: &Snapshot<'_>) -> u64 {
    let under_way = now.current.and_then(|(_, beat)| beat);
    let ops = under_way.map_or(0, |beat| beat.ops);
    now.standing.ops().saturating_add(ops)
}

/// A time to the second, in a form that keeps its width while it counts.
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
