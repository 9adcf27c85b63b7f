//! One mutator's life on its own thread: attach, set up, start with the others, run, be surveyed,
//! leave.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock::Clock;
use crate::evidence::ledger::Producer;
use crate::evidence::{Ended, Latency, Moment, MutatorEvidence, Tally};
use crate::heap::{Global, Heap, Mutator, Seat, Slot};
use crate::plan::{Batch, MutatorPlan, OpKind, OpSource, Part};

use super::executor::{Executor, Halt};
use super::rendezvous::{Abandoned, Intent, Purpose, Round};
use super::stopwatch::Stopwatch;
use super::storm::Stage;
use super::survey::{Surveyor, Witness};
use super::walk::{SCRATCH_MAX, SCRATCH_MIN};
use super::{Budget, Verify};

/// What a mutator leaves behind.
pub(super) struct Outcome {
    pub(super) evidence: MutatorEvidence,
    pub(super) latencies: Vec<(OpKind, Latency)>,
    pub(super) producer: Producer,
}

/// A mutator in its seat.
struct Sitter<'s, 'r, H: Heap + 'r, W> {
    stage: &'s Stage<'r, H>,
    plan: &'r MutatorPlan,
    number: usize,
    executor: Executor<H::Mutator<'r>, W>,
    depth_max: u32,
    /// Operations until this mutator asks for a pause, and until it is done.
    until_pause: u64,
    until_done: u64,
}

/// Runs mutator `number` from beginning to end; `None` if it could not even begin.
pub(super) fn sit<H: Heap, W: Stopwatch>(stage: &Stage<'_, H>, number: usize) -> Option<Outcome> {
    let plan = &stage.plan.mutators[number];
    let depth_max = (stage.plan.live_limit.saturating_add(SCRATCH_MIN)).min(SCRATCH_MAX);
    let seat = u32::try_from(number).unwrap_or(u32::MAX);
    let seat = Seat {
        number: seat,
        slots: plan.registers + depth_max,
    };
    let mutator = match stage.heap.attach(seat) {
        Ok(mutator) => mutator,
        Err(fault) => {
            stage.end(Ended::Fault {
                mutator: plan.name.clone(),
                fault,
            });
            return None;
        }
    };
    let mut sitter = Sitter {
        stage,
        plan,
        number,
        executor: Executor::<_, W>::new(mutator, Producer::new(seat.number), plan.registers),
        depth_max,
        until_pause: pause_interval(stage.options.verify),
        until_done: quota(stage, number),
    };
    sitter.set_up();
    sitter.meet(Intent::Start);
    let clock = Clock::get();
    let start = clock.now();
    let rounds = sitter.rounds();
    let elapsed_ns = clock.nanos(start, clock.now());
    if !plan.background {
        stage.foreground_done();
    }
    while sitter.meet(Intent::Done) != Intent::Done {}
    Some(sitter.leave(rounds, elapsed_ns))
}

fn pause_interval(verify: Verify) -> u64 {
    match verify {
        Verify::End => u64::MAX,
        Verify::Every(ops) => ops.max(1),
    }
}

/// How many operations this mutator does: an even share of what was asked for.
fn quota<H: Heap>(stage: &Stage<'_, H>, number: usize) -> u64 {
    let mutators = &stage.plan.mutators;
    match stage.options.budget {
        Budget::Ops(ops) if !mutators[number].background => {
            let before = mutators[..number]
                .iter()
                .filter(|other| !other.background)
                .count() as u64;
            let all = mutators.iter().filter(|other| !other.background).count() as u64;
            ops / all + u64::from(before < ops % all)
        }
        _ => u64::MAX,
    }
}

impl<H: Heap, W: Stopwatch> Sitter<'_, '_, H, W> {
    fn set_up(&mut self) {
        for (slot, object) in &self.plan.held {
            let global = self.stage.plan.objects[*object].global;
            self.executor.mutator.fetch(*slot, global);
        }
        let seed = self.stage.plan.seed;
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        let mut source = OpSource::new(self.plan, seed, number, Part::Setup, None);
        while let Some(batch) = source.next_batch() {
            if self.stage.stopping(false) {
                break;
            }
            if let Err(halt) = self.executor.run(batch.ops, batch.times) {
                return self.halt(halt);
            }
        }
    }

