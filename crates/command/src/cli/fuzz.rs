//! `fuzz`: hunts for failures on each heap; each is shown and kept as soon as it has been shrunk.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::agenda::{self, fresh_seed};
use super::args::Fuzz;
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{control, faults, hush, interrupt, reproduce, store, threads};
use crate::digest::Digest;
use crate::fuzz::{
    Bag, CRASHED, Failure, Finding, Hunt, HuntBudget, HuntProgress, HuntWatch, by_steps,
    on_threads, programs,
};
use crate::heap::Fault;
use crate::plan::{Case, Schedule};
use crate::report::{self, Detail};
use crate::result::{self, Seed, figures};
use crate::run::{Entry, Registry};

/// How long programs are tried on each heap by default.
const DURATION: Duration = Duration::from_secs(30);
/// How many times a smaller case is tried on threads before it counts as one that does not fail. A
/// race that shows in one run of ten is then missed in one case of eight.
const TRIES: u32 = 20;
/// How often a failure is tried again, to see whether it always fails.
const RETRIES: u32 = 20;
/// How often the progress line is drawn anew.
const DRAWS_PER_SECOND: u8 = 10;
/// The maximum number of operations of a program by default: without a model checker, and with one,
/// which tries each program in many schedules, whose number grows with its length.
const OPS: (u32, u32) = (50, 12);
/// The maximum number of mutators of a program by default.
const MUTATORS: u32 = 3;
/// More threads than that only get in each other's way.
const JOBS_MAX: usize = 64;

/// A hunt on one heap, as JSON.
#[derive(Debug, Serialize)]
struct Hunted<'a> {
    heap: &'a str,
    fault: Option<&'static str>,
    schedule: &'static str,
    #[serde(flatten)]
    seed: Seed,
    #[serde(flatten)]
    bag: Bag,
}

/// Hunts on every heap that was asked for.
pub(super) fn fuzz(
    registry: &Registry,
    program: &str,
    args: &Fuzz,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let heaps = agenda::heaps(registry, &args.heaps)?;
    let fault = args.fault.as_deref();
    let fault = fault
        .map(|name| faults::planted(registry, &heaps, name))
        .transpose()?;
    let schedule = control::schedule(args.schedule)?;
    let mutators = match schedule {
        Schedule::Free => args.mutators.unwrap_or(MUTATORS),
        Schedule::Steps | Schedule::Controlled { .. } => 0,
    };
    // At least one thread tries programs.
    threads::refuse_too_many(mutators as usize + 1)?;
    let json = JsonTarget::of(args.json.as_deref())?;
    // This comes before the directory is made, so that a later signal ends the hunt in an orderly
    // way.
    let interrupted = interrupt::flag()?;
    store::prepare_directory(Some(&args.out), "")?;
    let seed = args.seed.unwrap_or_else(fresh_seed);
    hush::panics_of_heaps();
    let mut exit = Exit::Held;
    let mut hunted = Vec::new();
    for heap in heaps {
        if interrupted.load(Relaxed) {
            break;
        }
        let mut hunter = Hunter {
            program,
            args,
            heap,
            fault,
            schedule: schedule.clone(),
            json,
            bar: bar(terminal.detail()),
            terminal: &mut *terminal,
            interrupted: Arc::clone(&interrupted),
            exit: Exit::Held,
        };
        let bag = hunter.hunt(seed);
        exit = exit.and(hunter.exit);
        hunted.push(Hunted {
            heap: &heap.name,
            fault: fault.map(Fault::name),
            schedule: schedule.name(),
            seed: Seed(seed),
            bag,
        });
    }
    if interrupted.load(Relaxed) {
        exit = exit.and(Exit::Interrupted);
    }
    if let Err(error) = json.write(&hunted, terminal) {
        terminal.error(&format!("failed to write what was found as JSON: {error}"));
        exit = exit.and(Exit::Usage);
    }
    Ok(exit)
}

