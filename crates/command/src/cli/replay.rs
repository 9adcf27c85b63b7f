//! `replay`: runs a kept case once if that is deterministic, otherwise until it fails again.

use std::path::Path;

use super::agenda;
use super::args::Replay;
use super::control;
use super::exit::Exit;
use super::fuzz::attempt;
use super::terminal::Terminal;
use super::usage::Usage;
use super::values::NO_FAULT;
use super::{faults, hush, recipe, threads};
use crate::diagnostic::text;
#[cfg(shuttle)]
use crate::fuzz::by_schedules;
use crate::fuzz::{CRASHED, Finding, by_steps};
use crate::heap::{Defect, Fault};
use crate::plan::{Case, Control, Schedule};
use crate::report::{self, Detail, ERROR, HELP, paint};
use crate::result::{self, figures};
#[cfg(shuttle)]
use crate::run::Exploration;
use crate::run::{Entry, Registry};

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
    let heaps = match (&args.heaps[..], &case.heap) {
        ([], Some(heap)) => agenda::heaps(registry, std::slice::from_ref(heap))?,
        (named, _) => agenda::heaps(registry, named)?,
    };
    let fault = match args.fault.as_deref() {
        Some(NO_FAULT) => None,
        Some(name) => Some(name),
        None => case.fault.map(Fault::name),
    };
    let fault = fault
        .map(|name| faults::planted(registry, &heaps, name))
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
    // With other heaps, faults or schedules the case is not expected to fail.
    let is_as_kept = args.heaps.is_empty() && args.fault.is_none() && args.schedule.is_none();
    let mut exit = Exit::Held;
    for heap in heaps {
        if let Some(why) = lacks(heap, &case) {
            terminal.warning(&format!("{} is skipped: {why}", heap.name));
            continue;
        }
        hush::panics_of_heaps();
        let subject = Subject {
            case: &case,
            heap,
            fault,
        };
        let finding = match &schedule {
            Schedule::Steps => subject.step(terminal),
            Schedule::Free => subject.repeat(args.times, terminal),
            Schedule::Controlled { by, kept } => {
                let how = RaceOptions {
                    by: *by,
                    kept: kept.as_deref(),
                    times: args.times,
                };
                subject.race(how, terminal)
            }
        };
        exit = exit.and(match finding {
            Some(finding) if finding.check == CRASHED => Exit::Crashed,
            Some(_) => Exit::Violated,
            None if is_as_kept && case.check.is_some() => Exit::NotReproduced,
            None => Exit::Held,
        });
    }
    Ok(exit)
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
    let done = recipe::replay(registry, program, args, case)?;
    let finding = done.finding.as_ref();
    tell(&done.subject, case, finding, &done.how, terminal);
    Ok(match finding {
        Some(finding) if finding.check == CRASHED => Exit::Crashed,
        Some(_) => Exit::Violated,
        None if done.is_interrupted => Exit::Interrupted,
        None => Exit::NotReproduced,
    })
}

fn read(path: &Path) -> Result<Case, Usage> {
    let shown = path.display();
    let text =
        text::read(path).map_err(|error| Usage::new(format!("failed to read {shown}: {error}")))?;
    Ok(Case::parse(&shown.to_string(), &text)?)
}

/// What the case needs that the heap lacks.
fn lacks(heap: &Entry, case: &Case) -> Option<String> {
    let missing = case.plan().needs().missing_from(&heap.caps());
    (!missing.is_empty()).then(|| format!("the heap has no {}", missing.join(", no ")))
}

/// How schedules are chosen under a model checker.
#[derive(Debug, Clone, Copy)]
struct RaceOptions<'a> {
    by: Control,
    /// The schedule that the case keeps, if it does.
    kept: Option<&'a str>,
    /// How many schedules to explore if it keeps none.
    times: u64,
}

/// A case, and the heap that it is run on.
struct Subject<'a> {
    case: &'a Case,
    heap: &'a Entry,
    fault: Option<Fault>,
}

impl Subject<'_> {
    fn name(&self) -> String {
        result::subject(&self.heap.name, self.fault.map(Fault::name))
    }

    /// Steps through it once, which is deterministic.
    fn step(&self, terminal: &mut Terminal) -> Option<Finding> {
        let tried = hush::while_trying(|| by_steps(self.heap, self.fault, self.case));
        let (trace, finding) = match tried {
            Ok(tried) => tried,
            Err(defect) => return Some(self.failed(&defect, terminal)),
        };
        if terminal.detail() == Detail::Everything {
            terminal.data(&report::hunt::steps(self.case, &trace, finding.as_ref()));
        }
        let turns = figures::several(trace.steps.len() as u64, "turn", "turns");
        tell(
            &self.name(),
            self.case,
            finding.as_ref(),
            &format!("{turns}, trace {}", trace.digest()),
            terminal,
        );
        finding
    }

    fn failed(&self, defect: &Defect, terminal: &mut Terminal) -> Finding {
        terminal.error(&format!("failed to run it on {}: {defect}", self.name()));
        Finding {
            check: CRASHED,
            turn: None,
            text: defect.to_string(),
        }
    }

    /// Runs it in the kept schedule, which is deterministic, or explores others.
    #[cfg(shuttle)]
    fn race(&self, how: RaceOptions<'_>, terminal: &mut Terminal) -> Option<Finding> {
        let how = Exploration {
            by: how.by,
            kept: how.kept,
            schedules: usize::try_from(how.times).unwrap_or(usize::MAX),
        };
        let tried = hush::while_trying(|| by_schedules(self.heap, self.fault, how, self.case));
        let raced = match tried {
            Ok(raced) => raced,
            Err(defect) => return Some(self.failed(&defect, terminal)),
        };
        if raced.has_diverged {
            terminal.warning(
                "the kept schedule does not fit: it is of another case, or of another build",
            );
        }
        let schedules = figures::several(raced.schedules, "schedule", "schedules");
        let how = match &raced.race {
            None => schedules,
            Some((race, _)) => {
                if terminal.detail() == Detail::Everything {
                    terminal.data(&report::hunt::race(self.case, race));
                }
                let turns = figures::several(race.spans.len() as u64, "turn", "turns");
                format!("{schedules}, {turns}, trace {}", race.digest())
            }
        };
        let finding = raced.finding.as_ref();
        tell(&self.name(), self.case, finding, &how, terminal);
        raced.finding
    }

    /// Never called: such schedules are refused before.
    #[cfg(not(shuttle))]
    fn race(&self, how: RaceOptions<'_>, terminal: &mut Terminal) -> Option<Finding> {
        let RaceOptions { by, kept, times } = how;
        let tried = control::explore(self.heap, self.fault, by, self.case);
        debug_assert!(tried.is_err(), "{kept:?}, {times} times");
        let defect = tried.err()?;
        Some(self.failed(&defect, terminal))
    }

    /// Runs it on free threads until it fails.
    fn repeat(&self, times: u64, terminal: &mut Terminal) -> Option<Finding> {
        let schedule = Schedule::Free;
        let found = (1..=times).find_map(|time| {
            let tried = hush::while_trying(|| attempt(self.heap, self.fault, &schedule, self.case));
            tried.map(|finding| (time, finding))
        });
        let (times, finding) = match found {
            Some((time, finding)) => (format!("in run {time}"), Some(finding)),
            None => (
                format!("in {}", figures::several(times, "run", "runs")),
                None,
            ),
        };
        tell(&self.name(), self.case, finding.as_ref(), &times, terminal);
        finding
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