    /// The program, until it ends or the run does. Returns the full rounds.
    fn rounds(&mut self) -> u64 {
        let rounds = match self.stage.options.budget {
            Budget::Rounds(rounds) if !self.plan.background => Some(rounds),
            _ => None,
        };
        let seed = self.stage.plan.seed;
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        let mut source = OpSource::new(self.plan, seed, number, Part::Rounds, rounds);
        self.executor.watch.restart();
        while self.until_done > 0 && !self.stage.stopping(self.plan.background) {
            let Some(batch) = source.next_batch() else {
                break;
            };
            if let Err(halt) = self.batch(&batch) {
                self.halt(halt);
                break;
            }
            self.stage.ops[self.number].store(self.executor.ops(), Relaxed);
            self.executor.watch.restart();
        }
        source.rounds_done()
    }

    /// One batch, cut where a pause or the end of the quota falls into it.
    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Halt> {
        let len = batch.ops.len() as u64;
        let total = len * u64::from(batch.times);
        let mut done = 0;
        while done < total && self.until_done > 0 {
            if self.stage.rendezvous.pause_wanted() {
                self.pause();
            }
            let portion = (total - done).min(self.until_pause).min(self.until_done);
            self.portion(batch, done, portion)?;
            done += portion;
            self.until_done -= portion;
            if self.until_pause != u64::MAX {
                self.until_pause -= portion;
                if self.until_pause == 0 {
                    self.stage.rendezvous.want_pause();
                    self.pause();
                }
            }
        }
        Ok(())
    }

    /// `portion` operations of a batch, from the `done`-th on.
    fn portion(&mut self, batch: &Batch<'_>, done: u64, portion: u64) -> Result<(), Halt> {
        let ops = batch.ops;
        // Batches are short (about a thousand operations), so these fit any usize.
        let at = usize::try_from(done % ops.len() as u64).unwrap_or(0);
        let mut left = usize::try_from(portion).unwrap_or(usize::MAX);
        if at > 0 {
            let end = ops.len().min(at + left);
            self.executor.run(&ops[at..end], 1)?;
            left -= end - at;
        }
        let whole = u32::try_from(left / ops.len()).unwrap_or(u32::MAX);
        self.executor.run(ops, whole)?;
        self.executor.run(&ops[..left % ops.len()], 1)
    }

    fn pause(&mut self) {
        self.meet(Intent::Pause);
        self.until_pause = pause_interval(self.stage.options.verify);
        self.executor.watch.restart();
    }

    fn halt(&self, halt: Halt) {
        let mutator = self.plan.name.clone();
        self.stage.end(match halt {
            Halt::Fault(fault) => Ended::Fault { mutator, fault },
            Halt::OutOfMemory => Ended::OutOfMemory { mutator },
        });
    }

    /// Waits for the others, and takes part in what the round is for.
    fn meet(&mut self, intent: Intent) -> Purpose {
        let (rendezvous, number) = (&self.stage.rendezvous, self.number);
        let mut round = None;
        self.executor
            .mutator
            .idle(&mut || round = Some(rendezvous.arrive(number, intent)));
        let Some(round) = round else {
            return Intent::Done;
        };
        // An abandoned round leaves no survey; whoever left has ended the run.
        let abandoned = match round.purpose {
            Intent::Start => {
                self.stage.started.get_or_init(|| Clock::get().now());
                false
            }
            Intent::Pause => self.survey(round, Moment::Pause).is_err(),
            Intent::Done => self.survey(round, Moment::End).is_err(),
        };
        if round.place == 0 && !abandoned {
            rendezvous.close();
        } else {
            self.executor.mutator.idle(&mut || rendezvous.await_close());
        }
        round.purpose
    }

