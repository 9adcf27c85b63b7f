//! A run in a process of its own: one whose fault may end the process or keep it from ending, and
//! one for which there may not be enough memory.
//!
//! The process is this program again ([`child`](super::child)), with the line that reproduces the
//! run; its result comes back as JSON. If none does, what is known is how the process ended, and
//! that is a result as well: it is judged, written and shown like any other.

mod memory;

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::child::{Child, Printed, Waited, inside};
use super::patience::Patience;
use super::task::RunTask;
use super::{provenance, reproduce};
use crate::clock::Clock;
use crate::evidence::{Ended, Evidence};
use crate::fuzz::catalogue;
use crate::heap::Fault;
use crate::result::RunResult;

/// How long a run whose fault may keep it from ending may do no operation before it is taken to
/// hang: the runs that show such a fault take a second or two.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether a run is to have a process of its own since its fault may end it.
pub(super) fn is_wanted(task: &RunTask<'_>) -> bool {
    task.options.fault.is_some_and(is_dangerous) && !inside::is_inside()
}

/// Whether a run is to have a process of its own since the memory that it needs may not be there:
/// an allocation that fails aborts the process, wherever it is made.
pub(super) fn may_exhaust_memory(task: &RunTask<'_>) -> bool {
    !inside::is_inside() && memory::is_short_for(&task.plan)
}

/// Whether a fault may end the process, or keep it from ending.
pub(super) fn is_dangerous(fault: Fault) -> bool {
    catalogue::of(fault).is_some_and(|planted| planted.danger.is_some())
}

/// Runs a task in a process of its own, whose files go below `directory`.
pub(super) fn run(
    program: &str,
    task: &RunTask<'_>,
    directory: &Path,
) -> std::io::Result<RunResult> {
    let mut words = reproduce::words(program, task).split_off(1);
    words.extend(["--quiet", "--json", "-", "--out"].map(OsString::from));
    words.push(directory.into());
    let clock = Clock::get();
    let start = clock.now();
    let mut child = Child::start(&words, Printed::Kept)?;
    let limit = match is_wanted(task) {
        true => LIMIT,
        // A run that is only large has no limit, like a run in this process.
        false => Duration::MAX,
    };
    let mut patience = Patience::with(child.id(), limit);
    let mut is_told = false;
    let waited = child.wait(&mut patience, |child| {
        if !is_told && task.options.interrupt.load(Relaxed) {
            is_told = true;
            child.ask();
        }
        true
    })?;
    let output = child.output();
    // The directory may not exist, and what it contains is also in the result.
    let _ = std::fs::remove_dir_all(directory);
    Ok(serde_json::from_str(&output.printed).unwrap_or_else(|_| {
        let ended = match waited {
            Waited::Exited(status) => Ended::Died {
                how: output.how(status),
            },
            Waited::Hung | Waited::CalledOff => Ended::Hung {
                after_ns: clock.nanos(start, clock.now()),
            },
        };
        lost(program, task, ended)
    }))
}

/// The result of a run whose process left none.
fn lost(program: &str, task: &RunTask<'_>, ended: Ended) -> RunResult {
    let fault = task.options.fault.map(|fault| fault.name().to_owned());
    let evidence = Evidence::of_lost(&task.heap.name, task.heap.caps(), fault, ended);
    let tool = provenance::tool(program);
    RunResult::new(&task.plan, evidence, tool, reproduce::line(program, task))
}
