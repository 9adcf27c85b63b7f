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
use super::args::{Fuzz, IsolateArg};
use super::attempt::{Tried, attempt, attempt_alone};
use super::child::Printed;
use super::events::{Event, ProgressArg, Teller, millis};
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::laboratory::{self, Laboratory, LostIdle};
use super::terminal::Terminal;
use super::usage::Usage;
use super::{
    control, earlier, faults, hush, interrupt, next_step, publish, reproduce, store, threads,
};
use crate::digest::Digest;
use crate::fuzz::{
    Bag, CRASHED, Elsewhere, Failure, HUNG, HangLimit, Hunt, HuntBudget, HuntProgress, HuntWatch,
    programs,
};
use crate::heap::Fault;
use crate::plan::{Case, Schedule};
use crate::report::hunt::{EarlierCase, HuntReport, KeptCase};
use crate::report::{self, Detail, JunitHunt};
use crate::result::{self, ProfileRef, Seed, figures};
use crate::run::{Entry, Registry};

/// How long programs are tried on each heap by default.
const DURATION: Duration = Duration::from_secs(30);
/// How long one failure is shrunk at most by default. Most take milliseconds; those that do not always
/// fail, or hang, use up what they are given.
const SHRINK_BUDGET: Duration = Duration::from_secs(60);
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
    profile: Option<&'a ProfileRef>,
    #[serde(flatten)]
    seed: Seed,
    #[serde(flatten)]
    bag: Bag,
    /// The files of the failures, in their order; `None` for one that could not be written.
    kept: Vec<Option<String>>,
    /// The same, with what is in them.
    #[serde(skip)]
    cases: Vec<KeptCase>,
    /// How processes were lost between two programs.
    lost_idle: Vec<String>,
}

/// Hunts on every heap that was asked for.
pub(super) fn fuzz(
    registry: &Registry,
    program: &str,
    args: &Fuzz,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let isolate = args.isolate.unwrap_or(IsolateArg::Yes);
    let heaps = agenda::heaps(registry, &args.heaps, isolate)?;
    agenda::needs_operations(&heaps, "`fuzz`")?;
    let planted = |name: &String| faults::planted(registry, &heaps, name);
    let fault = args.fault.as_ref().map(planted).transpose()?;
    let schedule = control::schedule(args.schedule)?;
    let mutators = match schedule {
        Schedule::Free => args.mutators.unwrap_or(MUTATORS),
        Schedule::Steps | Schedule::Controlled { .. } => 0,
    };
    // At least one thread tries programs.
    threads::refuse_too_many(mutators as usize + 1)?;
    // This comes before the directory is made, so that a later signal ends the hunt in an orderly
    // way.
    let interrupted = interrupt::flag()?;
    store::prepare_directory(Some(&args.out), "")?;
    // They may be in that directory.
    let json = JsonTarget::of(args.json.as_deref())?;
    if let Some(path) = &args.junit {
        store::try_out_file(path)?;
    }
    let mut earlier = earlier::files(&args.out);
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
            apart: laboratory::is_apart(heap, fault, args.isolate).then(|| {
                let laboratory = Laboratory::new(args.time_limit, Printed::Dropped, &interrupted);
                Arc::new(laboratory.keeping(&args.out))
            }),
            json,
            bar: bar(terminal.detail_of_bars()),
            teller: Teller::default(),
            terminal: &mut *terminal,
            interrupted: Arc::clone(&interrupted),
            kept: Vec::new(),
            lost_idle: Vec::new(),
            written: Vec::new(),
            exit: Exit::Held,
            seed,
        };
        let bag = hunter.hunt();
        exit = exit.and(hunter.exit);
        let shown = |kept: &KeptCase| Some(kept.file.as_ref()?.0.display().to_string());
        earlier.retain(|path| !hunter.written.contains(path));
        hunted.push(Hunted {
            heap: &heap.name,
            fault: fault.map(Fault::name),
            schedule: schedule.name(),
            profile: args.profile.as_ref(),
            seed: Seed(seed),
            bag,
            kept: hunter.kept.iter().map(shown).collect(),
            cases: hunter.kept,
            lost_idle: hunter.lost_idle,
        });
    }
    if interrupted.load(Relaxed) {
        exit = exit.and(Exit::Interrupted);
    }
    let earlier = earlier_cases(program, args, &earlier, terminal);
    let page = page(&hunted, &schedule, &earlier);
    Ok(exit.and(write_files(args, &page, json, &hunted, terminal)))
}

