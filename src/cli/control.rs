//! What a build can do about schedules: one with a model checker has no threads of its own, and one
//! without has no checker.

use super::usage::Usage;
use crate::fuzz::Finding;
#[cfg(shuttle)]
use crate::fuzz::{Raced, by_schedules};
use crate::heap::{Defect, Fault};
use crate::plan::{Case, Control};
use crate::run::Entry;
#[cfg(shuttle)]
use crate::run::Exploration;

/// How to get a build with the checker.
const HINT: &str = "build with RUSTFLAGS=\"--cfg shuttle\", or take `steps` or `free`";

/// Refuses a schedule that only a model checker can make, if there is none.
pub(super) fn needs_checker(by: Control) -> Result<(), Usage> {
    if cfg!(shuttle) {
        return Ok(());
    }
    let name = by.name();
    Err(Usage::new(format!(
        "schedule `{name}` needs a model checker, which this build has not"
    ))
    .hint(HINT))
}

/// Refuses what runs on threads of the system, if all that is shared is the checker's.
pub(super) fn needs_threads(what: &str) -> Result<(), Usage> {
    if !cfg!(shuttle) {
        return Ok(());
    }
    Err(Usage::new(format!(
        "{what} needs threads of the system, and this build has a model checker's"
    ))
    .hint("build without --cfg shuttle; here are `fuzz` and `replay` with `random`, `pct`, `dfs` or `steps`"))
}

/// Explores the schedules of a case; what is wrong with the first that fails, and that schedule.
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

/// No such schedule gets past [`needs_checker`].
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
