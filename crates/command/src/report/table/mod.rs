//! One result as a page of text for a terminal.
//!
//! The page tells, in this order: what ran, how fast, what held it up, the heap's counters, what
//! the checks say, notes on that, and how to reproduce it. Of a run that held it is a summary: what
//! ran, its operations, how many checks held and were skipped, notes, the verdict.

mod counts;
mod times;

use std::fmt::Write as _;

use super::crash;
use super::prose::{one_line, shown, wrapped};
use super::style::{FAINT, STRONG, WARNING, of_outcome, paint, paint_lines};
use super::{Detail, Look, Width};
use crate::check::{self, Judgement, Verdict};
use crate::evidence::{Ended, Latency};
use crate::result::{Caveat, Outcome, RunResult, figures};
use times::Rows;

/// Draws one result.
pub fn table(result: &RunResult, look: impl Into<Look>) -> String {
    let Look { detail, width } = look.into();
    match (detail, result.verdict) {
        (Detail::Verdict, _) => terse(result),
        (Detail::Page, Outcome::Held) => brief(result, width),
        _ => page(result, detail, width),
    }
}

/// All that is known.
fn page(result: &RunResult, detail: Detail, width: Width) -> String {
    let mut page = head(result, width);
    let ops = Done::of(result).map_or(0, |done| done.ops);
    if !result.threads.is_empty() {
        page += &clock(result, ops, width);
    }
    page += &interpreter(result, width);
    page += &rate(result, width);
    if detail == Detail::Everything {
        page += &parameters(result, width);
        let interpreter = result.interpreter.as_ref();
        page += &interpreter.map_or_else(String::new, |it| {
            wrapped(width, "build: ", 7, &it.details())
        });
    }
    page.push('\n');
    if !(result.ops.is_empty() && result.pauses.is_empty()) {
        page += &times::operations(result, Rows::WithPauses, width);
        page.push('\n');
    }
    page += &times::slow(result, width);
    page += &times::utilization(result, width);
    page += &counts::highlights(result, width);
    page += &checks(result, detail, width);
    if detail == Detail::Everything {
        for part in [counts::threads, counts::counters, counts::surveys] {
            page.push('\n');
            page += &part(result, width);
        }
    }
    page.push('\n');
    for caveat in &result.caveats {
        page += &note(caveat, width);
    }
    if let Some(crash) = &result.evidence.crash {
        page += &crash::lines(crash, width);
    }
    let (name, why) = verdict(result);
    page += &wrapped(width, &format!("{name}: "), 4, &why);
    let _ = writeln!(page, "reproduce: {}", shown(&result.reproduce));
    page
}

/// What a reader needs of a run that held.
fn brief(result: &RunResult, width: Width) -> String {
    let mut page = head(result, width);
    if !result.evidence.service.is_empty() {
        page += &clock(result, Done::of(result).map_or(0, |done| done.ops), width);
    }
    page += &interpreter(result, width);
    page += &rate(result, width);
    page.push('\n');
    page += &times::operations(result, Rows::Operations, width);
    page.push('\n');
    page += &sum_of_checks(result, width);
    // Notes on the run itself are as long as they are to be understood at the first reading.
    let (of_run, of_checks): (Vec<&Caveat>, Vec<&Caveat>) =
        (result.caveats.iter()).partition(|caveat| caveat.check.is_empty());
    let short = of_run.iter().map(|caveat| {
        let ends = [": ", ". "].map(|end| caveat.text.find(end));
        let end = ends.into_iter().flatten().min();
        &caveat.text[..end.unwrap_or(caveat.text.len())]
    });
    let short: Vec<&str> = short.collect();
    if !short.is_empty() {
        let lead = format!("{}: ", paint(WARNING, "note"));
        page += &wrapped(
            width,
            &lead,
            6,
            &format!("{} (--verbose says more)", short.join("; ")),
        );
    }
    for caveat in of_checks {
        page += &note(caveat, width);
    }
    let name = paint(of_outcome(result.verdict), result.verdict.name());
    let _ = writeln!(page, "{name}: no check was violated");
    page
}

/// Every check; but of a run that the heap broke off, only those that found something, unless all is
/// asked for: how it ended is what counts then, and stands below.
fn checks(result: &RunResult, detail: Detail, width: Width) -> String {
    let broke = !matches!(
        result.evidence.ended,
        Ended::Done | Ended::Interrupted | Ended::Violated
    );
    if !broke || detail == Detail::Everything {
        let all = |check: &Judgement| !check.is_cut_short() || detail == Detail::Everything;
        let rows = counts::checks(result, all, width);
        let is_whole = result.checks.iter().all(all);
        let rest = (!is_whole).then(|| sum_of_checks(result, width));
        return rows + &rest.unwrap_or_default();
    }
    let is_amiss = |check: &Judgement| ![Verdict::Held, Verdict::Skipped].contains(&check.verdict);
    let amiss = match result.checks.iter().any(is_amiss) {
        true => counts::checks(result, is_amiss, width),
        false => String::new(),
    };
    amiss + &sum_of_checks(result, width)
}

