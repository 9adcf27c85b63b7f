//! What `fuzz` found, and what `replay` showed, as text; what it found also as a page.

mod html;

pub use html::html;

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{ERROR, FAINT, STRONG, WARNING, paint};
use crate::evidence::{Answer, Happening, Race, Seen, Trace};
use crate::fuzz::{Bag, Failure, Finding, HUNG};
use crate::plan::{Case, Schedule, Turn};
use crate::result::figures;

/// A hunt on one heap.
#[derive(Debug)]
pub struct HuntReport<'a> {
    /// The heap, and the fault planted in it.
    pub subject: String,
    /// How turns were interleaved.
    pub schedule: Schedule,
    /// The seed.
    pub seed: u64,
    /// What it found.
    pub bag: &'a Bag,
    /// What was kept of each failure, in the same order.
    pub kept: &'a [KeptCase],
    /// How processes were lost between two programs.
    pub lost_idle: &'a [String],
}

/// A case that was kept.
#[derive(Debug, Clone)]
pub struct KeptCase {
    /// Its file, and the command that repeats it; `None` if it could not be written.
    pub file: Option<(PathBuf, String)>,
    /// All that is in that file, so that it can be pasted into another.
    pub text: String,
}

/// A case of an earlier hunt that is in the directory of a page.
#[derive(Debug)]
pub struct EarlierCase {
    /// The check and the heap.
    pub about: String,
    /// The command that tries it again.
    pub reproduce: String,
}

/// The maximum number of turns that are shown; of a longer case, none is.
const SHOWN_MAX: usize = 40;

/// One failure: what it is, how far it was shrunk, and the shrunk program.
pub fn failure(failure: &Failure) -> String {
    let mut text = format!("{} {}\n", paint(ERROR, "failed"), failure.text);
    let (turns, found) = (failure.case.all_turns().count(), failure.turns_found);
    let found = format!(
        "{} of {}",
        figures::several(found as u64, "turn", "turns"),
        figures::several(failure.mutators_found as u64, "mutator", "mutators")
    );
    let number = failure.number + 1;
    text += &match failure.is_unshrunk() {
        true => format!("  program {number}, {found}"),
        false => format!(
            "  program {number}, shrunk from {found} to {turns} of {}, in {} ({})",
            failure.case.mutators.len(),
            figures::span(failure.shrink_ns),
            figures::several(failure.tried, "program tried", "programs tried"),
        ),
    };
    text += match (failure.is_cut_short, failure.check.as_str()) {
        (true, HUNG) => "; not as small as possible, since each try takes the time limit\n",
        (true, _) => "; time was up before it was as small as possible\n",
        (false, _) => "\n",
    };
    if let Some(rate) = flaky(failure) {
        let _ = writeln!(text, "  {}", paint(WARNING, &rate));
    }
    text + &program(&failure.case)
}

/// If a failure is flaky, says so, and how often it recurred.
pub fn flaky(failure: &Failure) -> Option<String> {
    let Failure {
        retries,
        retries_failed,
        ..
    } = failure;
    failure.is_flaky().then(|| {
        if failure.is_unshrunk() {
            return format!(
                "not shrunk: tried again {retries} times by itself, the program did not fail; it may need what \
                 an earlier one left behind in the process"
            );
        }
        let as_found = failure.as_found.as_ref().map_or_else(String::new, |it| {
            format!(
                "; as it was found, {} of {}",
                it.retries_failed,
                figures::several(it.retries.into(), "time", "times")
            )
        });
        format!(
            "flaky: tried again {retries} times, the shrunk program failed {retries_failed} \
             times{as_found}"
        )
    })
}

/// What mutators hold from the beginning and the turns of a case, a line each, with the numbers by which
/// findings name turns; empty if there are too many.
fn program(case: &Case) -> String {
    let turns: Vec<&Turn> = case.all_turns().collect();
    if turns.len() > SHOWN_MAX {
        return String::new();
    }
    let holders = case.mutators.iter().filter(|it| !it.held.is_empty());
    let held = holders.map(|mutator| {
        let of = |object: usize| case.shared.get(object).map_or("?", |it| it.name.as_str());
        let held = mutator.held.iter();
        let held = held.map(|(slot, object)| format!(" r{}={}", slot.0, of(*object)));
        format!(
            "        {} holds{}\n",
            mutator.name,
            held.collect::<String>()
        )
    });
    let lines = (1..).zip(turns);
    let lines = lines.map(|(number, turn)| format!("{number:>6}  {}\n", case.line_of(turn)));
    held.chain(lines).collect()
}

