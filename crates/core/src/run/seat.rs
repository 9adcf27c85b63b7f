//! One mutator's life on its own thread: attach, set up, start with the others, run, be surveyed,
//! leave.
//!
//! Operations on the heap are the executor's. Those that are about the mutator itself are done
//! here: to leave the heap and come back, and to stall.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::clock::{Clock, Stamp};
use crate::evidence::ledger::Producer;
use crate::evidence::{Ended, Latency, Load, MutatorEvidence, Tally};
use crate::heap::{Global, Mutator, Seat, Slot};
use crate::plan::{Batch, MutatorPlan, Op, OpKind, OpSource, ProgramPart};

use super::attest::Attestor;
use super::executor::{Executor, Halt, Work};
use super::first_done::FirstDone;
use super::forced::Forced;
use super::gap::Gap;
use super::pacer::Pacer;
use super::place::Place;
use super::pops::Pops;
use super::record::Recorder;
use super::rendezvous::Intent;
use super::roots::Roots;
use super::shadow::Shadow;
use super::slow::SlowOps;
use super::stage::Stage;
use super::stops::Stops;
use super::stride::Stride;
use super::times::Times;
use super::walk::{SCRATCH_MAX, SCRATCH_MIN};
use super::watch::Watch;
use super::writers::Writing;
use super::{Budget, Verify};

/// How long a stalled mutator sleeps before it looks whether the run is over.
const NAP: Duration = Duration::from_millis(1);

/// What a mutator leaves behind.
pub(super) struct Outcome {
    pub(super) evidence: MutatorEvidence,
    pub(super) service: Times,
    pub(super) response: Times,
    pub(super) slow: Option<(u32, SlowOps)>,
    pub(super) producer: Producer,
    pub(super) recorder: Option<Box<Recorder>>,
    pub(super) roots: Roots,
    /// The beginning and end of its largest gap, if there was one.
    pub(super) gap: Option<(Stamp, Stamp)>,
}

impl Outcome {
    /// Subtracts the time for which the process was stopped; `service` has the times of all mutators.
    pub(super) fn take_out(
        &mut self,
        stops: &Stops,
        started: Stamp,
        service: &mut BTreeMap<String, Latency>,
    ) {
        let since = |stamp| Clock::get().nanos(started, stamp);
        self.evidence.elapsed_ns = stops.own(self.evidence.elapsed_ns);
        let gap_ns = self
            .gap
            .map(|(from, to)| stops.own(since(to)) - stops.own(since(from)));
        self.evidence.gap_ns = gap_ns.unwrap_or(0);
        if let Some((_, slow)) = &mut self.slow {
            slow.take_out(stops, started, service);
        }
    }
}

/// A mutator in its seat.
pub(super) struct Sitter<'s, 'r> {
    pub(super) stage: &'s Stage<'r>,
    pub(super) plan: &'r MutatorPlan,
    pub(super) number: usize,
    pub(super) place: &'s mut Place<'r>,
    pub(super) executor: Executor,
    pub(super) depth_max: u32,
    /// Operations until this mutator asks for a pause, until it asks for another window of the
    /// history, and until it is done.
    until_pause: u64,
    until_window: u64,
    until_done: u64,
    stride: Stride,
    gap: Gap<'s>,
    forced: Forced,
    /// How many operations of each kind the setup did.
    set_up: [u64; OpKind::ALL.len()],
    /// Present from the common start on, if the mutator has a rate.
    pacer: Option<Pacer>,
}

/// The mutator lost its place in the heap, so it cannot even be surveyed.
struct Unseated;