/// The cases of earlier hunts that are still there.
fn earlier_cases(
    program: &str,
    args: &Fuzz,
    files: &[PathBuf],
    terminal: &mut Terminal,
) -> Vec<EarlierCase> {
    let earlier = files.iter();
    let earlier: Vec<EarlierCase> = earlier
        .filter_map(|path| earlier::about(program, path))
        .collect();
    if !earlier.is_empty() {
        let cases = figures::several(earlier.len() as u64, "case", "cases");
        let out = args.out.display();
        terminal.remark(&format!(
            "note: {cases} of earlier hunts in {out}; `gcstorm replay FILE` tells whether one fails still"
        ));
    }
    earlier
}

/// Writes what was found as a page, and as JSON and as JUnit XML if that was asked for.
fn write_files(
    args: &Fuzz,
    page: &str,
    json: JsonTarget<'_>,
    hunted: &[Hunted<'_>],
    terminal: &mut Terminal,
) -> Exit {
    let mut exit = Exit::Held;
    let path = args.out.join(publish::PAGE);
    match store::write_whole(&path, page.as_bytes()) {
        Ok(()) => terminal.remark(&format!("report: {}", path.display())),
        Err(error) => {
            terminal.error(&format!("failed to write the report: {error}"));
            exit = exit.and(Exit::Usage);
        }
    }
    if let Err(error) = json.write(&hunted, terminal) {
        terminal.error(&format!("failed to write what was found as JSON: {error}"));
        exit = exit.and(Exit::Usage);
    }
    if let Some(path) = &args.junit
        && let Err(error) = store::write_whole(path, junit(hunted).as_bytes())
    {
        let path = path.display();
        terminal.error(&format!("failed to write {path}: {error}"));
        exit = exit.and(Exit::Usage);
    }
    exit
}

fn junit(hunted: &[Hunted<'_>]) -> String {
    let hunts = hunted.iter().map(|hunted| JunitHunt {
        subject: result::subject(hunted.heap, hunted.fault),
        seed: hunted.seed.0,
        bag: &hunted.bag,
        kept: &hunted.cases,
        lost_idle: &hunted.lost_idle,
    });
    report::junit_of_hunts(&hunts.collect::<Vec<_>>())
}

fn replay_line(program: &str, path: &Path) -> String {
    reproduce::command(program, &[OsStr::new("replay"), path.as_os_str()])
}

/// A page of all hunts.
fn page(hunted: &[Hunted<'_>], schedule: &Schedule, earlier: &[EarlierCase]) -> String {
    let hunts = hunted.iter().map(|hunted| HuntReport {
        subject: result::subject(hunted.heap, hunted.fault),
        schedule: schedule.clone(),
        seed: hunted.seed.0,
        bag: &hunted.bag,
        kept: &hunted.cases,
        lost_idle: &hunted.lost_idle,
    });
    report::hunt::html(&hunts.collect::<Vec<_>>(), earlier)
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
    /// Where programs are tried, if it is not this process.
    apart: Option<Arc<Laboratory>>,
    json: JsonTarget<'a>,
    bar: ProgressBar,
    teller: Teller,
    terminal: &'a mut Terminal,
    interrupted: Arc<AtomicBool>,
    /// What was kept of the failures, in their order.
    kept: Vec<KeptCase>,
    lost_idle: Vec<String>,
    /// All files of cases that were written.
    written: Vec<PathBuf>,
    exit: Exit,
    seed: u64,
}

impl Hunter<'_> {
    fn subject(&self) -> String {
        result::subject(&self.heap.name, self.fault.map(Fault::name))
    }

    fn hunt(&mut self) -> Bag {
        let seed = self.seed;
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
            shrink_budget: self.args.shrink_budget.unwrap_or(match budget.duration {
                Some(duration) => duration.saturating_mul(2).min(SHRINK_BUDGET),
                None => SHRINK_BUDGET,
            }),
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
        let like = self.complete(&Case::of_mutators(1, 1, 0, 1));
        let bag = self.run(&hunt, &like);
        self.bar.finish_and_clear();
        for lost in self
            .apart
            .iter()
            .flat_map(|apart| apart.close())
            .collect::<Vec<_>>()
        {
            self.lost_idle(lost);
        }
        if let Some(why) = self.apart.as_ref().and_then(|apart| apart.broken()) {
            self.terminal
                .error(&format!("failed to try programs: {why}"));
            self.exit = self.exit.and(Exit::Usage);
        }
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

    /// Runs a hunt in this process or in others. All cases have the heap, the fault and the
    /// schedule of `like`.
    fn run(&mut self, hunt: &Hunt, like: &Case) -> Bag {
        match self.apart.clone() {
            None => {
                let heap = self.heap;
                // A panic of a mutator of one program must not count against another.
                let is_alone = hunt.jobs == 1 || self.schedule == Schedule::Steps;
                let here = |case: &Case| match is_alone {
                    true => attempt_alone(heap, like, case).finding,
                    false => {
                        let attempt = || attempt(heap, like.fault, &like.schedule, case);
                        hush::while_trying(attempt).finding
                    }
                };
                hunt.run(&here, self)
            }
            Some(apart) => {
                let text = like.to_string();
                let elsewhere = Elsewhere {
                    sweep: &|numbers| apart.sweep(hunt, numbers, &text),
                    attempt: &|case, limit| apart.attempt(&whole(like, case), limit).finding,
                    is_off: &|| apart.is_off(),
                };
                hunt.run_swept(&elsewhere, self)
            }
        }
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

    /// Tells of a process that was lost between two programs, and keeps the last that it had tried.
    fn lost_idle(&mut self, LostIdle { how, case }: LostIdle) {
        let subject = self.subject();
        self.terminal.error(&format!(
            "a process that had tried programs on {subject} was lost between two of them, and nobody \
             knows which of them is why: {how}"
        ));
        self.exit = self.exit.and(Exit::Crashed);
        if let Some(case) = case {
            let check = Some(CRASHED.to_owned());
            let case = Case { check, ..case };
            let path = self.args.out.join(file_name(&case));
            self.write(&case, path, &format!("lost after this program: {how}"));
        }
        self.lost_idle.push(how);
    }

    /// Tries a case once more.
    fn tried(&self, case: &Case) -> Tried {
        match &self.apart {
            None => attempt_alone(self.heap, case, case),
            Some(apart) => apart.attempt(case, HangLimit::Whole),
        }
    }

    /// Explores once more, which finds the same failure, to learn its schedule.
    fn keep_schedule(&mut self, case: &mut Case) {
        let Schedule::Controlled { by, kept } = &mut case.schedule else {
            return;
        };
        let by = *by;
        *kept = None;
        let kept = self.tried(case).schedule;
        if kept.is_none() {
            self.terminal.warning(
                "it did not fail when it was explored again, so no schedule is kept with it",
            );
        }
        case.schedule = Schedule::Controlled { by, kept };
    }

    fn keep(&mut self, failure: &Failure, comment: &str) {
        let mut case = self.complete(&failure.case);
        self.keep_schedule(&mut case);
        let path = self.args.out.join(file_name(&case));
        let kept = self.write(&case, path.clone(), comment);
        self.kept.push(kept);
        if let Some(as_found) = &failure.as_found {
            let shrunk = path.display();
            self.terminal
                .message("as it was found, since the shrunk program does not always fail:");
            let comment = format!("as it was found; shrunk, it is in {shrunk}");
            let case = self.complete(&as_found.case);
            self.write(&case, path.with_extension("as-found.case"), &comment);
        }
        if failure.is_unshrunk() {
            let line = self.up_to(failure.number);
            self.terminal
                .message(&format!("with all programs before it: {line}"));
        }
        let apart = self.apart.clone();
        let crash = (failure.check == CRASHED)
            .then(|| apart.as_ref()?.crash_of(failure.number, &case))
            .flatten();
        if let Some(crash) = &crash {
            self.show(&report::crash::lines(crash, self.terminal.look().width));
            let words = ["replay".as_ref(), path.as_os_str()];
            self.show(&next_step::after_crash(&words));
        }
        let stacks = apart.and_then(|apart| apart.take_stacks(failure.number));
        let stacks = stacks.or(crash.as_ref().map(report::crash::stack));
        if let Some(stacks) = stacks {
            let path = path.with_extension("stacks.txt");
            match store::write_whole(&path, stacks.as_bytes()) {
                Ok(()) => {
                    let path = reproduce::quote(&path);
                    self.terminal.message(&format!("stacks: {path}"));
                }
                Err(error) => {
                    let path = path.display();
                    self.terminal
                        .error(&format!("failed to keep {path}: {error}"));
                    self.exit = self.exit.and(Exit::Usage);
                }
            }
        }
    }

    /// A command that tries all programs up to this one, one after the other.
    fn up_to(&self, number: u64) -> String {
        let mut words: Vec<String> = vec!["fuzz".to_owned(), "--heap".to_owned()];
        words.push(self.heap.name.clone());
        let mut add = |option: &str, value: Option<String>| {
            words.extend(
                value
                    .into_iter()
                    .flat_map(|value| [option.to_owned(), value]),
            );
        };
        add("--fault", self.fault.map(|fault| fault.name().to_owned()));
        add("--seed", Some(self.seed.to_string()));
        add("--ops", self.args.ops.map(|ops| ops.to_string()));
        add(
            "--mutators",
            self.args.mutators.map(|most| most.to_string()),
        );
        add("--jobs", Some(1.to_string()));
        add("--cases", Some((number + 1).to_string()));
        reproduce::command(self.program, &words)
    }

    /// Writes a case into its file.
    fn write(&mut self, case: &Case, path: PathBuf, comment: &str) -> KeptCase {
        let text = format!("{case}# {}\n", comment.replace('\n', "\n# "));
        let file = match store::write_whole(&path, text.as_bytes()) {
            Ok(()) => {
                let line = replay_line(self.program, &path);
                self.terminal.message(&format!("reproduce: {line}"));
                self.written.push(path.clone());
                Some((path, line))
            }
            Err(error) => {
                let path = path.display();
                self.terminal
                    .error(&format!("failed to keep {path}: {error}"));
                self.terminal.message(text.trim_end_matches('\n'));
                self.exit = self.exit.and(Exit::Usage);
                None
            }
        };
        KeptCase { file, text }
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
        if self.terminal.progress() == ProgressArg::Json {
            self.teller.tell(|| Event::FuzzProgress {
                heap: &self.heap.name,
                elapsed_ms: millis(elapsed),
                cases,
                failures: failures as u64,
            });
        }
        self.bar.set_message(message);
        self.bar.tick();
        let is_broken = self.apart.as_ref().is_some_and(|it| it.broken().is_some());
        match self.interrupted.load(Relaxed) || is_broken {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn found(&mut self, failure: &Failure) {
        let is_crash = [CRASHED, HUNG].contains(&failure.check.as_str());
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
        self.keep(failure, &comment);
    }

    fn hung(&mut self, case: &Case) {
        let subject = self.subject();
        self.bar.finish_and_clear();
        self.terminal
            .error(&format!("a program on {subject} did not come to an end"));
        let case = Case {
            check: Some(HUNG.to_owned()),
            ..case.clone()
        };
        // Its schedule is unknown, and exploring again to learn it would not end either.
        let case = self.complete(&case);
        let path = self.args.out.join(file_name(&case));
        self.write(&case, path, "it did not come to an end");
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

/// A case with the heap, the fault and the schedule of another.
fn whole(like: &Case, case: &Case) -> Case {
    Case {
        heap: like.heap.clone(),
        fault: like.fault,
        schedule: like.schedule.clone(),
        ..case.clone()
    }
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
