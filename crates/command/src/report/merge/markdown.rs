//! A merge as Markdown, for the summary of a CI job.

use std::fmt::Write as _;

use super::page::{QUANTILES, described, row, times};
use super::{Merged, Totals};
use crate::report::commonmark::{self, BoundedPage, escaped};
use crate::report::compare::capital;
use crate::report::lane_row::{LaneRow, idle_lanes};
use crate::result::figures;

/// Draws the page.
pub fn markdown(merged: &Merged, totals: &Totals) -> String {
    let verdict = capital(totals.verdict().name());
    let mut page = BoundedPage::new(format!("## {verdict}: {}\n\n", totals.conclusion()));
    for (kind, extremes) in merged.failures() {
        let lost = kind.how.lost.name();
        let times = figures::several(totals.times(kind), "time", "times");
        let mut text = format!("- **{lost}** {}, {times}\n", escaped(&kind.to_string()));
        for (which, occurrence) in extremes.each() {
            let described = escaped(&described(occurrence));
            let code = commonmark::fenced("    ", &occurrence.reproduce);
            let _ = write!(text, "  - {which}: {described}\n\n{code}");
        }
        page.add(commonmark::FAILURE, &text);
    }
    let idle = totals.idle();
    let idle = (!idle.is_empty()).then(|| idle_lanes(&idle, totals.lanes.len()));
    for note in totals.notes.iter().chain(&idle) {
        page.add(commonmark::NOTE, &format!("- {}\n", escaped(note)));
    }
    let head = commonmark::head(LaneRow::HEAD);
    page.add(commonmark::TABLE, &format!("\n{head}"));
    for total in totals.lanes.iter().filter(|total| total.rounds > 0) {
        let cells = row(total).cells().map(|cell| escaped(&cell));
        page.add(commonmark::ROW, &commonmark::row(cells));
    }
    let quantiles = QUANTILES.map(|(name, _)| name);
    let names = [&["operation", "timed"][..], &quantiles, &["max"]].concat();
    page.add(commonmark::TABLE, &format!("\n{}", commonmark::head(names)));
    for total in &totals.lanes {
        for (operation, latency) in &total.service {
            let name = escaped(&format!("{operation}, {}", total.lane));
            let row = commonmark::row(std::iter::once(name).chain(times(latency)));
            page.add(commonmark::ROW, &row);
        }
    }
    page.finish()
}