/// Runs mutator `number` from beginning to end; `None` if the heap did not let it in, at the
/// beginning or when it came back. The run has then been ended with the reason.
pub(super) fn sit<'r>(
    stage: &Stage<'r>,
    number: usize,
    place: &mut Option<Place<'r>>,
) -> Option<Outcome> {
    let plan = &stage.plan.mutators[number];
    let depth_max = (stage.plan.live_limit.saturating_add(SCRATCH_MIN)).min(SCRATCH_MAX);
    let seat = u32::try_from(number).unwrap_or(u32::MAX);
    let seat = Seat {
        number: seat,
        slots: plan.registers + depth_max,
    };
    let place = match Place::take(stage.heap.0, seat) {
        Ok(taken) => place.insert(taken),
        Err(defect) => {
            stage.course.end(Ended::Defect {
                mutator: plan.name.clone(),
                defect,
            });
            return None;
        }
    };
    let mut sitter = Sitter {
        stage,
        plan,
        number,
        place,
        executor: Executor::new(
            Producer::on(Arc::clone(&stage.roll), seat.number),
            plan,
            Attestor::new(plan, stage.needs, stage.caps),
            Pops::new(stage.plan, number),
            stage.options.timing,
            (recorder(stage, number), shadow(stage, seat.number)),
            Arc::clone(&stage.refusal),
        ),
        depth_max,
        until_pause: pause_interval(stage.options.verify),
        until_window: u64::MAX,
        until_done: quota(stage, number),
        stride: Stride::new(),
        gap: Gap::new(&stage.course.deeds, number),
        forced: Forced::new(stage.options.collect_every, stage.plan.seed, number),
        set_up: [0; OpKind::ALL.len()],
        pacer: None,
    };
    let recorder = sitter.executor.work.recorder.as_deref();
    sitter.until_window = recorder.and_then(Recorder::gap).unwrap_or(u64::MAX);
    sitter.set_up().ok()?;
    // The operations of the setup are counted, but their latencies are not kept.
    sitter.executor.watch = Watch::new(stage.options.timing, plan.pace);
    sitter.meet(Intent::Start);
    sitter.gap.start();
    let clock = Clock::get();
    let origin = stage.course.started.get().copied();
    let origin = origin.unwrap_or_else(|| clock.now());
    sitter.pacer = Pacer::new(stage.plan, number, stage.options.timing, origin);
    let seated = stage.pauses.seat(seat.number);
    let start = clock.now();
    let rounds = sitter.rounds().ok()?;
    let elapsed_ns = clock.nanos(start, clock.now());
    drop(seated);
    if !plan.background {
        stage.course.foreground_done();
    }
    // Before it waits, since a heap may reclaim much when a mutator hands over what it keeps.
    (stage.first_done).get_or_init(|| FirstDone::now(&stage.roll));
    while sitter.meet(Intent::Done) != Intent::Done {}
    let load = sitter.pacer.take().map(|pacer| pacer.load(elapsed_ns));
    Some(sitter.leave(rounds, elapsed_ns, load))
}

fn shadow(stage: &Stage<'_>, number: u32) -> Shadow {
    let roots = Roots::new(number, &stage.roots);
    Shadow::new(number, stage.plan, stage.needs, &stage.objects, roots)
}

fn pause_interval(verify: Verify) -> u64 {
    match verify {
        Verify::End => u64::MAX,
        Verify::Every(ops) => ops.max(1),
    }
}

