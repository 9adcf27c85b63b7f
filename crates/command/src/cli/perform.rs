//! `run`: makes all runs in order; each result is judged, written and shown as soon as the run is
//! over.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::agenda::{Item, RunAgenda};
use super::agreement::Agreement;
use super::args::{IsolateArg, Run};
use super::child::{Printed, inside};
use super::events::{Event, ProgressArg};
use super::exit::Exit;
use super::here::OpenHeaps;
use super::isolate::{self, Isolated, NotMade, Processes};
use super::json_target::JsonTarget;
use super::laboratory::Laboratory;
use super::progress::Watch;
use super::store::{Beside, Kept, Store};
use super::task::RunTask;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{faults, interrupt, next_step, provenance, publish, reproduce, threads};
use crate::report::{self, Absence, Absent, Collected, Detail, summary, table};
use crate::result::{Outcome, ProfileRef, RunResult, figures};
use crate::run::Registry;

/// Runs what `args` ask for.
pub(super) fn run(
    registry: &Registry,
    program: &str,
    args: &mut Run,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    if inside::is_inside() {
        return isolate::serve(registry, program, args);
    }
    let args = &*args;
    let interrupted = interrupt::flag()?;
    let agenda = RunAgenda::draw_up(registry, args, &interrupted)?;
    let threads = agenda.tasks().map(RunTask::threads).max();
    threads::refuse_too_many(threads.unwrap_or(0))?;
    let workshop = Workshop::of(program, args, terminal.progress())?;
    let json = JsonTarget::of(args.json.as_deref())?;
    let store = Store::claim(args.out.as_deref(), agenda.tasks().count())?;
    // A case was kept because it shows its fault, so the remark would not apply.
    if agenda.case.is_none()
        && let Some(note) = args.fault.as_deref().and_then(faults::beyond_runs)
    {
        terminal.remark(&note);
    }
    let mut session = RunSession {
        program,
        runs: agenda.tasks().count(),
        store,
        json,
        terminal,
        interrupted,
        collected: Collected::default(),
        workshop,
        time_limit: args.time_limit,
        profile: args.profile.clone(),
        agreement: agenda.case.clone().map(Agreement::of),
        exit: Exit::Held,
    };
    // Otherwise they stand below the table of all runs.
    if session.terminal.detail() == Detail::Verdict {
        for line in agenda.skipped() {
            session.terminal.warning(&format!("skipped: {line}"));
        }
    }
    for item in &agenda.items {
        session.item(item);
    }
    Ok(session.conclude())
}

/// Where runs are made.
enum Workshop {
    Here(OpenHeaps),
    Apart(Processes),
}

impl Workshop {
    /// Only runs in processes of their own can have a time limit: a process cannot end a run that
    /// hangs within it, and go on.
    fn of(program: &str, args: &Run, progress: ProgressArg) -> Result<Self, Usage> {
        match (args.isolate, args.time_limit) {
            (IsolateArg::Yes, limit) => {
                let processes = Processes::new(program, limit, printed(progress));
                Ok(Self::Apart(processes))
            }
            (IsolateArg::No, None) => Ok(Self::Here(OpenHeaps::default())),
            (IsolateArg::No, Some(_)) => {
                let why = "`--time-limit` is for runs in processes of their own";
                let hint =
                    "leave out `--isolate no`, or let `timeout` of coreutils end the command";
                Err(Usage::new(why).hint(hint))
            }
        }
    }
}

/// What heaps print would stand between events.
fn printed(progress: ProgressArg) -> Printed {
    match progress {
        ProgressArg::Json => Printed::Dropped,
        ProgressArg::Auto | ProgressArg::Off => Printed::PassedOn,
    }
}

/// What to say of a run that held on a heap that is known to be broken, in a way that runs show.
fn caught_nothing(task: &RunTask<'_>, result: &RunResult) -> Option<String> {
    let fault = result.fault.as_deref();
    let is_broken =
        task.heap.is_broken || fault.is_some_and(|it| faults::beyond_runs(it).is_none());
    (is_broken && result.verdict == Outcome::Held).then(|| {
        let (ran, subject) = (figures::span(result.elapsed_ns), result.subject());
        format!(
            "nothing was caught in {ran}, though {subject} is broken on purpose: give it longer, \
             or a workload that does what is broken"
        )
    })
}

