//! The memory of all cells: one reserved range, committed by touch.
//!
//! The range is allocated zeroed and never given back while the heap lives; cell 0 is never used.
//! Every access to it is atomic, so whatever a broken heap does to a cell is defined behaviour.
//! Tags lie in a range of their own, or a cell would not fit in half a cache line.

#![expect(
    unsafe_code,
    reason = "zeroed memory becomes cells without touching each"
)]

use super::cell::{Cell, POISON};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

/// All cells and their tags.
#[derive(Debug)]
pub(super) struct Slab {
    memory: Memory,
    tags: Memory,
    cells: u32,
    fresh: AtomicU64,
}

/// Words per cell, and per half cache line.
const CELL_WORDS: usize = 4;

impl Slab {
    /// Room for `cells` cells.
    pub(super) fn new(cells: u32) -> Self {
        Self {
            memory: Memory::zeroed(cells as usize * CELL_WORDS),
            tags: Memory::zeroed(cells as usize),
            cells,
            fresh: AtomicU64::new(1),
        }
    }

    /// The cell with this number.
    ///
    /// # Panics
    ///
    /// If there is none: numbers come from references, and those from here.
    #[inline]
    pub(super) fn cell(&self, index: u32) -> &Cell {
        let words = self.memory.run(index as usize * CELL_WORDS);
        // SAFETY: a `Cell` is `repr(C)` of as many atomics as the run has.
        unsafe { &*words.as_ptr().cast::<Cell>() }
    }

    /// The tag of the object in a cell, as bits.
    #[inline]
    pub(super) fn tag(&self, index: u32) -> &AtomicU64 {
        &self.tags.words[index as usize]
    }

    /// Numbers of up to `wanted` cells that were never used before, poisoned like any free cell.
    pub(super) fn take_fresh(&self, wanted: usize) -> std::ops::Range<u32> {
        // A plain look first, so that calls on an exhausted slab do not move the mark for ever.
        if self.fresh.load(Relaxed) >= u64::from(self.cells) {
            return 0..0;
        }
        // Relaxed: the numbers are all that is shared; each is handed to one caller.
        let first = self.fresh.fetch_add(wanted as u64, Relaxed);
        let end = (first + wanted as u64).min(u64::from(self.cells));
        let (first, end) = (first.min(end), end);
        #[expect(clippy::cast_possible_truncation, reason = "both are at most `cells`")]
        let range = first as u32..end as u32;
        for index in range.clone() {
            for slot in &self.cell(index).slots {
                slot.store(POISON, Relaxed);
            }
        }
        range
    }

    /// The numbers of all cells that were ever handed out.
    pub(super) fn used(&self) -> std::ops::Range<u32> {
        let end = self.fresh.load(Relaxed).min(u64::from(self.cells));
        #[expect(clippy::cast_possible_truncation, reason = "at most `cells`")]
        let end = end as u32;
        1..end
    }
}

/// Words of zeroed memory, the first of which lies at the start of half a cache line.
#[derive(Debug)]
struct Memory {
    words: Box<[AtomicU64]>,
    skew: usize,
}

impl Memory {
    fn zeroed(len: usize) -> Self {
        let words = zeroed_words(len + CELL_WORDS);
        let address = words.as_ptr().addr();
        let skew = (address.next_multiple_of(CELL_WORDS * 8) - address) / 8;
        // A model's atomics are larger, and lie as they lie.
        let skew = if cfg!(any(loom, shuttle)) { 0 } else { skew };
        Self { words, skew }
    }

    /// The words of one cell.
    #[inline]
    fn run(&self, index: usize) -> &[AtomicU64] {
        let start = self.skew + index;
        &self.words[start..start + CELL_WORDS]
    }
}

/// `len` atomics that hold 0; pages of the operating system that nobody touches cost nothing.
#[cfg(not(any(loom, shuttle)))]
pub(super) fn zeroed_words(len: usize) -> Box<[AtomicU64]> {
    let words = Box::<[AtomicU64]>::new_zeroed_slice(len);
    // SAFETY: an `AtomicU64` of zero bits is one that holds 0.
    unsafe { words.assume_init() }
}

/// `len` atomics that hold 0.
#[cfg(any(loom, shuttle))]
pub(super) fn zeroed_words(len: usize) -> Box<[AtomicU64]> {
    (0..len).map(|_| AtomicU64::new(0)).collect()
}
