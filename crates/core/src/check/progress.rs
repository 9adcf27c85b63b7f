//! `progress`: no mutator was kept out while the others did most of their operations.
//!
//! A *gap* is the number of operations that the other mutators did between two consecutive batches
//! of one mutator. The largest gap is compared with all operations that the others did while the
//! mutator ran. The measure is a share and not a time, so it does not depend on the machine's
//! speed. A fair heap lets each mutator in again and again, so the shares are small. A lock that
//! its holder may retake at once keeps a waiter out for most of a run.
//!
//! Nothing can be concluded, and nothing is judged, in these cases:
//!
//! * The run ended before every mutator could have had many turns. The more mutators, the longer
//!   the run must be.
//! * The operating system did not schedule the mutator although it was ready to run.
//! * The others hardly ran during the gap. On an overloaded machine half a second may hold no more
//!   turns than fifty milliseconds do on an idle one.
//!
//! Stalls that the mutator's own program asks for are not part of a gap.

use super::{CUT_SHORT, Check, Exhibit, Opinion};
use crate::evidence::MutatorEvidence;

pub(super) const CHECK: Check = Check {
    name: "progress",
    about: "no mutator was kept out while the others did most of their operations",
    judge,
};

/// How long a mutator keeps a lock to itself while others wait for it: CPython's switch interval.
const TURN_NS: u64 = 5_000_000;
/// How many turns a run must have room for, for each of its mutators: half a second for two. In a
/// shorter run, a lock that picks any waiter may by chance pass one over most of the time.
const TURNS_MIN: u64 = 50;
/// How many turns the others must have run for in a gap, for each mutator: a tenth of a second for
/// two, in which a fair lock lets the waiter in several times.
const GAP_TURNS_MIN: u64 = 10;
/// How many operations the others must have done beside a mutator: enough for each of several
/// threads to have had many turns.
const OTHERS_OPS_MIN: u64 = 100_000;

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mutators = exhibit.plan.mutators.len() as u64;
    if mutators < 2 {
        return Opinion::skipped("there is only one mutator");
    }
    let Some(evidence) = exhibit.evidence else {
        return Opinion::default();
    };
    if evidence.mutators.is_empty() {
        return Opinion::skipped(CUT_SHORT);
    }
    if evidence.elapsed_ns < TURN_NS * TURNS_MIN * mutators {
        return Opinion::skipped("the run was too short to judge so many mutators");
    }
    let mut opinion = Opinion::default();
    for mutator in &evidence.mutators {
        let Some(stood_still) = stood_still(mutator, mutators) else {
            continue;
        };
        opinion.examine(1);
        if stood_still {
            let MutatorEvidence {
                name,
                others_ops,
                gap_ops_max,
                ..
            } = mutator;
            let text = format!(
                "{name} did nothing while the others did {gap_ops_max} of their {others_ops} \
                 operations"
            );
            opinion.blame(1, text);
        }
    }
    if opinion.examined == 0 {
        return Opinion::skipped("no mutator ran beside the others for long enough to be judged");
    }
    opinion
}

/// Whether the mutator stood still; `None` if the evidence does not tell.
fn stood_still(mutator: &MutatorEvidence, mutators: u64) -> Option<bool> {
    if mutator.others_ops < OTHERS_OPS_MIN {
        return None;
    }
    // A thread that waits for a lock is not ready to run, so it is not starved. On an overloaded
    // machine it is starved each time it wakes up, but not for nearly all of the gap.
    if mutator.gap_starved_ns > mutator.gap_ns / 10 * 9 {
        return None;
    }
    // With a fair lock on a busy machine, gaps of up to a third have been seen.
    let is_most = mutator.gap_ops_max > mutator.others_ops / 4 * 3;
    // Capped by the length of the gap, so what several processors did at once counts once.
    let ran_ns = mutator.gap_ran_ns.unwrap_or(u64::MAX).min(mutator.gap_ns);
    if is_most && ran_ns < TURN_NS * GAP_TURNS_MIN * mutators {
        return None;
    }
    Some(is_most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Tally;

    const MS: u64 = 1_000_000;

    /// Goal: a mutator that was kept out while the others worked is told from one that the machine
    /// did not schedule, and from a gap that is long by the clock only.
    #[test]
    fn waiting_is_told_from_starving() {
        let cases = [
            // The others did all or most of it, in 400 ms in which one of them always ran.
            (2, 1_000_000, 1_000_000, 400, 0, 400, Some(true)),
            (2, 1_000_000, 751_000, 400, 300, 400, Some(true)),
            (2, 1_000_000, 700_000, 400, 0, 400, Some(false)),
            // The same time is just over one turn for each of 64 mutators.
            (64, 1_000_000, 1_000_000, 400, 0, 400, None),
            (64, 1_000_000, 700_000, 400, 0, 400, Some(false)),
            (64, 1_000_000, 1_000_000, 4000, 0, 4000, Some(true)),
            // The machine ran something else in place of this mutator, or in place of all of them.
            (2, 1_000_000, 1_000_000, 400, 380, 400, None),
            (2, 1_000_000, 1_000_000, 400, 200, 50, None),
            (2, 1_000_000, 1_000_000, 50, 0, 400, None),
            (2, 1_000_000, 1_000, 50, 0, 50, Some(false)),
            // The others did too little to tell.
            (2, 99_999, 99_999, 400, 0, 400, None),
        ];
        for (mutators, others_ops, gap_ops_max, gap, starved, ran, expected) in cases {
            let mutator = MutatorEvidence {
                others_ops,
                gap_ops_max,
                gap_ns: gap * MS,
                gap_starved_ns: starved * MS,
                gap_ran_ns: Some(ran * MS),
                ..crate::sample::mutator("waiter", Tally::default())
            };
            assert_eq!(stood_still(&mutator, mutators), expected, "{mutator:?}");
        }
    }
}
