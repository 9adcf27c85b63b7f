//! The hot loop: one mutator's operations on one heap, counted and timed.
//!
//! The loop is generic over the mutator and the stopwatch, so that a release build has no indirect
//! call between an operation of the plan and the heap. Its own cost is measured by
//! `benches/harness.rs` on a heap that does nothing. An executor does not own a mutator: when a
//! program leaves the heap and comes back, the heap makes a new mutator, and the same executor goes
//! on with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::evidence::ledger::Producer;
use crate::evidence::{CounterTally, ListTally, PeekTally};
use crate::heap::{Defect, Finalizer, Mutator, OutOfMemory, Shape, Slot};
use crate::plan::{MutatorPlan, Op, OpKind};

use super::Timing;
use super::attest::Attestor;
use super::pops::Pops;
use super::record::Recorder;
use super::recording::Recording;
use super::shadow::{Listening, Shadow};
use super::stopwatch::Stopwatch;
use super::watch::Watch;

/// Why a mutator cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// The heap said at a safepoint that it is broken.
    Defect(Defect),
    /// There is no room for another object.
    OutOfMemory,
    /// The heap did not let it come back after it had left.
    Unseated(Defect),
}

impl From<OutOfMemory> for Halt {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// Where a sequence broke off, and why.
#[derive(Debug)]
struct Broken {
    halt: Halt,
    /// How often it had been done as a whole.
    done: u32,
    /// The operation in it that failed.
    at: usize,
}

/// One mutator at work: what it did, and how long that took.
#[derive(Debug)]
pub(super) struct Executor {
    pub(super) work: Work,
    pub(super) watch: Watch,
}

/// What one mutator did.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) producer: Producer,
    pub(super) counts: [u64; OpKind::ALL.len()],
    /// By register: what was done to the list in it.
    pub(super) lists: Box<[ListTally]>,
    /// By register: what was done to the counter in it.
    pub(super) counters: Box<[CounterTally]>,
    pub(super) peeks: PeekTally,
    pops: Pops,
    /// What `read` read last.
    accumulator: i64,
    /// What the last `upgrade` or `fetch` answered.
    found: bool,
    /// Present if the program has weak references or finalizers.
    pub(super) attestor: Option<Attestor>,
    /// Present if the history of shared objects is recorded. Boxed, since it is taken out and put
    /// back for each operation that it records.
    pub(super) recorder: Option<Box<Recorder>>,
    /// What it can tell of its answers by itself.
    pub(super) shadow: Shadow,
    /// Whether the one allocation that is to fail on purpose is still to come; shared by all
    /// mutators.
    refusal: Arc<AtomicBool>,
    /// Allocations of this mutator that failed on purpose.
    pub(super) refused: u64,
}

impl Executor {
    pub(super) fn new(
        producer: Producer,
        plan: &MutatorPlan,
        attestor: Option<Attestor>,
        pops: Pops,
        timing: Timing,
        (recorder, shadow): (Option<Box<Recorder>>, Shadow),
        refusal: Arc<AtomicBool>,
    ) -> Self {
        let registers = plan.registers as usize;
        let work = Work {
            producer,
            counts: [0; OpKind::ALL.len()],
            lists: vec![ListTally::default(); registers].into_boxed_slice(),
            counters: vec![CounterTally::default(); registers].into_boxed_slice(),
            peeks: PeekTally::default(),
            pops,
            accumulator: 0,
            found: false,
            attestor,
            recorder,
            shadow,
            refusal,
            refused: 0,
        };
        let watch = Watch::new(timing, plan.pace);
        Self { work, watch }
    }

