//! One mutator of a locked heap: slot numbers moved to its range, safepoints that offer the lock.

#![expect(unsafe_code, reason = "the holder of the lock uses what it guards")]

use std::ops::Range;

use super::lock::Holder;
use super::{CLEARED_AT_ONCE, Gil};
use crate::heap::{
    Collector, Defect, Fault, Faultless, Faults, Field, Finalizer, Global, Mutator, OutOfMemory,
    Peek, Shape, Slot, Tag,
};

/// A mutator that holds the lock, except while it is idle or lets others run.
#[derive(Debug)]
pub struct GilMutator<'h, C: Collector, F: Faults = Faultless> {
    gil: &'h Gil<C, F>,
    me: Holder,
    registers: Range<u32>,
    /// The registers while the mutator is at rest, when it has none in their place: so none of its
    /// operations can come to what the lock guards.
    put_away: Option<PutAway>,
    /// How many of them were ever named, from the first on. A seat has many more than most mutators
    /// use, and one that leaves need not empty what it never touched.
    touched: u32,
}

/// What a mutator at rest does without.
#[derive(Debug)]
struct PutAway {
    registers: Range<u32>,
    touched: u32,
}

/// How many registers count as touched together, so that finding a new one is rare.
const TOUCHED_AT_ONCE: u32 = 64;
/// Where a fault offers the lock within an operation, it does so at lengths that are a multiple of
/// this: some thirty times in the run that shows it, of half a million appends or some hundred cuts.
const APPENDS: u64 = 16_384;
const CUTS: u64 = 4;

impl<'h, C: Collector, F: Faults> GilMutator<'h, C, F> {
    /// The caller has taken the lock in the name of `me`.
    pub(super) fn new(gil: &'h Gil<C, F>, me: Holder, registers: Range<u32>) -> Self {
        Self {
            gil,
            me,
            registers,
            put_away: None,
            touched: 0,
        }
    }

    /// Those operations that name no register ask.
    #[inline]
    fn assert_awake(&self) {
        assert!(self.put_away.is_none(), "the mutator is at rest");
    }

    #[inline]
    fn collector(&mut self) -> &mut C {
        // SAFETY: a mutator holds the lock from `attach` to its drop, but for the time it spends in
        // the lock itself, when it is borrowed and cannot be called, and at rest, when whatever calls
        // this has failed before: it has no registers then, and what needs none asks.
        let guarded = unsafe { &mut *self.gil.guarded.get() };
        &mut guarded.collector
    }

    /// The register's number in the collector's file. A slot that is not the mutator's own would
    /// be another's.
    #[inline]
    fn own(&mut self, slot: Slot) -> Slot {
        if slot.0 >= self.touched {
            self.touch(slot);
        }
        Slot(self.registers.start + slot.0)
    }

    /// What a fault does: offers the lock within an operation that has read the length of a list, if
    /// that is a multiple of `every`. Whoever takes the lock keeps it for a switch interval, and others
    /// may come before this one does again: if every operation offered it, a run would wait for most of
    /// its time. Returns how much longer the list became meanwhile, which the operation is not to know.
    #[inline]
    fn grown_meanwhile(&mut self, fault: Fault, every: u64, list: Slot) -> u64 {
        if !self.gil.lock.has(fault) {
            return 0;
        }
        let seen = self.collector().len(list);
        if !seen.is_multiple_of(every) {
            return 0;
        }
        self.gil.offer(self.me);
        self.collector().len(list).saturating_sub(seen)
    }

    #[cold]
    #[inline(never)]
    fn touch(&mut self, slot: Slot) {
        let Range { start, end } = self.registers;
        assert!(slot.0 < end - start, "the mutator has no slot {}", slot.0);
        self.touched = slot.0.saturating_add(TOUCHED_AT_ONCE).min(end - start);
    }
}

impl<C: Collector, F: Faults> Drop for GilMutator<'_, C, F> {
    fn drop(&mut self) {
        if self.put_away.is_some() {
            self.wake();
        }
        // After a panic within the collector its registers are not to be trusted, and a panic
        // here would abort: leave them, and the range with them, but never the lock.
        if !std::thread::panicking() && !self.gil.lock.has(Fault::RegistersKept) {
            let Range { start, end } = self.registers;
            let touched = start + self.touched;
            for first in (start..touched).step_by(CLEARED_AT_ONCE as usize) {
                if self.gil.lock.is_requested() {
                    self.gil.offer(self.me);
                }
                let last = first.saturating_add(CLEARED_AT_ONCE).min(touched);
                self.gil.clear(first..last);
            }
            self.gil.unseat(start..end);
        }
        self.gil.lock.let_go();
    }
}

