//! Which schedules a build can make: a build with a model checker has no system threads, and one
//! without has no checker.

use super::args::ScheduleArg;
use super::usage::Usage;
use crate::fuzz::Finding;
#[cfg(shuttle)]
use crate::fuzz::{Raced, by_schedules};
use crate::heap::{Defect, Fault};
use crate::plan::{Case, Control, Schedule};
use crate::run::Entry;
#[cfg(shuttle)]
use crate::run::Exploration;

const HINT: &str = "build with RUSTFLAGS=\"--cfg shuttle\", or use `steps` or `free`";

/// The schedule that an option asks for, if this build can make it.
pub(super) fn schedule(asked: ScheduleArg) -> Result<Schedule, Usage> {
    let by = match asked {
        ScheduleArg::Steps => return Ok(Schedule::Steps),
        ScheduleArg::Free => {
            needs_threads("schedule `free`")?;
            return Ok(Schedule::Free);
        }
        ScheduleArg::Random => Control::Random,
        ScheduleArg::Pct => Control::Pct,
        ScheduleArg::Dfs => Control::Dfs,
    };
    needs_checker(by)?;
    Ok(Schedule::Controlled { by, kept: None })
}

/// Refuses a schedule that needs a model checker, in a build without one.
pub(super) fn needs_checker(by: Control) -> Result<(), Usage> {
    if cfg!(shuttle) {
        return Ok(());
    }
    let name = by.name();
    Err(Usage::new(format!(
        "schedule `{name}` needs a model checker, which this build does not have"
    ))
    .hint(HINT))
}

/// Refuses a command that needs system threads, in a build for the model checker.
pub(super) fn needs_threads(what: &str) -> Result<(), Usage> {
    if !cfg!(shuttle) {
        return Ok(());
    }
    Err(Usage::new(format!(
        "{what} needs system threads, and this build has only those of a model checker"
    ))
    .hint("build without --cfg shuttle; this build has `fuzz` and `replay` with `random`, `pct`, `dfs` or `steps`"))
}

/// Explores the schedules of a case; returns the finding in the first that fails, and that
/// schedule.
#[cfg(shuttle)]
pub(super) fn explore(
    heap: &Entry,
    fault: Option<Fault>,
    by: Control,
    case: &Case,
) -> Result<Option<(Finding, String)>, Defect> {
    let how = Exploration {
        by,
        kept: None,
        schedules: crate::run::SCHEDULES,
    };
    let raced = by_schedules(heap, fault, how, case)?;
    let Raced { race, finding, .. } = raced;
    Ok(finding.zip(race.map(|(_, schedule)| schedule)))
}

/// Never called: [`needs_checker`] refuses such schedules before.
#[cfg(not(shuttle))]
pub(super) fn explore(
    _: &Entry,
    _: Option<Fault>,
    by: Control,
    _: &Case,
) -> Result<Option<(Finding, String)>, Defect> {
    Err(Defect::Other {
        message: format!("this build cannot make schedule `{}`", by.name()),
    })
}
