//! `del l[:n]` and `del l[-n:]`.
//!
//! *From the front* it is one exchange of the head while n is not more than the length. If it is
//! more, "all of it" is wanted, and a length read earlier will not do: an append and a `set` that
//! complete in between would be lost or survive. So the tail is fixed first: the empty slot there
//! says CLEAR, which stops appends and pops; then anyone raises the head to it, which is where the
//! truncation takes effect, and reopens the slot.
//!
//! *From the back* it is n pops, each of which is one step by itself. The others may see the list
//! shrink one by one, and an append that comes between two of the pops is popped in place of an
//! older element. One step would mean to freeze n slots and to decide all of them at once: every
//! operation that meets one would have to help with all n, which makes the longest operation as
//! long as the largest n in use. Judge it as n pops.

use super::Visit;
use super::slot;
use super::tail::Purpose;
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::word;
use crate::sync::atomic::Ordering::SeqCst;

impl<F: Faults> Visit<'_, '_, F> {
    /// `del l[:count]`
    pub(in crate::heap::lock_free) fn truncate_front(mut self, count: u64) {
        if count == 0 {
            return;
        }
        loop {
            let tail = self.tail(Purpose::Observe);
            if !self.is_head_still(tail.head) {
                continue;
            }
            if tail.len() == 0 {
                break;
            }
            self.worker.core.pass(Point::Change);
            let is_clamped = self.worker.core.has(Fault::ClampedTruncate);
            if count <= tail.len() || is_clamped {
                let count = count.min(tail.len());
                if self.move_head(tail.head, tail.head + count).is_ok() {
                    self.note_append(tail.position);
                    break;
                }
            } else {
                let clear = slot::clear(self.worker.stamp());
                if self.fill(tail.position, tail.seen, clear) {
                    self.worker.core.pass(Point::Changed);
                    self.finish_clear(tail.position, clear);
                    break;
                }
                self.note_append(tail.position);
            }
            self.worker.tally.contended += 1;
        }
        self.remember();
    }

    /// Counts an append that came while this truncation was at work, at the slot that it found to be
    /// the first empty one.
    fn note_append(&mut self, position: u64) {
        let is_filled = slot::is_value(self.read(position));
        self.worker.tally.met_append += u64::from(is_filled);
    }

    /// Raises the head to a CLEAR slot and reopens the slot.
    pub(super) fn finish_clear(&mut self, position: u64, seen: u64) {
        let mut head = self.storage.head.load(SeqCst);
        while head < position {
            match self.move_head(head, position) {
                Ok(()) => break,
                Err(now) => head = now,
            }
        }
        self.exchange(position, seen, slot::reopened(seen));
    }

    /// Moves the head, and follows up on it; fails with the head as it is.
    fn move_head(&mut self, from: u64, to: u64) -> Result<(), u64> {
        if self.worker.core.has(Fault::ReleaseBeforePublish) {
            self.release_early(from, to);
        }
        if self.worker.core.has(Fault::TouchBeforeMove) {
            word::touch(&self.cell.word);
        }
        self.storage
            .head
            .compare_exchange(from, to, SeqCst, SeqCst)?;
        self.moved_head(from, to);
        Ok(())
    }

    /// What a fault does: gives references back that others can still find.
    #[cold]
    fn release_early(&mut self, from: u64, to: u64) {
        for position in from..to {
            if let slot::Content::Value(element) = slot::content(self.read(position)) {
                self.worker.decrement(element);
            }
        }
        self.worker.core.pass(Point::Changed);
    }
}