impl<C: Collector, F: Faults> Mutator for GilMutator<'_, C, F> {
    #[inline(always)]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        let dst = self.own(dst);
        self.collector().alloc(dst, shape, tag)
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        let dst = self.own(dst);
        self.collector()
            .alloc_with_finalizer(dst, shape, tag, finalizer)
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        let (dst, src) = (self.own(dst), self.own(src));
        self.collector().copy(dst, src);
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        let slot = self.own(slot);
        self.collector().clear(slot);
    }

    #[inline]
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        let (dst, obj) = (self.own(dst), self.own(obj));
        self.collector().load(dst, obj, field);
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let (obj, val) = (self.own(obj), val.map(|val| self.own(val)));
        self.collector().store(obj, field, val);
    }

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        let slot = self.own(slot);
        self.collector().peek(slot)
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        self.assert_awake();
        if self.gil.lock.is_requested() {
            self.gil.offer(self.me);
        }
        self.collector().safepoint()
    }

    fn rest(&mut self) {
        if self.put_away.is_none() {
            let registers = std::mem::replace(&mut self.registers, 0..0);
            let touched = std::mem::take(&mut self.touched);
            self.put_away = Some(PutAway { registers, touched });
            self.gil.lock.let_go();
        }
    }

    fn wake(&mut self) {
        if self.put_away.is_none() {
            return;
        }
        // Before anything says that it is awake.
        self.gil.enter(self.me);
        if let Some(PutAway { registers, touched }) = self.put_away.take() {
            self.registers = registers;
            self.touched = touched;
        }
    }

    fn collect(&mut self) {
        self.assert_awake();
        self.collector().collect();
    }

    #[inline(always)]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let (list, val) = (self.own(list), self.own(val));
        let grown = self.grown_meanwhile(Fault::SwitchInsideAppend, APPENDS, list);
        if grown > 0 {
            let index = self.collector().len(list) - grown;
            return self.collector().set(list, index, val);
        }
        self.collector().append(list, val)
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        let list = self.own(list);
        self.collector().len(list)
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let (dst, list) = (self.own(dst), self.own(list));
        self.collector().get(dst, list, index)
    }

    #[inline]
    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let (list, val) = (self.own(list), self.own(val));
        self.collector().set(list, index, val)
    }

    #[inline]
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let (dst, list) = (self.own(dst), self.own(list));
        self.collector().pop(dst, list)
    }

    #[inline]
    fn truncate_front(&mut self, list: Slot, count: u64) {
        let list = self.own(list);
        let grown = self.grown_meanwhile(Fault::SwitchInsideTruncate, CUTS, list);
        self.collector().truncate_front(list, count);
        if grown > 0 {
            self.collector().truncate_back(list, grown);
        }
    }

    #[inline]
    fn truncate_back(&mut self, list: Slot, count: u64) {
        let list = self.own(list);
        let grown = self.grown_meanwhile(Fault::SwitchInsideTruncate, CUTS, list);
        self.collector()
            .truncate_back(list, count.saturating_add(grown));
    }

    #[inline]
    fn add(&mut self, counter: Slot, by: i64) {
        let counter = self.own(counter);
        self.collector().add(counter, by);
    }

    #[inline]
    fn read(&mut self, counter: Slot) -> i64 {
        let counter = self.own(counter);
        self.collector().read(counter)
    }

    #[inline]
    fn write(&mut self, counter: Slot, value: i64) {
        let counter = self.own(counter);
        self.collector().write(counter, value);
    }

    #[inline]
    fn publish(&mut self, global: Global, src: Slot) {
        let src = self.own(src);
        self.collector().publish(global, src);
    }

    #[inline]
    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let dst = self.own(dst);
        self.collector().fetch(dst, global)
    }

    #[inline]
    fn downgrade(&mut self, dst: Slot, src: Slot) {
        let (dst, src) = (self.own(dst), self.own(src));
        self.collector().downgrade(dst, src);
    }

    #[inline]
    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let (dst, weak) = (self.own(dst), self.own(weak));
        self.collector().upgrade(dst, weak)
    }
}
