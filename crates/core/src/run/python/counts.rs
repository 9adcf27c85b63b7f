//! How often each operation was done, worked out from how often each region of the program was run:
//! what was drawn says the rest.

use std::collections::BTreeMap;

use crate::evidence::CounterTally;
use crate::plan::{Draw, Drawn, MutatorPlan, Op, Step, StepNumber, size};

use super::block::{Block, Parts, Rounds};
use super::draws::Draws;

/// What a mutator did, as far as that follows from its program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Operations by kind.
    pub(super) ops: BTreeMap<String, u64>,
    /// Those of its setup among them.
    pub(super) setup_ops: BTreeMap<String, u64>,
    /// What it added to each shared counter that it holds.
    pub(super) counters: BTreeMap<usize, CounterTally>,
}

impl Counts {
    /// What a mutator did that ran each region so often.
    pub(super) fn of(
        mutator: &MutatorPlan,
        parts: &Parts<'_>,
        draws: &Draws,
        regions: &[u64],
    ) -> Self {
        let mut count = Count {
            mutator,
            draws,
            regions,
            counts: Self::default(),
        };
        count.blocks(&parts.setup);
        count.counts.setup_ops.clone_from(&count.counts.ops);
        match &parts.rounds {
            Rounds::Short {
                number,
                first,
                steps,
                ..
            } => count.steps(steps, *first, count.times(*number)),
            Rounds::Long(blocks) => count.blocks(blocks),
        }
        count.counts
    }
}

struct Count<'a> {
    mutator: &'a MutatorPlan,
    draws: &'a Draws,
    regions: &'a [u64],
    counts: Counts,
}

impl Count<'_> {
    fn times(&self, region: usize) -> u64 {
        self.regions.get(region).copied().unwrap_or(0)
    }

    fn blocks(&mut self, blocks: &[Block<'_>]) {
        for block in blocks {
            match block {
                Block::Region {
                    number,
                    first,
                    steps,
                } => self.steps(steps, *first, self.times(*number)),
                Block::Chunks {
                    number, at, step, ..
                } => self.turns(step, *at, self.times(*number)),
                Block::Loop { body, .. } => self.blocks(body),
                Block::Mix { arms, .. } => arms.iter().for_each(|arm| self.blocks(arm)),
            }
        }
    }

    /// The body of a repetition or mix, so often.
    fn turns(&mut self, step: &Step, at: StepNumber, turns: u64) {
        match step {
            Step::Repeat { body, .. } => self.steps(body, at + 1, turns),
            Step::Mix { arms, .. } => {
                let mut first = at + 1;
                for (number, arm) in (0_u64..).zip(arms) {
                    let times = match arms.len() {
                        1 => turns,
                        _ => self.draws.among(Drawn::Arm(at), turns, number),
                    };
                    self.steps(&arm.body, first, times);
                    first += size(&arm.body);
                }
            }
            Step::Fixed(_) | Step::Drawn(_) => {}
        }
    }

    fn steps(&mut self, steps: &[Step], first: StepNumber, times: u64) {
        let mut at = first;
        for step in steps {
            match step {
                Step::Fixed(op) => self.op(op, times),
                Step::Drawn(template) => self.op(&template.op, times),
                Step::Repeat { times: each, .. } | Step::Mix { times: each, .. } => {
                    let turns = match each {
                        Draw::Fixed(each) => each.saturating_mul(times),
                        _ => self.draws.sum(Drawn::Times(at), times),
                    };
                    self.turns(step, at, turns);
                }
            }
            at += size(std::slice::from_ref(step));
        }
    }

    fn op(&mut self, op: &Op, times: u64) {
        if times == 0 {
            return;
        }
        *self
            .counts
            .ops
            .entry(op.kind().name().to_owned())
            .or_default() += times;
        let (Op::Add { counter, by } | Op::WriteBack { counter, add: by }) = *op else {
            return;
        };
        let held = self.mutator.held.iter().find(|(slot, _)| *slot == counter);
        if let Some((_, object)) = held {
            let tally = self.counts.counters.entry(*object).or_default();
            tally.additions += times;
            tally.sum = tally.sum.wrapping_add(by.wrapping_mul(times.cast_signed()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Player, shipped};
    use super::*;
    use crate::plan::{OpSource, ProgramPart};

    /// How often each region is run in a number of rounds.
    struct Regions<'a> {
        player: Player<'a>,
        times: Vec<u64>,
    }

    impl Regions<'_> {
        fn blocks(&mut self, blocks: &[Block<'_>]) {
            for block in blocks {
                match block {
                    Block::Region { number, .. } => self.times[*number] += 1,
                    Block::Chunks {
                        number, at, step, ..
                    } => {
                        let (Step::Repeat { times, .. } | Step::Mix { times, .. }) = step else {
                            panic!("{step:?} is no loop");
                        };
                        self.times[*number] += self.player.times(*times, *at);
                    }
                    Block::Loop { at, times, body } => {
                        for _ in 0..self.player.times(*times, *at) {
                            self.blocks(body);
                        }
                    }
                    Block::Mix { .. } => panic!("no shipped workload has a mix of long arms"),
                }
            }
        }
    }

    /// Goal: from how often regions were run follow the operations that were done, of every workload
    /// that comes with the program, wherever its regions end.
    #[test]
    fn counts_are_those_of_the_source() {
        const ROUNDS: u64 = 2;
        // The rounds of a chain, and of lists that grow for long, are too long for a test.
        let plans = shipped().into_iter();
        let short =
            plans.filter(|plan| !["chain", "shared-list"].contains(&plan.workload.as_str()));
        for (plan, length) in short.flat_map(|plan| [(plan.clone(), 40), (plan, 2000)]) {
            for (number, mutator) in (0..).zip(&plan.mutators) {
                let of = |part, rounds| Draws::of(mutator, plan.seed, number, part, rounds);
                let mut draws = of(ProgramPart::Rounds, Some(ROUNDS));
                draws.places.extend(of(ProgramPart::Setup, None).places);
                let parts = Parts::of(&mutator.setup, &mutator.body, length);
                let mut regions = Regions {
                    player: Player::new(&draws),
                    times: vec![0; parts.regions],
                };
                regions.blocks(&parts.setup);
                for _ in 0..ROUNDS {
                    match &parts.rounds {
                        Rounds::Short { number, .. } => regions.times[*number] += 1,
                        Rounds::Long(blocks) => regions.blocks(blocks),
                    }
                }
                let counts = Counts::of(mutator, &parts, &draws, &regions.times);
                let mut ops = BTreeMap::<String, u64>::new();
                for part in [ProgramPart::Setup, ProgramPart::Rounds] {
                    let rounds = Some(ROUNDS);
                    let mut source = OpSource::new(mutator, plan.seed, number, part, rounds);
                    while let Some(batch) = source.next_batch() {
                        for op in batch.ops {
                            *ops.entry(op.kind().name().to_owned()).or_default() +=
                                u64::from(batch.times);
                        }
                    }
                }
                assert_eq!(
                    counts.ops, ops,
                    "{} {} {length}",
                    plan.workload, mutator.name
                );
            }
        }
    }
}
