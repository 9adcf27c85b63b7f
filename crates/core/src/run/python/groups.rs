//! Mutators with the same program share a function.

use crate::plan::{MutatorPlan, Plan};

/// A group of mutators with the same program.
pub(super) struct Group {
    /// The name of its function.
    pub(super) name: String,
    /// What its variables count, in the order in which they are handed over.
    pub(super) tallies: Vec<(String, String)>,
    /// Whether a history cannot tell all that it does to shared objects.
    pub(super) untold: bool,
    /// The text of the function.
    pub(super) text: String,
}

/// The first mutator that has the same program as this one.
pub(super) fn group_of(plan: &Plan, mutator: usize) -> usize {
    let own = &plan.mutators[mutator];
    let is_same = |other: &MutatorPlan| {
        other.setup == own.setup && other.body == own.body && other.held == own.held
    };
    plan.mutators.iter().position(is_same).unwrap_or(mutator)
}

/// The difference between the numbers of two objects of one maker: the setup is a maker as well.
pub(super) fn stride(plan: &Plan) -> u64 {
    plan.mutators.len() as u64 + 1
}
