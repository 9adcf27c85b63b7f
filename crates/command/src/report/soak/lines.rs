//! The state of a soak as a line a minute, and a line for each round that failed.

use super::whole;
use crate::report::prose::one_line;
use crate::report::style::{FAINT, of_outcome, paint};
use crate::result::{figures, subject};
use crate::soak::{Came, Lane, Record, Snapshot};

/// The columns of the lines: their names and widths, 79 in all.
const LINES: [(&str, usize); 9] = [
    ("session", 11),
    ("rounds", 7),
    ("failed", 7),
    ("vacuous", 8),
    ("ops", 8),
    ("a second", 9),
    ("p99.9", 8),
    ("memory", 9),
    ("left", 12),
];

/// The head of the lines.
pub fn head() -> String {
    let names = LINES.iter().map(|(name, width)| format!("{name:>width$}"));
    let names: String = names.collect();
    format!("{}\n", paint(FAINT, &names))
}

/// The current state.
pub fn line(snapshot: &Snapshot<'_>) -> String {
    let Snapshot {
        standing,
        elapsed,
        left,
        ..
    } = *snapshot;
    let (ops, ran) = (standing.ops(), standing.elapsed_ns());
    let memory = standing.lanes.iter().map(|lane| lane.rss_bytes_peak).max();
    let per_second = (ran > 0).then(|| figures::rate(ops as f64 * 1e9 / ran as f64));
    let cells = [
        whole(elapsed),
        figures::count(standing.rounds),
        figures::count(standing.failures),
        figures::count(standing.vacuous()),
        figures::short(ops as f64),
        per_second.unwrap_or_else(|| figures::NONE.to_owned()),
        standing
            .p99_9_ns_max()
            .map_or_else(|| figures::NONE.to_owned(), figures::nanos),
        figures::bytes(memory.unwrap_or(0)),
        whole(left),
    ];
    let cells = cells.iter().zip(LINES);
    let cells: String = cells
        .map(|(cell, (_, width))| format!("{cell:>width$}"))
        .collect();
    format!("{cells}\n")
}

/// A round that failed, and how.
pub fn failure(record: &Record, lane: &Lane) -> String {
    let how = how(record);
    let verdict = paint(of_outcome(record.came.outcome()), record.came.name());
    let subject = subject(&lane.heap, lane.fault.as_deref());
    let round = figures::count(record.round);
    format!(
        "round {round}: {} on {subject} {verdict}: {}\n",
        one_line(&lane.workload),
        one_line(&how)
    )
}

/// How a round failed, without its name.
pub(super) fn how(record: &Record) -> String {
    let how = match &record.came {
        Came::Judged { .. } if record.found.violated.is_empty() => record.found.note.clone(),
        Came::Judged { .. } => record.found.violated.join(", "),
        Came::Crashed { how } => how.clone(),
        Came::Hung { after_ms } => {
            let after = figures::span(after_ms.saturating_mul(1_000_000));
            format!("it was not over after {after}")
        }
        Came::OutOfMemory { rss_bytes } => {
            format!("it had {} and was killed", figures::bytes(*rss_bytes))
        }
    };
    let Some(seen) = &record.last_seen else {
        return how;
    };
    let after = figures::span(seen.elapsed_ms.saturating_mul(1_000_000));
    let ops = figures::short(seen.ops as f64);
    format!("{how}; last seen after {after}, with {ops} operations done")
}
