//! `progress`: no mutator stood still while the others went on.
//!
//! Each mutator counts, between two batches of its own, what the others have done meanwhile: a
//! *gap*. The largest gap is held against all that the others did while the mutator ran, so it is a
//! share and not a time. A fair heap lets each mutator in again and again, and the shares are
//! small; a lock that its holder may take straight back keeps a waiter out for most of a run.
//!
//! Some runs tell nothing, and are not judged:
//!
//! * a run that is over before every mutator could have had many turns: the more mutators, the
//!   longer it must be;
//! * a mutator that the machine kept from running although it was ready to run;
//! * a gap in which the others hardly ran: on a machine with far more to do than processors, half a
//!   second may hold no more turns than fifty milliseconds do on another.
//!
//! What a mutator does not do because its program stalls is not part of a gap.

use super::{Check, Exhibit, Opinion};
use crate::evidence::MutatorEvidence;

pub(super) const CHECK: Check = Check {
    name: "progress",
    about: "no mutator stood still while the others did most of their operations",
    judge,
};

/// How long a mutator keeps a lock to itself while others wait for it: CPython's switch interval.
const TURN_NS: u64 = 5_000_000;
/// How many turns a run must have room for, for each of its mutators: half a second for two. With
/// fewer, a lock that lets any of the waiters in may pass one over for most of the run by chance.
const TURNS_MIN: u64 = 50;
/// How many turns the others must have run for in a gap, for each mutator: a tenth of a second for
/// two, in which a fair lock lets the waiter in several times.
const GAP_TURNS_MIN: u64 = 10;
/// The others must have done as much: enough for each of some threads to have had many turns.
const OTHERS_OPS_MIN: u64 = 100_000;

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mutators = exhibit.plan.mutators.len() as u64;
    if mutators < 2 {
        return Opinion::skipped("there is one thread only");
    }
    let Some(evidence) = exhibit.evidence else {
        return Opinion::default();
    };
    if evidence.elapsed_ns < TURN_NS * TURNS_MIN * mutators {
        return Opinion::skipped("the run was too short for so many mutators to tell");
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
                "{name} did nothing while the others did {gap_ops_max} of the {others_ops} \
                 operations that they did in all"
            );
            opinion.blame(1, text);
        }
    }
    if opinion.examined == 0 {
        return Opinion::skipped("no mutator ran for long enough beside others to tell");
    }
    opinion
}

/// Whether it stood still; `None` if there is no telling.
fn stood_still(mutator: &MutatorEvidence, mutators: u64) -> Option<bool> {
    if mutator.others_ops < OTHERS_OPS_MIN {
        return None;
    }
    // Who waits for a lock is not ready to run; on a machine with too much to do it is kept from
    // running as well, each time it wakes up, but not for all of the time.
    if mutator.gap_starved_ns > mutator.gap_ns / 10 * 9 {
        return None;
    }
    // A third has been seen of a fair lock, on a machine with other things to do.
    let is_most = mutator.gap_ops_max > mutator.others_ops / 4 * 3;
    // Of several processors no more than one counts.
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

    /// Goal: who was kept out while the others worked is told from who was kept from running, and
    /// from a gap that is long by the clock only.
    #[test]
    fn waiting_is_told_from_starving() {
        let cases = [
            // The others did all, in 400 ms in which one of them always ran.
            (2, 1_000_000, 1_000_000, 400, 0, 400, Some(true)),
            (2, 1_000_000, 751_000, 400, 300, 400, Some(true)),
            (2, 1_000_000, 700_000, 400, 0, 400, Some(false)),
            // In which 64 mutators had one turn each.
            (64, 1_000_000, 1_000_000, 400, 0, 400, None),
            (64, 1_000_000, 700_000, 400, 0, 400, Some(false)),
            (64, 1_000_000, 1_000_000, 4000, 0, 4000, Some(true)),
            // The machine ran something else in place of it, or in place of all of them.
            (2, 1_000_000, 1_000_000, 400, 380, 400, None),
            (2, 1_000_000, 1_000_000, 400, 200, 50, None),
            (2, 1_000_000, 1_000_000, 50, 0, 400, None),
            (2, 1_000_000, 1_000, 50, 0, 50, Some(false)),
            // Too little to tell.
            (2, 99_999, 99_999, 400, 0, 400, None),
        ];
        for (mutators, others_ops, gap_ops_max, gap, starved, ran, expected) in cases {
            let mutator = MutatorEvidence {
                others_ops,
                gap_ops_max,
                gap_ns: gap * MS,
                gap_starved_ns: starved * MS,
                gap_ran_ns: Some(ran * MS),
                ..MutatorEvidence::sample("waiter", Tally::default())
            };
            assert_eq!(stood_still(&mutator, mutators), expected, "{mutator:?}");
        }
    }
}
