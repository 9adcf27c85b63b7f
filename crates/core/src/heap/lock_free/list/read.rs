//! `len` and `get`. They write nothing that another mutator reads, except for the count of what
//! `get` returns.
//!
//! Both look at the head, at slots, and at the head again. If the head is *equal*, it has been the
//! same all the time, and the operation takes effect at its look at the slot. (It is not enough
//! that the head did not pass the position: the position would not be the same index any more.)
//!
//! `get` looks at the head again before it increments, not afterwards: what it returns is settled
//! at its look at the slot, and the increment fails only if the object died since, in which case
//! `get` tries again. The pin keeps the cell of an uncounted reference from being reused. If the
//! element was finalized, `get` looks for it once more, and takes effect at that second look: see
//! `finalize`.

use super::slot::{self, Content};
use super::tail::Purpose;
use super::tree::{POSITIONS, Span};
use super::{Visit, help};
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::word;
use crate::sync::atomic::Ordering::SeqCst;

impl<F: Faults> Visit<'_, '_, F> {
    /// How many elements there are.
    #[inline]
    pub(in crate::heap::lock_free) fn len(mut self) -> u64 {
        match self.near_tail() {
            Some(tail) if self.is_head_still(tail.head) => {
                self.cursor.tail = tail.position;
                tail.len()
            }
            _ => self.len_by_search(),
        }
    }

    #[inline(never)]
    fn len_by_search(mut self) -> u64 {
        loop {
            let tail = self.tail(Purpose::Observe);
            if self.is_head_still(tail.head) {
                self.cursor.tail = tail.position;
                self.remember();
                return tail.len() + u64::from(self.worker.core.has(Fault::LenOffByOne));
            }
        }
    }

    /// A counted reference to the element at `index`.
    #[inline]
    pub(in crate::heap::lock_free) fn get(mut self, index: u64) -> Option<Ref> {
        loop {
            let head = self.storage.head.load(SeqCst);
            let position = position(head, index)?;
            let seen = self.read(position);
            let element = match slot::content(seen) {
                Content::Value(element) => Some(element),
                Content::Empty => None,
                _ => {
                    help::finish(&mut self, position, seen);
                    continue;
                }
            };
            let is_lax = self.worker.core.has(Fault::GetNotPassed);
            let is_good = is_lax && self.storage.head.load(SeqCst) <= position;
            if !is_good && !self.is_head_still(head) {
                continue;
            }
            let element = element?;
            self.worker.core.pass(Point::Read);
            if self.worker.core.has(Fault::ReaderWithoutPin) {
                self.worker.unpinned(std::thread::yield_now);
                // The page may be gone; the list is not, for a register counts it.
                self.span = Span::default();
            }
            let is_uncounted = self.worker.core.has(Fault::GetWithoutIncrement);
            if is_uncounted || self.retain(element, position, head) {
                self.remember();
                return Some(element);
            }
            // It died since, so the slot holds something else now, unless the heap is broken.
            if self.is_dead_in_place(element, position, head) {
                return None;
            }
            self.worker.tally.contended += 1;
        }
    }

    /// Whether an element died while it was in its place, which is noted as a defect.
    #[cold]
    fn is_dead_in_place(&mut self, element: Ref, position: u64, head: u64) -> bool {
        let cell = self.worker.core.slab.cell(element.index());
        // The word first: a count of 0 is final, so it is 0 at the looks at the slot and at head.
        let is_dead = word::count(cell.word.load(SeqCst)) == 0
            && self.read(position) == element.bits()
            && self.is_head_still(head);
        if is_dead {
            self.worker.stale(element, cell.meta.load(SeqCst));
        }
        is_dead
    }

    /// Adds a reference to an element that was found at `position` when the head was `head`; false
    /// if it may not be had any more.
    #[inline]
    fn retain(&mut self, element: Ref, position: u64, head: u64) -> bool {
        let Some(before) = self.worker.retain_seeing(element) else {
            return false;
        };
        if !self.worker.needs_second_look(before) {
            return true;
        }
        let is_there = self.read(position) == element.bits() && self.is_head_still(head);
        if !is_there {
            self.worker.decrement(element);
        }
        is_there
    }
}

/// The position of an index; `None` if there is no such position.
pub(super) fn position(head: u64, index: u64) -> Option<u64> {
    head.checked_add(index)
        .filter(|&position| position < POSITIONS)
}
