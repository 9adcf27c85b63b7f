//! `progress`: no mutator stood still while the others went on.
//!
//! Each mutator counts, between two batches of its own, what the others have done meanwhile. The most
//! of that is held against all that they did while it ran, so it is a share and no time. A heap that
//! is fair lets each of them in again and again, and the shares are small; a lock that its holder
//! may take straight back keeps a waiter out for most of a run. A run that is over before everyone
//! has had a turn shows nothing, so short ones are not judged; and what a mutator does not do because
//! its program stalls does not count. Nor does one that the machine itself kept from running: what a
//! scheduler does to a thread that is ready to run is not the heap's. Nor does the little that the others
//! did in a long gap in which they hardly ran: on a machine with far more to do than processors, half a
//! second may hold no more turns than fifty milliseconds do on another.

use super::{Check, Exhibit, Opinion};
use crate::evidence::MutatorEvidence;

pub(super) const CHECK: Check = Check {
    name: "progress",
    about: "no mutator stood still while the others did most of their operations",
    judge,
};

/// A run shorter than this is not judged: a hundred switch intervals of the default length.
const ELAPSED_NS_MIN: u64 = 500_000_000;
/// And a gap tells nothing in which all the others together ran for less than this: twenty switch intervals,
/// of which a fair lock would have given the waiter several.
const RAN_NS_MIN: u64 = 100_000_000;
/// The others must have done as much: enough for each of some threads to have had many turns.
const OTHERS_OPS_MIN: u64 = 100_000;

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if exhibit.plan.mutators.len() < 2 {
        return Opinion::skipped("there is one thread only");
    }
    let Some(evidence) = exhibit.evidence else {
        return Opinion::default();
    };
    if evidence.elapsed_ns < ELAPSED_NS_MIN {
        return Opinion::skipped("the run was too short to tell");
    }
    let mut opinion = Opinion::default();
    for mutator in &evidence.mutators {
        let Some(stood_still) = stood_still(mutator) else {
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
fn stood_still(mutator: &MutatorEvidence) -> Option<bool> {
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
    if is_most && ran_ns < RAN_NS_MIN {
        return None;
    }
    Some(is_most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Tally;

    const MS: u64 = 1_000_000;

    /// Goal: who was kept out while the others worked is told from who was kept from running, and from a
    /// gap that is long by the clock only.
    #[test]
    fn waiting_is_told_from_starving() {
        let cases = [
            // The others did all, in 400 ms in which one of them always ran.
            (1_000_000, 1_000_000, 400, 0, 400, Some(true)),
            (1_000_000, 751_000, 400, 300, 400, Some(true)),
            (1_000_000, 700_000, 400, 0, 400, Some(false)),
            // The machine ran something else in place of it, or in place of all of them.
            (1_000_000, 1_000_000, 400, 380, 400, None),
            (1_000_000, 1_000_000, 400, 200, 50, None),
            (1_000_000, 1_000_000, 50, 0, 400, None),
            (1_000_000, 1_000, 50, 0, 50, Some(false)),
            // Too little to tell.
            (99_999, 99_999, 400, 0, 400, None),
        ];
        for (others_ops, gap_ops_max, gap, starved, ran, expected) in cases {
            let mutator = MutatorEvidence {
                others_ops,
                gap_ops_max,
                gap_ns: gap * MS,
                gap_starved_ns: starved * MS,
                gap_ran_ns: Some(ran * MS),
                ..MutatorEvidence::sample("waiter", Tally::default())
            };
            assert_eq!(stood_still(&mutator), expected, "{mutator:?}");
        }
    }
}