/// How many operations this mutator does: an even share of what was asked for.
fn quota(stage: &Stage<'_>, number: usize) -> u64 {
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

impl Sitter<'_, '_> {
    fn set_up(&mut self) -> Result<(), Unseated> {
        fetch_held(self.stage, self.plan, self.place.mutator().as_mutator());
        let seed = self.stage.plan.seed;
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        let mut source = OpSource::new(self.plan, seed, number, ProgramPart::Setup, None);
        while let Some(batch) = source.next_batch() {
            if self.stage.course.stopping(false) {
                break;
            }
            let total = batch.ops.len() as u64 * u64::from(batch.times);
            if let Err(halt) = self.portion(&batch, 0, total) {
                return self.halt(halt);
            }
            self.stage.course.deeds[self.number].get_on();
        }
        self.set_up = self.executor.work.counts;
        self.publish_ops();
        let set_up_ops = &self.stage.course.deeds[self.number].set_up_ops;
        // Relaxed: `Gap::start` reads it, after the common start.
        set_up_ops.store(self.executor.work.ops(), Relaxed);
        Ok(())
    }

    /// Publishes how many operations were done so far.
    fn publish_ops(&self) {
        let ops = &self.stage.course.deeds[self.number].ops;
        ops.store(self.executor.work.ops(), Relaxed);
    }

    /// The program, until it ends or the run does. Returns the full rounds.
    fn rounds(&mut self) -> Result<u64, Unseated> {
        let rounds = match self.stage.options.budget {
            Budget::Rounds(rounds) if !self.plan.background => Some(rounds),
            _ => None,
        };
        let seed = self.stage.plan.seed;
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        let mut source = OpSource::new(self.plan, seed, number, ProgramPart::Rounds, rounds);
        self.wait_for_writers(Writing::Begins);
        self.executor.pass(self.place.mutator().as_mutator(), 0);
        self.executor.watch.as_dyn().restart();
        while self.until_done > 0 && !self.stage.course.stopping(self.plan.background) {
            let Some(batch) = source.next_batch() else {
                break;
            };
            if let Err(halt) = self.batch(&batch) {
                self.halt(halt)?;
                break;
            }
            self.publish_ops();
            self.publish_slowest();
            self.close_gap();
            self.executor.watch.as_dyn().restart();
        }
        let shadow = &mut self.executor.work.shadow;
        shadow.close(self.place.mutator().as_mutator());
        // A mutator that was kept out to the end has done no batch, so its gap is still open.
        self.close_gap();
        self.gap.end();
        if let Some(recorder) = &mut self.executor.work.recorder {
            self.stage.writers.leave(recorder);
        }
        Ok(source.rounds_done())
    }

    /// Publishes how long the slowest operation since the last call took, if that was long.
    fn publish_slowest(&mut self) {
        let slow = self.executor.watch.as_dyn().slow();
        let nanos = slow.map_or(0, SlowOps::take_slowest);
        if nanos > 0 {
            self.stage.course.slowest[self.number].fetch_max(nanos, Relaxed);
        }
    }

    /// One batch, cut where a pause or the end of the quota falls into it, and where the run ends if
    /// operations are slow.
    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Halt> {
        let len = batch.ops.len() as u64;
        let total = len * u64::from(batch.times);
        let mut done = 0;
        while done < total && self.until_done > 0 {
            if self.stage.rendezvous.pause_wanted() {
                self.pause();
            }
            let room = self.room();
            if room == 0 {
                self.wait_for_writers(Writing::Ends);
                if self.stage.course.stopping(self.plan.background) {
                    // The mutator does nothing more, so its history is complete.
                    return Ok(());
                }
                continue;
            }
            let Some(stride) = self.wait_for_start() else {
                if self.stage.course.stopping(self.plan.background) {
                    return Ok(());
                }
                continue;
            };
            let portion = (total - done)
                .min(stride)
                .min(self.stride.ops())
                .min(self.until_pause)
                .min(self.until_window)
                .min(self.until_done)
                .min(self.forced.left())
                .min(self.executor.work.shadow.left())
                .min(room);
            let (clock, start) = (Clock::get(), Clock::get().now());
            self.portion(batch, done, portion)?;
            let is_slow = self.stride.done(clock.nanos(start, clock.now()));
            let mutator = self.place.mutator().as_mutator();
            self.executor.pass(mutator, portion);
            done += portion;
            self.until_done -= portion;
            if self.forced.is_due(portion) {
                self.place.mutator().collect();
                self.executor.watch.as_dyn().restart();
            }
            self.pause_if_due(portion);
            if self.pacer.is_some() && self.gap.is_due() {
                // A batch of a mutator with a rate can take as long as the run.
                self.publish_ops();
                self.gap.pass();
            }
            if is_slow {
                self.publish_ops();
                if self.stage.course.stopping(self.plan.background) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Counts operations that were done, and asks for a pause if they were as many as were to be.
    fn pause_if_due(&mut self, done: u64) {
        for until in [&mut self.until_pause, &mut self.until_window] {
            if *until != u64::MAX {
                *until -= done;
            }
        }
        if self.until_window == 0 {
            self.stage.writers.want_window();
        }
        if self.until_pause == 0 || self.until_window == 0 {
            self.stage.rendezvous.want_pause();
            self.pause();
        }
    }

    /// Waits until the next operation is due, if the mutator has a rate. Returns how many may be
    /// done before it must wait again; `None` if a pause or the end of the run comes first.
    fn wait_for_start(&mut self) -> Option<u64> {
        let Some(pacer) = &mut self.pacer else {
            return Some(u64::MAX);
        };
        let (stage, background) = (self.stage, self.plan.background);
        let deeds = &stage.course.deeds[self.number];
        let is_over = || {
            deeds.get_on();
            stage.course.stopping(background) || stage.rendezvous.pause_wanted()
        };
        let start = pacer.wait(self.place.mutator().as_mutator(), is_over)?;
        let timed = Some(start).filter(|_| pacer.is_timed());
        self.executor.watch.as_dyn().start(timed);
        Some(1)
    }

    /// Ends the gap. That of a mutator with a rate does not count, since it had nothing to do
    /// meanwhile.
    fn close_gap(&mut self) {
        if self.pacer.is_some() {
            self.gap.pass();
        } else {
            self.gap.close();
        }
    }

    /// `portion` operations of a batch, from the `done`-th on.
    fn portion(&mut self, batch: &Batch<'_>, done: u64, portion: u64) -> Result<(), Halt> {
        if let Some(op) = batch.alone() {
            return self.alone(op);
        }
        let (ops, mutator, executor) = (batch.ops, self.place.mutator(), &mut self.executor);
        // Batches are short (about a thousand operations), so these fit any usize.
        let at = usize::try_from(done % ops.len() as u64).unwrap_or(0);
        let mut left = usize::try_from(portion).unwrap_or(usize::MAX);
        if at > 0 {
            let end = ops.len().min(at + left);
            mutator.drive(executor, &ops[at..end], 1)?;
            left -= end - at;
        }
        let whole = u32::try_from(left / ops.len()).unwrap_or(u32::MAX);
        mutator.drive(executor, ops, whole)?;
        mutator.drive(executor, &ops[..left % ops.len()], 1)
    }

    /// An operation on the mutator itself.
    fn alone(&mut self, op: Op) -> Result<(), Halt> {
        let (stage, plan, place) = (self.stage, self.plan, &mut *self.place);
        let deeds = &stage.course.deeds[self.number];
        let is_stall = matches!(op, Op::Stall { .. });
        let (work, mutator) = (&mut self.executor.work, place.mutator().as_mutator());
        let was_open = work.shadow.is_open();
        match (is_stall, was_open) {
            // What it holds while it stalls must still be there afterwards.
            (true, false) => work.shadow.open(mutator, &work.lists),
            // It loses all that it holds.
            (false, true) => work.shadow.turn(mutator, &work.lists),
            (true, true) | (false, false) => {}
        }
        self.executor.run_alone(op, || {
            match op {
                Op::Rejoin => {
                    place.retake().map_err(Halt::Unseated)?;
                    fetch_held(stage, plan, place.mutator().as_mutator());
                }
                Op::Stall { millis } => {
                    let span = Duration::from_millis(millis.into());
                    stall(span, || {
                        deeds.get_on();
                        stage.course.stopping(plan.background)
                    });
                }
                _ => unreachable!("{op:?} does not stand alone"),
            }
            Ok(place.mutator().as_mutator())
        })?;
        if is_stall {
            self.gap.forgive();
        }
        if is_stall && !was_open {
            let mutator = self.place.mutator().as_mutator();
            self.executor.work.shadow.close(mutator);
            self.executor.watch.as_dyn().restart();
        }
        Ok(())
    }

    /// How many operations may be done before this must be asked again: as many as the history has
    /// room for, while one is recorded.
    fn room(&self) -> u64 {
        match &self.executor.work.recorder {
            Some(recorder) if recorder.is_open() => recorder.room(),
            _ => u64::MAX,
        }
    }

    /// Waits for the other mutators that record histories: at the beginning, and at the end, until
    /// all have stopped recording. A history is complete up to the moment at which this mutator
    /// goes on from the second wait. A pause only interrupts a wait.
    fn wait_for_writers(&mut self, writing: Writing) {
        let (stage, background) = (self.stage, self.plan.background);
        let Some(recorder) = &mut self.executor.work.recorder else {
            return;
        };
        stage.writers.arrive(recorder, writing);
        let pause_wanted = || stage.rendezvous.pause_wanted();
        let is_over = || stage.course.stopping(background) || pause_wanted();
        let wait = || stage.writers.wait(writing, is_over);
        self.place.mutator().idle(&mut { wait });
        let is_stopping = stage.course.stopping(background);
        if writing == Writing::Ends && !is_stopping && !pause_wanted() {
            recorder.close();
        }
        self.gap.forgive();
        self.executor.watch.as_dyn().restart();
    }

    fn pause(&mut self) {
        self.meet(Intent::Pause);
        self.until_pause = pause_interval(self.stage.options.verify);
        let work = &mut self.executor.work;
        let (window, ops) = (self.stage.writers.window(), work.ops());
        if let Some(recorder) = &mut work.recorder
            && recorder.begin(window)
        {
            // A mutator that has done little is not to ask for the next window at once.
            let least = recorder.gap().unwrap_or(u64::MAX);
            self.until_window = ops.max(least);
        }
        self.executor.watch.as_dyn().restart();
    }

    /// Ends the run; returns whether this mutator can still take part in the end.
    fn halt(&self, halt: Halt) -> Result<(), Unseated> {
        let mutator = self.plan.name.clone();
        let (ended, seated) = match halt {
            Halt::Defect(defect) => (Ended::Defect { mutator, defect }, Ok(())),
            Halt::OutOfMemory => (Ended::OutOfMemory { mutator }, Ok(())),
            Halt::Unseated(defect) => (Ended::Defect { mutator, defect }, Err(Unseated)),
        };
        self.stage.course.end(ended);
        seated
    }

    /// Empties the shared roots and lets go of the heap.
    fn leave(self, rounds: u64, elapsed_ns: u64, load: Option<Load>) -> Outcome {
        let Self {
            stage,
            plan,
            number,
            place,
            executor,
            gap,
            forced,
            set_up,
            ..
        } = self;
        let interleavings = Some(gap.interleavings());
        let (others_ops, gap) = gap.sums();
        let Executor { work, mut watch } = executor;
        let Work {
            producer,
            counts,
            lists,
            counters,
            peeks,
            attestor,
            recorder,
            shadow,
            refused,
            ..
        } = work;
        let watch = watch.as_dyn();
        let seat_number = u32::try_from(number).unwrap_or(u32::MAX);
        empty_roots(stage, plan, place.mutator().as_mutator());
        place.leave();
        stage.course.deeds[number]
            .ops
            .store(counts.iter().sum(), Relaxed);
        let (weak, resurrected) = attestor.map(Attestor::into_tally).unwrap_or_default();
        let (answers, roots) = shadow.into_parts();
        let tally = Tally {
            ops: by_name(counts),
            setup_ops: by_name(set_up),
            lists: held(plan, &lists, |tally| *tally != Default::default()),
            counters: held(plan, &counters, |tally| *tally != Default::default()),
            weak,
            resurrected,
            peeks,
            answers,
        };
        Outcome {
            evidence: MutatorEvidence {
                name: plan.name.clone(),
                elapsed_ns,
                load,
                rounds,
                others_ops,
                interleavings,
                gap_ops_max: gap.ops,
                // See `take_out`.
                gap_ns: 0,
                gap_starved_ns: gap.starved_ns,
                gap_ran_ns: Some(gap.ran_ns),
                forced_collections: forced.made(),
                refused,
                tally,
            },
            response: watch.responses(),
            slow: watch.slow().map(|slow| (seat_number, slow.take())),
            service: watch.times(),
            producer,
            recorder,
            roots,
            gap: gap.lasted,
        }
    }
}

/// The recorder of this mutator's history, if one is asked for.
fn recorder(stage: &Stage<'_>, number: usize) -> Option<Box<Recorder>> {
    let limit = stage.options.history?;
    Recorder::new(stage.plan, number, &stage.objects, limit).map(Box::new)
}

/// The counts of operations by name, without zeros.
fn by_name(counts: [u64; OpKind::ALL.len()]) -> BTreeMap<String, u64> {
    let counts = OpKind::ALL.into_iter().zip(counts);
    let done = counts.filter(|(_, count)| *count > 0);
    done.map(|(kind, count)| (kind.name().to_owned(), count))
        .collect()
}

/// The tallies of the shared objects that a mutator holds, by the object's number.
fn held<T: Clone>(
    plan: &MutatorPlan,
    tallies: &[T],
    worth_keeping: impl Fn(&T) -> bool,
) -> BTreeMap<usize, T> {
    plan.held
        .iter()
        .map(|&(slot, object)| (object, tallies[slot.0 as usize].clone()))
        .filter(|(_, tally)| worth_keeping(tally))
        .collect()
}

/// Puts the shared objects into the registers that are theirs.
fn fetch_held(stage: &Stage<'_>, plan: &MutatorPlan, mutator: &mut dyn Mutator) {
    for (slot, object) in &plan.held {
        mutator.fetch(*slot, stage.plan.objects[*object].global);
    }
}

/// Empties every shared root.
fn empty_roots(stage: &Stage<'_>, plan: &MutatorPlan, mutator: &mut dyn Mutator) {
    for global in 0..stage.plan.globals {
        // The first register that is reserved for walks, which is empty.
        mutator.publish(Global(global), Slot(plan.registers));
    }
}

/// Does nothing for this time, or until `is_over`. The mutator is not asked to be idle, so it
/// keeps whatever it holds between two operations: a global lock, a pinned epoch. It sleeps, as a
/// thread does that was preempted or waits for a page: spinning would take a processor from the
/// others.
fn stall(span: Duration, is_over: impl Fn() -> bool) {
    let clock = Clock::get();
    let start = clock.now();
    while !is_over() {
        let left = span.saturating_sub(clock.since(start));
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(NAP));
    }
}
