//! A stream of operations from a program and a seed.

use super::{MutatorPlan, Op};

/// Operations to run in order, the whole sequence `times` times.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The sequence.
    pub ops: &'a [Op],
    /// How often to run it.
    pub times: u32,
}

/// One mutator's stream of operations.
#[derive(Debug)]
pub struct OpSource {
    plan: MutatorPlan,
}

impl OpSource {
    /// The next operations; `None` once the program has ended.
    pub fn next_batch(&mut self) -> Option<Batch<'_>> {
        let _ = &self.plan;
        None
    }
}
