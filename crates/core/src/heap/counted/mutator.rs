//! The contract's operations, on registers and counted references.
//!
//! Each operation first takes the new reference, then puts it in its place, and then releases what
//! was there. So an object that is held only by what is being overwritten lives for as long as it
//! is needed.

use super::Counted;
use super::cell::{Ref, is_living};
use super::generations::Generation;
use super::registers::{CountedMutator, Tenancy};
use super::release::End;
use crate::heap::{
    Belief, Caps, Census, Collector, Defect, Fault, Faults, Field, Finalizer, Gauge, Global,
    Mutator, OutOfMemory, Peek, Shape, Slot, Stats, Tag,
};

/// What counted heaps can do.
pub(super) const CAPS: Caps = Caps {
    threads: false,
    ..Caps::ALL
};

impl<H: Tenancy> Mutator for CountedMutator<H> {
    #[inline(always)]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        if self.heap.faults.refuses() {
            return Err(OutOfMemory);
        }
        let tag = tag.into_bits();
        if self.heap.attention.get() == 0
            && shape != Shape::List
            && let Some(object) = self.heap.cells.take(shape, tag)
        {
            self.put(dst, object);
            return Ok(());
        }
        self.alloc_slowly(dst, shape, tag)
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        self.alloc(dst, shape, tag)?;
        if let Some(cell) = self.heap.follow(self.register(dst)) {
            cell.set_finalizer(finalizer);
        }
        Ok(())
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        let reference = self.register(src);
        if reference.is_weak() || self.heap.has(Fault::CopyWithoutIncrement) {
            self.put(dst, reference);
        } else if reference != Ref::NONE {
            self.put_copy(dst, reference);
        }
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        self.put(slot, Ref::NONE);
    }

    #[inline]
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        let field = self.lapses.field(&self.heap.faults, field);
        if let Some((_, cell)) = self.object(obj, Shape::Node) {
            let reference = Ref::from_bits(cell.slots[usize::from(field.0)].get());
            self.put_copy(dst, reference);
        }
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        if let Some(val) = val
            && self.strikes(Fault::StoreLost, 10_000)
        {
            return self.clear(val);
        }
        let is_dropped = self.strikes(Fault::StoreDropsValue, 16);
        let Some((_, cell)) = self.object(obj, Shape::Node) else {
            return;
        };
        let value = val.map_or(Ref::NONE, |val| self.register(val));
        if val.is_some() {
            if !value.is_strong() {
                return;
            }
            self.track_node(obj, cell, value);
        }
        let place = &cell.slots[usize::from(field.0)];
        let old = Ref::from_bits(place.get());
        place.set(if is_dropped { 0 } else { value.bits() });
        if let Some(val) = val {
            self.vacate(val);
        }
        if !self.heap.has(Fault::StoreKeepsOld) {
            self.heap.release(old, &mut self.work);
        }
    }

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        let reference = self.register(slot);
        if !reference.is_strong() {
            return Peek::Empty;
        }
        match self.heap.follow(reference) {
            Some(_) => {
                let tag = self.heap.cells.tag(reference.index());
                self.lapses.seen(&self.heap.faults, tag)
            }
            None => Peek::Stale,
        }
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        self.heap.at_rest();
        self.heap.defects.check()
    }

    fn collect(&mut self) {
        self.collect_in_passing(|heap, work| heap.collect(Generation::Old, work));
    }

    #[inline(always)]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let value = self.register(val);
        if self.strikes(Fault::AppendLost, 16) {
            self.put(val, Ref::NONE);
            return value.is_strong();
        }
        if self.heap.has(Fault::AppendCountsTwice) {
            self.heap.acquire(value, || ());
        }
        if self.strikes(Fault::AppendOutOfOrder, 16) {
            return self.append_before_last(list, val);
        }
        self.append_in_stride(list, val) || self.append_slowly(list, val)
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        self.object(list, Shape::List)
            .and_then(|(index, _)| self.heap.headers.at(index))
            .map_or(0, |header| {
                let more = u64::from(self.heap.has(Fault::LenOffByOne));
                let lags = (self.lapses).strikes(&self.heap.faults, Fault::LenLags, 64);
                let less = u64::from(lags);
                (header.len(&self.heap.pages) + more).saturating_sub(less)
            })
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let index = match self.heap.has(Fault::GetNeighbour) {
            true => self.index_or_next(list, index),
            false => index,
        };
        let element = self
            .object(list, Shape::List)
            .and_then(|(list, _)| self.heap.headers.at(list))
            .and_then(|header| header.element(&self.heap.pages, index))
            .map(|word| Ref::from_bits(word.get()));
        if let Some(element) = element
            && self.heap.has(Fault::GetWithoutIncrement)
        {
            self.put(dst, element);
            return true;
        }
        element.is_some_and(|element| self.put_copy(dst, element))
    }

    #[inline]
    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let value = self.register(val);
        let Some((number, _)) = self.object(list, Shape::List) else {
            return false;
        };
        let place = self
            .heap
            .headers
            .at(number)
            .and_then(|header| header.element(&self.heap.pages, index));
        let Some(place) = place.filter(|_| value.is_strong()) else {
            return false;
        };
        let old = Ref::from_bits(place.get());
        place.set(value.bits());
        self.vacate(val);
        if !self.heap.has(Fault::SetKeepsOld) {
            self.heap.release(old, &mut self.work);
        }
        true
    }

    #[inline]
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let is_beyond = self.heap.has(Fault::PopBeyondPage) && self.len(list) > 1024;
        if is_beyond || self.strikes(Fault::PopTakesSecond, 16) {
            self.swap_last_two(list);
        }
        if self.strikes(Fault::PopLeaves, 20_000) {
            let len = self.len(list);
            return len > 0 && self.get(dst, list, len - 1);
        }
        let popped = self
            .object(list, Shape::List)
            .and_then(|(number, _)| self.heap.headers.at(number))
            .and_then(|header| header.pop(&self.heap.pages));
        let Some(word) = popped else {
            return false;
        };
        if self.heap.has(Fault::PopKeepsReference) {
            self.heap.acquire(Ref::from_bits(word), || ());
        }
        self.put(dst, Ref::from_bits(word));
        true
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        if let Some((number, _)) = self.object(list, Shape::List) {
            let more = u64::from(self.heap.has(Fault::TruncateOffByOne));
            let count = count.saturating_add(more);
            self.heap
                .truncate(number, End::Front, count, &mut self.work);
        }
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        if let Some((number, _)) = self.object(list, Shape::List) {
            self.heap.truncate(number, End::Back, count, &mut self.work);
        }
    }

    #[inline]
    fn add(&mut self, counter: Slot, by: i64) {
        let is_lost = self.strikes(Fault::AdditionLost, 16);
        if let Some((_, cell)) = self.object(counter, Shape::Counter)
            && !is_lost
        {
            cell.slots[0].add(by.cast_unsigned());
        }
    }

    #[inline]
    fn read(&mut self, counter: Slot) -> i64 {
        self.object(counter, Shape::Counter)
            .map_or(0, |(_, cell)| cell.slots[0].get().cast_signed())
    }

    #[inline]
    fn write(&mut self, counter: Slot, value: i64) {
        if let Some((_, cell)) = self.object(counter, Shape::Counter) {
            cell.slots[0].set(value.cast_unsigned());
        }
    }

    #[inline]
    fn publish(&mut self, global: Global, src: Slot) {
        let value = self.register(src);
        let Some(place) = self.heap.globals.get(usize::from(global.0)) else {
            return;
        };
        if value.is_weak() {
            return;
        }
        let mut old = Ref::from_bits(place.get());
        place.set(value.bits());
        self.vacate(src);
        if let Some(lagging) = self.heap.lagging.get(usize::from(global.0)) {
            let older = Ref::from_bits(lagging.get());
            lagging.set(old.bits());
            old = older;
        }
        self.heap.release(old, &mut self.work);
    }

    #[inline]
    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let (heap, lapses) = (&*self.heap, &mut self.lapses);
        let lagging = heap
            .lagging
            .get(usize::from(global.0))
            .filter(|place| place.get() != 0 && lapses.strikes(&heap.faults, Fault::RootLags, 64));
        let place = lagging.or_else(|| heap.globals.get(usize::from(global.0)));
        let found = place.map_or(Ref::NONE, |place| Ref::from_bits(place.get()));
        found.is_strong() && self.put_copy(dst, found)
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        let reference = self.register(src);
        if let Some(cell) = self.heap.follow(reference) {
            let weak = reference.weakened(cell);
            self.put(dst, weak);
        }
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let reference = self.register(weak);
        if !reference.is_weak() {
            return false;
        }
        let mut strong = reference.strengthened();
        // That the target is gone is no defect here, but the question.
        let lives = self.heap.cells.at(strong.index()).is_some_and(|cell| {
            if self.heap.has(Fault::WeakNotCleared) {
                strong = Ref::new(strong.index(), cell.incarnation.get());
                return is_living(strong.incarnation());
            }
            let is_void = cell.is_finalized() != reference.is_late();
            cell.incarnation.get() == strong.incarnation()
                && (!is_void || self.heap.has(Fault::WeakAfterFinalizer))
        });
        if lives && self.heap.has(Fault::UpgradeWithoutIncrement) {
            self.put(dst, strong);
            return true;
        }
        lives && self.put_copy(dst, strong)
    }
}

impl<F: Faults> Collector for CountedMutator<Box<Counted<F>>> {
    fn caps(&self) -> Caps {
        CAPS
    }

    fn reserve_slots(&mut self, slots: u32) {
        let wanted = slots as usize;
        if wanted <= self.registers.len() {
            return;
        }
        // A fresh file is committed by touch, so what was never touched must not be written here.
        let mut larger = vec![0; wanted.max(2 * self.registers.len())];
        for (place, &register) in larger.iter_mut().zip(&self.registers) {
            if register != 0 {
                *place = register;
            }
        }
        self.registers = larger;
    }

    fn settle(&mut self) -> Result<(), Defect> {
        self.settle_counted();
        Ok(())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        Some(self.census_counted(visit))
    }

    fn stats(&self) -> Stats {
        self.heap.stats()
    }

    fn gauge(&self) -> Gauge {
        self.heap.gauge()
    }
}
