//! A run in a process of its own, for faults that may end it or keep it from ending.
//!
//! The process is this program again, with the line that reproduces the run; its result comes back
//! as JSON. If none does, what is known is how the process ended, and that is a result as well.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::patience::Patience;
use super::task::RunTask;
use super::{provenance, reproduce};
use crate::evidence::{Ended, Evidence};
use crate::fuzz::catalogue;
use crate::heap::Fault;
use crate::result::RunResult;
use crate::run::Budget;

/// Set in the process of a run that has one of its own.
pub(super) const INSIDE: &str = "GCSTORM_INSIDE";
/// How much longer than its budget a run may last before it is taken to hang: the runs that show such
/// a fault take a second or two.
const GRACE: Duration = Duration::from_secs(10);
/// How often the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether a run is to have a process of its own.
pub(super) fn is_wanted(task: &RunTask<'_>) -> bool {
    task.options.fault.is_some_and(is_dangerous) && !is_inside()
}

/// Whether a fault may end the process, or keep it from ending.
pub(super) fn is_dangerous(fault: Fault) -> bool {
    catalogue::of(fault).is_some_and(|planted| planted.danger.is_some())
}

/// Whether this is the process of a run that has one of its own.
pub(super) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs a task in a process of its own, whose files go below `directory`.
pub(super) fn run(
    program: &str,
    task: &RunTask<'_>,
    directory: &Path,
) -> std::io::Result<RunResult> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(&reproduce::words(program, task)[1..])
        .args(["--quiet", "--json", "-", "--out"])
        .arg(directory)
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut output = child.stdout.take();
    let reader = std::thread::Builder::new().spawn(move || {
        let mut text = Vec::new();
        // What cannot be read is no result, which is found out below.
        let _ = output.as_mut().map(|output| output.read_to_end(&mut text));
        text
    })?;
    let limit = match task.options.budget {
        Budget::Duration(duration) => duration + GRACE,
        Budget::Workload | Budget::Rounds(_) | Budget::Ops(_) => GRACE,
    };
    let ended = wait(&mut child, limit)?;
    let text = reader.join().unwrap_or_default();
    // It may never have been made, and what is in it is in the result.
    let _ = std::fs::remove_dir_all(directory);
    Ok(serde_json::from_slice(&text).unwrap_or_else(|_| lost(program, task, ended, limit)))
}

/// How the process ended; `None` if it had to be ended.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut patience = Patience::with(child.id(), limit);
    while !patience.is_over() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn lost(
    program: &str,
    task: &RunTask<'_>,
    ended: Option<ExitStatus>,
    limit: Duration,
) -> RunResult {
    let ended = match ended {
        None => Ended::Hung {
            after_ns: u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX),
        },
        Some(status) => Ended::Died {
            how: match status.signal() {
                Some(signal) => format!("it was killed by signal {signal}"),
                None => format!("it ended without a result ({status})"),
            },
        },
    };
    let fault = task
        .options
        .fault
        .map(|fault| Fault::name(fault).to_owned());
    let evidence = Evidence::of_lost(&task.heap.name, task.heap.caps(), fault, ended);
    let tool = provenance::tool(program);
    RunResult::new(&task.plan, evidence, tool, reproduce::line(program, task))
}
