//! Elements that are not in their list any more: a truncated range, or all of a dead list.
//!
//! Whoever moved the head retires the range as a whole: one deferred job, and after the grace period
//! a walk with plain loads. By then no reader can be in the range, and every append that had reached
//! it has finished. The elements of a dead list need no grace period, since nobody can look at them;
//! but their counts are taken back with read-modify-writes (see `Worker::release_settled`).
//!
//! The walk does not touch the list's cell, which may be dead or someone else's by then. Ranges of
//! one list may be walked in any order, by different workers.
//!
//! A walker of a truncated range may still meet a descriptor: a helper that came late to a pop may
//! claim an element a second time (and give it back). Its pin began a moment before this range's
//! grace period ended, so what is left of the range waits for one more.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::slot::{self, Content};
use super::{Span, Storage, Visit};
use crate::clock::Stamp;
use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::word;
use crate::heap::lock_free::worker::{RANGES_STAMPED, Worker};
use crate::sync::atomic::Ordering::SeqCst;

/// Elements to release; they count as references from outside the heap.
#[derive(Debug)]
pub(in crate::heap::lock_free) struct Range {
    storage: Arc<Storage>,
    next: u64,
    end: u64,
    cause: Cause,
    /// When it was truncated, if that is watched.
    since: Option<Stamp>,
    /// The list's cell, for [`Fault::RangeThroughCell`].
    through: Option<NonZeroU32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The head moved past them, and a grace period is over since.
    Truncated,
    /// The list died; the end of the range is where the first empty slot is.
    Dead,
}

/// What is left of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::heap::lock_free) enum Rest {
    /// Nothing.
    None,
    /// Something, for want of budget.
    Some,
    /// Something that needs another grace period.
    Stuck,
}

impl Range {
    /// The elements of a dead list from `head` on.
    pub(super) fn of_dead(storage: Arc<Storage>, head: u64) -> Self {
        Self {
            storage,
            next: head,
            end: u64::MAX,
            cause: Cause::Dead,
            since: None,
            through: None,
        }
    }

    /// Whether the pages can be found by the way that the range was told to take.
    fn is_within_reach(&self, core: &Core<impl Faults>) -> bool {
        self.through.is_none_or(|cell| {
            let found = core.slab.cell(cell.get()).slots[0].load(SeqCst);
            super::pointer(found) == Some(Arc::as_ptr(&self.storage))
        })
    }

    /// Lets go of the storage, which the collector may be walking under its pin.
    pub(in crate::heap::lock_free) fn finish(self, worker: &mut Worker<'_, impl Faults>) {
        let storage = self.storage;
        worker.defer(0, move || drop(storage));
    }

    /// Makes the range ripe once no pin of now exists any more.
    pub(in crate::heap::lock_free) fn ripen(self, worker: &mut Worker<'_, impl Faults>) {
        if worker.core.has(Fault::FreeAtOnce) {
            return worker.core.shared.homes.put_ripe(worker.number, self);
        }
        let shared = Arc::clone(&worker.core.shared);
        let weight = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let home = worker.number;
        worker.defer(weight, move || shared.homes.put_ripe(home, self));
    }
}

impl<F: Faults> Visit<'_, '_, F> {
    /// Follows up on a move of the head, which this mutator did: first the list's own stamp changes
    /// (rule R1: after the move), then what was passed is retired.
    pub(super) fn moved_head(&mut self, from: u64, to: u64) {
        let core = self.worker.core;
        if !core.has(Fault::TouchBeforeMove) {
            word::touch(&self.cell.word);
        }
        let through = Ref::from_bits(self.cursor.list)
            .filter(|_| core.has(Fault::RangeThroughCell))
            .and_then(|list| NonZeroU32::new(list.index()));
        let range = Range {
            storage: self.storage_counted(),
            next: from,
            end: to,
            cause: Cause::Truncated,
            since: self.worker.stamp_range(),
            through,
        };
        if self.worker.core.has(Fault::ReleaseBeforePublish) {
            return range.finish(self.worker);
        }
        self.worker.core.shared.add_unreclaimed(to - from);
        range.ripen(self.worker);
    }
}

/// Releases elements of a range within `budget`, which shrinks by as many as were looked at.
pub(in crate::heap::lock_free) fn release_range(
    worker: &mut Worker<'_, impl Faults>,
    range: &mut Range,
    budget: &mut usize,
) -> Rest {
    if !range.is_within_reach(worker.core) {
        return Rest::None;
    }
    let begin = range.next;
    let mut rest = Rest::None;
    while range.next < range.end {
        if *budget == 0 {
            rest = Rest::Some;
            break;
        }
        let storage = &range.storage;
        let Some(span) = storage.tree.find(range.next) else {
            // A dead list ends with its last page; a truncated range has all of its pages.
            debug_assert_eq!(range.cause, Cause::Dead);
            break;
        };
        let first = range.next;
        let stop = first
            .saturating_add(*budget as u64)
            .min(range.end)
            .min(span.end());
        let end = match range.cause {
            Cause::Truncated => settled(worker, span, first..stop),
            Cause::Dead => dead(worker, span, first..stop),
        };
        range.next = end;
        *budget -= usize::try_from(end - first).unwrap_or(*budget).min(*budget);
        if range.cause == Cause::Truncated && end > first {
            storage.tree.retire(worker, first, end - first);
        }
        if end < stop {
            rest = match range.cause {
                Cause::Truncated => Rest::Stuck,
                Cause::Dead => Rest::None,
            };
            break;
        }
    }
    if range.cause == Cause::Truncated {
        let released = range.next - begin;
        worker.tally.reclaimed += released;
        if let Some(since) = range.since {
            // It stands for the others that were not watched.
            let objects = released * u64::from(RANGES_STAMPED);
            worker.core.pauses.reclaimed(since, objects);
        }
    }
    rest
}

/// Releases truncated elements; returns the position of the first that it must not touch yet.
fn settled(
    worker: &mut Worker<'_, impl Faults>,
    span: Span<'_>,
    range: std::ops::Range<u64>,
) -> u64 {
    let mut end = range.start;
    for (position, slot) in range.zip(span.from(end)) {
        end = position + 1;
        // The grace period orders this load after every write but a late helper's.
        match slot::content(slot.load(SeqCst)) {
            Content::Value(element) => worker.release_settled(element),
            // The pop of this element met the truncation.
            Content::Empty | Content::Clear => {}
            Content::Seal(_) | Content::Claim(_) | Content::Change(_) => return position,
        }
    }
    end
}

/// Releases a dead list's elements; returns the position of the first that is not one.
fn dead(worker: &mut Worker<'_, impl Faults>, span: Span<'_>, range: std::ops::Range<u64>) -> u64 {
    let end = range.end;
    for position in range {
        // The last decrement of the list's count acquired all that was done to its slots.
        match span.at(position).map(|slot| slot.load(SeqCst)) {
            Some(bits) if slot::is_value(bits) => {
                if let Content::Value(element) = slot::content(bits) {
                    worker.decrement(element);
                }
            }
            _ => return position,
        }
    }
    end
}
