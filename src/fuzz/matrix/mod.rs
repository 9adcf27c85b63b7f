//! All planted faults against the runs that should show them: what to try, and the scores.
//!
//! A [`Row`] is one fault in one heap under one workload, or the same run without a fault. Each is
//! tried with several seeds in two lanes, [verified](Verified) at the end only, and at pauses as
//! well. The second finds faults sooner, but stops all mutators to do so, which hides races. Both
//! are shown, and a row is judged by the first.
//!
//! A row is met only if one of the checks that the catalogue *names* for it was violated. So a
//! check that no longer fires makes the row fail, even if another check notices the fault.

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
    /// At pauses, some times a run, and at the end.
    Every,
}

impl Verified {
    /// Both.
    pub const ALL: [Self; 2] = [Self::End, Self::Every];

    /// The name in reports, which is that of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Every => "every",
        }
    }
}

/// One run to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// Which row's, by number.
    pub row: usize,
    /// How it is verified.
    pub lane: Verified,
    /// From which seed.
    pub seed: u64,
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It ended, and was judged.
    Judged(Sighting),
    /// The process died of a signal or a panic.
    Crashed(String),
    /// It did not end within its time.
    Hung,
    /// It could not be tried at all, so the matrix proves nothing.
    Failed(String),
}

/// A trial that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub trial: Trial,
    /// What it came to.
    pub ending: Ending,
    /// How long it took, its process included, in nanoseconds.
    pub wall_ns: u64,
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::{Ending, Sighting};
    use crate::fuzz::At;
    use crate::fuzz::catalogue::{Likelihood, Planted, Show};
    use crate::heap::Fault;

    const SHOW: Show = Show {
        heaps: &["gil"],
        workload: "counter",
        parameters: &[],
        ops: 1000,
        delays: false,
        collect_every: None,
        history: None,
    };

    /// One fault of each kind, of which only models can show the last.
    pub(crate) const CATALOGUE: &[Planted] = &[
        planted(Likelihood::Certain),
        planted(Likelihood::Usually),
        planted(Likelihood::Never),
        planted(Likelihood::ModelOnly),
    ];

    const fn planted(likelihood: Likelihood) -> Planted {
        Planted {
            fault: Fault::TrustHint,
            caught_by: &["weak"],
            likelihood,
            shows: &[SHOW],
            danger: None,
            bug: None,
        }
    }

    /// A trial in which this check fired.
    pub(crate) fn caught(check: &str) -> Ending {
        let fired = vec![check.to_owned()];
        Ending::Judged(Sighting {
            first: fired.clone(),
            fired,
            ..quiet()
        })
    }

    /// A trial in which nothing did.
    pub(crate) fn missed() -> Ending {
        Ending::Judged(quiet())
    }

    fn quiet() -> Sighting {
        Sighting {
            fired: Vec::new(),
            first: Vec::new(),
            at: At::End,
            broke: None,
            examined: 1,
            ops: 1000,
            elapsed_ns: 5,
        }
    }
}
