//! Where objects are born and where their cells go: the slab of cells and its free list.
//!
//! The free list is a stack of indices beside the cells, last in first out, so that a cell is
//! reused while it is still in the cache. Threads that race for it can take one index twice, which
//! is recognised when the cell turns out to be in use, but cannot tie it into a loop.

use super::cell::{Cell, POISON, Ref, is_living};
use super::word::{Half, Word};
use crate::heap::slab::Slab;
use crate::heap::{Defect, DefectLog, Shape, Tag};

/// How many cells that are in use a search for a free one skips before it gives up. Only threads
/// without a lock ever find one in the free list.
const SKIPS_MAX: u32 = 64;

/// All cells of a heap.
#[derive(Debug)]
pub(super) struct Cells {
    cells: Slab<Cell>,
    /// The tag bits of each living cell.
    tags: Slab<Word>,
    free: Slab<Half>,
    free_len: Half,
    /// Cells that were ever used are `1..fresh`.
    fresh: Half,
    freed: Word,
}

impl Cells {
    /// Room for `capacity` objects.
    pub(super) fn new(capacity: u32) -> Self {
        let slots = capacity as usize + 1;
        Self {
            cells: Slab::new(slots),
            tags: Slab::new(slots),
            free: Slab::new(slots),
            free_len: Half::default(),
            fresh: Half::new(1),
            freed: Word::default(),
        }
    }

    /// The cell with this number, if there is one.
    #[inline]
    pub(super) fn at(&self, index: u32) -> Option<&Cell> {
        self.cells.at(index)
    }

    /// Asks the processor for a cell that will be needed soon.
    #[inline]
    pub(super) fn fetch(&self, index: u32) {
        self.cells.fetch(index);
    }

    /// Asks the processor for an object's tag.
    #[inline]
    pub(super) fn fetch_tag(&self, index: u32) {
        self.tags.fetch(index);
    }

    /// The object that a strong reference leads to. A stale reference is noted as a defect; an
    /// empty or a weak one leads nowhere.
    #[inline]
    pub(super) fn follow(&self, reference: Ref, defects: &DefectLog) -> Option<&Cell> {
        if !reference.is_strong() {
            return None;
        }
        let cell = self.cells.at(reference.index());
        match cell {
            Some(cell) if cell.incarnation.get() == reference.incarnation() => Some(cell),
            _ => {
                note_stale(reference, cell, defects);
                None
            }
        }
    }

    /// A new object with one reference, if there is a free cell and it is as it should be.
    /// Otherwise nothing happens, and [`take_slowly`](Self::take_slowly) finds out why.
    #[inline]
    pub(super) fn take(&self, shape: Shape, tag: u64) -> Option<Ref> {
        let next = self.free_len.get().wrapping_sub(1);
        let index = self.free.at(next)?.get();
        let cell = self.at(index)?;
        let incarnation = cell.incarnation.get();
        let [first, second] = &cell.slots;
        let spoiled = (first.get() ^ POISON) | (second.get() ^ POISON);
        if is_living(incarnation) || spoiled != 0 {
            return None;
        }
        self.free_len.set(next);
        Some(self.settle_in(index, cell, incarnation, shape, tag))
    }

    /// A new object with one reference; `None` if there is no cell left. Cells that are not as they
    /// should be are noted as defects.
    pub(super) fn take_slowly(&self, shape: Shape, tag: u64, defects: &DefectLog) -> Option<Ref> {
        for _ in 0..SKIPS_MAX {
            let free = self.free_len.get();
            if free == 0 {
                return self.take_fresh(shape, tag);
            }
            self.free_len.set(free - 1);
            let index = self.free.at(free - 1)?.get();
            let cell = self.at(index)?;
            let incarnation = cell.incarnation.get();
            if is_living(incarnation) {
                defects.note(Defect::InUse { cell: index });
                continue;
            }
            if let Some(spoiled) = cell.slots.iter().find(|slot| slot.get() != POISON) {
                let found = spoiled.get();
                defects.note(Defect::Spoiled { cell: index, found });
            }
            return Some(self.settle_in(index, cell, incarnation, shape, tag));
        }
        None
    }

    #[inline]
    fn settle_in(&self, index: u32, cell: &Cell, dead: u32, shape: Shape, tag: u64) -> Ref {
        let incarnation = cell.enliven(dead, shape);
        if let Some(word) = self.tags.at(index) {
            word.set(tag);
        }
        Ref::new(index, incarnation)
    }

    fn take_fresh(&self, shape: Shape, tag: u64) -> Option<Ref> {
        let index = self.fresh.get();
        let cell = self.at(index)?;
        self.fresh.set(index + 1);
        Some(self.settle_in(index, cell, cell.incarnation.get(), shape, tag))
    }

    /// The object's death: its tag is dropped, its cell free.
    #[inline]
    pub(super) fn give(&self, index: u32, cell: &Cell) {
        if let Some(word) = self.tags.at(index) {
            drop(Tag::from_bits(word.get()));
        }
        cell.entomb();
        self.freed.add(1);
        let free = self.free_len.get();
        // The stack has a place for every cell; only without a lock can more come back.
        if let Some(slot) = self.free.at(free) {
            slot.set(index);
            self.free_len.set(free + 1);
        }
    }

    /// What a fault does: loses the cell that became free last.
    pub(super) fn lose_one(&self) {
        self.free_len.take(1);
    }

    /// Drops the tags of all living objects, for good.
    pub(super) fn drop_living(&mut self) {
        for (index, cell) in self.used() {
            if is_living(cell.incarnation.get()) {
                drop(Tag::from_bits(self.tag(index)));
            }
        }
        self.fresh.set(1);
    }

    /// The tag bits of an object.
    #[inline]
    pub(super) fn tag(&self, index: u32) -> u64 {
        self.tags.at(index).map_or(0, Word::get)
    }

    /// How many objects died.
    pub(super) fn freed(&self) -> u64 {
        self.freed.get()
    }

    /// Every cell that was ever used, with its number.
    pub(super) fn used(&self) -> impl Iterator<Item = (u32, &Cell)> {
        (0..self.fresh.get()).zip(&*self.cells).skip(1)
    }

    /// The free list, as numbers of cells.
    pub(super) fn free_list(&self) -> impl Iterator<Item = u32> {
        let len = self.free_len.get() as usize;
        self.free.iter().take(len).map(Half::get)
    }
}

#[cold]
#[inline(never)]
fn note_stale(reference: Ref, cell: Option<&Cell>, defects: &DefectLog) {
    defects.note(Defect::Stale {
        cell: reference.index(),
        expected: reference.incarnation(),
        found: cell.map_or(0, |cell| cell.incarnation.get()),
    });
}
