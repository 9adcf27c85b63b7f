//! Runs in child processes, since a heap under test may crash, hang or exhaust memory.
//!
//! A child is this program again ([`child`](super::child)), started with the command line that
//! reproduces its runs. It makes one run for each request, and reports the result ([`serve`]). If
//! it reports none, all that is known is how the process ended. That is a result too: it is judged,
//! written and shown like any other.
//!
//! A run hangs if it makes no progress for too long ([`Patience`]): no operation and no survey is
//! done, and what the heap reports of itself does not change. Runs that share a heap share a
//! process. If that process is lost, the later runs on this heap cannot be made.

mod serve;

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::child::{Child, Printed, Request, Waited, Wish};
use super::exit::Exit;
use super::progress;
use super::task::RunTask;
use super::{provenance, reproduce};
use crate::clock::Clock;
use crate::evidence::{Ended, Evidence, LastReport, Picture};
use crate::fuzz::catalogue::{self, Danger};
use crate::heap::Fault;
use crate::report;
use crate::result::RunResult;
use crate::run::{Observer, Patience};
use crate::soak::Told;
pub(super) use serve::serve;

/// How long a run may make no progress by default: longer than the heaps here take to settle
/// whatever fits into memory.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// The same for a fault that may keep runs from ending: runs that show it take a second or two, and
/// waiting longer would show nothing new.
const FAULT_LIMIT: Duration = Duration::from_secs(10);
/// The same for a run that was asked to end early, since somebody waits for that.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How much longer a process is waited for whose heap runs in a process of its own: it sees first
/// that this one hangs, and says more about it.
pub(super) const GRACE: Duration = Duration::from_secs(20);

/// How long a run may make no progress.
pub(super) fn limit(fault: Option<Fault>, time_limit: Option<Duration>) -> Duration {
    let usual = match fault.and_then(danger) {
        Some(Danger::Hang) => FAULT_LIMIT,
        Some(Danger::Crash) | None => LIMIT,
    };
    time_limit.unwrap_or(usual)
}

/// The processes that make the runs of one command.
#[derive(Debug)]
pub(super) struct Processes {
    program: String,
    time_limit: Option<Duration>,
    printed: Printed,
    /// The processes whose heaps are kept for later runs, by workload and heap; `None` if the
    /// process was lost.
    kept: HashMap<(Vec<OsString>, String), Option<Child>>,
}

/// A run that was made.
#[derive(Debug)]
pub(super) struct Isolated {
    pub(super) result: RunResult,
    /// The state at its end, if it was to be recorded and could be.
    pub(super) picture: Option<Picture>,
    /// The stacks of its threads, if it hung and there is a debugger.
    pub(super) stacks: Option<String>,
}

/// Why a run could not be made, and the exit code for that.
#[derive(Debug)]
pub(super) struct NotMade {
    pub(super) why: String,
    pub(super) exit: Exit,
}

impl From<std::io::Error> for NotMade {
    fn from(error: std::io::Error) -> Self {
        Self {
            why: error.to_string(),
            exit: Exit::Usage,
        }
    }
}

impl Processes {
    /// Runs count as hung after `time_limit` without progress. `printed` says what becomes of the
    /// output of heaps.
    pub(super) fn new(program: &str, time_limit: Option<Duration>, printed: Printed) -> Self {
        Self {
            program: program.to_owned(),
            time_limit,
            printed,
            kept: HashMap::new(),
        }
    }

