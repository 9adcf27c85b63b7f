//! A program in parts: the regions that run through, and the long loops around them.
//!
//! Between regions a mutator looks whether it is to stop or to be surveyed, which costs as much as a
//! few operations; so a region is some thousand operations, or as many times a short loop. What a
//! mutator counts at run time is how often each region was run. Everything else follows from that and
//! from what was drawn, and is worked out [afterwards](super::told).

use crate::plan::{Draw, Step, StepNumber, size};

/// A part of a program.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// Steps that run through. `number` counts how often.
    Region {
        number: usize,
        first: StepNumber,
        steps: &'a [Step],
    },
    /// A repetition or mix whose body is short, run `each` times at a time. `number` counts how often
    /// the body was run.
    Chunks {
        number: usize,
        at: StepNumber,
        step: &'a Step,
        each: u64,
    },
    /// A repetition whose body is long.
    Loop {
        at: StepNumber,
        times: Draw,
        body: Vec<Self>,
    },
    /// A mix with a long arm.
    Mix {
        at: StepNumber,
        times: Draw,
        arms: Vec<Vec<Self>>,
    },
}

/// The rounds of a program.
#[derive(Debug)]
pub(super) enum Rounds<'a> {
    /// Short ones, `each` at a time. The region of this number counts them.
    Short {
        number: usize,
        first: StepNumber,
        steps: &'a [Step],
        each: u64,
    },
    /// Long ones.
    Long(Vec<Block<'a>>),
}

/// A mutator's program in parts.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) setup: Vec<Block<'a>>,
    pub(super) rounds: Rounds<'a>,
    /// How many regions there are.
    pub(super) regions: usize,
}

impl<'a> Parts<'a> {
    /// The parts of a program whose regions have some `length` operations.
    pub(super) fn of(setup: &'a [Step], body: &'a [Step], length: u64) -> Self {
        let mut cut = Cut { length, regions: 0 };
        let setup_blocks = cut.blocks(setup, 0);
        let first = size(setup);
        let cost = cost(body);
        let rounds = if cost <= length {
            Rounds::Short {
                number: cut.region(),
                first,
                steps: body,
                each: (length / cost.max(1)).max(1),
            }
        } else {
            Rounds::Long(cut.blocks(body, first))
        };
        Self {
            setup: setup_blocks,
            rounds,
            regions: cut.regions,
        }
    }
}

impl Parts<'_> {
    /// Shows every short loop that is run in chunks.
    pub(super) fn each_chunk(&self, visit: &mut impl FnMut(&Step)) {
        fn each(blocks: &[Block<'_>], visit: &mut impl FnMut(&Step)) {
            for block in blocks {
                match block {
                    Block::Region { .. } => {}
                    Block::Chunks { step, .. } => visit(step),
                    Block::Loop { body, .. } => each(body, visit),
                    Block::Mix { arms, .. } => arms.iter().for_each(|arm| each(arm, visit)),
                }
            }
        }
        each(&self.setup, visit);
        if let Rounds::Long(blocks) = &self.rounds {
            each(blocks, visit);
        }
    }
}

/// Cuts a program into parts.
struct Cut {
    length: u64,
    regions: usize,
}

impl Cut {
    fn region(&mut self) -> usize {
        self.regions += 1;
        self.regions - 1
    }

    fn blocks<'a>(&mut self, steps: &'a [Step], first: StepNumber) -> Vec<Block<'a>> {
        let mut blocks = Vec::new();
        let (mut rest, mut number) = (steps, first);
        while let Some((step, behind)) = rest.split_first() {
            let short = self.short_prefix(rest);
            if short > 0 {
                blocks.push(Block::Region {
                    number: self.region(),
                    first: number,
                    steps: &rest[..short],
                });
                number += size(&rest[..short]);
                rest = &rest[short..];
                continue;
            }
            blocks.push(self.long(step, number));
            number += size(std::slice::from_ref(step));
            rest = behind;
        }
        blocks
    }

    /// How many steps make up a region together.
    fn short_prefix(&self, steps: &[Step]) -> usize {
        let mut sum = 0_u64;
        let short = steps.iter().take_while(|step| {
            sum = sum.saturating_add(cost(std::slice::from_ref(step)));
            sum <= self.length
        });
        short.count()
    }

    fn long<'a>(&mut self, step: &'a Step, at: StepNumber) -> Block<'a> {
        let cost = match step {
            Step::Fixed(_) | Step::Drawn(_) => 1,
            Step::Repeat { body, .. } => cost(body),
            Step::Mix { arms, .. } => {
                let arms = arms.iter().map(|arm| cost(&arm.body));
                arms.max().unwrap_or(0)
            }
        };
        if cost <= self.length {
            let number = self.region();
            let each = (self.length / cost.max(1)).max(1);
            return Block::Chunks {
                number,
                at,
                step,
                each,
            };
        }
        match step {
            Step::Repeat { times, body } => Block::Loop {
                at,
                times: *times,
                body: self.blocks(body, at + 1),
            },
            Step::Mix { times, arms } => {
                let mut first = at + 1;
                let arms = arms.iter().map(|arm| {
                    let blocks = self.blocks(&arm.body, first);
                    first += size(&arm.body);
                    blocks
                });
                Block::Mix {
                    at,
                    times: *times,
                    arms: arms.collect(),
                }
            }
            Step::Fixed(_) | Step::Drawn(_) => unreachable!("one operation is short"),
        }
    }
}

/// How many operations these steps are, on average.
pub(super) fn cost(steps: &[Step]) -> u64 {
    let costs = steps.iter().map(|step| match step {
        Step::Fixed(_) | Step::Drawn(_) => 1,
        Step::Repeat { times, body } => cost(body).max(1).saturating_mul(mean(*times)),
        Step::Mix { times, arms } => {
            let weights: u64 = arms.iter().map(|arm| u64::from(arm.weight)).sum();
            let each = arms
                .iter()
                .map(|arm| cost(&arm.body).max(1).saturating_mul(u64::from(arm.weight)));
            let each = each.fold(0, u64::saturating_add) / weights.max(1);
            each.max(1).saturating_mul(mean(*times))
        }
    });
    costs.fold(0, u64::saturating_add)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean is above 0, and means are rough"
)]
fn mean(times: Draw) -> u64 {
    match times {
        Draw::Fixed(times) => times,
        Draw::Uniform { low, high } => low + (high - low) / 2,
        Draw::Geometric { mean } => mean.ceil() as u64,
    }
}
