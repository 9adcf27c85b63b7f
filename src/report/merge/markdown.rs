//! A merge as Markdown, for a job's summary.

use std::fmt::Write as _;

use super::page::{QUANTILES, described, row, times};
use super::{Merged, Totals};
use crate::report::compare::{capital, escaped};
use crate::report::lane_row::LaneRow;
use crate::result::figures;

/// Draws it.
pub fn markdown(merged: &Merged, totals: &Totals) -> String {
    let verdict = capital(totals.verdict().name());
    let mut text = format!("## {verdict}: {}\n\n", totals.conclusion());
    for (kind, sightings) in merged.failures() {
        let lost = kind.how.lost.name();
        let times = figures::several(totals.times(kind), "time", "times");
        let _ = writeln!(text, "- **{lost}** {}, {times}", escaped(&kind.to_string()));
        for (which, sighting) in sightings.each() {
            let described = escaped(&described(sighting));
            let _ = writeln!(
                text,
                "  - {which}: {described}  \n    `{}`",
                sighting.reproduce
            );
        }
    }
    for note in &totals.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    let _ = writeln!(text, "\n| {} |", LaneRow::HEAD.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --: |".repeat(LaneRow::HEAD.len() - 1));
    for total in &totals.lanes {
        let _ = writeln!(
            text,
            "| {} |",
            row(total).cells().map(|cell| escaped(&cell)).join(" | ")
        );
    }
    let quantiles = QUANTILES.map(|(name, _)| name).join(" | ");
    let _ = writeln!(text, "\n| operation | timed | {quantiles} | max |");
    let _ = writeln!(text, "| --- |{}", " --: |".repeat(QUANTILES.len() + 2));
    for total in &totals.lanes {
        for (operation, latency) in &total.service {
            let name = escaped(&format!("{operation}, {}", total.lane));
            let times: Vec<String> = times(latency).collect();
            let _ = writeln!(text, "| {name} | {} |", times.join(" | "));
        }
    }
    text
}