    /// Makes a run; `observer` is told of its progress.
    ///
    /// # Panics
    ///
    /// If the harness panicked in the process of the run.
    pub(super) fn run(
        &mut self,
        task: &RunTask<'_>,
        observer: &dyn Observer,
    ) -> Result<Isolated, NotMade> {
        let key = task.heap_key();
        let mut child = match self.kept.remove(&key) {
            Some(Some(child)) => child,
            Some(None) => {
                self.kept.insert(key, None);
                return Err(NotMade {
                    why: "its heap was lost with the process of an earlier run".to_owned(),
                    exit: Exit::Crashed,
                });
            }
            None => self.start(task)?,
        };
        let clock = Clock::get();
        let start = clock.now();
        child.ask(&Request::Next);
        let mut patience = Patience::with(child.id(), self.limit(task));
        let grace = grace(task);
        let mut heard = None;
        let waited = child.wait(&mut patience, |told| {
            if let Some(progress) = told.and_then(progress::told) {
                heard = Some(LastReport {
                    elapsed_ns: nanos(progress.elapsed),
                    ops: progress.ops,
                    settling_ns: progress.settling.map(nanos),
                });
                observer.progress(progress);
            }
            match task.options.interrupt.load(Relaxed) {
                false => Wish::WaitOn,
                true => Wish::EndWithin(END_LIMIT.saturating_add(grace)),
            }
        })?;
        let elapsed_ns = clock.nanos(start, clock.now());
        if let Waited::Told(told) = waited {
            if !task.is_last_on_its_heap() {
                self.kept.insert(key, Some(child));
            }
            return read(told);
        }
        if !task.is_last_on_its_heap() {
            self.kept.insert(key, None);
        }
        Ok(self.lost(task, child, waited, (elapsed_ns, heard)))
    }

    fn start(&self, task: &RunTask<'_>) -> std::io::Result<Child> {
        let words = reproduce::words_of_series(task);
        let mut child = Child::start(&words, self.printed)?;
        child.ask(&Request::Read(task.text.as_deref().map(str::to_owned)));
        Ok(child)
    }

    fn limit(&self, task: &RunTask<'_>) -> Duration {
        let limit = limit(task.options.fault, self.time_limit);
        // A collection that takes long on request is no hang.
        let slow = task.options.slow_collection.unwrap_or_default();
        limit.saturating_add(slow).saturating_add(grace(task))
    }

    /// The result of a run whose process reported none: by how long it took, and what was last heard
    /// of it.
    fn lost(
        &self,
        task: &RunTask<'_>,
        child: Child,
        waited: Waited,
        (elapsed_ns, heard): (u64, Option<LastReport>),
    ) -> Isolated {
        let stacks = match waited {
            Waited::Hung => child.stacks(),
            _ => None,
        };
        let output = child.output();
        let ended = match waited {
            Waited::Exited(status) => Ended::Died {
                how: output.how(status),
            },
            _ => Ended::Hung {
                after_ns: elapsed_ns,
            },
        };
        let fault = task.options.fault.map(|fault| fault.name().to_owned());
        let stack = output.crash.as_ref().map(report::crash::stack);
        let evidence = Evidence {
            heard,
            stacks: stacks.clone(),
            crash: output.crash,
            ..Evidence::of_lost(&task.heap.name, task.heap.caps(), fault, ended)
        };
        let tool = provenance::tool(&self.program);
        let reproduce = reproduce::line(&self.program, task);
        Isolated {
            result: RunResult::new(&task.plan, evidence, tool, reproduce),
            picture: None,
            stacks: stacks.or(stack),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn grace(task: &RunTask<'_>) -> Duration {
    match task.heap.runs_whole() {
        true => GRACE,
        false => Duration::ZERO,
    }
}

fn read(told: Told) -> Result<Isolated, NotMade> {
    let made = match told {
        Told::Made(made) => made,
        Told::Failed { why } => {
            let exit = Exit::Crashed;
            return Err(NotMade { why, exit });
        }
        Told::Refused { why } => {
            let exit = Exit::Usage;
            return Err(NotMade { why, exit });
        }
        Told::Panicked { message } => panic!("the process of a run panicked: {message}"),
        Told::Beat { .. } | Told::Ran | Told::Over(_) | Told::Crashed(_) => {
            unreachable!("no outcome of a run")
        }
    };
    let result: RunResult = serde_json::from_str(&made.result).map_err(|error| NotMade {
        why: format!("its result cannot be read: {error}"),
        exit: Exit::Usage,
    })?;
    Ok(Isolated {
        stacks: result.evidence.stacks.clone(),
        result,
        picture: made.picture,
    })
}

/// Whether a fault may end the process, or keep it from ending.
pub(super) fn is_dangerous(fault: Fault) -> bool {
    danger(fault).is_some()
}

fn danger(fault: Fault) -> Option<Danger> {
    catalogue::of(fault)?.danger
}
