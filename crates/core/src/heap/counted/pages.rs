//! What lists keep their elements in: pages of 1,024 words, which also serve as directories of
//! pages, and small blocks of 8 words for lists that are no longer than that.
//!
//! Block 0 of each kind is never handed out and stands for "none". Blocks are not wiped: a list
//! reads only what it wrote. Free blocks wait on a stack of their own, not in the blocks, so
//! threads that race for them can take one block twice but cannot tie the stack into a loop.

use super::word::{Half, Word};
use crate::heap::slab::Slab;

/// Words in a page: 8 KiB, so that a list's costs per page vanish among its elements.
pub(super) const PAGE: u64 = PAGE_WORDS as u64;
const PAGE_WORDS: usize = 1024;
/// Words in a small block: one cache line, which is as much as a cell and a header take together.
pub(super) const SMALL: u64 = SMALL_WORDS as u64;
const SMALL_WORDS: usize = 8;

/// A page's words.
pub(super) type Page = [Word; PAGE_WORDS];

/// All memory for elements of a heap's lists.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) large: Blocks<PAGE_WORDS>,
    pub(super) small: Blocks<SMALL_WORDS>,
}

impl Pages {
    /// Room for `large` pages and `small` small blocks.
    pub(super) fn new(large: u32, small: u32) -> Self {
        Self {
            large: Blocks::new(large),
            small: Blocks::new(small),
        }
    }
}

/// Blocks of one size.
#[derive(Debug)]
pub(super) struct Blocks<const WORDS: usize> {
    blocks: Slab<[Word; WORDS]>,
    free: Slab<Half>,
    free_len: Half,
    /// Blocks that were ever handed out are `1..fresh`.
    fresh: Half,
}

impl<const WORDS: usize> Blocks<WORDS> {
    fn new(count: u32) -> Self {
        let slots = count as usize + 1;
        Self {
            blocks: Slab::new(slots),
            free: Slab::new(slots),
            free_len: Half::new(0),
            fresh: Half::new(1),
        }
    }

    /// How many blocks there are, block 0 included.
    pub(super) fn count(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// How many can still be taken.
    pub(super) fn available(&self) -> u64 {
        let fresh = self.count().saturating_sub(u64::from(self.fresh.get()));
        fresh + u64::from(self.free_len.get())
    }

    /// How many are handed out.
    pub(super) fn taken(&self) -> u64 {
        (u64::from(self.fresh.get()) - 1).saturating_sub(u64::from(self.free_len.get()))
    }

    /// The block's words; `None` if there is no such block.
    #[inline]
    pub(super) fn at(&self, number: u32) -> Option<&[Word; WORDS]> {
        self.blocks.at(number)
    }

    /// The block's words. A number that is none, which only threads without a lock can come by,
    /// leads to block 0.
    #[inline]
    pub(super) fn block(&self, number: u32) -> &[Word; WORDS] {
        self.at(number).unwrap_or(&self.blocks[0])
    }

    /// A block; 0 if there is none left.
    pub(super) fn take(&self) -> u32 {
        let free = self.free_len.get();
        if free > 0 {
            self.free_len.set(free - 1);
            return self.free.at(free - 1).map_or(0, Half::get);
        }
        let fresh = self.fresh.get();
        if u64::from(fresh) < self.count() {
            self.fresh.set(fresh + 1);
            return fresh;
        }
        0
    }

    /// Takes a block back.
    pub(super) fn give(&self, number: u32) {
        let free = self.free_len.get();
        if number == 0 || u64::from(number) >= self.count() {
            return;
        }
        if let Some(slot) = self.free.at(free) {
            slot.set(number);
            self.free_len.set(free + 1);
        }
    }
}