/// How many checks held, and how many were skipped or did not come to anything.
fn sum_of_checks(result: &RunResult, width: Width) -> String {
    let count = |verdict| {
        let checks = result.checks.iter();
        checks.filter(|check| check.verdict == verdict).count()
    };
    let not_judged = result
        .checks
        .iter()
        .filter(|check| check.is_cut_short())
        .count();
    let skipped = match count(Verdict::Skipped) - not_judged {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    let not_judged = match not_judged {
        0 => String::new(),
        count => format!(", {count} not judged since {}", check::CUT_SHORT),
    };
    let text = format!("{} held{skipped}{not_judged}", count(Verdict::Held));
    wrapped(width, "checks: ", 4, &text)
}

fn note(caveat: &Caveat, width: Width) -> String {
    let about = match caveat.check.as_str() {
        "" => String::new(),
        check => format!(" on {}", one_line(check)),
    };
    let lead = format!("{}{about}: ", paint(WARNING, "note"));
    wrapped(width, &lead, 6, &caveat.text)
}

/// One line with the verdict, and the reproduce line unless it held.
fn terse(result: &RunResult) -> String {
    let (name, mut why) = verdict(result);
    // The page has it in a note.
    if let (Outcome::Violated, Ended::Defect { defect, .. }) =
        (result.verdict, &result.evidence.ended)
    {
        why += &format!(
            "; the heap says of itself: {}",
            one_line(&defect.to_string())
        );
    }
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

/// What was run, and how much of it was done.
fn head(result: &RunResult, width: Width) -> String {
    let title = format!("{} on {}", result.workload.name, result.subject());
    let lead = format!("{}: ", paint(STRONG, &title));
    let threads = match result.threads.len() as u64 {
        // It is not known of a run whose process was lost.
        0 => String::new(),
        threads => format!(", {}", figures::several(threads, "thread", "threads")),
    };
    let seed = result.seed;
    let Some(Done {
        known,
        ops,
        elapsed_ns,
    }) = Done::of(result)
    else {
        let facts = format!("seed {seed}{threads}, lost before its first report");
        return wrapped(width, &lead, 4, &facts);
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
        "seed {seed}{threads}, {known}{operations} in {} ({})",
        figures::span(elapsed_ns),
        figures::rate(per_second),
    );
    if of_setup > 0 {
        facts += &format!(", after {} in the setup", figures::short(of_setup as f64));
    }
    wrapped(width, &lead, 4, &facts)
}

/// How much a run did, as far as is known.
struct Done {
    /// Empty, or how well it is known.
    known: &'static str,
    ops: u64,
    elapsed_ns: u64,
}

impl Done {
    /// `None` if its process was lost before its first report.
    fn of(result: &RunResult) -> Option<Self> {
        // All that is known of a run whose process was lost is what it had reported by then.
        let ended = &result.evidence.ended;
        if matches!(ended, Ended::Died { .. } | Ended::Hung { .. }) {
            return result.evidence.heard.map(|heard| Self {
                known: "at least ",
                ops: heard.ops,
                elapsed_ns: heard.elapsed_ns,
            });
        }
        Some(Self {
            known: "",
            ops: result.evidence.ops_since_start(),
            elapsed_ns: result.elapsed_ns,
        })
    }
}

/// Which interpreter it was.
fn interpreter(result: &RunResult, width: Width) -> String {
    let interpreter = result.interpreter.as_ref();
    interpreter.map_or_else(String::new, |it| {
        wrapped(width, "interpreter: ", 4, &it.about())
    })
}

/// The offered and the achieved rate.
fn rate(result: &RunResult, width: Width) -> String {
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
    wrapped(width, "rate: ", 4, &text)
}

/// The clock, and what reading it adds to each time.
fn clock(result: &RunResult, ops: u64, width: Width) -> String {
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
    paint_lines(FAINT, &wrapped(width, "", 4, &(text + &what)))
}

fn parameters(result: &RunResult, width: Width) -> String {
    let set: Vec<String> = result
        .workload
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if set.is_empty() {
        return String::new();
    }
    wrapped(width, "parameters: ", 12, &set.join(" "))
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
    let ops = Done::of(result).map_or(0, |done| done.ops);
    let ops = figures::several(ops, "operation", "operations");
    let why = match result.verdict {
        Outcome::Held => format!("{held} held over {ops}"),
        Outcome::Interrupted => format!("{held} held over {ops} until then"),
        Outcome::Vacuous => format!("{held} held, but {}", missed(result)),
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

/// What a vacuous run did not do.
fn missed(result: &RunResult) -> String {
    let unmet = check::unmet(&result.counters, &result.require);
    let missed = unmet
        .iter()
        .filter(|one| one.is_vacuous())
        .map(ToString::to_string);
    let checks = result.checks.iter();
    let checks = checks.filter(|check| check.verdict == Verdict::Vacuous);
    let checks = checks.map(|check| {
        let why = check.detail.as_deref().unwrap_or("vacuous");
        format!("{} ({})", check.name, one_line(why))
    });
    let checks: Vec<String> = checks.collect();
    let checks = (!checks.is_empty()).then(|| format!("{} showed nothing", checks.join(", ")));
    let missed: Vec<String> = missed.chain(checks).collect();
    match missed.as_slice() {
        [] => "the run did not do what was required of it".to_owned(),
        missed => missed.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Goal: the one line of a vacuous run names the check that had nothing to show, and why.
    #[test]
    fn one_line_says_why_a_run_is_vacuous() {
        let mut result = sample::result("gil");
        result.verdict = Outcome::Vacuous;
        result.require.clear();
        let why = "nothing was collected before the end";
        let capacity = sample::judgement("capacity", Verdict::Vacuous, 7, Some(why));
        result.checks.push(capacity);
        let width = Width::Unknown;
        let detail = Detail::Verdict;
        let text = table(&result, Look { detail, width });
        let said = format!("1 check held, but capacity ({why}) showed nothing\n");
        assert!(text.contains(&said), "{text}");
    }
}
