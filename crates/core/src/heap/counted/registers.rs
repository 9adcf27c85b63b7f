//! One register file on a counted heap, and what operations are made of.
//!
//! A mutator owns its registers, so those are plain words; what they refer to is shared. If it owns
//! the heap as well (in a box), it is the single-threaded collector that the global lock makes a
//! heap of. If it borrows the heap, it is one of several unsynchronised mutators: `racy`.
//!
//! The fast paths of an allocation and an append are in `mutator`; their slow paths are here, out
//! of line.

use std::ops::Deref;

use super::Counted;
use super::cell::{Cell, Ref};
use super::generations::Generation;
use super::release::Work;
use crate::heap::lapse::Lapses;
use crate::heap::{
    Belief, Cause, Census, Collection, Fault, Faults, Mutator, OutOfMemory, Shape, Slot, Tag,
};

/// Settling gives up after this many collections, and two more for each shared root. One collection
/// finds all garbage, and a second finds none. A finalizer may drop a cycle that was in a shared
/// root, and that cycle's finalizer may do so in turn; but what is in the root after that has no
/// finalizer left to run.
const SETTLE_ROUNDS_MAX: usize = 8;

/// How a mutator holds the heap: alone, because it holds a lock, or together with others.
pub trait Tenancy: Deref<Target = Counted<Self::Faults>> {
    /// The heap's faults.
    type Faults: Faults;

    /// Called between reading a count and writing it back. A mutator that holds the heap alone does
    /// nothing here, at no cost.
    #[inline]
    fn between(&self) {}

    /// Called at a safepoint, likewise.
    #[inline]
    fn at_rest(&self) {}
}

impl<F: Faults> Tenancy for Box<Counted<F>> {
    type Faults = F;
}

/// One register file on a counted heap.
#[derive(Debug)]
pub struct CountedMutator<H: Tenancy> {
    pub(super) registers: Vec<u64>,
    pub(super) work: Work,
    pub(super) heap: H,
    pub(super) lapses: Lapses,
}

impl<H: Tenancy> CountedMutator<H> {
    /// A mutator with `slots` empty registers, which are committed by touch.
    pub(super) fn new(heap: H, slots: u32) -> Self {
        Self {
            registers: vec![0; slots as usize],
            work: Work::default(),
            heap,
            lapses: Lapses::default(),
        }
    }

    #[inline]
    pub(super) fn register(&self, slot: Slot) -> Ref {
        Ref::from_bits(self.registers[slot.0 as usize])
    }

    /// Puts a counted reference into a register and releases what was there.
    #[inline]
    pub(super) fn put(&mut self, slot: Slot, reference: Ref) {
        let register = &mut self.registers[slot.0 as usize];
        let old = Ref::from_bits(std::mem::replace(register, reference.bits()));
        if old.is_strong() {
            self.heap.release(old, &mut self.work);
        }
    }

    /// See [`Lapses::strikes`].
    #[inline]
    pub(super) fn strikes(&mut self, fault: Fault, every: u32) -> bool {
        self.lapses.strikes(&self.heap.faults, fault, every)
    }

    #[inline]
    pub(super) fn vacate(&mut self, slot: Slot) {
        self.registers[slot.0 as usize] = Ref::NONE.bits();
    }

    /// The object in a register, if it has the right shape.
    #[inline]
    pub(super) fn object(&self, slot: Slot, shape: Shape) -> Option<(u32, &Cell)> {
        let reference = self.register(slot);
        let cell = self.heap.follow(reference)?;
        cell.is(shape).then_some((reference.index(), cell))
    }

    /// Moves an element from its register to the end of a list that is ready for it: one that the
    /// collector knows and whose last page has room. If anything is not as it should be nothing
    /// happens, and [`append_slowly`](Self::append_slowly) finds out what.
    #[inline]
    pub(super) fn append_in_stride(&mut self, list: Slot, val: Slot) -> bool {
        let heap: &Counted<H::Faults> = &self.heap;
        let list = Ref::from_bits(self.registers[list.0 as usize]);
        let register = &mut self.registers[val.0 as usize];
        let value = Ref::from_bits(*register);
        // An empty or weak reference in `list` needs no check of its own: its incarnation is even,
        // and a tracked object's is odd.
        if let Some(cell) = heap.cells.at(list.index())
            && cell.incarnation.get() == list.incarnation()
            && cell.is_tracked_list()
            && value.is_strong()
            && let Some(header) = heap.headers.at(list.index())
            && let Some(place) = header.next_in_page(&heap.pages)
        {
            place.set(value.bits());
            *register = Ref::NONE.bits();
            return true;
        }
        false
    }

    /// Counts a reference that was found in shared memory and puts it into a register. A broken
    /// one is treated as empty.
    #[inline]
    pub(super) fn put_copy(&mut self, dst: Slot, reference: Ref) -> bool {
        let heap: &Counted<H::Faults> = &self.heap;
        let found = heap.acquire(reference, || self.heap.between());
        self.put(dst, if found { reference } else { Ref::NONE });
        found
    }