fn bar(detail: Detail) -> ProgressBar {
    let target = match detail {
        Detail::Verdict => ProgressDrawTarget::hidden(),
        Detail::Page | Detail::Everything => ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {spinner:.cyan} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// One hunt, and where its findings go.
struct Hunter<'a> {
    program: &'a str,
    args: &'a Fuzz,
    heap: &'a Entry,
    fault: Option<Fault>,
    schedule: Schedule,
    json: JsonTarget<'a>,
    bar: ProgressBar,
    terminal: &'a mut Terminal,
    interrupted: Arc<AtomicBool>,
    exit: Exit,
}

impl Hunter<'_> {
    fn subject(&self) -> String {
        result::subject(&self.heap.name, self.fault.map(Fault::name))
    }

    fn hunt(&mut self, seed: u64) -> Bag {
        let budget = &self.args.budget;
        let by_time = HuntBudget::Duration(budget.duration.unwrap_or(DURATION));
        let ops = self.args.ops.unwrap_or(match self.schedule {
            Schedule::Steps | Schedule::Free => OPS.0,
            Schedule::Controlled { .. } => OPS.1,
        });
        let jobs = self.jobs();
        let all = programs()
            .for_caps(self.heap.caps())
            .with_ops(ops as usize)
            .with_mutators(self.args.mutators.unwrap_or(MUTATORS));
        let hunt = Hunt {
            programs: match self.schedule {
                Schedule::Steps if self.args.ops.is_none() => all.that_endure(),
                Schedule::Steps | Schedule::Free => all,
                Schedule::Controlled { .. } => all.that_meet(),
            },
            seed,
            budget: budget.cases.map_or(by_time, HuntBudget::Cases),
            shrink_budget: self.args.shrink_budget,
            failures_max: usize::try_from(self.args.max_failures).unwrap_or(usize::MAX),
            jobs,
            patience: self.args.time_limit,
            tries: match self.schedule {
                Schedule::Steps | Schedule::Controlled { .. } => 1,
                Schedule::Free => TRIES,
            },
            retries: match self.schedule {
                Schedule::Steps | Schedule::Free => RETRIES,
                // Exploring a case again takes the same schedules, so retries show nothing;
                // `keep_schedule` explores it once more.
                Schedule::Controlled { .. } => 0,
            },
        };
        self.bar.set_prefix(format!("fuzzing {}", self.subject()));
        let (heap, fault, schedule) = (self.heap, self.fault, self.schedule.clone());
        let attempt = |case: &Case| hush::while_trying(|| attempt(heap, fault, &schedule, case));
        let bag = hunt.run(&attempt, self);
        self.bar.finish_and_clear();
        let line = report::hunt::bag(&bag, &self.subject(), &self.schedule, seed);
        self.show(&line);
        if self.terminal.detail() == Detail::Everything {
            self.show(&report::hunt::ops(&bag));
        }
        if bag.cases == 0 && !self.interrupted.load(Relaxed) {
            self.terminal
                .warning("no program was tried, so nothing was shown");
            self.exit = self.exit.and(Exit::Vacuous);
        }
        bag
    }

    /// How many programs to run at a time.
    fn jobs(&mut self) -> usize {
        let asked = self.args.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        let is_alone = self.heap.caps().one_per_process;
        if is_alone && asked.is_some_and(|jobs| jobs > 1) {
            let name = &self.heap.name;
            self.terminal.warning(&format!(
                "{name} is one heap a process, so its programs run one at a time: for more, start \
                 several commands"
            ));
        }
        let jobs = asked.unwrap_or_else(|| default_jobs(&self.schedule));
        jobs.min(if is_alone { 1 } else { JOBS_MAX })
    }

    /// Prints text for people.
    fn show(&mut self, page: &str) {
        self.json.show(page, self.terminal);
    }

    /// The case with the heap, the fault and the schedule that it failed with.
    fn complete(&self, case: &Case) -> Case {
        Case {
            heap: Some(self.heap.name.clone()),
            fault: self.fault,
            schedule: self.schedule.clone(),
            ..case.clone()
        }
    }

    /// Explores once more, which finds the same failure, to learn its schedule.
    fn keep_schedule(&mut self, case: &mut Case) {
        let Schedule::Controlled { by, kept } = &mut case.schedule else {
            return;
        };
        let by = *by;
        *kept = None;
        let (heap, fault) = (self.heap, self.fault);
        match hush::while_trying(|| control::explore(heap, fault, by, case)) {
            Ok(Some((_, schedule))) => {
                let kept = Some(schedule);
                case.schedule = Schedule::Controlled { by, kept };
            }
            Ok(None) | Err(_) => self.terminal.warning(
                "it did not fail when it was explored again, so no schedule is kept with it",
            ),
        }
    }

    fn keep(&mut self, case: &Case, comment: &str) {
        let mut case = self.complete(case);
        self.keep_schedule(&mut case);
        self.write(&case, comment);
    }

    fn write(&mut self, case: &Case, comment: &str) {
        let path = self.args.out.join(file_name(case));
        let text = format!("{case}# {}\n", comment.replace('\n', "\n# "));
        match store::write_whole(&path, text.as_bytes()) {
            Ok(()) => {
                let words = [
                    OsStr::new(self.program),
                    OsStr::new("replay"),
                    path.as_os_str(),
                ];
                let line = reproduce::quoted(&words);
                self.terminal.message(&format!("reproduce: {line}"));
            }
            Err(error) => {
                let path = path.display();
                self.terminal
                    .error(&format!("failed to keep {path}: {error}"));
                self.terminal.message(text.trim_end_matches('\n'));
                self.exit = self.exit.and(Exit::Usage);
            }
        }
    }
}

