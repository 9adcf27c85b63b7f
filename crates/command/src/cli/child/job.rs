//! What a child can be asked to do with cases. Each job is answered by one report, whose text is
//! JSON.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::cli::tries::Tries;
use crate::fuzz::Hunt;
use crate::report::Detail;

/// One job. A case is in its text form, which names its heap, its fault and its schedule.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum CaseJob {
    /// To say what the heap of this name can do.
    Caps(String),
    /// To say what it counts.
    Figures(String),
    /// To try the cases of a hunt that have these numbers, up to the first that fails.
    Sweep {
        hunt: Box<Hunt>,
        numbers: Range<u64>,
        /// A case with the heap, the fault and the schedule of all of them.
        like: String,
    },
    /// To try a case once.
    Attempt(String),
    /// To step through a case.
    Steps(String),
    /// To run a case once if that is deterministic, otherwise until it fails, at most so often.
    Replay {
        case: String,
        tries: Tries,
        detail: Detail,
    },
}
