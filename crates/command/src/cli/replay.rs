//! `replay`: runs a kept case once if that is deterministic, otherwise until it fails again.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use indicatif::ProgressBar;

use super::again::{RanAgain, Subject};
use super::agenda;
use super::args::{IsolateArg, Replay};
use super::child::{CaseJob, Printed};
use super::control;
use super::exit::Exit;
use super::laboratory::{self, JobEnd, Laboratory};
use super::terminal::Terminal;
use super::tries::Tries;
use super::usage::Usage;
use super::values::NO_FAULT;
use super::{faults, hush, interrupt, progress, recipe, threads};
use crate::diagnostic::text;
use crate::fuzz::{Finding, lacking};
use crate::heap::Fault;
use crate::plan::{Case, Schedule};
use crate::report::{Detail, ERROR, HELP, crash, paint};
use crate::result;
use crate::run::{Entry, Registry};

/// How long a run may take by default before it counts as hung: as in `fuzz`.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs the case again.
pub(super) fn replay(
    registry: &Registry,
    program: &str,
    args: &Replay,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let case = read(&args.case)?;
    if case.is_recipe() {
        control::needs_threads("a recipe")?;
        return recipe(registry, program, args, &case, terminal);
    }
    let isolate = args.isolate.unwrap_or(IsolateArg::Yes);
    let heaps = agenda::heaps_for_case(registry, &args.heaps, case.heap.as_ref(), isolate)?;
    agenda::needs_operations(&heaps, "a case")?;
    let (fault, schedule) = asked_for(registry, &heaps, args, &case)?;
    // With other heaps, faults or schedules the case is not expected to fail.
    let is_as_kept = args.heaps.is_empty() && args.fault.is_none() && args.schedule.is_none();
    let interrupted = interrupt::flag()?;
    let mut exit = Exit::Held;
    for heap in heaps {
        if let Some(why) = lacks(heap, &case) {
            terminal.warning(&format!("{} is skipped: {why}", heap.name));
            continue;
        }
        let apart = laboratory::is_apart(heap, fault, args.isolate).then(|| {
            let limit = args.time_limit.unwrap_or(LIMIT);
            Laboratory::new(limit, Printed::PassedOn, &interrupted)
        });
        let case = Case {
            heap: Some(heap.name.clone()),
            fault,
            schedule: schedule.clone(),
            ..case.clone()
        };
        let subject = Subject {
            case: &case,
            heap,
            tries: Tries::of(args.times),
            detail: terminal.detail(),
        };
        let again = run_again(&subject, apart.as_ref(), &interrupted, terminal);
        if let Some(why) = apart.and_then(|apart| apart.broken()) {
            let text = format!("failed to run it on {}: {why}", heap.name);
            return Err(Usage::new(text));
        }
        if interrupted.load(Relaxed) && again.finding.is_none() {
            return Ok(exit.and(Exit::Interrupted));
        }
        show(&case, &again, terminal);
        exit = exit.and(match &again.finding {
            Some(finding) if finding.is_crash() => Exit::Crashed,
            Some(_) => Exit::Violated,
            None if is_as_kept && case.check.is_some() => Exit::NotReproduced,
            None => Exit::Held,
        });
    }
    Ok(exit)
}

/// The fault and the schedule: those that are given, or else those of the case.
fn asked_for(
    registry: &Registry,
    heaps: &[&Entry],
    args: &Replay,
    case: &Case,
) -> Result<(Option<Fault>, Schedule), Usage> {
    let fault = match args.fault.as_deref() {
        Some(NO_FAULT) => None,
        Some(name) => Some(name),
        None => case.fault.map(Fault::name),
    };
    let fault = fault
        .map(|name| faults::planted(registry, heaps, name))
        .transpose()?;
    let schedule = match args.schedule {
        Some(schedule) => control::schedule(schedule)?,
        None => case.schedule.clone(),
    };
    match &schedule {
        Schedule::Steps => {}
        Schedule::Free => {
            control::needs_threads("schedule `free`")?;
            threads::refuse_too_many(case.mutators.len() + 1)?;
        }
        Schedule::Controlled { by, .. } => control::needs_checker(*by)?,
    }
    Ok((fault, schedule))
}