    fn survey(&mut self, round: Round, moment: Moment) -> Result<(), Abandoned> {
        let stage = self.stage;
        if round.place == 0 {
            self.executor.mutator.idle(&mut || {
                let surveyor = open_survey(stage, moment);
                *stage
                    .surveyor
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(surveyor);
            });
            stage.rendezvous.finish_step();
        }
        self.await_step(1 + round.place)?;
        self.testify(round);
        stage.rendezvous.finish_step();
        if round.place == 0 {
            self.await_step(1 + round.present)?;
            self.executor.mutator.idle(&mut || {
                let surveyor = stage
                    .surveyor
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                if let Some(surveyor) = surveyor {
                    stage.keep(surveyor.conclude(stage.heap));
                }
            });
        }
        Ok(())
    }

    fn await_step(&mut self, step: usize) -> Result<(), Abandoned> {
        let rendezvous = &self.stage.rendezvous;
        let mut arrived = Ok(());
        self.executor
            .mutator
            .idle(&mut || arrived = rendezvous.await_step(step));
        arrived
    }

    /// This mutator's step of a survey.
    fn testify(&mut self, round: Round) {
        let mut surveyor = self
            .stage
            .surveyor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(surveyor) = surveyor.as_mut() else {
            return;
        };
        let ops = self.executor.ops();
        let executor = &mut self.executor;
        let witness = Witness {
            number: self.number,
            lists: &executor.lists,
            counters: &executor.counters,
            ops,
            scratch: self.plan.registers,
            depth_max: self.depth_max,
        };
        surveyor.visit(&mut executor.mutator, &witness);
        if round.place == 0 {
            surveyor.visit_globals(&mut executor.mutator, &witness);
        }
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        surveyor.count_births(number, &mut executor.producer);
    }

    /// Empties the shared roots and lets go of the heap.
    fn leave(self, rounds: u64, elapsed_ns: u64) -> Outcome {
        let Self {
            stage,
            plan,
            number,
            executor,
            ..
        } = self;
        let Executor {
            mut mutator,
            producer,
            watch,
            counts,
            lists,
            counters,
            ..
        } = executor;
        for global in 0..stage.plan.globals {
            // A register of the walk's, which is empty by now.
            mutator.publish(Global(global), Slot(plan.registers));
        }
        drop(mutator);
        stage.ops[number].store(counts.iter().sum(), Relaxed);
        let ops = OpKind::ALL
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0);
        let tally = Tally {
            ops: ops
                .map(|(kind, count)| (kind.name().to_owned(), count))
                .collect(),
            lists: held(plan, &lists, |tally| *tally != Default::default()),
            counters: held(plan, &counters, |tally| *tally != Default::default()),
        };
        Outcome {
            evidence: MutatorEvidence {
                name: plan.name.clone(),
                elapsed_ns,
                rounds,
                tally,
            },
            latencies: watch.latencies(),
            producer,
        }
    }
}

/// The tallies of the shared objects that a mutator holds, by the object's number.
fn held<T: Clone>(
    plan: &MutatorPlan,
    tallies: &[T],
    worth_keeping: impl Fn(&T) -> bool,
) -> std::collections::BTreeMap<usize, T> {
    plan.held
        .iter()
        .map(|&(slot, object)| (object, tallies[slot.0 as usize].clone()))
        .filter(|(_, tally)| worth_keeping(tally))
        .collect()
}

/// The leader's first step: everything that can be reclaimed is, before anyone looks.
fn open_survey<'r, H: Heap>(stage: &Stage<'r, H>, moment: Moment) -> Surveyor<'r> {
    let mut surveyor = Surveyor::new(stage.plan, moment, &stage.objects);
    if let Err(fault) = stage.heap.settle() {
        surveyor.settle_failed(fault.to_string());
    }
    let mut setup = stage.setup.lock().unwrap_or_else(PoisonError::into_inner);
    let number = u32::try_from(stage.plan.mutators.len()).unwrap_or(u32::MAX);
    surveyor.count_births(number, &mut setup);
    surveyor
}
