//! `append`: one exchange. No count changes, since the register's reference moves into the slot.
//!
//! *Fast*: right after this mutator's own last append, exchange an untouched slot for the element
//! without looking at it first, which costs one transfer of the cache line and not two. If the slot
//! is still untouched, then nothing below it was ever popped; and what is below it is this
//! mutator's own last append, unless the head has moved past that. *Slow*: find the tail, then fill
//! it if it still is as it was found.
//!
//! If an append's slot lies below the head by the time the append takes effect, the append was
//! concurrent with the truncation that moved the head, and is ordered just before it. Whoever
//! releases the truncated range releases the element.
//!
//! The fast path uses the page that the mutator remembers. Two looks make that safe: one at the
//! list's cell (see [`Cursor`]), and one at the head. A position that is not below the head has a
//! page, which outlives the pin.

#![expect(
    unsafe_code,
    reason = "the cursor's storage and page are kept by raw pointer"
)]

use super::slot::{self, UNTOUCHED};
use super::tail::Purpose;
use super::{Cursor, Visit};
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::core::Core;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::sized;

/// Appends between two refreshes of the hint. A reader walks half as many slots on average; each
/// refresh costs the appender a cache line that readers hold.
const HINT_EVERY: u64 = sized(16, 2) as u64;

impl Cursor<'_> {
    /// The fast path; false if it did not append.
    #[inline]
    pub(in crate::heap::lock_free) fn append(
        &mut self,
        core: &Core<impl Faults>,
        list: Ref,
        element: Ref,
    ) -> bool {
        let offset = self.next.wrapping_sub(self.start);
        if self.list != list.bits() || offset >= self.slots.len() as u64 {
            return false;
        }
        // Relaxed, as in `Worker::object`. If the list is gone, the slow path notes it as a defect.
        if !list.fits(self.cell.meta.load(Relaxed)) {
            return false;
        }
        // SAFETY: the list was alive a moment ago, under this pin: see `Cursor`.
        let storage = unsafe { &*self.storage };
        // The head comes first: a position that is not below it has a page, to the pin's end.
        if storage.head.load(SeqCst) > self.next && !core.has(Fault::CursorUnchecked) {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than a page")]
        let offset = offset as usize;
        // SAFETY: the page holds a position that is not below the head, so it is not retired.
        let slots = unsafe { &*self.slots };
        let slot = &slots[offset];
        let mut expected = UNTOUCHED;
        if core.has(Fault::FastOnAnyStamp) {
            let seen = slot.load(SeqCst);
            expected = if slot::is_empty(seen) {
                seen
            } else {
                UNTOUCHED
            };
        }
        core.pass(Point::Change);
        // SeqCst, as all exchanges of slots; releases the element to whoever reads the slot.
        if let Err(now) = slot.compare_exchange(expected, element.bits(), SeqCst, Relaxed) {
            slot::in_use(now);
            return false;
        }
        self.next += 1;
        if self.next.is_multiple_of(HINT_EVERY) {
            storage.hint.store(self.next, Relaxed);
        }
        true
    }
}

impl<F: Faults> Visit<'_, '_, F> {
    /// The slow path. Moves the element's counted reference into the list.
    #[cold]
    pub(in crate::heap::lock_free) fn append(mut self, element: Ref) {
        loop {
            let tail = self.tail(Purpose::Append);
            self.worker.core.pass(Point::Change);
            if self.fill(tail.position, tail.seen, element.bits()) {
                self.cursor.next = tail.position + 1;
                self.cursor.tail = tail.position + 1;
                self.storage.hint.store(tail.position + 1, Relaxed);
                self.remember();
                return;
            }
            self.worker.tally.contended += 1;
        }
    }
}