/// Prints what became of a case on one heap.
fn show(case: &Case, again: &RanAgain, terminal: &mut Terminal) {
    let heap = case.heap.as_deref().unwrap_or_default();
    let subject = result::subject(heap, case.fault.map(Fault::name));
    if let Some(why) = &again.failed {
        terminal.error(&format!("failed to run it on {subject}: {why}"));
        return;
    }
    if let Some(warning) = &again.warning {
        terminal.warning(warning);
    }
    terminal.data(&again.page);
    let finding = again.finding.as_ref();
    tell(&subject, case, finding, &again.how, terminal);
}

/// Repeats the command of a recipe.
fn recipe(
    registry: &Registry,
    program: &str,
    args: &Replay,
    case: &Case,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    hush::panics_of_heaps();
    let done = recipe::replay(registry, program, args, case, terminal)?;
    let finding = done.finding.as_ref();
    tell(&done.subject, case, finding, &done.how, terminal);
    Ok(match finding {
        Some(finding) if finding.is_crash() => Exit::Crashed,
        Some(_) => Exit::Violated,
        None if done.is_interrupted => Exit::Interrupted,
        None => Exit::NotReproduced,
    })
}

fn read(path: &Path) -> Result<Case, Usage> {
    let shown = path.display();
    let text = text::read(path).map_err(|error| agenda::unreadable_case(path, &error))?;
    Ok(Case::parse(&shown.to_string(), &text)?)
}

/// What the case needs that the heap lacks, by the rule by which a hunt tries cases.
fn lacks(heap: &Entry, case: &Case) -> Option<String> {
    let missing = lacking(&heap.caps(), case);
    (!missing.is_empty()).then(|| format!("the heap has no {}", missing.join(", no ")))
}

/// Runs the case again, in this process or in another.
fn run_again(
    subject: &Subject<'_>,
    apart: Option<&Laboratory>,
    interrupted: &AtomicBool,
    terminal: &mut Terminal,
) -> RanAgain {
    let bar = match subject.case.schedule {
        Schedule::Free => {
            terminal.remark(&subject.tries.announced());
            progress::counting("run", subject.tries.times, terminal.detail_of_bars())
        }
        Schedule::Steps | Schedule::Controlled { .. } => ProgressBar::hidden(),
    };
    let mut run = None;
    let mut on_run = |number: u64| {
        bar.set_position(number - 1);
        run = Some(number);
    };
    let Some(apart) = apart else {
        hush::panics_of_heaps();
        let again = subject.run(|number| {
            on_run(number);
            match interrupted.load(Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        bar.finish_and_clear();
        return again;
    };
    let job = CaseJob::Replay {
        case: subject.case.to_string(),
        tries: subject.tries,
        detail: subject.detail,
    };
    let end = apart.ask(job, on_run);
    bar.finish_and_clear();
    match end {
        JobEnd::Done(again) => again,
        JobEnd::Lost(lost) => {
            if let Some(crash) = &lost.crash
                && subject.detail != Detail::Verdict
            {
                terminal.data(&crash::lines(crash, terminal.look().width));
            }
            if let Some(stacks) = lost.stacks {
                match subject.detail {
                    Detail::Everything => terminal.data(&stacks),
                    Detail::Page => terminal.remark("--verbose shows the stacks of its threads"),
                    Detail::Verdict => {}
                }
            }
            let lost_in = "its process was lost";
            RanAgain {
                finding: Some(lost.finding),
                how: run.map_or(lost_in.to_owned(), |run| format!("in run {run}, {lost_in}")),
                ..RanAgain::default()
            }
        }
        JobEnd::CalledOff => RanAgain {
            how: "not to the end".to_owned(),
            ..RanAgain::default()
        },
    }
}

/// Prints the outcome of a replay.
fn tell(subject: &str, case: &Case, finding: Option<&Finding>, how: &str, terminal: &mut Terminal) {
    let expected = case.check.as_deref();
    let text = match finding {
        Some(finding) => {
            let other = match expected.filter(|check| *check != finding.check) {
                Some(check) => format!(" (the case expects {check})"),
                None => String::new(),
            };
            let failed = paint(ERROR, "failed");
            format!("{failed} on {subject} ({how}): {finding}{other}\n")
        }
        None => {
            let held = match expected {
                Some(check) => format!("; the case expects {check}"),
                None => String::new(),
            };
            let word = paint(HELP, "held");
            format!("{word} on {subject} ({how}): nothing is wrong{held}\n")
        }
    };
    terminal.data(&text);
}
