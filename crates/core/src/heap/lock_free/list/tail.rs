//! Where a list ends: the first empty slot. The search starts where this mutator saw it last or, if
//! that is far away by now, from a hint. Those who append write to the hint's cache line, so a
//! mutator that looks often does without the hint.
//!
//! Between the look at an empty slot and the look at the one below it, others may append and pop.
//! What each caller needs follows from the order of the looks:
//!
//! * An append *first* reads the slot and *then* checks the slot below, and fills the slot only if
//!   it still holds what was read. The stamp is unique, so the slot was empty all the time; and
//!   while it is empty and not sealed, the element below it cannot be popped.
//! * An observer looks at the slot once more after the slot below, so there was a moment at which
//!   both were as they were seen.
//! * An untouched slot needs no second look. No element below it was ever popped. So if the slot
//!   below is filled, it was filled either before the look at the untouched slot, and then the tail
//!   was there at that look; or afterwards for the first time, and then the tail was there at that
//!   moment.

use super::slot::{self, UNTOUCHED};
use super::{Visit, help};
use crate::heap::fault::{Fault, Faults};
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::sized;

/// Steps of a walk before it uses the hint: as many slots as two cache lines hold.
const FAR: usize = sized(16, 3);

/// What the tail is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To fill the slot there.
    Append,
    /// To know where it is.
    Observe,
}

/// The first empty slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// The head, read before the slots.
    pub(super) head: u64,
    pub(super) position: u64,
    /// What the slot holds: empty, with a stamp.
    pub(super) seen: u64,
}

impl Tail {
    /// How long the list is, if the head did not move meanwhile.
    pub(super) fn len(&self) -> u64 {
        self.position - self.head
    }
}

impl<F: Faults> Visit<'_, '_, F> {
    /// The tail, if it is untouched, in the page at hand, and only a few slots above where this
    /// mutator saw it last. That is where a mutator finds it that looks often.
    #[inline]
    pub(super) fn near_tail(&self) -> Option<Tail> {
        // SeqCst: below, no slot is looked at before head.
        let head = self.storage.head.load(SeqCst);
        let last = head.max(self.cursor.tail);
        for position in last..last + FAR as u64 {
            let seen = self.span.at(position)?.load(SeqCst);
            if slot::is_value(seen) {
                continue;
            }
            let below = self.span.at(position.checked_sub(1)?)?.load(SeqCst);
            let is_tail = seen == UNTOUCHED && position > head && slot::is_value(below);
            return is_tail.then_some(Tail {
                head,
                position,
                seen,
            });
        }
        None
    }

    /// Finds the tail. Finishes operations that are under way there.
    pub(super) fn tail(&mut self, purpose: Purpose) -> Tail {
        let storage = self.storage;
        // SeqCst: below, no slot is looked at before head.
        let head = if self.takes(Purpose::Append, purpose, Fault::NoHeadLoad) {
            0
        } else {
            storage.head.load(SeqCst)
        };
        let mut position = head.max(self.cursor.tail);
        let mut is_behind_filled = false;
        let mut steps = 0;
        loop {
            steps += 1;
            if steps == FAR {
                // Relaxed: any hint will do.
                position = head.max(storage.hint.load(Relaxed));
                is_behind_filled = false;
            }
            let seen = self.read(position);
            if slot::is_value(seen) {
                position += 1;
                is_behind_filled = true;
                continue;
            }
            let tail = Tail {
                head,
                position,
                seen,
            };
            if !slot::is_empty(seen) {
                help::finish(self, position, seen);
                continue;
            }
            if position == head || (seen == UNTOUCHED && is_behind_filled) {
                return tail;
            }
            if self.takes(Purpose::Append, purpose, Fault::TrustHint) {
                return tail;
            }
            let below = self.read(position - 1);
            if slot::is_value(below) {
                if self.takes(Purpose::Append, purpose, Fault::LookBelowFirst) {
                    let seen = self.read(position);
                    if slot::is_empty(seen) {
                        return Tail { seen, ..tail };
                    }
                }
                let is_settled = seen == UNTOUCHED || purpose == Purpose::Append;
                if is_settled || self.read(position) == seen {
                    return tail;
                }
            } else if slot::is_empty(below) {
                position -= 1;
                is_behind_filled = false;
            } else {
                help::finish(self, position - 1, below);
            }
        }
    }

    fn takes(&self, of: Purpose, purpose: Purpose, fault: Fault) -> bool {
        of == purpose && self.worker.core.has(fault)
    }

    /// Whether the head is still what it was when the tail was found. If not, that counts as
    /// contention.
    pub(super) fn is_head_still(&mut self, head: u64) -> bool {
        let is_still = self.storage.head.load(SeqCst) == head;
        if !is_still {
            self.worker.tally.contended += 1;
        }
        is_still
    }
}
