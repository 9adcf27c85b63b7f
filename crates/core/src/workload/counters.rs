//! What `[require]`, `[budget]` and `[[notes]]` may name: the run's counters, its checks and their
//! verdicts.
//!
//! The names come from results. They are known here so that a misspelled name is refused when a
//! workload is read, and not noticed after a soak of eight hours.

use crate::plan::OpKind;

/// A counter besides the operations by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Its name in results.
    pub name: &'static str,
    /// What it counts, in the plural.
    pub unit: &'static str,
    /// Which of them, in one line.
    pub about: &'static str,
}

const fn counter(name: &'static str, unit: &'static str, about: &'static str) -> Counter {
    Counter { name, unit, about }
}

/// The counters that a run can be required to reach, besides the operations. Which heaps have one is
/// not said here: a heap says so itself.
pub const COUNTERS: [Counter; 27] = [
    counter("allocated", "objects", "made, shared ones included"),
    counter("freed", "objects", "whose tags were dropped"),
    counter(
        "live_peak",
        "objects",
        "alive at once at most, as looked at some times a second and before each survey",
    ),
    counter(
        "unreclaimed_peak",
        "objects",
        "that waited for a grace period at once, at most",
    ),
    counter("collections", "collections", "of any generation"),
    counter("full_collections", "collections", "of the whole heap"),
    counter(
        "examined",
        "objects",
        "that collections looked at which the heap began by itself",
    ),
    counter(
        "examined_per_thousand",
        "objects",
        "examined for each thousand that were allocated",
    ),
    counter(
        "cycles_freed",
        "objects",
        "that only a collection could free",
    ),
    counter(
        "local_collections",
        "collections",
        "in which a thread looked only at what no other can reach; none of `collections`",
    ),
    counter(
        "local_cycles_freed",
        "objects",
        "that those freed; none of `cycles_freed`",
    ),
    counter(
        "contended",
        "operations",
        "that waited for another thread, or were retried because of one",
    ),
    counter(
        "interleavings",
        "times",
        "that others did something between two batches of a thread",
    ),
    counter("switches", "times", "that a global lock changed hands"),
    counter(
        "retries",
        "attempts",
        "that failed because another thread was faster",
    ),
    counter("epochs", "grace periods", "that ended"),
    counter(
        "truncations_met_append",
        "truncations",
        "that met an append in progress",
    ),
    counter("upgraded", "upgrades", "that succeeded"),
    counter(
        "upgrade_lost",
        "upgrades",
        "that failed, since the object had died",
    ),
    counter("finalized", "finalizers", "that ran"),
    counter(
        "resurrected",
        "objects",
        "fetched from a mailbox after their finalizer had run",
    ),
    counter("noted", "lengths", "above the `note_above` of a `len`"),
    counter("rounds", "rounds", "of all threads together"),
    counter(
        "forced_collections",
        "collections",
        "forced by `--collect-every`",
    ),
    counter("refused", "allocations", "refused by `--fail-alloc`"),
    counter("surveys", "surveys", "of the whole heap"),
    counter(
        "ops_per_second",
        "operations a second",
        "of all kinds, by all threads together",
    ),
];

/// The name of everything that can be required: of the operations by
/// [`OpKind::name`](crate::plan::OpKind::name), and of the counters.
pub fn counter_names() -> Vec<&'static str> {
    let operations = OpKind::ALL.map(OpKind::name);
    let others = COUNTERS.map(|counter| counter.name);
    operations.into_iter().chain(others).collect()
}

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
