//! How a soak stands, as text: a line a minute, what failed, and a table of its lanes at the end.

use std::time::Duration;

use super::columns::{Cell, Columns};
use super::figures;
use super::style::{FAINT, of_outcome, paint};
use super::subject;
use crate::soak::trend::Slope;
use crate::soak::{Came, Header, Lane, Record, Snapshot, Standing};

/// The columns of the lines: their names and widths.
const LINES: [(&str, usize); 8] = [
    ("time", 12),
    ("rounds", 8),
    ("failed", 7),
    ("vacuous", 8),
    ("operations", 11),
    ("a second", 11),
    ("p99.9", 9),
    ("memory", 9),
];

/// What stands above the lines.
pub fn head() -> String {
    let names = LINES.iter().map(|(name, width)| format!("{name:>width$}"));
    let names: String = names.collect();
    format!("{}\n", paint(FAINT, &format!("{names}  left")))
}

/// How it stands now.
pub fn line(snapshot: &Snapshot<'_>) -> String {
    let Snapshot {
        standing,
        elapsed,
        left,
        ..
    } = *snapshot;
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let lanes = &standing.lanes;
    let ops: u64 = lanes.iter().map(|lane| lane.ops).sum();
    let ran: u64 = lanes.iter().map(|lane| lane.elapsed_ns).sum();
    let p99_9 = lanes.iter().filter_map(|lane| lane.p99_9_ns_max).max();
    let memory = lanes.iter().map(|lane| lane.rss_bytes_peak).max();
    let per_second = (ran > 0).then(|| figures::rate(ops as f64 * 1e9 / ran as f64));
    let cells = [
        figures::span(nanos(elapsed)),
        figures::count(standing.rounds),
        figures::count(standing.failures),
        figures::count(standing.vacuous()),
        figures::short(ops as f64),
        per_second.unwrap_or_else(|| figures::NONE.to_owned()),
        p99_9.map_or_else(|| figures::NONE.to_owned(), figures::nanos),
        figures::bytes(memory.unwrap_or(0)),
    ];
    let cells = cells.iter().zip(LINES);
    let cells: String = cells
        .map(|(cell, (_, width))| format!("{cell:>width$}"))
        .collect();
    format!("{cells}  {}\n", figures::span(nanos(left)))
}

/// What failed, and how.
pub fn failure(record: &Record, lane: &Lane) -> String {
    let how = match &record.came {
        Came::Judged { .. } if record.found.violated.is_empty() => record.found.note.clone(),
        Came::Judged { .. } => record.found.violated.join(", "),
        Came::Crashed { how } => how.clone(),
        Came::Hung { after_ms } => {
            let after = figures::span(after_ms.saturating_mul(1_000_000));
            format!("it was not over after {after}")
        }
        Came::OutOfMemory { rss_bytes } => {
            format!("it had {} and was ended", figures::bytes(*rss_bytes))
        }
    };
    let verdict = paint(of_outcome(record.came.outcome()), record.came.name());
    let subject = subject(&lane.heap, lane.fault.as_deref());
    let round = figures::count(record.round);
    format!(
        "round {round}: {} on {subject} {verdict}: {how}\n",
        lane.workload
    )
}

/// All lanes, and what changes from round to round.
pub fn page(standing: &Standing, header: &Header) -> String {
    let mut columns = Columns::of_figures(7);
    columns.head(&[
        "lane", "rounds", "held", "vacuous", "failed", "a second", "p99.9", "memory",
    ]);
    let lanes = header.lanes.iter().zip(&standing.lanes);
    for (lane, stands) in lanes {
        let none = || figures::NONE.to_owned();
        let cells = [
            name(lane),
            figures::count(stands.rounds),
            figures::count(stands.held),
            figures::count(stands.vacuous),
            figures::count(stands.failures),
            stands.throughput().map_or_else(none, figures::rate),
            stands.p99_9_ns_max.map_or_else(none, figures::nanos),
            figures::bytes(stands.rss_bytes_peak),
        ];
        columns.row(cells.map(Cell::from));
    }
    let mut page = columns.draw();
    for ((heap, fault), aging) in standing.aging(&header.lanes) {
        let notes = [
            (
                aging.memory.is_some_and(|it| it.is_leak()),
                "resident memory grows",
                aging.memory.map(|it| it.slope),
            ),
            (
                aging.allocated.is_some_and(|it| it.is_leak()),
                "allocated memory grows",
                aging.allocated.map(|it| it.slope),
            ),
            (aging.slows(), "p99.9 grows", aging.latency),
            (aging.tires(), "throughput falls", aging.throughput),
        ];
        for (is_so, what, slope) in notes {
            if let (true, Some(slope)) = (is_so, slope) {
                page += &drift_line(&subject(heap, fault), what, slope);
            }
        }
    }
    page
}

fn name(lane: &Lane) -> String {
    format!(
        "{} on {}",
        lane.workload,
        subject(&lane.heap, lane.fault.as_deref())
    )
}

fn drift_line(subject: &str, what: &str, slope: Slope) -> String {
    let percent = |share: f64| share * 100.0;
    format!(
        "note on {subject}: {what} with the age of the heap, by {:+.3} % a round ({:+.3} to {:+.3})\n",
        percent(slope.per_unit),
        percent(slope.low),
        percent(slope.high)
    )
}
