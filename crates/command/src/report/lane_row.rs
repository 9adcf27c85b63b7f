//! A row for a lane, with the same columns in every table of lanes.

use maud::{Markup, html};

use super::html::table::Table;
use crate::result::figures::{self, NONE};

/// The figures of a lane.
#[derive(Debug)]
pub(super) struct LaneRow {
    pub(super) name: String,
    pub(super) rounds: u64,
    pub(super) held: u64,
    pub(super) vacuous: u64,
    pub(super) failures: u64,
    /// Operations a second.
    pub(super) throughput: Option<f64>,
    /// The longest of its rounds' 99.9th percentiles, in nanoseconds.
    pub(super) p99_9_ns_max: Option<u64>,
    /// The largest resident memory, in bytes.
    pub(super) rss_bytes_peak: u64,
}

impl LaneRow {
    /// The names of the columns.
    pub(super) const HEAD: [&str; 8] = [
        "lane", "rounds", "held", "vacuous", "failed", "a second", "p99.9", "memory",
    ];

    /// The text of each column.
    pub(super) fn cells(self) -> [String; Self::HEAD.len()] {
        let none = || NONE.to_owned();
        let peak = (self.rss_bytes_peak > 0).then_some(self.rss_bytes_peak);
        [
            self.name,
            figures::count(self.rounds),
            figures::count(self.held),
            figures::count(self.vacuous),
            figures::count(self.failures),
            self.throughput.map_or_else(none, figures::rate),
            self.p99_9_ns_max.map_or_else(none, figures::nanos),
            peak.map_or_else(none, figures::bytes),
        ]
    }
}

/// A table of the lanes that had a round. The others would be rows of zeros, so they are only named.
pub(super) fn drawn(rows: impl Iterator<Item = LaneRow>) -> Markup {
    let (idle, busy): (Vec<LaneRow>, Vec<LaneRow>) = rows.partition(|row| row.rounds == 0);
    let all = idle.len() + busy.len();
    let names: Vec<&str> = idle.iter().map(|row| row.name.as_str()).collect();
    let mut table = Table::new(LaneRow::HEAD);
    table.class = Some("short");
    let has_rows = !busy.is_empty();
    for row in busy {
        let [name, figures @ ..] = row.cells();
        table.row(&name, figures);
    }
    html! {
        @if has_rows { (table) }
        @if !names.is_empty() {
            details {
                summary { (idle_lanes(names.len(), all)) }
                p { (names.join(", ")) "." }
            }
        }
    }
}

/// How many lanes had no round.
pub(super) fn idle_lanes(idle: usize, all: usize) -> String {
    format!("{idle} of {all} lanes had no round")
}
