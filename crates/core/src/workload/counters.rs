//! What `[require]`, `[budget]` and `[[notes]]` may name: the run's counters, its checks and their
//! verdicts.
//!
//! The names come from results. They are known here so that a misspelled name is refused when a
//! workload is read, and not noticed after a soak of eight hours.

/// Counters that a run can be required to reach. The first are the operations, by
/// [`OpKind::name`](crate::plan::OpKind::name): how many were done.
pub const COUNTERS: [&str; 52] = [
    "alloc",
    "alloc-finalized",
    "copy",
    "clear",
    "load",
    "store",
    "peek",
    "safepoint",
    "collect",
    "append",
    "len",
    "get",
    "set",
    "pop",
    "truncate-front",
    "truncate-back",
    "add",
    "read",
    "write",
    "publish",
    "fetch",
    "downgrade",
    "upgrade",
    "rejoin",
    "stall",
    "allocated",
    "freed",
    "live_peak",
    "unreclaimed_peak",
    "collections",
    "full_collections",
    "examined",
    "examined_per_thousand",
    "cycles_freed",
    "local_collections",
    "local_cycles_freed",
    "contended",
    "interleavings",
    "switches",
    "retries",
    "epochs",
    "truncations_met_append",
    "upgraded",
    "upgrade_lost",
    "finalized",
    "resurrected",
    "noted",
    "rounds",
    "forced_collections",
    "refused",
    "surveys",
    "ops_per_second",
];

/// Checks that a note can explain.
pub const CHECKS: [&str; 18] = [
    "refcounts",
    "dangling",
    "premature",
    "completeness",
    "double-free",
    "conservation",
    "order",
    "counter",
    "length",
    "answers",
    "linearizable",
    "poison",
    "weak",
    "finalizers",
    "collector-state",
    "progress",
    "budget",
    "capacity",
];

/// The verdicts of a check.
pub const VERDICTS: [&str; 4] = ["held", "violated", "vacuous", "skipped"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::OpKind;

    /// Goal: every operation can be required, under the name that results use.
    #[test]
    fn every_operation_has_a_counter() {
        for kind in OpKind::ALL {
            assert!(COUNTERS.contains(&kind.name()), "{}", kind.name());
        }
    }
}
