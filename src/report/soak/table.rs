//! How a soak came out: a table of its lanes, and one of how heaps changed as they grew old.

use super::{percents, row};
use crate::report::columns::{Cell, Columns};
use crate::report::lane_row::LaneRow;
use crate::report::style::{FAINT, WARNING, paint};
use crate::report::subject;
use crate::soak::{Header, Standing};

/// All of it.
pub fn page(standing: &Standing, header: &Header) -> String {
    let mut columns = Columns::of_figures(LaneRow::HEAD.len() - 1);
    columns.head(&LaneRow::HEAD);
    for (lane, stands) in header.lanes.iter().zip(&standing.lanes) {
        columns.row(row(lane, stands).cells().map(Cell::from));
    }
    format!("{}\n{}", columns.draw(), aging(standing, header))
}

/// By how much, with the interval in which it lies.
fn aging(standing: &Standing, header: &Header) -> String {
    let mut columns = Columns::of_figures(3);
    columns.head(&["as heaps grow old", "a round", "from", "to"]);
    let (mut is_any, mut worse) = (false, String::new());
    for ((heap, fault), aging) in standing.aging(&header.lanes) {
        let subject = subject(heap, fault);
        let drifts = aging.drifts().into_iter();
        let known = drifts.filter_map(|drift| Some((drift, drift.slope?)));
        let mut known = known.peekable();
        if known.peek().is_some() {
            is_any = true;
            columns.row([Cell::styled(FAINT, subject.clone())]);
        }
        for (drift, slope) in known {
            let [change, low, high] = percents(slope);
            if drift.is_worse {
                let note = paint(WARNING, "note");
                let what = drift.what;
                worse += &format!(
                    "{note} on {subject}: {what} changes with the age of the heap, by {change} a round\n"
                );
            }
            let name = Cell::from(format!("  {}", drift.what));
            columns.row(
                [name]
                    .into_iter()
                    .chain([change, low, high].map(Cell::from)),
            );
        }
    }
    if is_any {
        columns.draw() + &worse
    } else {
        "as heaps grow old: too few rounds on one heap to tell\n".to_owned()
    }
}
