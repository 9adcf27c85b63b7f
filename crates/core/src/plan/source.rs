//! A stream of operations from a program and a seed.
//!
//! The harness may cost at most two nanoseconds for each operation, the interpreter included. So
//! fixed operations are handed out by reference, as often as the [`Batch`] says, without being
//! copied or looked at; only drawn operations pass through a buffer. A batch never has more than
//! [`BATCH_OPS`] operations, so that the executor can check regularly whether to stop.
//!
//! An operation that [stands alone](super::Op::stands_alone) is a batch of its own, so that the
//! executor need look for it only once per batch.
//!
//! The stream is a function of the plan, the seed, the mutator's number and the part. It assumes
//! that weights are above 0 and ranges are not empty, which `workload` checks.

use super::batch::{BATCH_OPS, Batch};
use super::dice::Dice;
use super::flat_mix::Buffer;
use super::program::{Inst, Program};
use super::unroll::yields;
use super::{Draw, Drawn, Listener, MutatorPlan, StepNumber, size};

/// Repetitions of no more operations than this are copied into the buffer: a batch of their own
/// would cost the executor as much.
const COPY_MAX: u64 = 64;

/// Which part of a mutator's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramPart {
    /// What it does once before all mutators start together.
    Setup,
    /// Its rounds.
    Rounds,
}

/// One mutator's stream of operations, and who is told what is drawn for it.
#[derive(Debug)]
pub struct OpSource<L = ()> {
    listener: L,
    program: Program,
    dice: Dice,
    buffer: Buffer,
    /// The instruction being walked.
    place: usize,
    /// How often the burst or mix at `place` is still to run; `None` if it has not begun.
    left: Option<u64>,
    /// How much of a burst longer than a batch was handed out.
    offset: usize,
    /// How often each loop around `place` is still to run, this time included.
    loops: Vec<u64>,
    rounds_done: u64,
    rounds: Option<u64>,
}

/// What the walk has found to hand out.
enum Found {
    /// The buffer is full, or must be handed out before what follows.
    Buffered,
    /// A part of the fixed operations.
    Fixed {
        start: usize,
        end: usize,
        times: u32,
    },
    /// Nothing.
    End,
}

impl OpSource {
    /// The stream of one part of `plan`, which is that of mutator number `mutator`. The rounds are
    /// those of the plan unless `rounds` says otherwise; the setup runs once.
    pub fn new(
        plan: &MutatorPlan,
        seed: u64,
        mutator: u32,
        part: ProgramPart,
        rounds: Option<u64>,
    ) -> Self {
        Self::told_to((), plan, seed, mutator, part, rounds)
    }
}

impl<L: Listener> OpSource<L> {
    /// The same stream; the listener is told what is drawn for it.
    pub fn told_to(
        listener: L,
        plan: &MutatorPlan,
        seed: u64,
        mutator: u32,
        part: ProgramPart,
        rounds: Option<u64>,
    ) -> Self {
        let (steps, first, rounds, stream) = match part {
            ProgramPart::Setup => (&plan.setup, 0, Some(1), 1),
            ProgramPart::Rounds => {
                let rounds = rounds.or(plan.rounds);
                (&plan.body, size(&plan.setup), rounds, 0)
            }
        };
        // Walking a program that never hands out an operation would not end.
        let rounds = if yields(steps) { rounds } else { Some(0) };
        Self {
            listener,
            program: Program::new(steps, first),
            dice: Dice::new(seed, u64::from(mutator) << 1 | stream),
            buffer: Buffer::new(),
            place: 0,
            left: None,
            offset: 0,
            loops: Vec::new(),
            rounds_done: 0,
            rounds,
        }
    }

    /// How many rounds were handed out completely, the last batch included.
    pub fn rounds_done(&self) -> u64 {
        self.rounds_done
    }

    /// Who is told what is drawn. What is handed out later may have been drawn already.
    pub fn listener(&self) -> &L {
        &self.listener
    }

