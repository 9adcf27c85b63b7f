//! One result as a page of text for a terminal.
//!
//! The page tells, in this order: what ran, how fast, what held it up, the heap's counters, what
//! the checks say, notes on that, and how to reproduce it. Tables fit a hundred columns, sentences
//! eighty.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::columns::{Cell, Columns, Side};
use super::prose::{one_line, shown, wrapped};
use super::style::{FAINT, STRONG, WARNING, of_outcome, of_verdict, paint};
use crate::check::{Judgement, Verdict};
use crate::evidence::{Ended, Latency};
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

/// How much of a result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Detail {
    /// The verdict, and how to reproduce it if it is not a good one.
    Verdict,
    /// The page.
    Page,
    /// The page with parameters, threads, counters and surveys.
    Everything,
}

/// Draws one result.
pub fn table(result: &RunResult, detail: Detail) -> String {
    if detail == Detail::Verdict {
        return terse(result);
    }
    let mut page = head(result);
    if detail == Detail::Everything {
        page += &parameters(result);
    }
    page.push('\n');
    page += &operations(result);
    page.push('\n');
    page += &slow(result);
    page += &utilization(result);
    page += &highlights(result);
    page += &checks(result);
    if detail == Detail::Everything {
        for part in [threads(result), counters(result), surveys(result)] {
            page.push('\n');
            page += &part;
        }
    }
    page.push('\n');
    for caveat in &result.caveats {
        let about = match caveat.check.as_str() {
            "" => String::new(),
            check => format!(" on {}", one_line(check)),
        };
        let lead = format!("{}{about}: ", paint(WARNING, "note"));
        page += &wrapped(&lead, 6, &caveat.text);
    }
    let (name, why) = verdict(result);
    let _ = writeln!(page, "{name}: {why}");
    let _ = writeln!(page, "reproduce: {}", shown(&result.reproduce));
    page
}

/// One line with the verdict, and the reproduce line unless it held.
fn terse(result: &RunResult) -> String {
    let (name, why) = verdict(result);
    let mut text = format!(
        "{} on {}, seed {}: {name}: {why}\n",
        one_line(&result.workload.name),
        one_line(&result.subject()),
        result.seed
    );
    if result.verdict != Outcome::Held {
        let _ = writeln!(text, "reproduce: {}", shown(&result.reproduce));
    }
    text
}

fn head(result: &RunResult) -> String {
    let title = format!("{} on {}", result.workload.name, result.subject());
    let lead = format!("{}: ", paint(STRONG, &title));
    // All that is known of a run whose process was lost is what it had reported by then.
    let is_lost = matches!(
        result.evidence.ended,
        Ended::Died { .. } | Ended::Hung { .. }
    );
    let threads = figures::several(result.threads.len() as u64, "thread", "threads");
    let seed = result.seed;
    let (at_least, ops, elapsed_ns) = match (is_lost, result.evidence.heard) {
        (false, _) => ("", result.evidence.ops_since_start(), result.elapsed_ns),
        (true, Some(heard)) => ("at least ", heard.ops, heard.elapsed_ns),
        (true, None) => {
            let facts = format!("seed {seed}, {threads}, lost before its first report");
            return wrapped(&lead, 4, &facts) + &clock(result, 0) + "\n";
        }
    };
    let of_setup = result.evidence.ops_done().saturating_sub(ops);
    let seconds = elapsed_ns as f64 / 1e9;
    let per_second = if seconds > 0.0 {
        ops as f64 / seconds
    } else {
        0.0
    };
    // Rounded, because exact counts stand in the table and would make the line too long.
    let operations = if ops < 1_000_000 {
        figures::several(ops, "operation", "operations")
    } else {
        format!("{} operations", figures::short(ops as f64))
    };
    let mut facts = format!(
        "seed {seed}, {threads}, {at_least}{operations} in {} ({})",
        figures::span(elapsed_ns),
        figures::rate(per_second),
    );
    if of_setup > 0 {
        facts += &format!(", after {} in the setup", figures::short(of_setup as f64));
    }
    wrapped(&lead, 4, &facts) + &clock(result, ops) + "\n" + &rate(result)
}

