//! The matrix of `selftest`: every planted fault in the runs that should show it. It says which
//! trials to make, and scores them.
//!
//! A [`Row`] is one fault in one heap under one workload, or the same run without a fault. Each row
//! is tried with several seeds in two lanes: one is [verified](Verified) at the end of a run only,
//! the other at pauses as well. The second lane finds faults sooner, but its pauses stop all
//! mutators, which hides races. Reports show both lanes. A row with a fault is judged by the first
//! lane; a row in which no check may fire, by both.
//!
//! A trial catches its fault only if one of the checks that the catalogue *names* for the fault was
//! violated, or if the process crashed or hung as the catalogue says. So a check that no longer
//! fires makes its rows fail, even if another check notices the fault.

mod row;
mod schedule;
mod score;

pub use row::{Expect, Row, rows};
pub use schedule::{Depth, Schedule};
pub use score::{LaneScore, RowStanding, Score};

use serde::{Deserialize, Serialize};

use super::Sighting;

/// When a run is verified: the lane of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// At the end only.
    End,
    /// At a few pauses during the run, and at the end.
    Every,
}

impl Verified {
    /// Both lanes.
    pub const ALL: [Self; 2] = [Self::End, Self::Every];

    /// The name in reports, which is also the value of `--verify`.
    pub fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Every => "every",
        }
    }
}

/// One run to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The number of the row that it belongs to.
    pub row: usize,
    /// When the heap is verified.
    pub lane: Verified,
    /// The seed of the run.
    pub seed: u64,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The run ended and was judged.
    Judged(Sighting),
    /// The process died of a signal or a panic.
    Crashed(String),
    /// The process did not end within its time limit.
    Hung,
    /// The run could not be made, so it says nothing about the fault; the reason.
    Failed(String),
}

/// A finished trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The trial.
    pub trial: Trial,
    /// How it ended.
    pub ending: Ending,
    /// How long it took, including the start of its process, in nanoseconds.
    pub wall_ns: u64,
}