    /// Runs the sequence `times` times.
    ///
    /// A loop is compiled for this type of mutator only where operations are counted and timed, and
    /// nothing else. Where each operation is also observed, or waited for, that takes longer than
    /// an indirect call, and one loop serves all types.
    pub(super) fn run<M: Mutator>(
        &mut self,
        mutator: &mut M,
        ops: &[Op],
        times: u32,
    ) -> Result<(), Halt> {
        let Self { work, watch } = self;
        let ran = match watch {
            Watch::Off(watch) if work.is_plain() => {
                work.run_by(mutator, watch, ops, times, Work::step)
            }
            Watch::Every(watch) if work.is_plain() => {
                work.run_by(mutator, watch, ops, times, Work::step)
            }
            Watch::Sampled(watch) if work.is_plain() => {
                work.run_by(mutator, watch, ops, times, Work::step)
            }
            watch => work.run_observed(mutator, watch.as_dyn(), ops, times),
        };
        ran.or_else(|broken| self.go_on(mutator, ops, times, broken))
    }

    /// Goes on with a sequence that broke off at the one allocation that was to fail on purpose, as
    /// a program does that has caught its `MemoryError`. The register stays as it was. This is not
    /// in the loop itself, which would otherwise have to keep more state.
    #[cold]
    fn go_on<M: Mutator>(
        &mut self,
        mutator: &mut M,
        ops: &[Op],
        times: u32,
        broken: Broken,
    ) -> Result<(), Halt> {
        let Broken { halt, done, at } = broken;
        self.work.pass_over_refusal(halt, &ops[at])?;
        self.run(mutator, &ops[at + 1..], 1)?;
        self.run(mutator, ops, times - done - 1)
    }

    /// Does an operation that is alone in its batch. `perform` carries it out and returns the
    /// mutator to go on with.
    pub(super) fn run_alone<'m>(
        &mut self,
        op: Op,
        perform: impl FnOnce() -> Result<&'m mut dyn Mutator, Halt>,
    ) -> Result<(), Halt> {
        let (work, watch) = (&mut self.work, self.watch.as_dyn());
        watch.begin();
        let mutator = perform()?;
        end(mutator, watch, &op)?;
        work.found = false;
        work.attest(mutator, op);
        work.count(&[op], 1);
        Ok(())
    }

    /// Notes that `ops` operations were done, and opens or closes a window if one is due. This is
    /// not part of the next operation's time.
    pub(super) fn pass(&mut self, mutator: &mut dyn Mutator, ops: u64) {
        if self.work.shadow.is_due(ops) {
            self.work.shadow.turn(mutator, &self.work.lists);
            self.watch.as_dyn().restart();
        }
    }
}

