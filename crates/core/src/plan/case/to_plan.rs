//! A case as a plan, so that it can be run and judged as any other.
//!
//! Facts about shared objects, on which checks rely, are found by [`Flow`] as for workloads, but
//! used only where they can be trusted. In a random program, an operation may find its registers
//! empty and do nothing, and then registers hold what `Flow` thinks they do not. So a case with
//! problems by `Flow`, or in which a shared object may be [changed through another
//! register](super::alias) than the one that holds it, claims nothing about that object.

use std::collections::{BTreeMap, HashSet};

use super::{Case, Turn, alias};
use crate::digest::Digest;
use crate::plan::{Flow, ListUsage, MutatorPlan, OpKind, Plan, SharedObject, Step};

impl Case {
    /// The case as a plan, of one round.
    pub fn plan(&self) -> Plan {
        let objects = self.shared.iter().enumerate();
        let mut plan = Plan {
            workload: "case".to_owned(),
            workload_hash: Digest::of(&self.program().to_string()).to_string(),
            parameters: BTreeMap::new(),
            seed: self.seed,
            mutators: self.mutators(),
            objects: objects
                .map(|(number, shared)| SharedObject {
                    name: shared.name.clone(),
                    shape: shared.shape,
                    global: Self::root_of(number),
                    usage: ListUsage::default(),
                })
                .collect(),
            globals: self.roots,
            live_limit: self.capacity,
            require: Vec::new(),
            budget: Vec::new(),
            notes: Vec::new(),
        };
        let flow = Flow::of(&plan);
        let is_clear = flow.problems.is_empty();
        for (number, usage) in flow.usage.into_iter().enumerate() {
            let usage = if is_clear && alias::has_none(self, number) {
                usage
            } else {
                self.unknown_usage()
            };
            plan.objects[number].usage = usage;
        }
        plan
    }

    /// Whether its mutators may leave unreachable cycles behind, as far as can be known without
    /// running it. Where [`Flow`] finds problems, its answer about cycles cannot be trusted either.
    pub fn may_leave_cycles(&self) -> bool {
        let flow = Flow::of(&self.plan());
        let moves_into_objects =
            |turn: &Turn| matches!(turn.op.kind(), OpKind::Store | OpKind::Append | OpKind::Set);
        flow.needs.cycles || !flow.problems.is_empty() && self.all_turns().any(moves_into_objects)
    }

    /// The same without the turns that may close a cycle, and without those that do nothing, so that it
    /// certainly [leaves](Self::may_leave_cycles) none behind.
    #[must_use]
    pub fn without_cycles(&self) -> Self {
        let mut case = self.clone();
        loop {
            let flow = Flow::of(&case.plan());
            let problems = flow.problems.iter();
            let problems = problems.map(|problem| (problem.mutator, problem.step));
            let doubted: HashSet<(usize, usize)> =
                flow.closing.into_iter().chain(problems).collect();
            if doubted.is_empty() {
                return case;
            }
            let mut steps = vec![0..; case.mutators.len()];
            let mut is_clear = |turn: &Turn| {
                let mutator = turn.mutator as usize;
                steps[mutator]
                    .next()
                    .is_some_and(|step| !doubted.contains(&(mutator, step)))
            };
            case.setup.retain(&mut is_clear);
            case.turns.retain(&mut is_clear);
        }
    }

    fn mutators(&self) -> Vec<MutatorPlan> {
        let parts = |turns: &[Turn]| {
            let mut parts = vec![Vec::new(); self.mutators.len()];
            for turn in turns {
                parts[turn.mutator as usize].push(Step::Fixed(turn.op));
            }
            parts
        };
        let (setups, bodies) = (parts(&self.setup), parts(&self.turns));
        let parts = setups.into_iter().zip(bodies);
        (self.mutators.iter().zip(parts))
            .map(|(mutator, (setup, body))| MutatorPlan {
                name: mutator.name.clone(),
                registers: mutator.registers,
                names: Vec::new(),
                held: mutator.held.clone(),
                setup,
                body,
                rounds: Some(1),
                background: false,
                pace: None,
            })
            .collect()
    }

    /// The usage of an object about which nothing is known: every mutator may do anything to it.
    fn unknown_usage(&self) -> ListUsage {
        let everybody: Vec<u32> = (0..)
            .zip(&self.mutators)
            .map(|(number, _)| number)
            .collect();
        ListUsage {
            appenders: everybody.clone(),
            writers: everybody,
            fresh_only: false,
            once: false,
            gapless: false,
            aliased: true,
            pops: true,
            sets: true,
            truncates_front: true,
            truncates_back: true,
        }
    }
}
