//! Which heaps are to be kept out of this process, and what they can do and count, which is asked
//! elsewhere.

use std::sync::Arc;
use std::time::Duration;

use super::{JobEnd, Laboratory};
use crate::cli::args::IsolateArg;
use crate::cli::child::{CaseJob, Printed, inside};
use crate::cli::isolate;
use crate::cli::usage::Usage;
use crate::heap::{Caps, Fault, Stats};
use crate::run::{Entry, is_path, pythons};

/// How long a heap may take to say what it can do.
const CAPS_LIMIT: Duration = Duration::from_secs(10);

/// Whether cases are tried on a heap in processes of its own: as the command line says, or else if
/// the heap does not come with the program, or the fault may end the process.
pub(in crate::cli) fn is_apart(
    heap: &Entry,
    fault: Option<Fault>,
    isolate: Option<IsolateArg>,
) -> bool {
    match isolate {
        Some(IsolateArg::Yes) => true,
        Some(IsolateArg::No) => false,
        None => !heap.is_built_in || fault.is_some_and(isolate::is_dangerous),
    }
}

/// Asks heaps in a child process what they can do, since this one would not survive some of them. A
/// heap that is lost with the process can do nothing; to run it shows why.
///
/// # Errors
///
/// A shared library was named that is no heap.
pub(in crate::cli) fn learn_caps<'r>(
    heaps: impl IntoIterator<Item = &'r Entry>,
    isolate: IsolateArg,
) -> Result<(), Usage> {
    // A child asks by itself: it is there to be lost.
    if inside::is_inside() {
        return Ok(());
    }
    let laboratory = Laboratory::new(CAPS_LIMIT, Printed::Dropped, &Arc::default());
    for heap in heaps.into_iter().filter(|heap| !heap.is_built_in) {
        let asked: Result<Caps, String> = match isolate {
            // It is in a process of its own anyway.
            _ if heap.runs_whole() => heap.opens().map_err(|why| why.to_string()),
            IsolateArg::No if is_path(&heap.name) => heap.opens().map_err(|why| why.to_string()),
            IsolateArg::No => continue,
            IsolateArg::Yes => match laboratory.ask(CaseJob::Caps(heap.name.clone()), |_| {}) {
                JobEnd::Done(asked) => asked,
                JobEnd::Lost(_) => Ok(Caps::NONE),
                // No process can be started, and whoever needs one will say so.
                JobEnd::CalledOff => return Ok(()),
            },
        };
        match asked {
            Ok(caps) => heap.caps_are(caps),
            Err(why) if heap.runs_whole() => return Err(no_interpreter(&heap.name, &why)),
            Err(why) if is_path(&heap.name) => {
                return Err(Usage::new(format!("failed to open {}: {why}", heap.name)));
            }
            Err(_) => heap.caps_are(Caps::NONE),
        }
    }
    Ok(())
}

/// What a heap counts; nothing if it cannot be asked.
pub(in crate::cli) fn figures(heap: &Entry) -> Stats {
    if heap.is_built_in || heap.runs_whole() {
        return heap.figures().unwrap_or_default();
    }
    let laboratory = Laboratory::new(CAPS_LIMIT, Printed::Dropped, &Arc::default());
    match laboratory.ask(CaseJob::Figures(heap.name.clone()), |_| {}) {
        JobEnd::Done(asked) => Result::<Stats, String>::unwrap_or_default(asked),
        JobEnd::Lost(_) | JobEnd::CalledOff => Stats::default(),
    }
}

/// A name that leads to no interpreter which can run workloads, and those that do.
fn no_interpreter(name: &str, why: &str) -> Usage {
    let usage = Usage::new(format!("{name} cannot be a heap: {why}"));
    let found: Vec<String> = pythons().into_iter().map(|(name, _)| name).collect();
    match found.is_empty() {
        true => usage.hint(
            "name one by its path (python:/usr/bin/python3), its name on PATH (python:python3.12) or its \
             version (python:3.12); CPython 3.9 or later is needed",
        ),
        false => usage.hint(format!("there are {}", found.join(", "))),
    }
}
