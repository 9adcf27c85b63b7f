//! `run --case`: after its runs on threads, the case is stepped through on one thread of each heap.
//! The results are compared with the model, and with each other where they must agree.
//!
//! What cannot be compared is reported with the reason, so that nobody takes it for agreement.

use super::exit::Exit;
use super::isolate;
use super::task::RunTask;
use crate::check::agreement::{self, Ran, StateComparison, Stepped};
use crate::evidence::{Ended, Evidence, Picture, Trace};
use crate::fuzz::model;
use crate::plan::{Case, Op};
use crate::report::{ERROR, STRONG, paint, wrapped};

/// After each turn every object that the case allocates is checked; more checks than this take a
/// minute.
const LOOKS_MAX: u64 = 1 << 33;

/// The runs of one case, to be compared.
pub(super) struct Agreement<'a> {
    case: Case,
    runs: Vec<HeapRun<'a>>,
}

/// The run on threads of one heap.
struct HeapRun<'a> {
    task: &'a RunTask<'a>,
    /// Whether its process was lost.
    is_lost: bool,
    /// The state at its end, or why there is none to compare.
    picture: Result<Picture, String>,
}

/// The outcome of all comparisons.
pub(super) struct AgreementReport {
    /// One line for each comparison.
    pub(super) page: String,
    /// The lines about violations alone.
    pub(super) wrong: String,
    pub(super) exit: Exit,
}

impl<'a> Agreement<'a> {
    pub(super) fn of(case: Case) -> Self {
        Self {
            case: case.fitted(),
            runs: Vec::new(),
        }
    }

    /// Adds a run on threads that is over.
    pub(super) fn add(
        &mut self,
        task: &'a RunTask<'a>,
        evidence: &Evidence,
        picture: Option<Picture>,
    ) {
        let picture = match (&evidence.ended, picture) {
            _ if task.options.fail_alloc.is_some() => Err("an allocation was refused on purpose"),
            (Ended::Done, Some(picture)) => Ok(picture),
            (Ended::Done, None) => Err("the state at its end could not be recorded"),
            _ => Err("it ended early"),
        };
        self.runs.push(HeapRun {
            task,
            is_lost: matches!(evidence.ended, Ended::Died { .. } | Ended::Hung { .. }),
            picture: picture.map_err(str::to_owned),
        });
    }

    /// Steps through the case on each heap, and compares.
    pub(super) fn conclude(self) -> AgreementReport {
        let mut report = AgreementReport::new();
        let traces: Vec<Result<Trace, String>> =
            self.runs.iter().map(|run| self.step(run)).collect();
        for (run, trace) in self.runs.iter().zip(&traces) {
            report.judge(&self.case, &run.task.heap.name, trace);
        }
        let stepped = || {
            let all = self.runs.iter().zip(&traces);
            all.filter_map(|(run, trace)| {
                let (name, trace) = (run.task.heap.name.as_str(), trace.as_ref().ok()?);
                Some(Stepped { name, trace })
            })
        };
        for (one, other) in stepped().next().into_iter().flat_map(|one| {
            let others = stepped().skip(1);
            others.map(move |other| (one, other))
        }) {
            let what = format!("{} and {} in steps", one.name, other.name);
            report.compare(&what, agreement::of_steps(&self.case, one, other));
        }
        for (run, trace) in self.runs.iter().zip(&traces) {
            let name = run.task.heap.name.as_str();
            let comparison = match (&run.picture, trace) {
                (Err(why), _) => StateComparison::NotCompared(why.clone()),
                (_, Err(_)) => {
                    StateComparison::NotCompared("there are no steps to compare".to_owned())
                }
                (Ok(picture), Ok(trace)) => {
                    let (ran, stepped) = (Ran { name, picture }, Stepped { name, trace });
                    agreement::of_threads(&self.case, ran, stepped)
                }
            };
            report.compare(&format!("{name} on threads and in steps"), comparison);
        }
        report
    }

    fn step(&self, run: &HeapRun<'_>) -> Result<Trace, String> {
        if run.task.options.fault.is_some_and(isolate::is_dangerous) {
            return Err("its fault may end the process".to_owned());
        }
        if run.is_lost {
            return Err("its process was lost, and the steps might end this one".to_owned());
        }
        let makes = |op: &Op| matches!(op, Op::Alloc { .. } | Op::AllocFinalized { .. });
        let made = self.case.all_turns().filter(|turn| makes(&turn.op)).count() as u64;
        let turns = self.case.all_turns().count() as u64;
        if turns.saturating_mul(made) > LOOKS_MAX {
            return Err(format!(
                "{turns} turns on up to {made} objects take too long"
            ));
        }
        let trace = run.task.heap.step(&self.case, run.task.options.fault);
        trace.map_err(|fault| fault.to_string())
    }
}

impl AgreementReport {
    fn new() -> Self {
        let lead = paint(STRONG, "the same turns on one thread");
        Self {
            page: format!("{lead}\n"),
            wrong: String::new(),
            exit: Exit::Held,
        }
    }

    fn tell(&mut self, what: &str, text: &str) {
        self.page += &wrapped(&format!("  {what}: "), 4, text);
    }

    fn blame(&mut self, what: &str, text: &str) {
        let line = wrapped(
            &format!("  {what}: {}: ", paint(ERROR, "violated")),
            4,
            text,
        );
        self.page += &line;
        self.wrong += &line;
        self.exit = self.exit.and(Exit::Violated);
    }

    fn judge(&mut self, case: &Case, heap: &str, trace: &Result<Trace, String>) {
        let what = format!("{heap} in steps");
        match trace {
            Err(why) => self.tell(&what, &format!("not done: {why}")),
            Ok(trace) => match model::judge(case, trace) {
                Some(finding) => self.blame(&what, &finding.to_string()),
                None => self.tell(
                    &what,
                    &format!("{} turns as they should be", trace.steps.len()),
                ),
            },
        }
    }

    fn compare(&mut self, what: &str, comparison: StateComparison) {
        match comparison {
            StateComparison::Same { objects } => {
                self.tell(what, &format!("the same state, {objects} objects in it"));
            }
            StateComparison::Differ(differences) => {
                for difference in differences {
                    self.blame(what, &difference);
                }
            }
            StateComparison::NotCompared(why) => self.tell(what, &format!("not compared: {why}")),
        }
    }
}
