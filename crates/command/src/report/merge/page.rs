//! A merge as a page of text for a terminal.

use std::fmt::Write as _;

use super::{Merged, Occurrence, Total, Totals};
use crate::evidence::Latency;
use crate::report::columns::{Cell, Columns};
use crate::report::lane_row::{LaneRow, idle_lanes};
use crate::report::prose::{one_line, shown, wrapped};
use crate::report::style::{ERROR, FAINT, WARNING, of_outcome, paint};
use crate::report::{Detail, Look, Width};
use crate::result::figures::{self, NONE};

/// The quantiles in the table of operations.
pub(super) const QUANTILES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// So many lanes fit on a screen beside what else is said; of more, only those that are notable are shown.
const LANES_MAX: usize = 12;

/// Draws the page: all of it with [`Detail::Everything`], and with [`Detail::Verdict`] only the failures
/// and the conclusion.
pub fn page(merged: &Merged, totals: &Totals, look: impl Into<Look>) -> String {
    let Look { detail, width } = look.into();
    let mut text = String::new();
    if detail != Detail::Verdict {
        text += &lanes(totals, detail, width);
        text.push('\n');
        let idle = totals.idle();
        let idle = (!idle.is_empty()).then(|| idle_lanes(&idle, totals.lanes.len()));
        for note in totals.notes.iter().chain(&idle) {
            text += &wrapped(width, &format!("{}: ", paint(WARNING, "note")), 6, note);
        }
    }
    for (kind, extremes) in merged.failures() {
        let lost = paint(ERROR, kind.how.lost.name());
        let times = figures::several(totals.times(kind), "time", "times");
        let kind = kind.to_string();
        let _ = writeln!(text, "{lost} {}, {times}", one_line(&kind));
        for (which, occurrence) in extremes.each() {
            let _ = writeln!(text, "  {which}: {}", one_line(&described(occurrence)));
            let _ = writeln!(text, "  reproduce: {}", shown(&occurrence.reproduce));
        }
    }
    let verdict = totals.verdict();
    let name = paint(of_outcome(verdict), verdict.name());
    text + &wrapped(width, &format!("{name}: "), 4, &totals.conclusion())
}

/// A failure, in one line.
pub(super) fn described(occurrence: &Occurrence) -> String {
    let mut text = match occurrence.turns {
        Some(turns) => format!("{}, ", figures::several(turns, "turn", "turns")),
        None => String::new(),
    };
    text += &format!(
        "after {}, from seed {}: ",
        figures::nanos(occurrence.elapsed_ns),
        occurrence.seed
    );
    if matches!(occurrence.by, super::PartKey::Soak { .. }) {
        text += &format!("round {} of ", figures::count(occurrence.round));
    }
    text += &format!("{}, in {}", occurrence.by, occurrence.from);
    if !occurrence.note.is_empty() {
        text += &format!(": {}", occurrence.note);
    }
    text
}

/// The lanes; without those that held in each of their rounds, if they are many and not everything is
/// wanted, and then without the times of operations.
fn lanes(totals: &Totals, detail: Detail, width: Width) -> String {
    let is_whole = detail == Detail::Everything;
    let mut busy: Vec<&Total> = totals.lanes.iter().filter(|it| it.rounds > 0).collect();
    let all = busy.len();
    if !is_whole && all > LANES_MAX {
        busy.retain(|total| total.held < total.rounds);
    }
    let mut columns = Columns::of_figures(LaneRow::HEAD.len() - 1);
    columns.head(&LaneRow::HEAD);
    for total in &busy {
        columns.row(row(total).cells().map(Cell::from));
    }
    let mut text = match busy.is_empty() {
        true => String::new(),
        false => columns.draw(width),
    };
    if is_whole {
        return text + "\n" + &operations(totals, width);
    }
    let held = (all - busy.len()) as u64;
    let more = match (held, busy.len()) {
        (0, _) => "--verbose shows the times of operations".to_owned(),
        (held, others) => {
            let which = if others == 0 { "all " } else { "" };
            let lanes = figures::several(held, "lane", "lanes");
            format!(
                "{which}{lanes} held in every round; --verbose shows them, and the times of operations"
            )
        }
    };
    text += &wrapped(width, "", 2, &more);
    text
}