impl Work {
    /// Operations done so far.
    pub(super) fn ops(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether nothing is observed but counts and times.
    fn is_plain(&self) -> bool {
        let is_recorded = self.recorder.as_deref().is_some_and(Recorder::is_open);
        self.attestor.is_none() && !is_recorded && !self.shadow.is_open()
    }

    /// Counts an allocation that failed on purpose; returns any other halt as the error.
    fn pass_over_refusal(&mut self, halt: Halt, op: &Op) -> Result<(), Halt> {
        // Relaxed: one mutator takes the refusal, and nothing else depends on it.
        if halt != Halt::OutOfMemory || !self.refusal.swap(false, Relaxed) {
            return Err(halt);
        }
        self.refused += 1;
        self.count(std::slice::from_ref(op), 1);
        Ok(())
    }

    /// Not inlined, and called once a batch, so that there is one loop into which all code of an
    /// operation can be inlined.
    #[inline(never)]
    fn run_by<M: Mutator + ?Sized, W: Stopwatch + ?Sized>(
        &mut self,
        mutator: &mut M,
        watch: &mut W,
        ops: &[Op],
        times: u32,
        step: impl Fn(&mut Self, &mut M, &mut W, &Op) -> Result<(), Halt>,
    ) -> Result<(), Broken> {
        for done in 0..times {
            let mut left = ops.iter();
            while let Some(op) = left.next() {
                if let Err(halt) = step(self, mutator, watch, op) {
                    let at = ops.len() - left.len() - 1;
                    self.count(ops, done);
                    self.count(&ops[..at], 1);
                    return Err(Broken { halt, done, at });
                }
            }
        }
        self.count(ops, times);
        Ok(())
    }

    /// The loop for all mutators.
    fn run_observed(
        &mut self,
        mutator: &mut dyn Mutator,
        watch: &mut dyn Stopwatch,
        ops: &[Op],
        times: u32,
    ) -> Result<(), Broken> {
        self.run_by(mutator, watch, ops, times, |work, mutator, watch, op| {
            work.observed_step(mutator, watch, op)
        })
    }

    /// Counts operations a batch at a time, which keeps it out of the hot loop.
    fn count(&mut self, ops: &[Op], times: u32) {
        for op in ops {
            self.counts[op.kind() as usize] += u64::from(times);
        }
    }

    /// One operation and the safepoint after it. It is always inlined: a call for each operation,
    /// with its result passed in memory, would cost as much as all the rest.
    #[inline(always)]
    fn step<M: Mutator + ?Sized, W: Stopwatch + ?Sized>(
        &mut self,
        mutator: &mut M,
        watch: &mut W,
        op: &Op,
    ) -> Result<(), Halt> {
        watch.begin();
        self.perform(mutator, op)?;
        end(mutator, watch, op)
    }

    /// One operation and its safepoint, observed: what it does to shared objects is recorded, which
    /// is part of its measured time, and what it left behind is checked, which is not.
    fn observed_step(
        &mut self,
        mutator: &mut dyn Mutator,
        watch: &mut dyn Stopwatch,
        op: &Op,
    ) -> Result<(), Halt> {
        if self.shadow.is_open() {
            self.shadow.expect(op);
            watch.restart();
            let mut listening = Listening::to(mutator);
            let done = self.recorded_step(&mut listening, watch, op);
            let heard = listening.heard();
            match done {
                Ok(()) => self.shadow.follow(mutator, op, heard),
                // The operation was done, and the safepoint after it failed.
                Err(Halt::Defect(_)) => self.shadow.forget(),
                Err(Halt::OutOfMemory | Halt::Unseated(_)) => {}
            }
            done?;
        } else {
            if self.attestor.is_some() {
                watch.restart();
            }
            self.recorded_step(mutator, watch, op)?;
        }
        self.attest(mutator, *op);
        Ok(())
    }

    fn recorded_step(
        &mut self,
        mutator: &mut dyn Mutator,
        watch: &mut dyn Stopwatch,
        op: &Op,
    ) -> Result<(), Halt> {
        let Some(mut recorder) = self.recorder.take_if(|recorder| recorder.is_open()) else {
            return self.step(mutator, watch, op);
        };
        watch.begin();
        recorder.resume(watch.since());
        let performed = self.perform(
            &mut Recording {
                inner: mutator,
                recorder: &mut recorder,
            },
            op,
        );
        self.recorder = Some(recorder);
        performed?;
        end(mutator, watch, op)
    }

    fn attest(&mut self, mutator: &mut dyn Mutator, op: Op) {
        if let Some(attestor) = &mut self.attestor {
            attestor.attest(mutator, op, self.found);
        }
    }

    #[inline]
    fn list(&mut self, list: Slot) -> &mut ListTally {
        &mut self.lists[list.0 as usize]
    }

    #[inline(always)]
    fn perform<M: Mutator + ?Sized>(&mut self, mutator: &mut M, op: &Op) -> Result<(), Halt> {
        match *op {
            Op::Alloc { dst, shape } => {
                let tag = self.producer.birth(shape)?;
                mutator.alloc(dst, shape, tag)?;
            }
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            } => self.alloc_finalized(mutator, dst, shape, finalizer)?,
            Op::Copy { dst, src } => mutator.copy(dst, src),
            Op::Clear { slot } => mutator.clear(slot),
            Op::Load { dst, obj, field } => mutator.load(dst, obj, field),
            Op::Store { obj, field, val } => mutator.store(obj, field, Some(val)),
            Op::Erase { obj, field } => mutator.store(obj, field, None),
            Op::Peek { slot } => self.peeks.see(mutator.peek(slot)),
            // Every operation is followed by a safepoint; this one is nothing but that.
            Op::Safepoint => {}
            Op::Collect => mutator.collect(),
            Op::Append { list, val } => self.append(mutator, list, val),
            Op::Len { list, note_above } => {
                let len = mutator.len(list);
                self.list(list).len(len, note_above);
            }
            Op::Get { dst, list, index } => {
                mutator.get(dst, list, u64::from(index));
            }
            Op::Set { list, index, val } => {
                self.list(list).replaced += u64::from(mutator.set(list, index.into(), val));
            }
            Op::Pop { dst, list } => {
                if mutator.pop(dst, list) {
                    let tally = &mut self.lists[list.0 as usize];
                    self.pops.see(mutator, dst, list, tally);
                }
            }
            Op::TruncateFront { list, count } => self.truncate_front(mutator, list, count),
            Op::TruncateFrontTo { list, leave } => {
                let len = mutator.len(list);
                self.truncate_front(mutator, list, len.saturating_sub(leave));
            }
            Op::TruncateBack { list, count } => self.truncate_back(mutator, list, count),
            Op::TruncateBackTo { list, leave } => {
                let len = mutator.len(list);
                self.truncate_back(mutator, list, len.saturating_sub(leave));
            }
            Op::Add { counter, by } => {
                mutator.add(counter, by);
                self.added(counter, by);
            }
            Op::Read { counter } => self.accumulator = mutator.read(counter),
            Op::WriteBack { counter, add } => {
                mutator.write(counter, self.accumulator.wrapping_add(add));
                self.added(counter, add);
            }
            Op::Publish { global, src } => mutator.publish(global, src),
            Op::Fetch { dst, global } => {
                self.found = mutator.fetch(dst, global);
            }
            Op::Downgrade { dst, src } => mutator.downgrade(dst, src),
            Op::Upgrade { dst, weak } => {
                self.found = mutator.upgrade(dst, weak);
            }
            Op::Rejoin | Op::Stall { .. } => unreachable!("{op:?} stands alone in its batch"),
        }
        Ok(())
    }