/// The offered and the achieved rate.
fn rate(result: &RunResult) -> String {
    let Some(rate) = &result.rate else {
        return String::new();
    };
    let share = 100.0 * rate.achieved_per_second / rate.offered_per_second.max(1e-9);
    let mut text = format!(
        "offered {}, achieved {} ({share:.1} %)",
        figures::rate(rate.offered_per_second),
        figures::rate(rate.achieved_per_second),
    );
    let all = result.threads.len() as u64;
    if rate.threads < all {
        text += &format!(", by {} of {all} threads", rate.threads);
    }
    if rate.saturated {
        text += "; saturated";
    }
    wrapped("rate: ", 4, &text)
}

/// The clock, and what reading it adds to each time.
fn clock(result: &RunResult, ops: u64) -> String {
    let clock = &result.evidence.clock;
    let timed: u64 = result.evidence.service.values().map(Latency::count).sum();
    let text = format!(
        "clock: {}, {} a reading; ",
        clock.source,
        figures::time(clock.cost_ns)
    );
    let what = if timed == 0 {
        "no operation was timed".to_owned()
    } else if timed * 2 > ops {
        format!(
            "every operation is timed, which adds {} to it",
            figures::time(clock.cost_ns)
        )
    } else {
        format!("one operation in {:.0} is timed", ops as f64 / timed as f64)
    };
    paint(FAINT, &(text + &what))
}

fn parameters(result: &RunResult) -> String {
    let set: Vec<String> = result
        .workload
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if set.is_empty() {
        return String::new();
    }
    wrapped("parameters: ", 12, &set.join(" "))
}

/// Operations, with pauses below them in the same columns.
fn operations(result: &RunResult) -> String {
    let mut columns = Columns::of_figures(7);
    columns.head(&[
        "operation",
        "count",
        "ops/s",
        "mean",
        "p50",
        "p99",
        "p99.9",
        "max",
    ]);
    let mut ops: Vec<_> = result.ops.iter().collect();
    ops.sort_by_key(|(_, op)| std::cmp::Reverse(op.count));
    for (name, op) in ops {
        let figures = [figures::count(op.count), figures::short(op.per_second)];
        columns.row(distribution(name, figures, op.service.as_ref()));
    }
    responses(result, &mut columns);
    if !result.pauses.is_empty() {
        columns.space();
        columns.head(&[
            "pause", "count", "total", "mean", "p50", "p99", "p99.9", "max",
        ]);
    }
    for (cause, latency) in &result.pauses {
        let total = figures::nanos(latency.total_ns());
        let figures = [figures::count(latency.count()), total];
        columns.row(distribution(cause, figures, Some(latency)));
    }
    columns.draw()
}

/// Response times: from when operations were due until they were done.
fn responses(result: &RunResult, columns: &mut Columns) {
    let ops = result.ops.iter();
    let mut responses: Vec<_> = ops
        .filter_map(|(name, op)| Some((name, op.response.as_ref()?)))
        .collect();
    if responses.is_empty() {
        return;
    }
    responses.sort_by_key(|(_, response)| std::cmp::Reverse(response.count()));
    columns.space();
    columns.head(&[
        "response", "count", "", "mean", "p50", "p99", "p99.9", "max",
    ]);
    for (name, response) in responses {
        let figures = [figures::count(response.count()), String::new()];
        columns.row(distribution(name, figures, Some(response)));
    }
}

fn distribution(name: &str, figures: [String; 2], latency: Option<&Latency>) -> Vec<Cell> {
    let mut cells = vec![Cell::from(name)];
    cells.extend(figures.map(Cell::from));
    let quantile = |at| latency.and_then(|latency| latency.quantile(at));
    let timed = latency.filter(|latency| latency.count() > 0);
    let times = [
        timed.map(|latency| figures::time(latency.mean())),
        quantile(0.5).map(figures::nanos),
        quantile(0.99).map(figures::nanos),
        quantile(0.999).map(figures::nanos),
        timed.map(|latency| figures::nanos(latency.max())),
    ];
    cells.extend(times.map(|time| time.map_or(Cell::styled(FAINT, NONE), Cell::from)));
    cells
}

