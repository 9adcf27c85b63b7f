//! `run --case`: after its runs on threads, the case is stepped through on one thread of each heap.
//! The results are compared with the model, and with each other where they must agree.
//!
//! What cannot be compared is reported with the reason, so that nobody takes it for agreement.

use super::child::CaseJob;
use super::exit::Exit;
use super::isolate;
use super::laboratory::{JobEnd, Laboratory};
use super::task::RunTask;
use crate::check::agreement::{self, Ran, StateComparison, Stepped};
use crate::evidence::{Ended, Evidence, Picture, Trace};
use crate::fuzz::{Finding, model};
use crate::plan::{Case, Op};
use crate::report::{ERROR, STRONG, Width, paint, wrapped};

/// After each turn every object that the case allocates is checked; more checks than this take a
/// minute.
const LOOKS_MAX: u64 = 1 << 33;

/// The runs of one case, to be compared.
pub(super) struct Agreement<'a> {
    case: Case,
    runs: Vec<HeapRun<'a>>,
}

/// The case stepped through on one heap.
enum Stepping {
    Done(Box<Trace>),
    /// It was not done, for this reason.
    Left(String),
    /// The heap took its process with it.
    Lost(Finding),
}

impl Stepping {
    fn trace(&self) -> Option<&Trace> {
        match self {
            Self::Done(trace) => Some(trace),
            Self::Left(_) | Self::Lost(_) => None,
        }
    }
}

/// The run on threads of one heap.
struct HeapRun<'a> {
    task: &'a RunTask<'a>,
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
    width: Width,
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
            picture: picture.map_err(str::to_owned),
        });
    }

    /// Steps through the case on each heap, in another process if there is a laboratory, and
    /// compares.
    pub(super) fn conclude(self, apart: Option<&Laboratory>, width: Width) -> AgreementReport {
        let mut report = AgreementReport::new(width);
        let steppings = self.runs.iter().map(|run| self.step(run, apart));
        let traces: Vec<Stepping> = steppings.collect();
        for (run, trace) in self.runs.iter().zip(&traces) {
            report.judge(&self.case, &run.task.heap.name, trace);
        }
        let stepped = || {
            let all = self.runs.iter().zip(&traces);
            all.filter_map(|(run, trace)| {
                let (name, trace) = (run.task.heap.name.as_str(), trace.trace()?);
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
            let comparison = match (&run.picture, trace.trace()) {
                (Err(why), _) => StateComparison::NotCompared(why.clone()),
                (_, None) => {
                    StateComparison::NotCompared("there are no steps to compare".to_owned())
                }
                (Ok(picture), Some(trace)) => {
                    let (ran, stepped) = (Ran { name, picture }, Stepped { name, trace });
                    agreement::of_threads(&self.case, ran, stepped)
                }
            };
            report.compare(&format!("{name} on threads and in steps"), comparison);
        }
        report
    }

    fn step(&self, run: &HeapRun<'_>, apart: Option<&Laboratory>) -> Stepping {
        let fault = run.task.options.fault;
        if apart.is_none() && fault.is_some_and(isolate::is_dangerous) {
            return Stepping::Left("its fault may end the process".to_owned());
        }
        let makes = |op: &Op| matches!(op, Op::Alloc { .. } | Op::AllocFinalized { .. });
        let made = self.case.all_turns().filter(|turn| makes(&turn.op)).count() as u64;
        let turns = self.case.all_turns().count() as u64;
        if turns.saturating_mul(made) > LOOKS_MAX {
            return Stepping::Left(format!(
                "{turns} turns on up to {made} objects take too long"
            ));
        }
        let trace = match apart {
            None => {
                let trace = run.task.heap.step(&self.case, fault);
                trace.map_err(|defect| defect.to_string())
            }
            Some(apart) => {
                let case = Case {
                    heap: Some(run.task.heap.name.clone()),
                    fault,
                    ..self.case.clone()
                };
                match apart.ask(CaseJob::Steps(case.to_string()), |_| {}) {
                    JobEnd::Done(trace) => trace,
                    JobEnd::Lost(lost) => return Stepping::Lost(lost.finding),
                    JobEnd::CalledOff => {
                        let why = apart.broken();
                        Err(why.unwrap_or_else(|| "the command was interrupted".to_owned()))
                    }
                }
            }
        };
        trace.map_or_else(Stepping::Left, |trace| Stepping::Done(Box::new(trace)))
    }
}

impl AgreementReport {
    fn new(width: Width) -> Self {
        let lead = paint(STRONG, "the same turns on one thread");
        Self {
            page: format!("{lead}\n"),
            wrong: String::new(),
            exit: Exit::Held,
            width,
        }
    }

    fn tell(&mut self, what: &str, text: &str) {
        self.page += &wrapped(self.width, &format!("  {what}: "), 4, text);
    }

    fn blame(&mut self, what: &str, text: &str) {
        let line = wrapped(
            self.width,
            &format!("  {what}: {}: ", paint(ERROR, "violated")),
            4,
            text,
        );
        self.page += &line;
        self.wrong += &line;
        self.exit = self.exit.and(Exit::Violated);
    }

    fn judge(&mut self, case: &Case, heap: &str, trace: &Stepping) {
        let what = format!("{heap} in steps");
        match trace {
            Stepping::Left(why) => self.tell(&what, &format!("not done: {why}")),
            Stepping::Lost(finding) => {
                self.blame(&what, &finding.to_string());
                self.exit = self.exit.and(Exit::Crashed);
            }
            Stepping::Done(trace) => match model::judge(case, trace) {
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
