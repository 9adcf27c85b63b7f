//! `del l[:n]` and `del l[-n:]`.
//!
//! *From the front* it is one exchange of the head, if n is not more than the length. If n is more,
//! all elements are to go, and a length that was read before cannot be used: an append that
//! completes in between would survive. So the tail is fixed first: the empty slot there becomes
//! CLEAR, which stops appends and pops. Then anybody raises the head to it, which is where the
//! truncation takes effect, and reopens the slot.
//!
//! *From the back* it is n pops, each of which is a step by itself. Others may see the list shrink
//! one by one, and an append between two of the pops is popped in place of an older element. To
//! make it one step, n slots would have to be frozen and decided at once; every operation that met
//! one of them would have to help with all n, so the longest operation would be as long as the
//! largest n in use. It is to be judged as n pops.

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

    /// Counts an append that happened during this truncation, in the slot that it had found to be
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

    /// What a fault does: gives back references that others can still find.
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