    /// Makes sure that the collector knows the node in `slot`, now that it will hold `child`.
    /// Leaves and counters make no cycles.
    #[inline]
    pub(super) fn track_node(&self, slot: Slot, node: &Cell, child: Ref) {
        if !node.is_tracked() && self.heap.follow(child).is_some_and(Cell::is_container) {
            self.track(slot, node);
        }
    }

    #[inline(never)]
    fn track(&self, slot: Slot, container: &Cell) {
        container.mark_tracked();
        let heap: &Counted<H::Faults> = &self.heap;
        heap.generations.enter(self.register(slot), &heap.cells);
        if heap.generations.due() {
            heap.attention.set(1);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn collect_in_passing(
        &mut self,
        collect: impl FnOnce(&Counted<H::Faults>, &mut Work) -> Collection,
    ) {
        let _hold = self.heap.pauses.hold(Cause::Collect);
        collect(&self.heap, &mut self.work);
    }

    /// What has to be done before an object can be made, and what can go wrong.
    #[inline(never)]
    pub(super) fn alloc_slowly(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: u64,
    ) -> Result<(), OutOfMemory> {
        self.heap.attention.set(0);
        if self.heap.generations.due() {
            self.collect_in_passing(Counted::collect_due);
        }
        let starved = self.heap.starved.get() != 0;
        self.heap.starved.set(0);
        let object = (!starved).then(|| self.take_or_collect(shape, tag));
        let Some(object) = object.flatten() else {
            drop(Tag::from_bits(tag));
            return Err(OutOfMemory);
        };
        if shape == Shape::List
            && let Some(header) = self.heap.headers.at(object.index())
        {
            header.reset();
        }
        self.put(dst, object);
        Ok(())
    }

    /// If there is no cell, one more try after a full collection.
    fn take_or_collect(&mut self, shape: Shape, tag: u64) -> Option<Ref> {
        let take = |heap: &Counted<H::Faults>| heap.cells.take_slowly(shape, tag, &heap.defects);
        take(&self.heap).or_else(|| {
            self.collect_in_passing(|heap, work| heap.collect(Generation::Old, work));
            take(&self.heap)
        })
    }

    /// An append that the list is not ready for: it may need a page, or the collector does not know
    /// it yet.
    #[inline(never)]
    pub(super) fn append_slowly(&mut self, list: Slot, val: Slot) -> bool {
        let value = self.register(val);
        let Some((index, cell)) = self.object(list, Shape::List) else {
            return false;
        };
        let Some(header) = self.heap.headers.at(index).filter(|_| value.is_strong()) else {
            return false;
        };
        // What is appended does not matter: looking at each element would cost more than it saves.
        if !cell.is_tracked() {
            self.track(list, cell);
        }
        let pushed = header.push(&self.heap.pages, value.bits()).is_ok();
        if pushed {
            self.vacate(val);
        } else {
            self.heap.starved.set(1);
            self.heap.attention.set(1);
        }
        pushed
    }

    /// What a fault makes of an append.
    #[inline(never)]
    pub(super) fn append_before_last(&mut self, list: Slot, val: Slot) -> bool {
        let done = self.append_slowly(list, val);
        if done {
            self.swap_last_two(list);
        }
        done
    }

    /// What faults do: the last element changes places with the one before, if there is one.
    #[cold]
    pub(super) fn swap_last_two(&mut self, list: Slot) {
        let header = self
            .object(list, Shape::List)
            .and_then(|(index, _)| self.heap.headers.at(index));
        let Some(header) = header else {
            return;
        };
        let pages = &self.heap.pages;
        let len = header.len(pages);
        let [last, before] = [1, 2].map(|back| header.element(pages, len.wrapping_sub(back)));
        if let (Some(last), Some(before)) = (last, before) {
            let word = last.get();
            last.set(before.get());
            before.set(word);
        }
    }

    /// What a fault makes of the index of a `get`.
    #[cold]
    pub(super) fn index_or_next(&mut self, list: Slot, index: u64) -> u64 {
        let len = self.len(list);
        self.lapses.index(&self.heap.faults, index, len)
    }

    /// Collects until nothing is found.
    pub(super) fn settle_counted(&mut self) {
        for number in 0..self.heap.lagging.len() {
            let lagging = &self.heap.lagging[number];
            let old = Ref::from_bits(lagging.get());
            lagging.set(Ref::NONE.bits());
            self.heap.release(old, &mut self.work);
        }
        for _ in 0..SETTLE_ROUNDS_MAX + 2 * self.heap.globals.len() {
            let before = (self.heap.cells.freed(), self.heap.finalized.get());
            self.heap.bury(&mut self.work);
            self.heap.collect(Generation::Old, &mut self.work);
            if before == (self.heap.cells.freed(), self.heap.finalized.get()) {
                return;
            }
        }
    }

    pub(super) fn census_counted(&self, visit: &mut dyn FnMut(Belief)) -> Census {
        self.heap.take_census(self.work.waiting(), visit)
    }
}

impl<H: Tenancy> Drop for CountedMutator<H> {
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
