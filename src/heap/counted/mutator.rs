//! The contract's operations, on registers and counted references.
//!
//! A mutator owns its registers, so those are plain words; what they refer to is shared. With the
//! heap in a box it owns that as well, and is the single-threaded collector that the global lock
//! makes a heap of. With a borrowed heap it is one of many, unsynchronised: `racy`.
//!
//! The order within an operation is always: take the new reference, put it in its place, release
//! what was there. So an object that is only held by what is being overwritten survives as long as
//! it is needed.

use std::ops::Deref;

use super::Counted;
use super::cell::{Cell, Ref};
use super::generations::Generation;
use super::release::{End, Work};
use crate::clock::Clock;
use crate::heap::{
    Belief, Caps, Cause, Census, Collection, Collector, Fault, Field, Global, Mutator, OutOfMemory,
    Peek, Shape, Slot, Stats, Tag,
};

/// How often settling collects before it takes the heap for broken: one collection finds all
/// garbage, a second finds none.
const SETTLE_ROUNDS_MAX: u32 = 8;

/// What counted heaps can do.
pub(super) const CAPS: Caps = Caps {
    threads: false,
    cycles: true,
    lists: true,
    counters: true,
    globals: true,
    weak: true,
    finalizers: false,
    certifies_death: true,
};

/// One register file on a counted heap.
#[derive(Debug)]
pub struct CountedMutator<H: Deref<Target = Counted>> {
    registers: Vec<u64>,
    work: Work,
    heap: H,
}

impl<H: Deref<Target = Counted>> CountedMutator<H> {
    /// A mutator with `slots` empty registers, which are committed by touch.
    pub(super) fn new(heap: H, slots: u32) -> Self {
        Self {
            registers: vec![0; slots as usize],
            work: Work::default(),
            heap,
        }
    }

    #[inline]
    fn register(&self, slot: Slot) -> Ref {
        Ref::from_bits(self.registers[slot.0 as usize])
    }

    /// Puts a counted reference into a register and releases what was there.
    #[inline]
    fn put(&mut self, slot: Slot, reference: Ref) {
        let register = &mut self.registers[slot.0 as usize];
        let old = Ref::from_bits(std::mem::replace(register, reference.bits()));
        if old.is_strong() {
            self.heap.release(old, &mut self.work);
        }
    }

    #[inline]
    fn vacate(&mut self, slot: Slot) {
        self.registers[slot.0 as usize] = Ref::NONE.bits();
    }

    /// The object in a register, if it has the right shape.
    #[inline]
    fn object(&self, slot: Slot, shape: Shape) -> Option<(u32, &Cell)> {
        let reference = self.register(slot);
        let cell = self.heap.follow(reference)?;
        cell.is(shape).then_some((reference.index(), cell))
    }

    /// Counts a reference that was found in shared memory and puts it into a register. A broken
    /// one is treated as empty.
    #[inline]
    fn put_copy(&mut self, dst: Slot, reference: Ref) -> bool {
        let found = self.heap.acquire(reference);
        self.put(dst, if found { reference } else { Ref::NONE });
        found
    }

    /// Makes sure that the collector knows the container in `slot`, now that it will hold `child`.
    #[inline]
    fn track(&self, slot: Slot, container: &Cell, child: Ref) {
        if !container.is_tracked() {
            self.track_slowly(slot, container, child);
        }
    }

    #[inline(never)]
    fn track_slowly(&self, slot: Slot, container: &Cell, child: Ref) {
        if self.heap.follow(child).is_some_and(Cell::is_container) {
            container.mark_tracked();
            let heap: &Counted = &self.heap;
            heap.generations.enter(self.register(slot), &heap.cells);
        }
    }

    #[cold]
    #[inline(never)]
    fn collect_in_passing(&mut self, collect: impl FnOnce(&Counted, &mut Work) -> Collection) {
        let start = Clock::get().now();
        collect(&self.heap, &mut self.work);
        self.heap.pauses.record_since(Cause::Collect, start);
    }

    /// There was no cell: one more try after a full collection.
    #[cold]
    #[inline(never)]
    fn take_after_collecting(&mut self, shape: Shape, tag: u64) -> Option<Ref> {
        self.collect_in_passing(|heap, work| heap.collect(Generation::Old, work));
        let heap: &Counted = &self.heap;
        heap.cells.take(shape, tag, &heap.faults)
    }

    /// Collects until nothing is found.
    pub(super) fn settle_counted(&mut self) {
        for _ in 0..SETTLE_ROUNDS_MAX {
            self.heap.bury(&mut self.work);
            if self.heap.collect(Generation::Old, &mut self.work).freed == 0 {
                return;
            }
        }
    }

    pub(super) fn collect_fully(&mut self) -> Collection {
        self.heap.collect(Generation::Old, &mut self.work)
    }

    pub(super) fn census_counted(&self, visit: &mut dyn FnMut(Belief)) -> Census {
        self.heap.take_census(self.work.waiting(), visit)
    }
}