/// All runs of one command.
struct RunSession<'a> {
    program: &'a str,
    /// How many runs there are.
    runs: usize,
    store: Store,
    json: JsonTarget<'a>,
    terminal: &'a mut Terminal,
    interrupted: Arc<AtomicBool>,
    /// All results so far, for the report.
    collected: Collected,
    workshop: Workshop,
    time_limit: Option<Duration>,
    profile: Option<ProfileRef>,
    /// Present if a case is run.
    agreement: Option<Agreement<'a>>,
    exit: Exit,
}

impl<'a> RunSession<'a> {
    fn item(&mut self, item: &'a Item<'a>) {
        match item {
            Item::Skip {
                workload,
                heap,
                why,
            } => {
                self.absent(workload, heap, Absence::Skipped, why);
            }
            Item::Run(task) if self.interrupted.load(Relaxed) => {
                let (workload, heap) = (&task.plan.workload, &task.subject());
                self.absent(
                    workload,
                    heap,
                    Absence::NotStarted,
                    "the command was interrupted before it",
                );
            }
            Item::Run(task) => self.task(task),
        }
    }

    fn task(&mut self, task: &'a RunTask<'a>) {
        let number = self.collected.results.len() + self.collected.absent.len() + 1;
        self.terminal.event(&Event::RunBegins {
            run: number,
            runs: self.runs,
            workload: &task.plan.workload,
            heap: &task.subject(),
            seed: task.plan.seed,
            threads: task.threads(),
        });
        let again = reproduce::again(task);
        if !again.is_empty() {
            let fault = task.options.fault;
            let case = report::recipe(&task.heap.name, fault, task.plan.seed, again.clone());
            let begun = self.store.begin(&case);
            self.said_of_store(&begun);
        }
        let made = self.result(task, number);
        self.store.end();
        let Isolated {
            mut result,
            picture,
            stacks,
        } = match made {
            Ok(made) => made,
            Err(not_made) => return self.not_made(task, not_made),
        };
        result.profile.clone_from(&self.profile);
        result.number = number;
        self.exit = self.exit.and(result.verdict.into());
        if let Some(agreement) = &mut self.agreement {
            agreement.add(task, &result.evidence, picture);
        }
        let case = report::failure(&task.plan, &task.options, &result, again);
        // A case needs turns, or a command that text can hold.
        let case = case.filter(|case| !(case.mutators.is_empty() && case.again.is_empty()));
        // Written before it is shown: a result that was shown is also on the disk.
        let beside = Beside {
            case: case.as_ref(),
            stacks: stacks.as_deref(),
            program: task.heap.program(&task.plan, &task.options),
        };
        let kept = (self.store).keep(&result, beside);
        self.said_of_store(&kept);
        self.terminal.event(&Event::RunEnds {
            run: number,
            verdict: result.verdict,
            ops: result.evidence.ops_done(),
            elapsed_ms: result.elapsed_ns / 1_000_000,
            reproduce: &result.reproduce,
        });
        self.show(&table(&result, self.terminal.look()));
        // What a case does is all there is: it cannot take longer.
        let caught = self
            .agreement
            .is_none()
            .then(|| caught_nothing(task, &result));
        if let Some(why) = caught.flatten() {
            self.terminal.warning(&why);
        }
        result.replay = self.what_next(task, &result, kept.unwrap_or_default());
        if self.runs > 1 && self.terminal.detail() != Detail::Verdict {
            self.show("\n");
        }
        self.collected.results.push(result);
    }

    /// Says where to look, and how to do it again. Returns the command that replays the kept case.
    fn what_next(
        &mut self,
        task: &RunTask<'_>,
        result: &RunResult,
        Kept { case, stacks }: Kept,
    ) -> Option<String> {
        let stood = result.evidence.stacks.as_deref();
        if let Some(place) = stood.and_then(report::stacks::standstill) {
            self.show(&format!("standstill: {place}\n"));
        }
        if let Some(path) = stacks {
            self.show(&format!("stacks: {}\n", reproduce::quote(&path)));
        }
        let replay = case.map(|path| {
            let replay = [OsStr::new("replay"), path.as_os_str()];
            reproduce::command(self.program, &replay)
        });
        if let Some(replay) = &replay {
            self.show(&format!("reproduce: {replay}\n"));
        }
        if result.evidence.crash.is_some() && self.terminal.detail() != Detail::Verdict {
            self.show(&next_step::after_crash(&reproduce::words_of_series(task)));
        }
        replay
    }

