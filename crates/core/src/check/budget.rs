//! `budget`: no counter exceeds the ceiling that the workload sets for it.
//!
//! Ceilings are on counters and never on times, so they hold on any machine. Examples are the
//! number of objects that the collector examines for each object made, and the number of dead
//! objects that wait to be reclaimed. A run whose collections were forced is not judged, as their
//! cost is not the heap's choice.

use super::{Check, Exhibit, Opinion, counters};
use crate::plan::Ceiling;

pub(super) const CHECK: Check = Check {
    name: "budget",
    about: "no counter exceeds what the workload allows",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let budget = &exhibit.plan.budget;
    if budget.is_empty() {
        return Opinion::skipped("the workload has no budget");
    }
    let Some(evidence) = exhibit.evidence else {
        return Opinion::default();
    };
    let forced = |mutator: &crate::evidence::MutatorEvidence| mutator.forced_collections;
    if evidence.mutators.iter().map(forced).sum::<u64>() > 0 {
        return Opinion::skipped("collections were forced");
    }
    let counters = counters(evidence);
    let mut opinion = Opinion::default();
    for Ceiling { counter, at_most } in budget {
        // A ceiling on a counter that the heap does not have says nothing about it.
        let Some(&value) = counters.get(counter) else {
            continue;
        };
        opinion.examine(1);
        if value > *at_most {
            let text = format!("{counter} is {value}, and at most {at_most} is allowed");
            opinion.blame(1, text);
        }
    }
    if opinion.examined == 0 {
        return Opinion::skipped("the heap has none of the counters that the budget limits");
    }
    opinion
}
