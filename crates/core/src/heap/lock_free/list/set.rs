//! `set`: replaces an element only if its position is still the index that was asked for.
//!
//! A bare exchange is not linearisable, because the position stops being index i when the head
//! moves. So the slot first holds a record of what is to happen. A look at the head then decides it
//! for good; anybody may take that look and put the outcome into the slot. `set` takes effect at
//! that look. A record is used for one attempt only.
//!
//! Rule R1: the old element is released after it left the slot, under the same pin.

#![expect(
    unsafe_code,
    reason = "records are shared by raw pointer under an epoch pin"
)]

use super::read::position;
use super::slot::{self, Content};
use super::{Visit, help};
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::cell::Ref;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::SeqCst;

const UNDECIDED: u64 = 0;
const DONE: u64 = 1;
const REFUSED: u64 = 2;

/// A `set` under way. Aligned for the bits that tell a slot's contents apart.
#[derive(Debug)]
#[repr(align(16))]
pub(in crate::heap::lock_free) struct Change {
    position: u64,
    /// The head for which `position` is the index.
    head: u64,
    old: Ref,
    new: Ref,
    decision: AtomicU64,
}

impl<F: Faults> Visit<'_, '_, F> {
    /// Moves a counted reference to `index` and releases what was there; false, and nothing is
    /// moved, if there is no such element.
    pub(in crate::heap::lock_free) fn set(mut self, index: u64, new: Ref) -> bool {
        loop {
            let head = self.storage.head.load(SeqCst);
            let Some(position) = position(head, index) else {
                return false;
            };
            let seen = self.read(position);
            match slot::content(seen) {
                Content::Empty => {
                    if self.is_head_still(head) {
                        return false;
                    }
                }
                Content::Value(old) => {
                    if self.worker.core.has(Fault::PlainSet) {
                        if self.exchange(position, seen, new.bits()) {
                            self.worker.release(old);
                            return true;
                        }
                        continue;
                    }
                    self.worker.core.pass(Point::Change);
                    let change = Change {
                        position,
                        head,
                        old,
                        new,
                        decision: AtomicU64::new(UNDECIDED),
                    };
                    if self.change(seen, change) {
                        self.remember();
                        if !self.worker.core.has(Fault::SetKeepsOld) {
                            self.worker.release(old);
                        }
                        return true;
                    }
                    if self.worker.core.has(Fault::SetReleasesOnRetry) {
                        self.worker.release(old);
                    }
                    self.worker.tally.contended += 1;
                }
                _ => help::finish(&mut self, position, seen),
            }
        }
    }

    /// Makes one attempt; returns whether it took effect.
    fn change(&mut self, seen: u64, change: Change) -> bool {
        let position = change.position;
        let change = Box::into_raw(Box::new(change));
        if !self.exchange(position, seen, slot::change(change)) {
            // SAFETY: nobody else saw the record, which came from a `Box`.
            drop(unsafe { Box::from_raw(change) });
            return false;
        }
        self.worker.core.pass(Point::Changed);
        self.finish_change(change);
        // SAFETY: the record is freed after this pin at the earliest: below.
        let decision = unsafe { &(*change).decision };
        let is_done = decision.load(SeqCst) == DONE;
        self.worker.defer(0, move || {
            // SAFETY: the record came from a `Box`, left its slot before, for good, and no pin is
            // left that could have met it there.
            drop(unsafe { Box::from_raw(change) });
        });
        is_done
    }

    /// Decides a record and puts the outcome into its slot.
    pub(super) fn finish_change(&mut self, record: *const Change) {
        // SAFETY: the record lay in a slot under this pin, and is freed only after it.
        let change = unsafe { &*record };
        if change.decision.load(SeqCst) == UNDECIDED {
            let decision = if self.storage.head.load(SeqCst) == change.head {
                DONE
            } else {
                REFUSED
            };
            // Whoever is first decides; the others find the decision below.
            let _ = change
                .decision
                .compare_exchange(UNDECIDED, decision, SeqCst, SeqCst);
        }
        let outcome = match change.decision.load(SeqCst) {
            DONE => change.new,
            _ => change.old,
        };
        self.exchange(change.position, slot::change(record), outcome.bits());
    }
}
