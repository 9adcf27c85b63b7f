//! A row for a lane, with the same columns in every table of lanes.

use maud::{Markup, Render as _, html};

use super::html::page::missing;
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

/// A table of the lanes that had a round. The others would be rows of zeros; the banner names them.
pub(super) fn drawn(rows: impl Iterator<Item = LaneRow>) -> Markup {
    let mut rows = rows.filter(|row| row.rounds > 0).peekable();
    if rows.peek().is_none() {
        return missing("No round is over.");
    }
    let mut table = Table::new(LaneRow::HEAD);
    table.class = Some("short");
    for row in rows {
        let [name, figures @ ..] = row.cells();
        table.row(&name, figures);
    }
    table.render()
}

/// So many lanes are named where there is little room.
const NAMED_MAX: usize = 4;

/// Which lanes had no round: nothing was shown of them. Folded if they are many.
pub(super) fn idle(names: &[String], all: usize) -> Markup {
    html! {
        @match names.len() {
            0 => {}
            1..=NAMED_MAX => p { (idle_lanes(names, all)) "." }
            idle => details {
                summary { (idle) " of " (all) " lanes had no round" }
                p { (names.join(", ")) "." }
            }
        }
    }
}

/// How many lanes had no round, and the first of them.
pub(super) fn idle_lanes(names: &[String], all: usize) -> String {
    let idle = names.len();
    let named = match idle {
        ..=NAMED_MAX => names.join(", "),
        _ => format!(
            "{} and {} more",
            names[..NAMED_MAX - 1].join(", "),
            idle + 1 - NAMED_MAX
        ),
    };
    format!("{idle} of {all} lanes had no round: {named}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: few lanes are all named, and of many the first, with the number of the others.
    #[test]
    fn lanes_are_named_as_far_as_there_is_room() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(
            idle_lanes(&names[..4], 9),
            "4 of 9 lanes had no round: a, b, c, d"
        );
        assert_eq!(
            idle_lanes(&names, 9),
            "5 of 9 lanes had no round: a, b, c and 2 more"
        );
    }
}
