//! A comparison as a page of text for a terminal.

use std::fmt::Write as _;

use super::{Change, Compared, Comparison, MetricRow, WIDER};
use crate::report::columns::{Cell, Columns, Side};
use crate::report::prose::{shown, wrapped};
use crate::report::style::{ERROR, FAINT, STRONG, WARNING, paint, paint_lines};
use crate::report::{Detail, Look, Width};
use crate::result::figures::{self, NONE};

/// Draws the page; with [`Detail::Verdict`] only notes, regressions and the conclusion.
pub fn table(comparison: &Comparison, look: impl Into<Look>) -> String {
    let Look { detail, width } = look.into();
    let mut text = String::new();
    for group in comparison
        .groups
        .iter()
        .filter(|_| detail != Detail::Verdict)
    {
        let title = paint(STRONG, &format!("{} on {}", group.workload, group.heap));
        text += &wrapped(width, &format!("{title}: "), 4, &runs(group));
        if !group.says_nothing() {
            text += &rows(group, width);
        }
        text.push('\n');
    }
    if comparison.has_wider_verdicts() && detail != Detail::Verdict {
        text += &paint_lines(FAINT, &wrapped(width, "", 2, WIDER));
    }
    if let Some(coarse) = coarse(comparison).filter(|_| detail != Detail::Verdict) {
        text += &paint_lines(FAINT, &wrapped(width, "", 2, &coarse));
    }
    for note in &comparison.notes {
        text += &wrapped(width, &format!("{}: ", paint(WARNING, "note")), 6, note);
    }
    for (group, row) in comparison.regressions() {
        let lead = format!("{}: ", paint(ERROR, "regression"));
        text += &wrapped(width, &lead, 4, &alarm(group, row));
        let _ = writeln!(text, "reproduce: {}", shown(&group.reproduce));
    }
    text += &wrapped(width, "", 0, &conclusion(comparison));
    text
}

/// What is too small to count, if something was.
pub(super) fn coarse(comparison: &Comparison) -> Option<String> {
    let rows = comparison.groups.iter().flat_map(|group| &group.metrics);
    let below = rows.filter(|row| row.verdict == Change::BelowGrain);
    let (times, others): (Vec<_>, Vec<_>) = below.partition(|row| row.family.is_of_times());
    let times = times.iter().map(|row| row.grain).reduce(f64::max);
    let mut said: Vec<String> = Vec::new();
    said.extend(times.map(|grain| {
        format!(
            "of the time of one operation, a difference of up to {} does not count: it is two \
             readings or steps of the clock, and one step may be nothing but rounding; throughput shows \
             smaller ones",
            figures::time(grain)
        )
    }));
    for row in others {
        let (metric, grain) = (&row.metric, figure(&row.metric, row.grain));
        said.push(format!(
            "of {metric}, a difference of up to {grain} does not count"
        ));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// How many runs a group has, and whether they are too few.
pub(super) fn runs(group: &Compared) -> String {
    let base = figures::several(group.runs_base as u64, "run", "runs");
    let too_few = match group.says_nothing() {
        true => ": not enough runs",
        false => "",
    };
    format!("{base} against {}{too_few}", group.runs_new)
}

fn rows(group: &Compared, width: Width) -> String {
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
            Change::Regression => ERROR,
            Change::Worse => WARNING,
            Change::Better => STRONG,
            Change::BelowGrain | Change::NoDifference | Change::TooFewRuns => FAINT,
        };
        let [base, new, ratio, interval] = cells(row);
        columns.row([
            row.metric.as_str().into(),
            base.into(),
            new.into(),
            ratio.into(),
            Cell::styled(FAINT, interval),
            Cell::styled(style, row.text()),
        ]);
    }
    columns.draw(width)
}

/// Base, new, ratio and interval of a metric.
pub(super) fn cells(row: &MetricRow) -> [String; 4] {
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

/// A value with the unit of its metric.
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

/// A regression, in one sentence.
pub(super) fn alarm(group: &Compared, row: &MetricRow) -> String {
    let [base, new, ratio, interval] = cells(row);
    let limit = row.limit.unwrap_or_default() * 100.0;
    format!(
        "{} of {} on {}: {base} before, {new} now, {ratio} times as much ({interval}); {limit} % worse \
         is allowed",
        row.metric, group.workload, group.heap
    )
}

/// The conclusion, in one sentence.
pub(super) fn conclusion(comparison: &Comparison) -> String {
    let (silent, told): (Vec<&Compared>, Vec<&Compared>) =
        (comparison.groups.iter()).partition(|group| group.says_nothing());
    let needed = comparison.runs_needed;
    let few = format!(
        "not enough runs: it takes at least {needed} runs of each side to show a change; make them \
         with `run --repeat {needed}`"
    );
    if told.is_empty() {
        return few;
    }
    let metrics: usize = told.iter().map(|group| group.metrics.len()).sum();
    let regressions = match comparison.regressions().count() as u64 {
        0 => "no regression".to_owned(),
        count => figures::several(count, "regression", "regressions"),
    };
    let found = format!("{regressions} in {metrics} metrics");
    match silent.len() as u64 {
        0 => found,
        silent => {
            let groups = figures::several(silent, "group has", "groups have");
            format!("{found}; {groups} {few}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Better, Family};
    use super::*;

    /// Goal: that an interval leaves 1 out and no difference is shown is explained in one line, where
    /// it is so; not where the interval has 1, and not where only the verdict is asked for.
    #[test]
    fn an_interval_that_leaves_out_one_is_explained() {
        let comparison = |interval| Comparison {
            groups: vec![Compared {
                workload: "churn".to_owned(),
                heap: "gil".to_owned(),
                runs_base: 8,
                runs_new: 8,
                metrics: vec![MetricRow {
                    metric: "throughput".to_owned(),
                    family: Family::Throughput,
                    better: Better::Higher,
                    base: 100.0,
                    new: 97.0,
                    ratio: Some(0.97),
                    interval: Some(interval),
                    limit: Some(0.05),
                    grain: 0.0,
                    probability: Some(0.2),
                    verdict: Change::NoDifference,
                }],
                reproduce: "gcstorm run churn".to_owned(),
            }],
            notes: Vec::new(),
            runs_needed: 8,
        };
        let drawn = |interval, detail| {
            let width = Width::Unknown;
            let text = table(&comparison(interval), Look { detail, width });
            console::strip_ansi_codes(&text).into_owned()
        };
        let (out, within) = ((0.95, 0.99), (0.95, 1.01));
        let words = "an interval is that of one metric by itself";
        let page = drawn(out, Detail::Page);
        assert!(page.contains(words) && !page.contains("u{1b}"), "{page}");
        assert!(!drawn(within, Detail::Page).contains(words));
        assert!(!drawn(out, Detail::Verdict).contains(words));
        let markdown = super::super::markdown(&comparison(out));
        assert!(markdown.contains("An interval is that of one metric by itself"));
    }
}