    fn alloc_finalized<M: Mutator + ?Sized>(
        &mut self,
        mutator: &mut M,
        dst: Slot,
        shape: Shape,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        let tag = self.producer.birth_with_finalizer(shape)?;
        let id = tag.id();
        mutator
            .alloc_with_finalizer(dst, shape, tag, finalizer)
            .inspect_err(|_| self.producer.refused(id))
    }

    #[inline]
    fn append<M: Mutator + ?Sized>(&mut self, mutator: &mut M, list: Slot, val: Slot) {
        if mutator.append(list, val) {
            self.list(list).append();
        } else {
            self.list(list).refuse();
        }
    }

    #[inline]
    fn truncate_front<M: Mutator + ?Sized>(&mut self, mutator: &mut M, list: Slot, count: u64) {
        mutator.truncate_front(list, count);
        self.list(list).truncate(count);
    }

    #[inline]
    fn truncate_back<M: Mutator + ?Sized>(&mut self, mutator: &mut M, list: Slot, count: u64) {
        mutator.truncate_back(list, count);
        self.list(list).truncate(count);
    }

    #[inline]
    fn added(&mut self, counter: Slot, by: i64) {
        let tally = &mut self.counters[counter.0 as usize];
        tally.additions += 1;
        tally.sum = tally.sum.wrapping_add(by);
    }
}

/// The safepoint after an operation, and the end of its time.
#[inline(always)]
fn end<M: Mutator + ?Sized, W: Stopwatch + ?Sized>(
    mutator: &mut M,
    watch: &mut W,
    op: &Op,
) -> Result<(), Halt> {
    mutator.safepoint().map_err(Halt::Defect)?;
    watch.end(op.kind());
    Ok(())
}
