//! A program as a flat list of instructions, ready to be interpreted.
//!
//! A program is written as a tree of [`Step`]s; walking the tree would cost a recursion for each
//! operation. Here it is compiled to a flat list, and everything that can be worked out beforehand
//! is:
//!
//! * neighbouring fixed operations, and repetitions of nothing else, become one [`Inst::Burst`],
//!   which is handed out without copying;
//! * a mix of short arms becomes one [`FlatMix`], which is filled in by arm and not by operation:
//!   a random jump for each operation would cost more than all the drawing;
//! * an operation that stands alone in its batch is an instruction of its own, [`Inst::Alone`], and
//!   is never unrolled or made part of a table;
//! * the rest is loops, choices and single draws.

use super::flat_mix::FlatMix;
use super::unroll::unroll;
use super::{Arm, Draw, Op, Step, StepNumber, Template, size};

/// A position in the list of instructions.
pub(super) type Address = usize;

/// One instruction. What can draw knows the number of its step, for those who listen.
#[derive(Debug)]
pub(super) enum Inst {
    /// The operations `start..end`, `times` times.
    Burst {
        start: usize,
        end: usize,
        times: Draw,
        step: StepNumber,
    },
    /// The operation `at`, in a batch of its own.
    Alone { at: usize },
    /// One operation with something to draw.
    Draw(Template, StepNumber),
    /// A mix of short arms.
    Flat {
        times: Draw,
        mix: usize,
        step: StepNumber,
    },
    /// Begins a loop, whose body follows; goes to `exit` when there is nothing to do.
    Loop {
        times: Draw,
        exit: Address,
        step: StepNumber,
    },
    /// Ends a loop's body, which begins at `body`.
    Again { body: Address },
    /// Goes to one of several arms.
    Choose { choice: usize, step: StepNumber },
    /// Goes to `to`.
    Jump { to: Address },
    /// The beginning of a round; always at place 0.
    Begin,
    /// The end of a round.
    Finish,
}

/// Where a mix of long arms can go.
#[derive(Debug)]
pub(super) struct Choice {
    /// The sum of the weights up to and with each arm.
    sums: Vec<u64>,
    /// Where each arm begins.
    arms: Vec<Address>,
}

impl Choice {
    /// The sum of all weights.
    pub(super) fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(1)
    }

    /// The arm that `drawn` selects, which must be below the total, and where it begins.
    pub(super) fn arm(&self, drawn: u64) -> (usize, Address) {
        let arm = self.sums.partition_point(|sum| *sum <= drawn);
        (arm, self.arms[arm])
    }
}

/// A flattened program.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) code: Vec<Inst>,
    /// The fixed operations of all bursts, and those that stand alone.
    pub(super) ops: Vec<Op>,
    pub(super) mixes: Vec<FlatMix>,
    pub(super) choices: Vec<Choice>,
}

impl Program {
    /// The program of these steps, of which the first has the number `first`.
    pub(super) fn new(steps: &[Step], first: StepNumber) -> Self {
        let mut program = Self::default();
        program.code.push(Inst::Begin);
        program.flatten(steps, first);
        program.code.push(Inst::Finish);
        program
    }

    fn flatten(&mut self, steps: &[Step], first: StepNumber) {
        let (mut rest, mut number) = (steps, first);
        while let Some((step, behind)) = rest.split_first() {
            let fixed = fixed_prefix(rest);
            if fixed.taken > 0 {
                // Nothing in it is drawn, so nobody hears of its number.
                self.burst(&fixed.ops, Draw::Fixed(1), number);
                number += size(&rest[..fixed.taken]);
                rest = &rest[fixed.taken..];
                continue;
            }
            self.step(step, number);
            number += size(std::slice::from_ref(step));
            rest = behind;
        }
    }

    fn step(&mut self, step: &Step, number: StepNumber) {
        match step {
            // Every other fixed operation is part of a fixed prefix.
            Step::Fixed(op) => {
                let at = self.ops.len();
                self.ops.push(*op);
                self.code.push(Inst::Alone { at });
            }
            Step::Drawn(template) => self.code.push(Inst::Draw(template.clone(), number)),
            Step::Repeat { times, body } => {
                let fixed = fixed_prefix(body);
                if fixed.taken == body.len() {
                    return self.burst(&fixed.ops, *times, number);
                }
                // A short body with something to draw is a mix of one.
                let body = body.clone();
                let arms = [Arm { weight: 1, body }];
                match FlatMix::new(&arms, number) {
                    Some(mix) => self.flat(*times, mix, number),
                    None => self.repeat(*times, number, |program| {
                        program.flatten(&arms[0].body, number + 1);
                    }),
                }
            }
            Step::Mix { times, arms } => match FlatMix::new(arms, number) {
                Some(mix) => self.flat(*times, mix, number),
                None => self.repeat(*times, number, |program| program.choose(arms, number)),
            },
        }
    }

    fn flat(&mut self, times: Draw, mix: FlatMix, step: StepNumber) {
        let number = self.mixes.len();
        self.mixes.push(mix);
        self.code.push(Inst::Flat {
            times,
            mix: number,
            step,
        });
    }

    fn burst(&mut self, ops: &[Op], times: Draw, step: StepNumber) {
        if ops.is_empty() {
            return;
        }
        let start = self.ops.len();
        self.ops.extend_from_slice(ops);
        self.code.push(Inst::Burst {
            start,
            end: self.ops.len(),
            times,
            step,
        });
    }

    fn repeat(&mut self, times: Draw, step: StepNumber, body: impl FnOnce(&mut Self)) {
        let entry = self.code.len();
        let exit = 0;
        self.code.push(Inst::Loop { times, exit, step });
        body(self);
        self.code.push(Inst::Again { body: entry + 1 });
        let exit = self.code.len();
        self.code[entry] = Inst::Loop { times, exit, step };
    }

    fn choose(&mut self, arms: &[Arm], step: StepNumber) {
        let choice = self.choices.len();
        let sums = arms.iter().scan(0, |sum, arm| {
            *sum += u64::from(arm.weight);
            Some(*sum)
        });
        self.choices.push(Choice {
            sums: sums.collect(),
            arms: Vec::new(),
        });
        self.code.push(Inst::Choose { choice, step });
        let mut ends = Vec::new();
        let mut number = step + 1;
        for arm in arms {
            let begin = self.code.len();
            self.choices[choice].arms.push(begin);
            self.flatten(&arm.body, number);
            number += size(&arm.body);
            ends.push(self.code.len());
            self.code.push(Inst::Jump { to: 0 });
        }
        let join = self.code.len();
        for end in ends {
            self.code[end] = Inst::Jump { to: join };
        }
    }
}

/// The longest prefix of `steps` that is fixed, and short when unrolled.
struct FixedPrefix {
    ops: Vec<Op>,
    /// How many steps it covers.
    taken: usize,
}

fn fixed_prefix(steps: &[Step]) -> FixedPrefix {
    let mut ops = Vec::new();
    let taken = steps
        .iter()
        .take_while(|step| unroll(step).map(|more| ops.extend(more)).is_some())
        .count();
    FixedPrefix { ops, taken }
}
