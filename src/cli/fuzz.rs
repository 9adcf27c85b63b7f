//! `fuzz`: a hunt on each heap; what fails is shown and kept as soon as it is small.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::agenda::{self, fresh_seed};
use super::args::{Fuzz, ScheduleArg};
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{control, faults, hush, interrupt, reproduce, store};
use crate::digest::Digest;
use crate::fuzz::{
    Bag, CRASHED, Failure, Finding, Hunt, HuntBudget, HuntProgress, HuntWatch, by_steps,
    on_threads, programs,
};
use crate::heap::Fault;
use crate::plan::{Case, Control, Schedule};
use crate::report::{self, Detail};
use crate::result::{self, figures};
use crate::run::{Entry, Registry};

/// How long programs are tried if nobody says.
const DURATION: Duration = Duration::from_secs(30);
/// How often a smaller case is tried on threads before it counts as one that does not fail. A race that
/// shows in one run of ten is then lost in one of eight such cases.
const TRIES: u32 = 20;
/// How often the progress line is drawn.
const DRAWS_PER_SECOND: u8 = 10;
/// The most operations of a program if nobody says; fewer where each is tried in many schedules, of
/// which there are more the longer it is.
const OPS: (u32, u32) = (50, 12);
/// The most mutators of a program if nobody says.
const MUTATORS: u32 = 3;

impl ScheduleArg {
    /// The schedule, if this build has it.
    pub(super) fn schedule(self) -> Result<Schedule, Usage> {
        let by = match self {
            Self::Steps => return Ok(Schedule::Steps),
            Self::Free => {
                control::needs_threads("schedule `free`")?;
                return Ok(Schedule::Free);
            }
            Self::Random => Control::Random,
            Self::Pct => Control::Pct,
            Self::Dfs => Control::Dfs,
        };
        control::needs_checker(by)?;
        Ok(Schedule::Controlled { by, kept: None })
    }
}

/// A hunt on one heap, as JSON.
#[derive(Debug, Serialize)]
struct Hunted<'a> {
    heap: &'a str,
    fault: Option<&'static str>,
    schedule: &'static str,
    seed: u64,
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
    let schedule = args.schedule.schedule()?;
    let json = args.json.as_deref().map(JsonTarget::new);
    if let Some(JsonTarget::File(path)) = json {
        store::try_out_file(path)?;
    }
    // Before the directory is there for all to see: who sees it may send a signal.
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
            seed,
            bag,
        });
    }
    if interrupted.load(Relaxed) {
        exit = exit.and(Exit::Interrupted);
    }
    if let Some(target) = json
        && let Err(error) = store::json(&hunted).and_then(|text| target.write(&text, terminal))
    {
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

/// One hunt, and whoever watches it.
struct Hunter<'a> {
    program: &'a str,
    args: &'a Fuzz,
    heap: &'a Entry,
    fault: Option<Fault>,
    schedule: Schedule,
    json: Option<JsonTarget<'a>>,
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
        let jobs = self.args.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        let all = programs()
            .for_caps(self.heap.caps)
            .with_ops(ops as usize)
            .with_mutators(self.args.mutators.unwrap_or(MUTATORS));
        let hunt = Hunt {
            programs: match self.schedule {
                Schedule::Steps | Schedule::Free => all,
                Schedule::Controlled { .. } => all.that_meet(),
            },
            seed,
            budget: budget.cases.map_or(by_time, HuntBudget::Cases),
            shrink_budget: self.args.shrink_budget,
            failures_max: usize::try_from(self.args.max_failures).unwrap_or(usize::MAX),
            jobs: jobs.unwrap_or_else(|| default_jobs(&self.schedule)).min(64),
            patience: self.args.time_limit,
            tries: match self.schedule {
                Schedule::Steps | Schedule::Controlled { .. } => 1,
                Schedule::Free => TRIES,
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

    /// Shows text where text goes: beside the JSON if that has taken standard output.
    fn show(&mut self, page: &str) {
        match self.json {
            Some(JsonTarget::Stdout) => self.terminal.message(page.trim_end_matches('\n')),
            Some(JsonTarget::File(_)) | None => self.terminal.data(page),
        }
    }

    /// The case with all that it takes to run it again.
    fn complete(&self, case: &Case) -> Case {
        Case {
            heap: Some(self.heap.name.clone()),
            fault: self.fault,
            schedule: self.schedule.clone(),
            ..case.clone()
        }
    }

    /// Explores once more, which finds the same, for the schedule to keep.
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
                let path = reproduce::quote(&path.to_string_lossy());
                let line = format!("reproduce: {} replay {path}", self.program);
                self.terminal.message(&line);
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
        // It is drawn again at the next look.
        self.bar.finish_and_clear();
        self.show(&page);
        self.keep(&failure.case, &failure.text);
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
        // Its schedule cannot be had: to explore it again would not end either.
        self.write(&self.complete(&case), "it did not come to an end");
        let code = Exit::Crashed.code();
        // A thread that does not come back cannot be waited for.
        std::process::exit(code.into());
    }
}

fn default_jobs(schedule: &Schedule) -> usize {
    match schedule {
        // Under the checker, all threads of a case are one of the system's.
        Schedule::Steps | Schedule::Controlled { .. } => {
            std::thread::available_parallelism().map_or(1, usize::from)
        }
        // Their own threads are to meet each other, not those of another case.
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

/// A name that says what it is, and is the same for the same program.
fn file_name(case: &Case) -> PathBuf {
    let digest = Digest::of(&case.program().to_string()).to_string();
    let mut name = format!(
        "{}-{}",
        case.check.as_deref().unwrap_or("case"),
        case.heap.as_deref().unwrap_or("any")
    );
    if let Some(fault) = case.fault {
        name += &format!("-{fault}");
    }
    let name = name.replace(['/', '\\'], "_");
    Path::new(&format!("{name}-{}.case", &digest[..8])).to_owned()
}
