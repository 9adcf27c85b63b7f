//! How a soak came out: a table of its lanes, and what changes as a heap grows old.

use super::name;
use crate::report::columns::{Cell, Columns};
use crate::report::{figures, subject};
use crate::soak::trend::Slope;
use crate::soak::{Header, Standing};

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
        for drift in aging.drifts().iter().filter(|drift| drift.is_worse) {
            if let Some(slope) = drift.slope {
                page += &drift_line(&subject(heap, fault), drift.what, slope);
            }
        }
    }
    page
}

fn drift_line(subject: &str, what: &str, slope: Slope) -> String {
    let percent = |share: f64| share * 100.0;
    format!(
        "note on {subject}: {what} changes with the age of the heap, by {:+.3} % a round ({:+.3} to \
         {:+.3})\n",
        percent(slope.per_unit),
        percent(slope.low),
        percent(slope.high)
    )
}
