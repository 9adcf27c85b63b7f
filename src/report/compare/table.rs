//! A comparison as a page of text for a terminal.

use std::fmt::Write as _;

use super::{Compared, Comparison, Row, Verdict};
use crate::report::columns::{Cell, Columns, Side};
use crate::report::style::{ERROR, FAINT, STRONG, WARNING, paint};
use crate::report::{Detail, prose::wrapped};
use crate::result::figures::{self, NONE};

/// Draws it; with [`Detail::Verdict`] regressions and the conclusion only.
pub fn table(comparison: &Comparison, detail: Detail) -> String {
    let mut text = String::new();
    for group in comparison
        .groups
        .iter()
        .filter(|_| detail != Detail::Verdict)
    {
        let title = paint(STRONG, &format!("{} on {}", group.workload, group.heap));
        let _ = writeln!(text, "{title}: {}", runs(group));
        text += &rows(group);
        text.push('\n');
    }
    for note in &comparison.notes {
        text += &wrapped(&format!("{}: ", paint(WARNING, "note")), 6, note);
    }
    for (group, row) in comparison.regressions() {
        let lead = format!("{}: ", paint(ERROR, "regression"));
        text += &wrapped(&lead, 4, &alarm(group, row));
        let _ = writeln!(text, "reproduce: {}", group.reproduce);
    }
    text += &wrapped("", 0, &conclusion(comparison));
    text
}

/// How many runs there are.
pub(super) fn runs(group: &Compared) -> String {
    let base = figures::several(group.runs_base as u64, "run", "runs");
    format!("{base} against {}", group.runs_new)
}

fn rows(group: &Compared) -> String {
    let mut columns = Columns::new([
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Left,
        Side::Left,
    ]);
    columns.head(&["metric", "base", "new", "ratio", "at 95 %", "verdict"]);
    for row in &group.metrics {
        let style = match row.verdict {
            Verdict::Regression => ERROR,
            Verdict::Worse => WARNING,
            Verdict::Better => STRONG,
            Verdict::NoDifference | Verdict::TooFewRuns => FAINT,
        };
        let [base, new, ratio, interval] = cells(row);
        columns.row([
            row.metric.as_str().into(),
            base.into(),
            new.into(),
            ratio.into(),
            Cell::styled(FAINT, interval),
            Cell::styled(style, row.verdict.text()),
        ]);
    }
    columns.draw()
}

/// Base, new, ratio and interval of a metric.
pub(super) fn cells(row: &Row) -> [String; 4] {
    let value = |value: f64| figure(&row.metric, value);
    [
        value(row.base),
        value(row.new),
        row.ratio
            .map_or_else(|| NONE.to_owned(), |ratio| format!("{ratio:.3}")),
        row.interval.map_or_else(
            || NONE.to_owned(),
            |(low, high)| format!("{low:.3} to {high:.3}"),
        ),
    ]
}

/// A value in the unit of its metric.
fn figure(metric: &str, value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bytes, which are not negative"
    )]
    let whole = value as u64;
    match metric {
        "throughput" => figures::rate(value),
        "live_peak" | "unreclaimed_peak" => figures::short(value),
        _ if metric.starts_with("rss_bytes") => figures::bytes(whole),
        _ if metric.ends_with(" total") => format!("{}/s", figures::time(value)),
        _ => figures::time(value),
    }
}

/// What is wrong, in a sentence.
pub(super) fn alarm(group: &Compared, row: &Row) -> String {
    let [base, new, ratio, interval] = cells(row);
    let limit = row.limit.unwrap_or_default() * 100.0;
    format!(
        "{} of {} on {}: {base} before, {new} now, {ratio} times as much ({interval}); {limit} % worse \
         is allowed",
        row.metric, group.workload, group.heap
    )
}

/// What it comes to.
pub(super) fn conclusion(comparison: &Comparison) -> String {
    let metrics: usize = comparison
        .groups
        .iter()
        .map(|group| group.metrics.len())
        .sum();
    let needed = comparison.runs_needed;
    if comparison.says_nothing() {
        return format!(
            "not enough runs: {metrics} metrics take at least {needed} runs of each side; make them with \
             `run --repeat {}`",
            needed + 3
        );
    }
    let regressions = comparison.regressions().count() as u64;
    let compared = format!("in {metrics} metrics");
    match regressions {
        0 => format!("no regression {compared}"),
        _ => format!(
            "{} {compared}",
            figures::several(regressions, "regression", "regressions")
        ),
    }
}
