//! Real CPython as a heap: a plan becomes a Python program, an interpreter runs it, and its report
//! becomes evidence.
//!
//! An interpreter runs whole plans by itself, in a process of its own ([`process`]); it is given no
//! operation, so it takes no case. Which interpreter a name means is said in [`find`], and it is asked
//! what it is ([`interpreter`]) before anything runs.

mod block;
mod body;
mod calls;
mod counting;
mod counts;
mod draws;
mod faults;
mod fields;
mod find;
mod groups;
mod interpreter;
mod lists;
mod lower;
mod may;
mod names;
mod ops;
mod process;
mod reading;
mod sets;
mod statement;
mod streams;
mod tables;
mod text;
mod tidy;
mod told;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Deserialize;

use super::entry::{Entry, Way, Whole};
use super::{Observer, Options};
use crate::evidence::{Ended, Evidence, InterpreterFacts};
use crate::heap::{Caps, Defect, Fault, Stats};
use crate::plan::Plan;
use interpreter::Interpreter;
use process::{End, Ran};

/// What begins the name of such a heap; what follows says which interpreter.
const PREFIX: &str = "python:";
/// The whole name of the one that is called `python3`.
const PLAIN: &str = "python";

/// Whether a heap's name is meant as that of an interpreter.
pub fn is_python(name: &str) -> bool {
    name == PLAIN || name.starts_with(PREFIX)
}

/// The interpreters that were asked for so far. They are as many as a command line names, so they are
/// kept until the process ends, and can be handed out as if they had been registered.
#[derive(Debug, Default)]
pub(super) struct Pythons(Mutex<BTreeMap<String, &'static Entry>>);

impl Pythons {
    /// The heap of this name, whether or not there is such an interpreter: opening it shows that.
    /// Names stand in cases, where a blank ends them and `#` begins a comment.
    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        // Commas separate heaps on a command line.
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '#' || c == ',';
        if name == PREFIX || name.contains(is_odd) {
            return None;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(name) {
            return Some(entry);
        }
        let wanted = name.strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let heap = PythonHeap {
            wanted,
            asked: OnceLock::new(),
        };
        let entry = Entry::new(name, "CPython", Way::Whole(Arc::new(heap)));
        let entry = Box::leak(Box::new(entry));
        known.insert(name.to_owned(), entry);
        Some(entry)
    }
}

/// The interpreters that are there: the name of each as a heap, and what it is.
pub fn found() -> Vec<(String, String)> {
    let all = find::all().into_iter();
    let named = all.map(|(version, it)| (format!("{PREFIX}{version}"), it.about()));
    named.collect()
}

/// One interpreter.
#[derive(Debug)]
struct PythonHeap {
    /// What the user calls it.
    wanted: String,
    asked: OnceLock<Result<Interpreter, String>>,
}

impl PythonHeap {
    fn interpreter(&self) -> Result<&Interpreter, Defect> {
        let asked = self.asked.get_or_init(|| find::find(&self.wanted));
        asked.as_ref().map_err(|why| Defect::Other {
            message: why.clone(),
        })
    }
}

impl Whole for PythonHeap {
    fn opens(&self) -> Result<Caps, Defect> {
        self.interpreter().map(|_| told::CAPS)
    }

    fn figures(&self) -> Stats {
        reading::figures(0, 0, 0)
    }

    fn faults(&self) -> &'static [Fault] {
        faults::ALL
    }

    fn program(&self, plan: &Plan, options: &Options) -> Result<String, Defect> {
        let sound = lower::program(plan, options)?;
        Ok(match options.fault {
            None => sound,
            Some(fault) => faults::planted(&sound, fault),
        })
    }

    fn run(
        &self,
        name: &str,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Evidence, Defect> {
        let interpreter = self.interpreter()?;
        let program = self.program(plan, options)?;
        let ran = process::run(&interpreter.executable, program, options, observer);
        let ran = ran.map_err(|error| Defect::Other {
            message: format!("failed to start the interpreter: {error}"),
        })?;
        Ok(came_to(name, plan, options, ran))
    }
}

/// What the run came to. Of one that was lost, what it had reported by then counts.
fn came_to(name: &str, plan: &Plan, options: &Options, ran: Ran) -> Evidence {
    let Ran {
        report,
        end,
        heard,
        said,
    } = ran;
    let lost = |ended| {
        let fault = options.fault.map(|fault| fault.name().to_owned());
        Evidence::of_lost(name, told::CAPS, fault, ended)
    };
    let reported = reading::evidence(name, plan, options, &report);
    let is_whole = end == End::Reported;
    let ended = match end {
        End::Reported => None,
        End::Died(how) => Some(Ended::Died { how }),
        End::Hung(after) => Some(Ended::Hung {
            after_ns: u64::try_from(after.as_nanos()).unwrap_or(u64::MAX),
        }),
    };
    let evidence = match (reported, ended) {
        (Ok(evidence), None) => evidence,
        (Ok(evidence), Some(ended)) => Evidence { ended, ..evidence },
        (Err(why), None) => lost(Ended::Died {
            how: format!("its report makes no sense: {why}"),
        }),
        (Err(_), Some(ended)) => lost(ended),
    };
    let has_stacks = !is_whole && said.contains("most recent call first");
    Evidence {
        heard: heard.filter(|_| !is_whole),
        interpreter: interpreter_of(&report),
        stacks: has_stacks.then_some(said),
        ..evidence
    }
}

/// What the interpreter said of itself.
fn interpreter_of(report: &str) -> Option<InterpreterFacts> {
    #[derive(Deserialize)]
    struct Line {
        interpreter: InterpreterFacts,
    }
    let lines = report.lines();
    let mut said = lines.filter_map(|line| serde_json::from_str::<Line>(line).ok());
    said.next().map(|line| line.interpreter)
}

#[cfg(test)]
mod tests;