    /// The next operations; `None` once the program has ended.
    #[inline]
    pub fn next_batch(&mut self) -> Option<Batch<'_>> {
        self.buffer.clear();
        match self.walk() {
            Found::Fixed { start, end, times } => Some(Batch {
                ops: &self.program.ops[start..end],
                times,
            }),
            Found::Buffered => Some(Batch {
                ops: self.buffer.filled(),
                times: 1,
            }),
            Found::End => None,
        }
    }

    fn walk(&mut self) -> Found {
        loop {
            match self.program.code[self.place] {
                Inst::Burst {
                    start,
                    end,
                    times,
                    step,
                } => {
                    let left = self.begin(times, step);
                    if let Some(found) = self.burst(start, end, left) {
                        return found;
                    }
                }
                Inst::Flat { times, mix, step } => {
                    let left = self.begin(times, step);
                    let (mix, listener) = (&mut self.program.mixes[mix], &mut self.listener);
                    let done = mix.fill(left, &mut self.dice, &mut self.buffer, listener);
                    self.proceed(left - done);
                    if done < left && !self.buffer.is_empty() {
                        return Found::Buffered;
                    }
                }
                Inst::Alone { .. } if !self.buffer.is_empty() => return Found::Buffered,
                Inst::Alone { at } => {
                    self.place += 1;
                    self.wind_up();
                    return Found::Fixed {
                        start: at,
                        end: at + 1,
                        times: 1,
                    };
                }
                Inst::Draw(ref template, step) => {
                    if self.buffer.room() == 0 {
                        return Found::Buffered;
                    }
                    let listener = &mut self.listener;
                    let op = template.draw(&mut self.dice, &mut |drawn| {
                        listener.drew(Drawn::Number(step), drawn);
                    });
                    self.buffer.push(op);
                    self.place += 1;
                }
                Inst::Begin if self.more_rounds() => self.place += 1,
                Inst::Begin if self.buffer.is_empty() => return Found::End,
                Inst::Begin => return Found::Buffered,
                Inst::Loop { times, exit, step } => match self.draw_times(times, step) {
                    0 => self.place = exit,
                    times => {
                        self.loops.push(times);
                        self.place += 1;
                    }
                },
                Inst::Choose { choice, step } => {
                    let choice = &self.program.choices[choice];
                    let drawn = self.dice.between(0, choice.total() - 1);
                    let (arm, place) = choice.arm(drawn);
                    self.listener.drew(Drawn::Arm(step), arm as u64);
                    self.place = place;
                }
                Inst::Again { .. } | Inst::Jump { .. } | Inst::Finish => self.wind_up(),
            }
        }
    }

    /// How often the instruction is still to run, drawn when it is met anew.
    fn begin(&mut self, times: Draw, step: StepNumber) -> u64 {
        match self.left {
            Some(left) => left,
            None => self.draw_times(times, step),
        }
    }

    fn draw_times(&mut self, times: Draw, step: StepNumber) -> u64 {
        let drawn = self.dice.draw(times);
        if !matches!(times, Draw::Fixed(_)) {
            self.listener.drew(Drawn::Times(step), drawn);
        }
        drawn
    }

    /// Stays at the instruction while something is left of it, else goes on.
    fn proceed(&mut self, left: u64) {
        if left == 0 {
            self.left = None;
            self.place += 1;
        } else {
            self.left = Some(left);
        }
    }

    fn burst(&mut self, start: usize, end: usize, left: u64) -> Option<Found> {
        let len = end - start;
        let total = left.saturating_mul(len as u64);
        if total <= COPY_MAX {
            if total > self.buffer.room() as u64 {
                self.left = Some(left);
                return Some(Found::Buffered);
            }
            for _ in 0..left {
                self.buffer.extend(&self.program.ops[start..end]);
            }
            self.proceed(0);
            return None;
        }
        if !self.buffer.is_empty() {
            self.left = Some(left);
            return Some(Found::Buffered);
        }
        if len > BATCH_OPS {
            return Some(self.slice(start, end, left));
        }
        let times = left.min((BATCH_OPS / len) as u64);
        self.proceed(left - times);
        self.wind_up();
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        Some(Found::Fixed { start, end, times })
    }

    /// The next part of a sequence that is longer than a batch.
    fn slice(&mut self, start: usize, end: usize, left: u64) -> Found {
        let from = start + self.offset;
        let to = end.min(from + BATCH_OPS);
        if to == end {
            self.offset = 0;
            self.proceed(left - 1);
            self.wind_up();
        } else {
            self.offset = to - start;
            self.left = Some(left);
        }
        Found::Fixed {
            start: from,
            end: to,
            times: 1,
        }
    }

    /// Walks over the ends of loops, arms and rounds, where nothing is drawn. This is done as soon
    /// as the operations before them are handed out, so that `rounds_done` is exact after every
    /// batch.
    fn wind_up(&mut self) {
        loop {
            match self.program.code[self.place] {
                Inst::Again { body } => match self.loops.last_mut() {
                    Some(left) if *left > 1 => {
                        *left -= 1;
                        self.place = body;
                    }
                    _ => {
                        self.loops.pop();
                        self.place += 1;
                    }
                },
                Inst::Jump { to } => self.place = to,
                Inst::Finish => {
                    self.listener.finished_round();
                    self.rounds_done += 1;
                    self.place = 0;
                }
                _ => return,
            }
        }
    }

    fn more_rounds(&self) -> bool {
        self.rounds.is_none_or(|rounds| self.rounds_done < rounds)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::heap::Slot;
    use crate::plan::{Arm, Draw, Op, Step, Template};

    fn plan(body: Vec<Step>) -> MutatorPlan {
        MutatorPlan {
            name: "test-0".to_owned(),
            registers: 4,
            names: Vec::new(),
            held: Vec::new(),
            setup: Vec::new(),
            body,
            rounds: None,
            background: false,
            pace: None,
        }
    }

    fn rounds(body: Vec<Step>, seed: u64, mutator: u32, rounds: u64) -> OpSource {
        OpSource::new(
            &plan(body),
            seed,
            mutator,
            ProgramPart::Rounds,
            Some(rounds),
        )
    }

    /// Up to `limit` operations, written out.
    fn ops(source: &mut OpSource, limit: usize) -> Vec<Op> {
        let mut ops = Vec::new();
        while ops.len() < limit
            && let Some(batch) = source.next_batch()
        {
            let total = batch.ops.len() * batch.times as usize;
            assert!((1..=BATCH_OPS).contains(&total), "a batch of {total}");
            ops.extend(batch.ops.repeat(batch.times as usize));
        }
        ops.truncate(limit);
        ops
    }

    fn clear(slot: u32) -> Step {
        Step::Fixed(Op::Clear { slot: Slot(slot) })
    }

    fn get() -> Step {
        let (dst, list, index) = (Slot(0), Slot(1), 0);
        Step::Drawn(Template {
            op: Op::Get { dst, list, index },
            number: Draw::Uniform { low: 3, high: 9 },
        })
    }

    /// The operations of fixed steps, by walking the tree.
    fn walk(steps: &[Step], out: &mut Vec<Op>) {
        for step in steps {
            match step {
                Step::Fixed(op) => out.push(*op),
                Step::Repeat {
                    times: Draw::Fixed(times),
                    body,
                } => (0..*times).for_each(|_| walk(body, out)),
                _ => unreachable!("these trees are fixed"),
            }
        }
    }

    fn fixed_tree() -> impl Strategy<Value = Vec<Step>> {
        let leaf = (0u32..4).prop_map(clear);
        let step = leaf.prop_recursive(4, 24, 4, |inner| {
            let times = prop_oneof![0u64..4, Just(1), 30u64..40, Just(300)];
            (times, prop::collection::vec(inner, 0..4)).prop_map(|(times, body)| Step::Repeat {
                times: Draw::Fixed(times),
                body,
            })
        });
        prop::collection::vec(step, 0..4)
    }

    fn drawn_tree() -> impl Strategy<Value = Vec<Step>> {
        let leaf = prop_oneof![(0u32..4).prop_map(clear), Just(get())];
        let step = leaf.prop_recursive(4, 32, 4, |inner| {
            let times = prop_oneof![
                (0u64..2000).prop_map(Draw::Fixed),
                (0u64..5, 0u64..2000).prop_map(|(low, more)| Draw::Uniform {
                    low,
                    high: low + more
                }),
                (0.1..20.0).prop_map(|mean| Draw::Geometric { mean }),
            ];
            let body = prop::collection::vec(inner.clone(), 0..4);
            let arm = (1u32..5000, prop::collection::vec(inner, 0..4));
            let arm = arm.prop_map(|(weight, body)| Arm { weight, body });
            prop_oneof![
                (times.clone(), body).prop_map(|(times, body)| Step::Repeat { times, body }),
                (times, prop::collection::vec(arm, 1..5))
                    .prop_map(|(times, arms)| Step::Mix { times, arms }),
            ]
        });
        prop::collection::vec(step, 1..4)
    }

    proptest! {
        /// Goal: flattening, unrolling and splitting into batches do not change a fixed program.
        #[test]
        fn fixed_programs_come_out_as_written(tree in fixed_tree(), times in 0u64..4) {
            const LIMIT: usize = 20_000;
            let mut once = Vec::new();
            let body = [Step::Repeat { times: Draw::Fixed(1), body: tree.clone() }];
            // The trees are small, but a power of 300 is not.
            prop_assume!(size(&body) < 50_000);
            walk(&body, &mut once);
            let mut expected = once.repeat(usize::try_from(times).unwrap());
            expected.truncate(LIMIT);
            prop_assert_eq!(ops(&mut rounds(tree, 1, 0, times), LIMIT), expected);
        }

        /// Goal: whatever the program, batches are bounded and never empty, the stream goes on, and
        /// the same seed means the same stream.
        #[test]
        fn drawn_programs_go_on(tree in drawn_tree(), seed: u64) {
            const LIMIT: usize = 5000;
            let endless = || OpSource::new(&plan(tree.clone()), seed, 3, ProgramPart::Rounds, None);
            let drawn = ops(&mut endless(), LIMIT);
            prop_assert_eq!(drawn.len(), if yields(&tree) { LIMIT } else { 0 });
            let in_range = drawn.iter().all(|op| match op {
                Op::Get { index, .. } => (3..=9).contains(index),
                op => matches!(op, Op::Clear { .. }),
            });
            prop_assert!(in_range);
            prop_assert_eq!(&ops(&mut endless(), LIMIT), &drawn);
        }
    }

    fn size(steps: &[Step]) -> u64 {
        steps
            .iter()
            .map(|step| match step {
                Step::Repeat {
                    times: Draw::Fixed(times),
                    body,
                } => times * (1 + size(body)),
                _ => 1,
            })
            .sum()
    }

    /// Goal: an operation that must be alone is in a batch of its own, in its place, wherever it is
    /// written.
    #[test]
    fn what_stands_alone_is_alone() {
        let stall = Step::Fixed(Op::Stall { millis: 1 });
        let mixed = |body: Vec<Step>| Step::Mix {
            times: Draw::Fixed(3),
            arms: vec![Arm { weight: 1, body }],
        };
        let repeated = |body: Vec<Step>| Step::Repeat {
            times: Draw::Fixed(3),
            body,
        };
        let once = [clear(0), stall.clone(), get(), Step::Fixed(Op::Rejoin)];
        for body in [
            [once.clone(), once.clone(), once.clone()].concat(),
            vec![repeated(once.to_vec())],
            vec![mixed(once.to_vec())],
            vec![mixed(vec![
                mixed(once[..1].to_vec()),
                repeated(once[1..].to_vec()),
            ])],
        ] {
            let mut source = rounds(body, 5, 0, 2);
            let mut alone = Vec::new();
            while let Some(batch) = source.next_batch() {
                alone.extend(batch.alone());
                let among_others = batch.ops.iter().any(Op::stands_alone);
                assert_eq!(among_others, batch.alone().is_some(), "{batch:?}");
                assert!(!among_others || batch.ops.len() == 1 && batch.times == 1);
            }
            assert_eq!(source.rounds_done(), 2);
            let pair = [Op::Stall { millis: 1 }, Op::Rejoin];
            assert_eq!(alone[..6], pair.repeat(3), "{alone:?}");
        }
    }

    /// Goal: arms are chosen as often as their weights say, whether a mix is walked or compiled to
    /// tables.
    #[test]
    fn weights_are_kept() {
        // An arm of nine operations makes the mix too long for tables.
        for length in [1, 9] {
            let arm = |weight, slot| Arm {
                weight,
                body: vec![clear(slot); length],
            };
            let arms = vec![arm(6, 0), arm(3, 1), arm(1, 2)];
            let mix = Step::Mix {
                times: Draw::Fixed(50_000),
                arms,
            };
            let drawn = ops(&mut rounds(vec![mix], 5, 0, 1), usize::MAX);
            assert_eq!(drawn.len(), 50_000 * length);
            for (slot, expected) in [(0, 30_000), (1, 15_000), (2, 5_000)] {
                let is = |op: &&Op| **op == Op::Clear { slot: Slot(slot) };
                let found = drawn.iter().filter(is).count() / length;
                assert!(found.abs_diff(expected) < 500, "slot {slot}: {found}");
            }
        }
    }

    /// Goal: a round is counted with the batch that ends it, and other mutators and seeds have
    /// other streams.
    #[test]
    fn rounds_and_streams_are_told_apart() {
        let mut source = rounds(
            vec![Step::Repeat {
                times: Draw::Fixed(1000),
                body: vec![clear(0)],
            }],
            1,
            0,
            3,
        );
        for done in 1..=3 {
            assert!(source.next_batch().is_some());
            assert_eq!(source.rounds_done(), done);
        }
        assert!(source.next_batch().is_none());
        assert!(source.next_batch().is_none());
        let first = |seed, mutator| ops(&mut rounds(vec![get(); 100], seed, mutator, 1), 100);
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
    }
}
