//! `progress`: no mutator stood still while the others went on.
//!
//! Each mutator counts, between two batches of its own, what the others have done meanwhile. The most
//! of that is held against all that they did while it ran, so it is a share and no time. A heap that
//! is fair lets each of them in again and again, and the shares are small; a lock that its holder
//! may take straight back keeps a waiter out for most of a run. A run that is over before everyone
//! has had a turn shows nothing, so short ones are not judged; and what a mutator does not do because
//! its program stalls does not count. Nor does one that the machine itself kept from running: what a
//! scheduler does to a thread that is ready to run is not the heap's.

use super::{Check, Exhibit, Opinion};
use crate::evidence::MutatorEvidence;

pub(super) const CHECK: Check = Check {
    name: "progress",
    about: "no mutator stood still while the others did most of their operations",
    judge,
};

/// A run shorter than this is not judged: a hundred switch intervals of the default length.
const ELAPSED_NS_MIN: u64 = 500_000_000;
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
    let mutators = evidence.mutators.iter();
    for mutator in mutators.filter(|mutator| mutator.others_ops >= OTHERS_OPS_MIN) {
        // Who waits for a lock is not ready to run; on a machine with too much to do it is kept from
        // running as well, each time it wakes up, but not for all of the time.
        if mutator.gap_starved_ns > mutator.gap_ns / 10 * 9 {
            continue;
        }
        opinion.examine(1);
        let MutatorEvidence {
            name,
            others_ops,
            gap_ops_max,
            ..
        } = mutator;
        // A third has been seen of a fair lock, on a machine with other things to do.
        if *gap_ops_max > others_ops / 4 * 3 {
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
