//! The memory of all cells, and of their tags.
//!
//! The memory is reserved for as long as the heap lives, and committed when it is first touched.
//! Cell 0 is never used. Every access is atomic, so whatever a broken heap does to a cell is
//! defined behaviour. Tags lie in a range of their own, or a cell would not fit in half a cache
//! line.

#![cfg_attr(
    not(any(loom, shuttle)),
    expect(unsafe_code, reason = "a cell is memory that may start as zeroes")
)]

use crossbeam_utils::CachePadded;

use super::cell::{Cell, POISON};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

#[cfg(not(any(loom, shuttle)))]
type Memory<T> = crate::heap::slab::Slab<T>;
/// The atomics of a model are larger than plain integers, and are made one by one.
#[cfg(any(loom, shuttle))]
type Memory<T> = Box<[T]>;

// SAFETY: a cell consists of atomic integers.
#[cfg(not(any(loom, shuttle)))]
unsafe impl crate::heap::slab::Zeroed for Cell {}

/// All cells and their tags.
#[derive(Debug)]
pub(super) struct Slab {
    cells: Memory<Cell>,
    tags: Memory<AtomicU64>,
    /// On a line of its own: every operation reads the others.
    fresh: CachePadded<AtomicU64>,
}

impl Slab {
    /// Room for `cells` cells.
    pub(super) fn new(cells: u32) -> Self {
        Self {
            cells: zeroed(cells as usize),
            tags: zeroed(cells as usize),
            fresh: CachePadded::new(AtomicU64::new(1)),
        }
    }

    /// The cell with this number.
    ///
    /// # Panics
    ///
    /// If there is none: numbers come from references, and those from here.
    #[inline]
    pub(super) fn cell(&self, index: u32) -> &Cell {
        &self.cells[index as usize]
    }

    /// Asks the processor for a cell that is about to be changed.
    #[inline]
    pub(super) fn fetch(&self, index: u32) {
        fetch(self.cell(index));
    }

    /// Asks the processor for a tag that is about to be read.
    #[inline]
    pub(super) fn fetch_tag(&self, index: u32) {
        fetch(self.tag(index));
    }

    /// The tag of the object in a cell, as bits.
    #[inline]
    pub(super) fn tag(&self, index: u32) -> &AtomicU64 {
        &self.tags[index as usize]
    }

    /// Numbers of up to `wanted` cells that were never used before, poisoned like any free cell.
    pub(super) fn take_fresh(&self, wanted: usize) -> std::ops::Range<u32> {
        let cells = self.cells.len() as u64;
        // A look first, so that calls on an exhausted slab do not move the mark without end.
        if self.fresh.load(Relaxed) >= cells {
            return 0..0;
        }
        // Relaxed: the numbers are all that is shared; each is handed to one caller.
        let first = self.fresh.fetch_add(wanted as u64, Relaxed);
        let range = number(first.min(cells))..number((first + wanted as u64).min(cells));
        for index in range.clone() {
            for slot in &self.cell(index).slots {
                slot.store(POISON, Relaxed);
            }
        }
        range
    }

    /// The numbers of all cells that were ever handed out.
    pub(super) fn used(&self) -> std::ops::Range<u32> {
        1..number(self.fresh.load(Relaxed).min(self.cells.len() as u64))
    }
}

/// Asks the processor to bring this into its cache, while the program goes on.
#[inline]
#[cfg(all(target_arch = "x86_64", not(any(loom, shuttle))))]
fn fetch<T>(what: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: this is a hint, and reads and writes nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) };
}

#[cfg(not(all(target_arch = "x86_64", not(any(loom, shuttle)))))]
fn fetch<T>(_: &T) {}

/// A cell's number.
fn number(cell: u64) -> u32 {
    u32::try_from(cell).expect("there are fewer cells than numbers")
}

#[cfg(not(any(loom, shuttle)))]
fn zeroed<T: crate::heap::slab::Zeroed>(len: usize) -> Memory<T> {
    Memory::new(len)
}

#[cfg(any(loom, shuttle))]
fn zeroed<T: Default>(len: usize) -> Memory<T> {
    (0..len).map(|_| T::default()).collect()
}
