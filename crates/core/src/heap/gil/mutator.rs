//! One mutator of a locked heap: translates slot numbers to its range of the register file, and
//! offers the lock to others at its safepoints.

use std::ops::Range;

use super::lock::Holder;
use super::{Gil, Turn};
use crate::heap::{
    Collector, Defect, Fault, Faultless, Faults, Field, Finalizer, Global, Mutator, OutOfMemory,
    Peek, Shape, Slot, Tag,
};

/// How many registers a mutator that leaves clears before it looks whether others want to run.
const CLEARED_AT_ONCE: u32 = 4096;
/// How many registers count as touched together, so that finding a new one is rare.
const TOUCHED_AT_ONCE: u32 = 64;
/// A fault that offers the lock within an operation does so only if the list's length is a multiple
/// of one of these. That is some thirty times in the run that shows the fault, which makes half a
/// million appends or some hundred truncations.
const APPENDS: u64 = 16_384;
const CUTS: u64 = 4;

/// A mutator that holds the lock, except while it is idle or lets others run.
#[derive(Debug)]
pub struct GilMutator<'h, C: Collector, F: Faults = Faultless> {
    gil: &'h Gil<C, F>,
    me: Holder,
    /// `None` while the mutator is at rest.
    turn: Option<Turn<'h, C, F>>,
    registers: Range<u32>,
    /// How many of them, from the first on, were ever used. A seat has many more than most mutators
    /// use, and a mutator that leaves need not clear what it never touched.
    touched: u32,
}

impl<'h, C: Collector, F: Faults> GilMutator<'h, C, F> {
    pub(super) fn new(turn: Turn<'h, C, F>, registers: Range<u32>) -> Self {
        Self {
            gil: turn.gil,
            me: turn.me,
            turn: Some(turn),
            registers,
            touched: 0,
        }
    }

    #[inline]
    fn turn(&mut self) -> &mut Turn<'h, C, F> {
        self.turn.as_mut().expect("the mutator is at rest")
    }

    #[inline]
    fn collector(&mut self) -> &mut C {
        self.turn().collector()
    }

    /// The register's number in the collector's file. A slot beyond the mutator's own range would
    /// be a register of another mutator, so it is refused.
    #[inline]
    fn own(&mut self, slot: Slot) -> Slot {
        if slot.0 >= self.touched {
            self.touch(slot);
        }
        Slot(self.registers.start + slot.0)
    }

    /// With this fault planted, offers the lock in the middle of an operation that has read the
    /// length of a list, if that is a multiple of `every`. (Each offer may cost several switch
    /// intervals; if every operation made one, a run would spend most of its time waiting.) Returns
    /// by how much the list grew meanwhile, which the faulty operation does not take into account.
    #[inline]
    fn grown_meanwhile(&mut self, fault: Fault, every: u64, list: Slot) -> u64 {
        if !self.gil.lock.has(fault) {
            return 0;
        }
        let seen = self.collector().len(list);
        if !seen.is_multiple_of(every) {
            return 0;
        }
        self.turn().offer();
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
        // After a panic within the collector its registers cannot be trusted, and a second panic
        // here would abort the process. So the registers stay as they are; the turn's drop still
        // lets the lock go.
        if std::thread::panicking() || self.gil.lock.has(Fault::RegistersKept) {
            return;
        }
        self.wake();
        let Range { start, end } = self.registers;
        let touched = start + self.touched;
        for first in (start..touched).step_by(CLEARED_AT_ONCE as usize) {
            if self.gil.lock.is_requested() {
                self.turn().offer();
            }
            for slot in first..first.saturating_add(CLEARED_AT_ONCE).min(touched) {
                self.collector().clear(Slot(slot));
            }
        }
        self.turn().unseat(start..end);
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
        if self.gil.lock.is_requested() {
            self.turn().offer();
        }
        self.collector().safepoint()
    }

    fn rest(&mut self) {
        self.turn = None;
    }

    fn wake(&mut self) {
        if self.turn.is_none() {
            self.turn = Some(self.gil.enter(self.me));
        }
    }

    fn collect(&mut self) {
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