/// The outcome of a hunt on one heap, in one line.
pub fn bag(bag: &Bag, subject: &str, schedule: &Schedule, seed: u64) -> String {
    let verdict = match bag.failures.len() {
        0 => "none failed".to_owned(),
        failures => paint(
            ERROR,
            &figures::several(failures as u64, "failure", "failures"),
        ),
    };
    let again: u64 = bag.failures.iter().map(|failure| failure.again).sum();
    let again = match again {
        0 => String::new(),
        again => format!(", met {} more", figures::several(again, "time", "times")),
    };
    let lost = match (bag.crashed, bag.hung) {
        (0, 0) => String::new(),
        (crashed, 0) => format!(" ({crashed} crashed)"),
        (0, hung) => format!(" ({hung} hung)"),
        (crashed, hung) => format!(" ({crashed} crashed, {hung} hung)"),
    };
    let shrunk = match bag.shrink_ns {
        0 => String::new(),
        shrunk => format!("; shrinking took {}", figures::span(shrunk)),
    };
    format!(
        "{} {} seed {seed}: {} of {} in {} ({} a second): {verdict}{again}{lost}{shrunk}\n",
        paint(STRONG, subject),
        schedule.name(),
        figures::several(bag.cases, "program", "programs"),
        figures::several(bag.turns, "turn", "turns"),
        figures::span(bag.search_ns),
        figures::short(bag.per_second()),
    )
}

/// How often each operation was done, in one line.
pub fn ops(bag: &Bag) -> String {
    let mut ops: Vec<(&str, u64)> = bag
        .ops
        .iter()
        .map(|(name, count)| (*name, *count))
        .collect();
    ops.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let ops = ops
        .iter()
        .map(|(name, count)| format!("{name} {}", figures::count(*count)));
    paint(FAINT, &format!("  {}", ops.collect::<Vec<_>>().join(", "))) + "\n"
}

/// A case step by step: what each turn answered and what happened after it.
pub fn steps(case: &Case, trace: &Trace, finding: Option<&Finding>) -> String {
    let mut text = String::new();
    let mut events = trace.events.iter().peekable();
    for (number, (turn, step)) in (1..).zip(case.all_turns().zip(&trace.steps)) {
        let mut said = Vec::new();
        said.extend(answer(step.answer));
        said.extend(seen(step.seen));
        while let Some(event) = events.next_if(|event| event.after as usize == number) {
            said.extend(happening(event.what));
        }
        let line = case.line_of(turn);
        let _ = writeln!(text, "{number:>6}  {line:<36} {}", said.join("; "));
        if let Some(finding) = finding.filter(|finding| finding.turn == Some(number)) {
            let _ = writeln!(text, "{}", paint(ERROR, &format!("        {finding}")));
        }
    }
    let at_the_end: Vec<String> = events.filter_map(|event| happening(event.what)).collect();
    if !at_the_end.is_empty() {
        let _ = writeln!(text, "{:>6}  {}", "end", at_the_end.join("; "));
    }
    text
}

/// A case under one schedule: its turns in the order in which they returned, with the times of
/// their calls and returns.
pub fn race(case: &Case, race: &Race) -> String {
    let turns: Vec<&Turn> = case.all_turns().collect();
    let mut text = String::new();
    for (span, step) in race.spans.iter().zip(&race.trace.steps) {
        let mut said = Vec::new();
        said.extend(answer(step.answer));
        said.extend(seen(step.seen));
        let time = format!("{}..{}", span.called, span.returned);
        let line = case.line_of(turns[span.turn as usize]);
        let _ = writeln!(text, "{time:>9}  {line:<36} {}", said.join("; "));
    }
    text
}

fn answer(answer: Answer) -> Option<String> {
    Some(match answer {
        Answer::Nothing => return None,
        Answer::Found(is_found) => if is_found { "yes" } else { "no" }.to_owned(),
        Answer::Length(length) => length.to_string(),
        Answer::Value(value) => value.to_string(),
        Answer::NoRoom => "no room".to_owned(),
    })
}

fn seen(seen: Seen) -> Option<String> {
    Some(match seen {
        Seen::Unseen => return None,
        Seen::Empty => "empty".to_owned(),
        Seen::Object(name) => name.to_string(),
        Seen::Stranger => "an object that was never made here".to_owned(),
        Seen::Stale => "a reference to a freed cell".to_owned(),
    })
}

fn happening(what: Happening) -> Option<String> {
    match what {
        Happening::Finalized(name) => Some(format!("{name} is finalized")),
        Happening::Died(name) => Some(format!("{name} dies")),
        Happening::Root(root, Seen::Object(name)) => Some(format!("root {root} has {name}")),
        Happening::Root(..) => None,
    }
}
