//! Tries a case once, in this process.

use serde::{Deserialize, Serialize};

use super::{control, hush};
use crate::fuzz::{CRASHED, Finding, by_steps, on_threads};
use crate::heap::Fault;
use crate::plan::{Case, Schedule};
use crate::run::Entry;

/// What a case came to that was tried once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tried {
    pub(super) finding: Option<Finding>,
    /// The schedule that failed, if a model checker explored schedules.
    pub(super) schedule: Option<String>,
}

impl From<Option<Finding>> for Tried {
    fn from(finding: Option<Finding>) -> Self {
        Self {
            finding,
            schedule: None,
        }
    }
}

/// Tries a case once, with the fault and the schedule of another. A heap may have threads of its
/// own, and a panic there is one of the heap as well. Nothing else may be tried meanwhile whose
/// mutators have threads: their panics could not be told from those.
pub(super) fn attempt_alone(heap: &Entry, like: &Case, case: &Case) -> Tried {
    let tried = hush::while_trying(|| attempt(heap, like.fault, &like.schedule, case));
    let stray = stray();
    Tried {
        finding: tried.finding.or(stray),
        ..tried
    }
}

/// What is wrong if a thread of the heap has panicked.
pub(super) fn stray() -> Option<Finding> {
    let message = hush::take_stray()?;
    let text = format!("a thread of the heap panicked: {message}");
    Some(Finding::of_lost(CRASHED, text))
}

/// Tries a case once.
pub(super) fn attempt(
    heap: &Entry,
    fault: Option<Fault>,
    schedule: &Schedule,
    case: &Case,
) -> Tried {
    let tried = match schedule {
        Schedule::Free => on_threads(heap, fault, case).map(Tried::from),
        Schedule::Steps => by_steps(heap, fault, case).map(|(_, finding)| finding.into()),
        Schedule::Controlled { by, .. } => {
            let found = control::explore(heap, fault, *by, case);
            found.map(|found| match found {
                None => Tried::default(),
                Some((finding, schedule)) => Tried {
                    finding: Some(finding),
                    schedule: Some(schedule),
                },
            })
        }
    };
    tried.unwrap_or_else(|defect| Some(Finding::of_lost(CRASHED, defect.to_string())).into())
}
