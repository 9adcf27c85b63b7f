//! `run`: makes all runs in order; each result is judged, written and shown as soon as the run is
//! over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::agenda::{Item, RunAgenda};
use super::agreement::Agreement;
use super::args::Run;
use super::child::inside;
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::progress::Watch;
use super::store::{self, Store};
use super::task::RunTask;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{faults, isolate, provenance, publish, reproduce, threads};
use crate::evidence::{Evidence, Picture};
use crate::heap::Defect;
use crate::report::{self, Absence, Absent, Collected, Detail, summary, table};
use crate::result::{Outcome, RunResult};
use crate::run::{Observer, Opened, Registry};

/// Runs what `args` ask for.
pub(super) fn run(
    registry: &Registry,
    program: &str,
    args: &Run,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = inside::interrupted()?;
    let agenda = RunAgenda::draw_up(registry, args, &interrupted)?;
    let threads = agenda.tasks().map(RunTask::threads).max();
    threads::refuse_too_many(threads.unwrap_or(0))?;
    if !inside::is_inside()
        && let Some(directory) = &args.out
    {
        store::refuse_used(directory)?;
    }
    // A case was kept because it shows its fault, so the remark would not apply.
    if agenda.case.is_none()
        && !inside::is_inside()
        && let Some(note) = args.fault.as_deref().and_then(faults::beyond_runs)
    {
        terminal.remark(&note);
    }
    let json = JsonTarget::of(args.json.as_deref())?;
    let mut session = RunSession {
        program,
        runs: agenda.tasks().count(),
        store: Store::prepare(args.out.as_deref(), agenda.tasks().count())?,
        json,
        terminal,
        interrupted,
        collected: Collected::default(),
        heaps: args.same_heap.then(HashMap::new),
        agreement: agenda
            .case
            .clone()
            .filter(|_| !inside::is_inside())
            .map(Agreement::of),
        exit: Exit::Held,
    };
    for item in &agenda.items {
        session.item(item);
    }
    Ok(session.conclude())
}

