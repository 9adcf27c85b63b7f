//! A catalogue made up for tests of the matrix, and of what shows it.

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

/// One fault of each rate but `SoakOnly`.
pub const CATALOGUE: &[Planted] = &[
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
pub fn caught(check: &str) -> Ending {
    let fired = vec![check.to_owned()];
    Ending::Judged(Sighting {
        first: fired.clone(),
        fired,
        ..quiet()
    })
}

/// A trial in which no check fired.
pub fn missed() -> Ending {
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