    /// Says why something could not be written, if it could not.
    fn said_of_store<T>(&mut self, written: &std::io::Result<T>) {
        if let Err(error) = written {
            let directory = self.store.directory().display();
            self.terminal
                .error(&format!("failed to write a result to {directory}: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
    }

    fn absent(&mut self, workload: &str, heap: &str, what: Absence, why: &str) {
        self.collected.absent.push(Absent {
            workload: workload.to_owned(),
            heap: heap.to_owned(),
            what,
            why: why.to_owned(),
        });
    }

    fn not_made(&mut self, task: &RunTask<'_>, NotMade { why, exit }: NotMade) {
        let (workload, heap) = (&task.plan.workload, &task.subject());
        let text = format!("failed to run {workload} on {heap}: {why}");
        self.terminal.error(&text);
        let reproduce = reproduce::line(self.program, task);
        self.terminal.message(&format!("reproduce: {reproduce}"));
        self.exit = self.exit.and(exit);
        self.absent(workload, heap, Absence::Failed, &why);
    }

    /// Runs a task and judges it.
    fn result(&mut self, task: &RunTask<'_>, number: usize) -> Result<Isolated, NotMade> {
        let mut watch = Watch::new(task, self.terminal.detail_of_bars());
        if self.terminal.progress() == ProgressArg::Json {
            watch = watch.with_events(number);
        }
        let heaps = match &mut self.workshop {
            Workshop::Apart(processes) => {
                let made = processes.run(task, &watch);
                watch.finish();
                return made;
            }
            Workshop::Here(heaps) => heaps,
        };
        if self.agreement.is_some() {
            watch = watch.with_picture();
        }
        let evidence = heaps.run(task, &watch);
        watch.finish();
        let evidence = evidence.map_err(|defect| NotMade {
            why: defect.to_string(),
            exit: Exit::Crashed,
        })?;
        let reproduce = reproduce::line(self.program, task);
        let tool = provenance::tool(self.program);
        Ok(Isolated {
            stacks: evidence.stacks.clone(),
            result: RunResult::new(&task.plan, evidence, tool, reproduce),
            picture: watch.take_picture(),
        })
    }

    /// Prints text for people.
    fn show(&mut self, page: &str) {
        self.json.show(page, self.terminal);
    }

    fn conclude(mut self) -> Exit {
        let runs = self.collected.results.len() + self.collected.absent.len();
        if runs > 1 && self.terminal.detail() != Detail::Verdict {
            self.show(&summary(&self.collected, self.terminal.look().width));
        }
        self.compare();
        if self.interrupted.load(Relaxed) {
            self.exit = self.exit.and(Outcome::Interrupted.into());
        }
        if let Err(error) = self.write_json() {
            self.terminal
                .error(&format!("failed to write the results as JSON: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
        let directory = self.store.directory().display();
        let told = match publish::all(self.store.directory(), &self.collected) {
            Err(error) => {
                (self.terminal).error(&format!("failed to write a report to {directory}: {error}"));
                self.exit = self.exit.and(Exit::Usage);
                format!("results that could be written: {directory}")
            }
            Ok(_) if self.terminal.detail() == Detail::Verdict => format!("results: {directory}"),
            Ok(page) => format!("results: {}, and more beside it", page.display()),
        };
        self.terminal.message(&told);
        self.exit
    }

    /// Compares the runs of a case.
    fn compare(&mut self) {
        let agreement = self.agreement.take();
        let Some(agreement) = agreement.filter(|_| !self.interrupted.load(Relaxed)) else {
            return;
        };
        let apart = match &self.workshop {
            Workshop::Apart(_) => {
                let limit = self.time_limit.unwrap_or(isolate::LIMIT);
                let printed = printed(self.terminal.progress());
                Some(Laboratory::new(limit, printed, &self.interrupted))
            }
            Workshop::Here(_) => None,
        };
        let report = agreement.conclude(apart.as_ref(), self.terminal.look().width);
        match self.terminal.detail() {
            Detail::Verdict => self.show(&report.wrong),
            Detail::Page | Detail::Everything => self.show(&format!("\n{}", report.page)),
        }
        self.exit = self.exit.and(report.exit);
    }

    /// One object for one run, an array for several, even if it was interrupted before the second.
    fn write_json(&mut self) -> std::io::Result<()> {
        match (self.runs, self.collected.results.as_slice()) {
            (1, [result]) => self.json.write(result, self.terminal),
            (_, results) => self.json.write(&results, self.terminal),
        }
    }
}