impl HuntWatch for Hunter<'_> {
    fn progress(&mut self, progress: HuntProgress) -> ControlFlow<()> {
        let HuntProgress {
            elapsed,
            cases,
            failures,
        } = progress;
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let mut message = format!(
            "{}, {} programs",
            figures::span(nanos),
            figures::short(cases as f64)
        );
        if failures > 0 {
            let failures = figures::several(failures as u64, "failure", "failures");
            message += &format!(", {failures}");
        }
        self.bar.set_message(message);
        self.bar.tick();
        match self.interrupted.load(Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn found(&mut self, failure: &Failure) {
        let is_crash = failure.check == CRASHED;
        self.exit = self.exit.and(if is_crash {
            Exit::Crashed
        } else {
            Exit::Violated
        });
        let page = report::hunt::failure(failure);
        // The next progress report draws the bar again.
        self.bar.finish_and_clear();
        self.show(&page);
        let comment = match report::hunt::flaky(failure) {
            Some(rate) => format!("{}\n{rate}", failure.text),
            None => failure.text.clone(),
        };
        self.keep(&failure.case, &comment);
    }

    fn hung(&mut self, case: &Case) {
        let subject = self.subject();
        self.bar.finish_and_clear();
        self.terminal
            .error(&format!("a program on {subject} did not come to an end"));
        let case = Case {
            check: Some("hung".to_owned()),
            ..case.clone()
        };
        // Its schedule is unknown, and exploring again to learn it would not end either.
        self.write(&self.complete(&case), "it did not come to an end");
        let code = Exit::Crashed.code();
        // A thread that hangs cannot be joined.
        std::process::exit(code.into());
    }
}

fn default_jobs(schedule: &Schedule) -> usize {
    match schedule {
        // Under the checker, all threads of a case share one system thread.
        Schedule::Steps | Schedule::Controlled { .. } => {
            std::thread::available_parallelism().map_or(1, usize::from)
        }
        // The threads of a case are to race with each other, not with those of other cases.
        Schedule::Free => 1,
    }
}

/// Tries a case once.
pub(super) fn attempt(
    heap: &Entry,
    fault: Option<Fault>,
    schedule: &Schedule,
    case: &Case,
) -> Option<Finding> {
    let tried = match schedule {
        Schedule::Free => on_threads(heap, fault, case),
        Schedule::Steps => by_steps(heap, fault, case).map(|(_, finding)| finding),
        Schedule::Controlled { by, .. } => {
            let found = control::explore(heap, fault, *by, case);
            found.map(|found| found.map(|(finding, _)| finding))
        }
    };
    tried.unwrap_or_else(|fault| {
        Some(Finding {
            check: CRASHED,
            turn: None,
            text: fault.to_string(),
        })
    })
}

/// A name made of the check, the heap, the fault, and a digest of the program.
fn file_name(case: &Case) -> PathBuf {
    let digest = Digest::of(&case.program().to_string()).to_string();
    let mut name = format!(
        "{}-{}",
        case.check.as_deref().unwrap_or("case"),
        store::file_word(case.heap.as_deref().unwrap_or("any"))
    );
    if let Some(fault) = case.fault {
        name += &format!("-{fault}");
    }
    let name = name.replace(['/', '\\'], "_");
    Path::new(&format!("{name}-{}.case", &digest[..8])).to_owned()
}
