//! `run`: the agenda from beginning to end, each result judged, shown and written as soon as it is
//! there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::agenda::{Agenda, Item, Task};
use super::agreement::Agreement;
use super::args::Run;
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::progress::Watch;
use super::store::{self, Store};
use super::terminal::Terminal;
use super::usage::Usage;
use super::{faults, interrupt, isolate, provenance, publish, reproduce};
use crate::evidence::{Evidence, Picture};
use crate::heap::Defect;
use crate::report::{self, Absence, Absent, Collected, Detail, Line, summary, table};
use crate::result::{Outcome, RunResult};
use crate::run::{Observer, Opened, Registry};

/// Runs what `args` ask for.
pub(super) fn run(
    registry: &Registry,
    program: &str,
    args: &Run,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = interrupt::flag()?;
    let agenda = Agenda::draw_up(registry, args, &interrupted)?;
    // Whoever runs a case knows what it is for.
    if agenda.case.is_none()
        && !isolate::is_inside()
        && let Some(note) = args.fault.as_deref().and_then(faults::beyond_runs)
    {
        terminal.remark(&note);
    }
    let json = args.json.as_deref().map(JsonTarget::new);
    if let Some(JsonTarget::File(path)) = json {
        store::try_out_file(path)?;
    }
    let mut session = Session {
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
            .filter(|_| !isolate::is_inside())
            .map(Agreement::of),
        exit: Exit::Held,
    };
    let lines: Vec<Line> = agenda.items.iter().map(|item| session.item(item)).collect();
    Ok(session.conclude(&lines))
}

/// Heaps that are open, by the words that a workload was named by, and what it is run on.
type Heaps = HashMap<(Vec<String>, String), Box<dyn Opened>>;

/// The runs of one command.
struct Session<'a> {
    program: &'a str,
    /// How many runs there are.
    runs: usize,
    store: Store,
    json: Option<JsonTarget<'a>>,
    terminal: &'a mut Terminal,
    interrupted: Arc<AtomicBool>,
    /// For what is drawn of all of them together.
    collected: Collected,
    /// By workload and heap: those that runs go on with, if they are to.
    heaps: Option<Heaps>,
    /// There if it is a case that is run.
    agreement: Option<Agreement<'a>>,
    exit: Exit,
}

impl<'a> Session<'a> {
    fn item(&mut self, item: &'a Item<'a>) -> Line {
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
                Line::skipped(workload, heap, why)
            }
            Item::Run(task) if self.interrupted.load(Relaxed) => {
                let (workload, heap) = (&task.plan.workload, &task.subject());
                self.absent(
                    workload,
                    heap,
                    Absence::NotStarted,
                    "it was interrupted before",
                );
                Line::not_started(workload, heap)
            }
            Item::Run(task) => self.task(task),
        }
    }

    fn task(&mut self, task: &'a Task<'a>) -> Line {
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
                return Line::failed(workload, heap, &why);
            }
        };
        self.exit = self.exit.and(result.verdict.into());
        if let Some(agreement) = &mut self.agreement {
            agreement.add(task, &result.evidence, picture);
        }
        let line = Line::ran(&result);
        let case = report::failure(
            &task.plan,
            &task.options,
            &result,
            reproduce::words(self.program, task).split_off(1),
        );
        // Written before it is shown: whoever has seen it can rely on the file.
        let kept = self.store.keep(&result, case.as_ref());
        if let Err(error) = &kept {
            let directory = self.store.directory().display();
            self.terminal
                .error(&format!("failed to write a result to {directory}: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
        self.show(&table(&result, self.terminal.detail()));
        if let Ok(Some(path)) = kept {
            let replay = [self.program, "replay", &path.to_string_lossy()].map(str::to_owned);
            self.show(&format!("reproduce: {}\n", reproduce::quoted(&replay)));
        }
        if self.runs > 1 && self.terminal.detail() != Detail::Verdict {
            self.show("\n");
        }
        self.collected.results.push(result);
        line
    }

    fn absent(&mut self, workload: &str, heap: &str, what: Absence, why: &str) {
        self.collected.absent.push(Absent {
            workload: workload.to_owned(),
            heap: heap.to_owned(),
            what,
            why: why.to_owned(),
        });
    }

    /// Runs and judges, in a process apart if this one might not survive it. With a picture of the end
    /// where one is to be compared.
    fn result(&mut self, task: &Task<'_>) -> Result<(RunResult, Option<Picture>), String> {
        if isolate::is_wanted(task) {
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

    /// Shows a page where pages go: beside the JSON if that has taken standard output.
    fn show(&mut self, page: &str) {
        match self.json {
            Some(JsonTarget::Stdout) => self.terminal.message(page.trim_end_matches('\n')),
            Some(JsonTarget::File(_)) | None => self.terminal.data(page),
        }
    }

    fn conclude(mut self, lines: &[Line]) -> Exit {
        if lines.len() > 1 && self.terminal.detail() != Detail::Verdict {
            self.show(&summary(lines));
        }
        self.compare();
        if self.interrupted.load(Relaxed) {
            self.exit = self.exit.and(Outcome::Interrupted.into());
        }
        if let Some(target) = self.json
            && let Err(error) = self.write_json(target)
        {
            self.terminal
                .error(&format!("failed to write the results as JSON: {error}"));
            self.exit = self.exit.and(Exit::Usage);
        }
        // Whoever asked for a run in a process of its own draws it with the others.
        if !isolate::is_inside()
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

    /// Compares what the runs of a case came to.
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

    /// One object for one run, an array for several: the command decides, not how far it came.
    fn write_json(&mut self, target: JsonTarget<'_>) -> std::io::Result<()> {
        let text = match (self.runs, self.collected.results.as_slice()) {
            (1, [result]) => store::json(result)?,
            (_, results) => store::json(&results)?,
        };
        target.write(&text, self.terminal)
    }
}

/// Runs a task on the heap that was open for its workload, or opens one.
fn on_one_of(
    heaps: &mut Heaps,
    task: &Task<'_>,
    observer: &dyn Observer,
) -> Result<Evidence, Defect> {
    let heap = match heaps.entry((task.asked_as.clone(), task.subject())) {
        Entry::Occupied(heap) => heap.into_mut(),
        Entry::Vacant(place) => place.insert(task.heap.open(&task.plan, &task.options)?),
    };
    Ok(heap.run(&task.plan, &task.options, observer))
}