/// Where the time of the slow operations went, in a sentence.
fn slow(result: &RunResult) -> String {
    let slow = &result.evidence.slow;
    if slow.count == 0 {
        return String::new();
    }
    let share = |nanos: u64| format!("{:.1} %", 100.0 * nanos as f64 / slow.total_ns as f64);
    let mut causes: Vec<_> = slow.by_cause.iter().collect();
    causes.sort_by_key(|(_, nanos)| std::cmp::Reverse(**nanos));
    let causes = causes
        .iter()
        .map(|(cause, nanos)| (cause.as_str(), **nanos));
    let all = causes.chain([("unattributed", slow.unattributed_ns)]);
    let parts: Vec<String> = all
        .filter(|(_, nanos)| *nanos > 0)
        .map(|(cause, nanos)| format!("{cause} {}", share(nanos)))
        .collect();
    let text = format!(
        "{} took {} or more, {} in all: {}",
        figures::several(slow.count, "timed operation", "timed operations"),
        figures::nanos(slow.threshold_ns),
        figures::nanos(slow.total_ns),
        parts.join(", "),
    );
    wrapped("slow: ", 4, &text)
}

/// The windows, in milliseconds, whose minimum mutator utilization a page shows.
const WINDOWS_MS: [u64; 4] = [1, 10, 100, 1000];

/// The minimum mutator utilization, in a sentence.
fn utilization(result: &RunResult) -> String {
    let points = result.mmu.iter();
    let shown: Vec<String> = points
        .filter(|point| WINDOWS_MS.contains(&point.window_ms))
        .map(|point| {
            let share = 100.0 * point.utilization;
            format!("{share:.1} % of any {} ms", point.window_ms)
        })
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let whose = match result.evidence.stats.switches {
        Some(_) => "all mutators together had at least",
        None => "each mutator had at least",
    };
    wrapped("time: ", 4, &format!("{whose} {}", shown.join(", ")))
}

/// Counters that a reader looks for first, in this order, and what they are called in a sentence.
const HIGHLIGHTS: [(&str, &str); 7] = [
    ("live_peak", "live peak"),
    ("unreclaimed_peak", "unreclaimed peak"),
    ("collections", "collections"),
    ("cycles_freed", "cycles freed"),
    ("switches", "switches"),
    ("contended", "contended"),
    ("rss_bytes_peak", "resident peak"),
];

/// Those of them that are not 0, as a sentence.
fn highlights(result: &RunResult) -> String {
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
    wrapped("heap: ", 4, &(shown.join(", ") + &timing)) + "\n"
}

/// A counter's value, in the unit that its name says.
fn counted(counter: &str, value: u64) -> String {
    if counter.starts_with("rss_bytes") {
        figures::bytes(value)
    } else {
        figures::count(value)
    }
}

fn checks(result: &RunResult) -> String {
    let mut columns = Columns::new([Side::Left, Side::Left, Side::Right, Side::Left]);
    columns.head(&["check", "verdict", "examined", ""]);
    for check in &result.checks {
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
    let mut text = columns.draw();
    for check in violated(result) {
        if let Some(detail) = &check.detail {
            let lead = format!("  {}: ", paint(of_verdict(check.verdict), &check.name));
            text += &wrapped(&lead, 4, detail);
        }
    }
    text
}

fn threads(result: &RunResult) -> String {
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
    columns.draw()
}

fn counters(result: &RunResult) -> String {
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
    columns.draw()
}

fn surveys(result: &RunResult) -> String {
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
    let mut text = columns.draw();
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

fn violated(result: &RunResult) -> impl Iterator<Item = &Judgement> {
    let checks = result.checks.iter();
    checks.filter(|check| check.verdict == Verdict::Violated)
}

/// The verdict, and why.
fn verdict(result: &RunResult) -> (String, String) {
    let name = paint(of_outcome(result.verdict), result.verdict.name());
    let broken: Vec<&str> = violated(result).map(|check| check.name.as_str()).collect();
    let held = result
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Held);
    let held = figures::several(held.count() as u64, "check", "checks");
    let examined = figures::count(result.examined());
    let why = match result.verdict {
        Outcome::Held => format!("{held} held over {examined} examined"),
        Outcome::Interrupted => format!("{held} held over {examined} examined until then"),
        Outcome::Vacuous => format!("{held} held, but the run did not do what was required of it"),
        Outcome::Crashed => match result.evidence.ended {
            Ended::OutOfMemory { .. } => "the heap is full".to_owned(),
            _ => "the heap broke down".to_owned(),
        },
        Outcome::Hung => match result.evidence.heard.and_then(|heard| heard.settling_ns) {
            Some(_) => "settling did not come to an end in time".to_owned(),
            None => "the heap came to a standstill".to_owned(),
        },
        Outcome::Violated if broken.is_empty() => "the heap says so itself".to_owned(),
        Outcome::Violated => broken.join(", "),
    };
    (name, why)
}
