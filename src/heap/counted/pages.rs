//! Pages of 1,024 words: what lists keep their elements in, and the directories of pages.
//!
//! Page 0 is never handed out and stands for "none". Pages are not wiped: a list reads only what it
//! wrote. Free pages wait on a stack of their own, not in the pages, so threads that race for them
//! can take one page twice but cannot tie the stack into a loop.

use super::word::{Half, Word};
use crate::heap::slab::Slab;

/// Words in a page: 8 KiB, so that a list's costs per page vanish among its elements.
pub(super) const PAGE: u64 = PAGE_WORDS as u64;
const PAGE_WORDS: usize = 1024;

/// A page's words.
pub(super) type Page = [Word; PAGE_WORDS];

/// All pages of a heap.
#[derive(Debug)]
pub(super) struct Pages {
    pages: Slab<Page>,
    free: Slab<Half>,
    free_len: Half,
    /// Pages that were ever handed out are `1..fresh`.
    fresh: Half,
}

impl Pages {
    /// Room for `count` pages.
    pub(super) fn new(count: u32) -> Self {
        let slots = count as usize + 1;
        Self {
            pages: Slab::new(slots),
            free: Slab::new(slots),
            free_len: Half::new(0),
            fresh: Half::new(1),
        }
    }

    /// How many pages there are, page 0 included.
    pub(super) fn count(&self) -> u64 {
        self.pages.len() as u64
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

    /// The page's words; `None` if there is no such page.
    #[inline]
    pub(super) fn at(&self, number: u32) -> Option<&Page> {
        self.pages.at(number)
    }

    /// The page's words. A number that is none, which only threads without a lock can come by,
    /// leads to page 0.
    #[inline]
    pub(super) fn page(&self, number: u32) -> &Page {
        self.at(number).unwrap_or(&self.pages[0])
    }

    /// A page; 0 if there is none left.
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

    /// Takes a page back.
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
