//! `budget`: what the workload says a heap may cost is not exceeded.
//!
//! Ceilings are on counters and never on times, so they hold on any machine: how many objects the
//! collector looks at for those that are made, how much may wait to be reclaimed. Collections that
//! the run was made to do cost what they cost, and such a run is not judged.

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
        // What a heap does not count it cannot be held to.
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
        return Opinion::skipped("the heap counts none of what the budget is about");
    }
    opinion
}