/// The row of a lane.
pub(super) fn row(total: &Total) -> LaneRow {
    LaneRow {
        name: total.lane.to_string(),
        rounds: total.rounds,
        held: total.held,
        vacuous: total.vacuous,
        failures: total.failures,
        throughput: total.throughput(),
        p99_9_ns_max: total.p99_9_ns_max,
        rss_bytes_peak: total.rss_bytes_peak,
    }
}

fn operations(totals: &Totals, width: Width) -> String {
    let mut columns = Columns::of_figures(QUANTILES.len() + 2);
    let mut head = vec!["operation", "timed"];
    head.extend(QUANTILES.map(|(name, _)| name));
    head.push("max");
    columns.head(&head);
    for total in totals.lanes.iter().filter(|total| total.rounds > 0) {
        columns.row([Cell::styled(FAINT, total.lane.to_string())]);
        for (operation, latency) in &total.service {
            let name = Cell::from(format!("  {operation}"));
            columns.row(std::iter::once(name).chain(times(latency).map(Cell::from)));
        }
    }
    columns.draw(width)
}

/// How many operations were timed, their quantiles, and the longest time.
pub(super) fn times(latency: &Latency) -> impl Iterator<Item = String> + use<> {
    let quantile = |quantile| latency.quantile(quantile);
    let quantiles = QUANTILES.map(|(_, at)| quantile(at));
    let quantiles = quantiles.map(|value| value.map_or_else(|| NONE.to_owned(), figures::nanos));
    std::iter::once(figures::count(latency.count()))
        .chain(quantiles)
        .chain([figures::nanos(latency.max())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::merge::LaneSum;
    use crate::report::merge::samples::{journal, lane, merged};

    /// Goal: of many lanes those are shown that did not hold in each round, and those without a round are
    /// named; of few lanes all are shown, and with everything all of many, and the times of operations.
    #[test]
    fn what_is_notable_is_shown() {
        let text = |lanes: Vec<LaneSum>, detail| {
            let mut part = journal(1, 0);
            part.lanes = lanes;
            let merged = merged(part);
            let totals = merged.totals().expect("it adds up");
            let page = page(&merged, &totals, Look::from(detail));
            console::strip_ansi_codes(&page).into_owned()
        };
        let idle = || LaneSum {
            rounds: 0,
            held: 0,
            ..lane("idle")
        };
        let vacuous = || LaneSum {
            held: 0,
            vacuous: 1,
            ..lane("empty")
        };
        let many = || (0..20).map(|number| lane(&format!("w{number}")));
        let short = text(many().chain([vacuous(), idle()]).collect(), Detail::Page);
        assert!(
            short.contains("\nempty on gil ") && !short.contains("w7 on gil"),
            "{short}"
        );
        for told in [
            "20 lanes held in every round; --verbose shows them",
            "note: 1 of 22 lanes had no round: idle on gil\n",
            "vacuous: 21 rounds of 1 part on 21 lanes",
        ] {
            assert!(short.contains(told), "no {told} in {short}");
        }
        let whole = text(
            many().chain([vacuous(), idle()]).collect(),
            Detail::Everything,
        );
        assert!(
            whole.contains("w7 on gil") && whole.contains("operation"),
            "{whole}"
        );
        let few = text(many().take(3).collect(), Detail::Page);
        assert!(
            few.contains("w2 on gil") && !few.contains("held in every round"),
            "{few}"
        );
        let held = text(many().collect(), Detail::Page);
        assert!(
            held.starts_with("all 20 lanes held in every round"),
            "{held}"
        );
    }
}