impl<H: Deref<Target = Counted>> Drop for CountedMutator<H> {
    /// Empties every register. What was never touched is only read.
    fn drop(&mut self) {
        for register in &mut self.registers {
            let old = Ref::from_bits(*register);
            if old != Ref::NONE {
                *register = Ref::NONE.bits();
                self.heap.release(old, &mut self.work);
            }
        }
    }
}

impl<H: Deref<Target = Counted>> Mutator for CountedMutator<H> {
    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        if self.heap.generations.due() {
            self.collect_in_passing(Counted::collect_due);
        }
        if self.heap.starved.get() != 0 {
            self.heap.starved.set(0);
            return Err(OutOfMemory);
        }
        let tag = tag.into_bits();
        let heap: &Counted = &self.heap;
        let object = match heap.cells.take(shape, tag, &heap.faults) {
            Some(object) => object,
            None => self.take_after_collecting(shape, tag).ok_or_else(|| {
                drop(Tag::from_bits(tag));
                OutOfMemory
            })?,
        };
        if matches!(shape, Shape::List)
            && let Some(header) = self.heap.headers.at(object.index())
        {
            header.reset();
        }
        self.put(dst, object);
        Ok(())
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        let reference = self.register(src);
        if reference.is_weak() {
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
        if let Some((_, cell)) = self.object(obj, Shape::Node) {
            let reference = Ref::from_bits(cell.slots[usize::from(field.0)].get());
            self.put_copy(dst, reference);
        }
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let Some((_, cell)) = self.object(obj, Shape::Node) else {
            return;
        };
        let value = val.map_or(Ref::NONE, |val| self.register(val));
        if let Some(val) = val {
            if !value.is_strong() {
                return;
            }
            self.track(obj, cell, value);
            let place = &cell.slots[usize::from(field.0)];
            let old = Ref::from_bits(place.get());
            place.set(value.bits());
            self.vacate(val);
            self.heap.release(old, &mut self.work);
        } else {
            let place = &cell.slots[usize::from(field.0)];
            let old = Ref::from_bits(place.get());
            place.set(Ref::NONE.bits());
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
            Some(_) => Peek::Object(Tag::id_of_bits(self.heap.cells.tag(reference.index()))),
            None => Peek::Stale,
        }
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Fault> {
        self.heap.faults.check()
    }

    fn collect(&mut self) {
        self.collect_in_passing(|heap, work| heap.collect(Generation::Old, work));
    }

    #[inline]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let value = self.register(val);
        let Some((index, cell)) = self.object(list, Shape::List) else {
            return false;
        };
        let Some(header) = self.heap.headers.at(index) else {
            return false;
        };
        if !value.is_strong() {
            return false;
        }
        self.track(list, cell, value);
        let pushed = header.push(&self.heap.pages, value.bits()).is_ok();
        if pushed {
            self.vacate(val);
        } else {
            self.heap.starved.set(1);
        }
        pushed
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        self.object(list, Shape::List)
            .and_then(|(index, _)| self.heap.headers.at(index))
            .map_or(0, |header| header.len(&self.heap.pages))
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let element = self
            .object(list, Shape::List)
            .and_then(|(list, _)| self.heap.headers.at(list))
            .and_then(|header| header.element(&self.heap.pages, index))
            .map(|word| Ref::from_bits(word.get()));
        element.is_some_and(|element| self.put_copy(dst, element))
    }

    #[inline]
    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let value = self.register(val);
        let Some((number, cell)) = self.object(list, Shape::List) else {
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
        self.track(list, cell, value);
        let old = Ref::from_bits(place.get());
        place.set(value.bits());
        self.vacate(val);
        self.heap.release(old, &mut self.work);
        true
    }

    #[inline]
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let popped = self
            .object(list, Shape::List)
            .and_then(|(number, _)| self.heap.headers.at(number))
            .and_then(|header| header.pop(&self.heap.pages));
        let Some(word) = popped else {
            return false;
        };
        self.put(dst, Ref::from_bits(word));
        true
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        if let Some((number, _)) = self.object(list, Shape::List) {
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
        if let Some((_, cell)) = self.object(counter, Shape::Counter) {
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
        let old = Ref::from_bits(place.get());
        place.set(value.bits());
        self.vacate(src);
        self.heap.release(old, &mut self.work);
    }

    #[inline]
    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let place = self.heap.globals.get(usize::from(global.0));
        let found = place.map_or(Ref::NONE, |place| Ref::from_bits(place.get()));
        found.is_strong() && self.put_copy(dst, found)
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        let reference = self.register(src);
        if reference.is_strong() && self.heap.follow(reference).is_some() {
            self.put(dst, reference.weakened());
        }
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let reference = self.register(weak);
        if !reference.is_weak() {
            return false;
        }
        let strong = reference.strengthened();
        // That the target is gone is no fault here, but the question.
        let lives = self
            .heap
            .cells
            .at(strong.index())
            .is_some_and(|cell| cell.incarnation.get() == strong.incarnation());
        lives && self.put_copy(dst, strong)
    }
}

impl Collector for CountedMutator<Box<Counted>> {
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

    fn collect_now(&mut self) -> Collection {
        self.collect_fully()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.settle_counted();
        Ok(())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        Some(self.census_counted(visit))
    }

    fn stats(&self) -> Stats {
        self.heap.stats()
    }
}
