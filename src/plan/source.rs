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

/// Which part of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `setup`
    Setup,
    /// `loop`
    Rounds,
}

impl OpSource {
    /// The stream of `part` of a mutator's program; `rounds` overrides the plan's own.
    pub fn new(
        plan: &MutatorPlan,
        _seed: u64,
        _mutator: u32,
        _part: Part,
        _rounds: Option<u64>,
    ) -> Self {
        Self { plan: plan.clone() }
    }

    /// Full rounds handed out.
    pub fn rounds_done(&self) -> u64 {
        0
    }

    /// The next operations; `None` once the program has ended.
    pub fn next_batch(&mut self) -> Option<Batch<'_>> {
        let _ = &self.plan;
        None
    }
}
