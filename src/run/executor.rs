//! The hot loop: one mutator's operations on one heap, counted and timed.
//!
//! Everything here is generic over the mutator and the stopwatch, so that a release build has no
//! indirect call between an operation of the plan and the heap. What it costs itself is measured by
//! `benches/harness.rs` on a heap that does nothing.

use crate::evidence::ledger::Producer;
use crate::evidence::{CounterTally, ListTally};
use crate::heap::{Fault, Mutator, OutOfMemory, Slot};
use crate::plan::{Op, OpKind};

use super::stopwatch::Stopwatch;

/// Why a mutator cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// The heap said at a safepoint that it is broken.
    Fault(Fault),
    /// There is no room for another object.
    OutOfMemory,
}

impl From<OutOfMemory> for Halt {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// One mutator at work.
#[derive(Debug)]
pub(super) struct Executor<M, W> {
    pub(super) mutator: M,
    pub(super) producer: Producer,
    pub(super) watch: W,
    pub(super) counts: [u64; OpKind::ALL.len()],
    /// By register: what was done to the list in it.
    pub(super) lists: Box<[ListTally]>,
    /// By register: what was done to the counter in it.
    pub(super) counters: Box<[CounterTally]>,
    /// What `read` read last.
    accumulator: i64,
}

impl<M: Mutator, W: Stopwatch> Executor<M, W> {
    pub(super) fn new(mutator: M, producer: Producer, registers: u32) -> Self {
        Self {
            mutator,
            producer,
            watch: W::new(),
            counts: [0; OpKind::ALL.len()],
            lists: vec![ListTally::default(); registers as usize].into_boxed_slice(),
            counters: vec![CounterTally::default(); registers as usize].into_boxed_slice(),
            accumulator: 0,
        }
    }

    /// Operations done so far.
    pub(super) fn ops(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Runs the sequence `times` times.
    #[inline]
    pub(super) fn run(&mut self, ops: &[Op], times: u32) -> Result<(), Halt> {
        for done in 0..times {
            for (at, &op) in ops.iter().enumerate() {
                if let Err(halt) = self.step(op) {
                    self.count(ops, done);
                    self.count(&ops[..at], 1);
                    return Err(halt);
                }
            }
        }
        self.count(ops, times);
        Ok(())
    }

    /// Counts operations a batch at a time, which keeps it out of the hot loop.
    fn count(&mut self, ops: &[Op], times: u32) {
        for op in ops {
            self.counts[op.kind() as usize] += u64::from(times);
        }
    }

    /// One operation and the safepoint after it.
    #[inline]
    fn step(&mut self, op: Op) -> Result<(), Halt> {
        self.watch.begin();
        self.perform(op)?;
        self.mutator.safepoint().map_err(Halt::Fault)?;
        self.watch.end(op.kind());
        Ok(())
    }

    #[inline]
    fn list(&mut self, list: Slot) -> &mut ListTally {
        &mut self.lists[list.0 as usize]
    }

    #[inline]
    fn perform(&mut self, op: Op) -> Result<(), Halt> {
        match op {
            Op::Alloc { dst, shape } => {
                let tag = self.producer.birth(shape)?;
                self.mutator.alloc(dst, shape, tag)?;
            }
            Op::Copy { dst, src } => self.mutator.copy(dst, src),
            Op::Clear { slot } => self.mutator.clear(slot),
            Op::Load { dst, obj, field } => self.mutator.load(dst, obj, field),
            Op::Store { obj, field, val } => self.mutator.store(obj, field, Some(val)),
            Op::Erase { obj, field } => self.mutator.store(obj, field, None),
            Op::Peek { slot } => {
                std::hint::black_box(self.mutator.peek(slot));
            }
            // Every operation is followed by a safepoint; this one is nothing but that.
            Op::Safepoint => {}
            Op::Collect => self.mutator.collect(),
            Op::Append { list, val } => {
                if self.mutator.append(list, val) {
                    self.list(list).append();
                } else {
                    self.list(list).refuse();
                }
            }
            Op::Len { list, note_above } => {
                let len = self.mutator.len(list);
                self.list(list).len(len, note_above);
            }
            Op::Get { dst, list, index } => {
                self.mutator.get(dst, list, u64::from(index));
            }
            Op::Set { list, index, val } => {
                let replaced = self.mutator.set(list, u64::from(index), val);
                self.list(list).replaced += u64::from(replaced);
            }
            Op::Pop { dst, list } => {
                if self.mutator.pop(dst, list) {
                    self.list(list).pop();
                }
            }
            Op::TruncateFront { list, count } => self.truncate_front(list, count),
            Op::TruncateFrontTo { list, leave } => {
                let len = self.mutator.len(list);
                self.truncate_front(list, len.saturating_sub(leave));
            }
            Op::TruncateBack { list, count } => self.truncate_back(list, count),
            Op::TruncateBackTo { list, leave } => {
                let len = self.mutator.len(list);
                self.truncate_back(list, len.saturating_sub(leave));
            }
            Op::Add { counter, by } => {
                self.mutator.add(counter, by);
                self.added(counter, by);
            }
            Op::Read { counter } => self.accumulator = self.mutator.read(counter),
            Op::WriteBack { counter, add } => {
                self.mutator
                    .write(counter, self.accumulator.wrapping_add(add));
                self.added(counter, add);
            }
            Op::Publish { global, src } => self.mutator.publish(global, src),
            Op::Fetch { dst, global } => {
                self.mutator.fetch(dst, global);
            }
            Op::Downgrade { dst, src } => self.mutator.downgrade(dst, src),
            Op::Upgrade { dst, weak } => {
                self.mutator.upgrade(dst, weak);
            }
        }
        Ok(())
    }

    #[inline]
    fn truncate_front(&mut self, list: Slot, count: u64) {
        self.mutator.truncate_front(list, count);
        self.list(list).truncate(count);
    }

    #[inline]
    fn truncate_back(&mut self, list: Slot, count: u64) {
        self.mutator.truncate_back(list, count);
        self.list(list).truncate(count);
    }

    #[inline]
    fn added(&mut self, counter: Slot, by: i64) {
        let tally = &mut self.counters[counter.0 as usize];
        tally.additions += 1;
        tally.sum = tally.sum.wrapping_add(by);
    }
}