/// Heaps that are open, by the arguments that named the workload, and the heap's name with its
/// fault.
type OpenHeaps = HashMap<(Vec<OsString>, String), Box<dyn Opened>>;

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
    /// The heaps that runs share, if they do.
    heaps: Option<OpenHeaps>,
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
                if self.terminal.detail() == Detail::Verdict || self.runs == 1 {
                    let text = format!("{workload} on {heap} is skipped: {why}");
                    self.terminal.warning(&text);
                }
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
        let (result, picture) = match self.result(task) {
            Ok(result) => result,
            Err(why) => {
                let (workload, heap) = (&task.plan.workload, &task.subject());
                let text = format!("failed to run {workload} on {heap}: {why}");
                self.terminal.error(&text);
                let reproduce = reproduce::line(self.program, task);
                self.terminal.message(&format!("reproduce: {reproduce}"));
                self.exit = self.exit.and(Exit::Crashed);
                self.absent(workload, heap, Absence::Failed, &why);
                return;
            }
        };
        self.exit = self.exit.and(result.verdict.into());
        if let Some(agreement) = &mut self.agreement {
            agreement.add(task, &result.evidence, picture);
        }
        let case = report::failure(
            &task.plan,
            &task.options,
            &result,
            reproduce::again(self.program, task),
        );
        // A case needs turns, or a command that text can hold.
        let case = case.filter(|case| !(case.mutators.is_empty() && case.again.is_empty()));
        // Written before it is shown: a result that was shown is also on the disk.
        let kept = self.store.keep(&result, case.as_ref());
        if let Err(error) = &kept {
            let directory = self.store.directory().display();
            self.terminal
                .error(&format!("failed to write a result to {directory}: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
        self.show(&table(&result, self.terminal.detail()));
        if let Ok(Some(path)) = kept {
            let replay = [
                OsStr::new(self.program),
                OsStr::new("replay"),
                path.as_os_str(),
            ];
            self.show(&format!("reproduce: {}\n", reproduce::quoted(&replay)));
        }
        if self.runs > 1 && self.terminal.detail() != Detail::Verdict {
            self.show("\n");
        }
        self.collected.results.push(result);
    }

    fn absent(&mut self, workload: &str, heap: &str, what: Absence, why: &str) {
        self.collected.absent.push(Absent {
            workload: workload.to_owned(),
            heap: heap.to_owned(),
            what,
            why: why.to_owned(),
        });
    }

    /// Runs a task and judges it, in another process if it might end this one. Also returns the
    /// state at the end if it is to be compared.
    fn result(&mut self, task: &RunTask<'_>) -> Result<(RunResult, Option<Picture>), String> {
        // The state at the end, and a heap that goes on to the next run, have to be in this
        // process.
        let is_here = self.heaps.is_some() || self.agreement.is_some();
        if isolate::is_wanted(task) || (!is_here && isolate::may_exhaust_memory(task)) {
            let directory = self.store.directory().join("inside");
            let result = isolate::run(self.program, task, &directory);
            return result
                .map(|result| (result, None))
                .map_err(|error| error.to_string());
        }
        let mut watch = Watch::new(task, self.terminal.detail());
        if self.agreement.is_some() {
            watch = watch.with_picture();
        }
        if inside::is_inside() {
            watch = watch.telling();
        }
        let evidence = match &mut self.heaps {
            None => task.heap.run(&task.plan, &task.options, &watch),
            Some(heaps) => on_one_of(heaps, task, &watch),
        };
        watch.finish();
        let evidence = evidence.map_err(|defect| defect.to_string())?;
        let reproduce = reproduce::line(self.program, task);
        let tool = provenance::tool(self.program);
        let result = RunResult::new(&task.plan, evidence, tool, reproduce);
        Ok((result, watch.take_picture()))
    }

    /// Prints text for people.
    fn show(&mut self, page: &str) {
        self.json.show(page, self.terminal);
    }

    fn conclude(mut self) -> Exit {
        let runs = self.collected.results.len() + self.collected.absent.len();
        if runs > 1 && self.terminal.detail() != Detail::Verdict {
            self.show(&summary(&self.collected));
        }
        self.compare();
        self.close_heaps();
        if self.interrupted.load(Relaxed) {
            self.exit = self.exit.and(Outcome::Interrupted.into());
        }
        if let Err(error) = self.write_json() {
            self.terminal
                .error(&format!("failed to write the results as JSON: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
        // The result of a run in a process of its own is reported by the process that started it.
        if !inside::is_inside()
            && let Err(error) = publish::all(self.store.directory(), &self.collected)
        {
            let directory = self.store.directory().display();
            (self.terminal).error(&format!("failed to write a report to {directory}: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
        let directory = self.store.directory().display().to_string();
        self.terminal.remark(&format!("results: {directory}"));
        self.exit
    }

    /// Closes the heaps that several runs shared. One that panics now has crashed like any other.
    fn close_heaps(&mut self) {
        for ((_, heap), opened) in self.heaps.take().into_iter().flatten() {
            if let Err(defect) = opened.close() {
                (self.terminal).error(&format!("failed to close {heap}: {defect}"));
                self.exit = self.exit.and(Exit::Crashed);
            }
        }
    }

    /// Compares the runs of a case.
    fn compare(&mut self) {
        let agreement = self.agreement.take();
        let Some(agreement) = agreement.filter(|_| !self.interrupted.load(Relaxed)) else {
            return;
        };
        let report = agreement.conclude();
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

/// Runs a task on the heap that is open for its workload, or opens one.
fn on_one_of(
    heaps: &mut OpenHeaps,
    task: &RunTask<'_>,
    observer: &dyn Observer,
) -> Result<Evidence, Defect> {
    let heap = match heaps.entry((task.asked_as.clone(), task.subject())) {
        Entry::Occupied(heap) => heap.into_mut(),
        Entry::Vacant(place) => place.insert(task.heap.open(&task.plan, &task.options)?),
    };
    Ok(heap.run(&task.plan, &task.options, observer))
}
