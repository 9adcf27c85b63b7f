//! A stream of operations from a program and a seed.
//!
//! The harness may cost two nanoseconds an operation, whoever interprets them included. So fixed
//! operations are handed out where they stand, as often as the [`Batch`] says, without being copied
//! or looked at; only what is drawn passes through a buffer. A batch never comes to more than
//! [`BATCH_OPS`] operations, so that whoever runs them can look up from time to time and stop.
//!
//! The stream is a function of the plan, the seed, the mutator's number and the part. It assumes
//! what the workload checks: that weights are above 0 and ranges not empty.

use super::dice::Dice;
use super::flat_mix::Buffer;
use super::program::{Inst, Program, yields};
use super::{MutatorPlan, Op};

/// The most operations in one batch, repetitions counted.
pub const BATCH_OPS: usize = 1024;

/// Repetitions that come to no more than this are copied into the buffer; a batch of their own
/// would cost whoever runs them as much.
const COPY_MAX: u64 = 64;

/// Operations to run in order, the whole sequence `times` times.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The sequence; at least one operation.
    pub ops: &'a [Op],
    /// How often to run it; at least once.
    pub times: u32,
}

/// Which part of a mutator's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What it does once before all mutators start together.
    Setup,
    /// Its rounds.
    Rounds,
}

/// One mutator's stream of operations.
#[derive(Debug)]
pub struct OpSource {
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

/// What the walk came to.
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
        part: Part,
        rounds: Option<u64>,
    ) -> Self {
        let (steps, rounds, stream) = match part {
            Part::Setup => (&plan.setup, Some(1), 1),
            Part::Rounds => (&plan.body, rounds.or(plan.rounds), 0),
        };
        // What can never hand out anything must not be walked in search of it.
        let rounds = if yields(steps) { rounds } else { Some(0) };
        Self {
            program: Program::new(steps),
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

    /// How many rounds were handed out to their last operation, with that of the last batch.
    pub fn rounds_done(&self) -> u64 {
        self.rounds_done
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
                Inst::Burst { start, end, times } => {
                    let left = self.begin(times);
                    if let Some(found) = self.burst(start, end, left) {
                        return found;
                    }
                }
                Inst::Flat { times, mix } => {
                    let left = self.begin(times);
                    let mix = &mut self.program.mixes[mix];
                    let done = mix.fill(left, &mut self.dice, &mut self.buffer);
                    self.proceed(left - done);
                    if done < left && !self.buffer.is_empty() {
                        return Found::Buffered;
                    }
                }
                Inst::Draw(ref template) => {
                    if self.buffer.room() == 0 {
                        return Found::Buffered;
                    }
                    let op = template.draw(&mut self.dice);
                    self.buffer.push(op);
                    self.place += 1;
                }
                Inst::Begin if self.more_rounds() => self.place += 1,
                Inst::Begin if self.buffer.is_empty() => return Found::End,
                Inst::Begin => return Found::Buffered,
                Inst::Loop { times, exit } => match self.dice.draw(times) {
                    0 => self.place = exit,
                    times => {
                        self.loops.push(times);
                        self.place += 1;
                    }
                },
                Inst::Choose { choice } => {
                    let choice = &self.program.choices[choice];
                    let drawn = self.dice.between(0, choice.total() - 1);
                    self.place = choice.arm(drawn);
                }
                Inst::Again { .. } | Inst::Jump { .. } | Inst::Finish => self.wind_up(),
            }
        }
    }

    /// How often the instruction is still to run, drawn when it is met anew.
    fn begin(&mut self, times: super::Draw) -> u64 {
        match self.left {
            Some(left) => left,
            None => self.dice.draw(times),
        }
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

    /// Walks what ends loops, arms and rounds and needs no drawing. Done as soon as the operations
    /// before it are handed out, so that `rounds_done` is exact with every batch.
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
