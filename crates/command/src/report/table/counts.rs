//! What was counted and examined: the heap's counters, checks, threads and surveys.

use std::fmt::Write as _;

use super::super::Width;
use super::super::columns::{Cell, Columns, Side};
use super::super::prose::wrapped;
use super::super::style::{FAINT, of_verdict, paint};
use super::violated;
use crate::check::{Judgement, Verdict};
use crate::result::RunResult;
use crate::result::figures::{self, NONE};

/// Counters that a reader looks for first, in this order, and what they are called in a sentence.
const HIGHLIGHTS: [(&str, &str); 9] = [
    ("live_peak", "live peak"),
    ("unreclaimed_peak", "unreclaimed peak"),
    ("collections", "collections"),
    ("cycles_freed", "cycles freed"),
    ("local_collections", "local collections"),
    ("local_cycles_freed", "local cycles freed"),
    ("switches", "switches"),
    ("contended", "contended"),
    ("rss_bytes_peak", "resident peak"),
];

/// Those of them that are not 0, as a sentence.
pub(super) fn highlights(result: &RunResult, width: Width) -> String {
    let shown = HIGHLIGHTS.iter().filter_map(|(counter, name)| {
        let value = *result.counters.get(*counter)?;
        (value > 0).then(|| format!("{name} {}", counted(counter, value)))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() {
        return String::new();
    }
    let timing_bytes = result.evidence.timing_bytes;
    let timing = match timing_bytes {
        0 => String::new(),
        // The resident peak is the last.
        _ => format!(
            " ({} of it for the times of operations)",
            figures::bytes(timing_bytes)
        ),
    };
    wrapped(width, "heap: ", 4, &(shown.join(", ") + &timing)) + "\n"
}

/// A counter's value, in the unit that its name says.
fn counted(counter: &str, value: u64) -> String {
    if counter.starts_with("rss_bytes") {
        figures::bytes(value)
    } else {
        figures::count(value)
    }
}

/// A row for each of those checks, and below what was violated.
pub(super) fn checks(
    result: &RunResult,
    is_shown: impl Fn(&Judgement) -> bool,
    width: Width,
) -> String {
    let mut columns = Columns::new([Side::Left, Side::Left, Side::Right, Side::Left]);
    columns.head(&["check", "verdict", "examined", ""]);
    for check in result.checks.iter().filter(|check| is_shown(check)) {
        let verdict = Cell::styled(of_verdict(check.verdict), check.verdict.name());
        let examined = match check.examined {
            0 => Cell::styled(FAINT, NONE),
            examined => figures::count(examined).into(),
        };
        let why = match (check.verdict, &check.detail) {
            (Verdict::Violated, _) | (_, None) => Cell::default(),
            (_, Some(why)) => Cell::styled(FAINT, why.as_str()),
        };
        columns.row([check.name.as_str().into(), verdict, examined, why]);
    }
    let mut text = columns.draw(width);
    for check in violated(result) {
        if let Some(detail) = &check.detail {
            let lead = format!("  {}: ", paint(of_verdict(check.verdict), &check.name));
            text += &wrapped(width, &lead, 4, detail);
        }
    }
    text
}

pub(super) fn threads(result: &RunResult, width: Width) -> String {
    let mut columns = Columns::of_figures(4);
    columns.head(&["thread", "operations", "ops/s", "rounds", "ran"]);
    for (thread, mutator) in result.threads.iter().zip(&result.evidence.mutators) {
        let seconds = (thread.elapsed_ns as f64 / 1e9).max(1e-9);
        columns.row([
            thread.name.as_str().into(),
            figures::count(thread.ops).into(),
            figures::short(mutator.ops_since_start() as f64 / seconds).into(),
            figures::count(mutator.rounds).into(),
            figures::span(thread.elapsed_ns).into(),
        ]);
    }
    columns.draw(width)
}

pub(super) fn counters(result: &RunResult, width: Width) -> String {
    let mut columns = Columns::of_figures(2);
    columns.head(&["counter", "value", "required"]);
    for (name, &value) in &result.counters {
        let required = result
            .require
            .iter()
            .filter(|require| require.counter == *name);
        let required = required.map(|require| require.at_least).max();
        let required = required.map(figures::count).unwrap_or_default();
        columns.row([
            name.as_str().into(),
            counted(name, value).into(),
            required.into(),
        ]);
    }
    columns.draw(width)
}

pub(super) fn surveys(result: &RunResult, width: Width) -> String {
    let mut columns = Columns::of_figures(7);
    columns.head(&[
        "survey",
        "after ops",
        "took",
        "settling",
        "born",
        "dead",
        "reachable",
        "references",
    ]);
    for survey in &result.evidence.surveys {
        columns.row([
            format!("{:?}", survey.moment).to_lowercase().into(),
            figures::count(survey.ops).into(),
            figures::span(survey.elapsed_ns).into(),
            survey
                .settling_ns
                .map_or_else(String::new, figures::span)
                .into(),
            figures::count(survey.born).into(),
            figures::count(survey.dead).into(),
            figures::count(survey.reachable).into(),
            figures::count(survey.references).into(),
        ]);
    }
    let kept = result.evidence.surveys.len() as u64;
    let mut text = columns.draw(width);
    if result.evidence.surveys_made > kept {
        let made = figures::count(result.evidence.surveys_made);
        let _ = writeln!(
            text,
            "{}",
            paint(FAINT, &format!("the last {kept} of {made}"))
        );
    }
    text
}
