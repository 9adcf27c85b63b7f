//! Elements that are not in their list any more: a truncated range, or all of a dead list; and the
//! pages that they lie in.
//!
//! Whoever moves the head retires the range as a whole, in one deferred job. After the grace period
//! the range is walked with plain loads: by then no reader can be in it, and every append that had
//! reached it has finished. The elements of a dead list need no grace period, since nobody can look
//! at them; but their counts are taken back with read-modify-writes (see
//! `Worker::release_settled`).
//!
//! A walk is cut into pieces by its budget, and takes each page away when it is through with it. So
//! a dead list of any length leaves no more than a handful of branches to be freed with its
//! storage. If the list was a garbage cycle, the collector releases its elements, and the walk has
//! only pages to take away.
//!
//! The walk does not touch the list's cell, which may be dead or someone else's by then. Ranges of
//! one list may be walked in any order, by different workers.
//!
//! A walk over a truncated range may still meet a descriptor: a helper that came late to a pop may
//! claim an element a second time (and give it back). Its pin began before this range's grace
//! period ended, so what is left of the range waits for one more ([`Rest::Stuck`]).

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

/// Steps of a budget that taking a page away counts for: some 100 ns, as so many releases.
const PAGE_STEPS: u64 = 8;

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
    /// The list died; its elements end where the first empty slot is.
    Dead,
    /// The list died, and its elements are released. Its pages are left.
    Emptied,
}

/// What is left of a range after a piece of its walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::heap::lock_free) enum Rest {
    /// Nothing.
    None,
    /// Something: the budget was used up.
    Some,
    /// Something that needs another grace period: a late helper is in it.
    Stuck,
}

impl Range {
    /// The elements of a dead list from `head` on, and its pages.
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

    /// The pages alone: somebody else has released the elements, or does.
    pub(in crate::heap::lock_free) fn without_elements(self) -> Self {
        Self {
            cause: Cause::Emptied,
            ..self
        }
    }

    /// Whether the pages can be found by the way that the range was told to take.
    fn is_within_reach(&self, core: &Core<impl Faults>) -> bool {
        self.through.is_none_or(|cell| {
            let found = core.slab.cell(cell.get()).slots[0].load(SeqCst);
            super::pointer(found) == Some(Arc::as_ptr(&self.storage))
        })
    }

    /// Lets go of the storage. If the list died, the collector may be walking it under its pin, so
    /// the list's own count is given back after a grace period. A truncated range can give its
    /// count back at once: if that is the last one, the list's own went a grace period after the
    /// list's death, and no pin is left under which somebody found the storage.
    pub(in crate::heap::lock_free) fn finish(self, worker: &mut Worker<'_, impl Faults>) {
        let storage = self.storage;
        if self.cause != Cause::Truncated {
            worker.defer(0, move || drop(storage));
        }
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

/// Works on a range within `budget`, which shrinks by one for each element that was looked at, and
/// by [`PAGE_STEPS`] for each page that is taken away by itself.
pub(in crate::heap::lock_free) fn release_range(
    worker: &mut Worker<'_, impl Faults>,
    range: &mut Range,
    budget: &mut usize,
) -> Rest {
    match range.cause {
        _ if !range.is_within_reach(worker.core) => Rest::None,
        Cause::Truncated => release_truncated(worker, range, budget),
        Cause::Dead | Cause::Emptied => release_dead(worker, range, budget),
    }
}

fn release_truncated(
    worker: &mut Worker<'_, impl Faults>,
    range: &mut Range,
    budget: &mut usize,
) -> Rest {
    let begin = range.next;
    let mut rest = Rest::None;
    while range.next < range.end {
        if *budget == 0 {
            rest = Rest::Some;
            break;
        }
        let tree = &range.storage.tree;
        let Some(span) = tree.find(range.next) else {
            debug_assert!(false, "a truncated range has all of its pages");
            break;
        };
        let first = range.next;
        let stop = reach(first, *budget).min(range.end).min(span.end());
        range.next = settled(worker, span, first..stop);
        spend(budget, range.next - first);
        tree.retire(worker, first, range.next - first);
        if range.next < stop {
            rest = Rest::Stuck;
            break;
        }
    }
    let released = range.next - begin;
    worker.tally.reclaimed += released;
    if let Some(since) = range.since {
        // It stands for the others that were not watched.
        let objects = released * u64::from(RANGES_STAMPED);
        worker.core.pauses.reclaimed(since, objects);
    }
    rest
}

/// Releases the elements of a dead list and takes its pages away one by one, with those above the
/// tail, which are left of elements that were popped. What remains for the end of the storage is a
/// handful of branches, however long the list was.
fn release_dead(
    worker: &mut Worker<'_, impl Faults>,
    range: &mut Range,
    budget: &mut usize,
) -> Rest {
    let tree = &range.storage.tree;
    // Pages lie side by side from the head on, so where one is missing none follows.
    while let Some(span) = tree.find(range.next) {
        if *budget == 0 {
            return Rest::Some;
        }
        let first = range.next;
        if range.cause == Cause::Dead {
            let stop = reach(first, *budget).min(span.end());
            range.next = dead(worker, span, first..stop);
            spend(budget, range.next - first);
            if range.next < stop {
                range.cause = Cause::Emptied;
            }
        } else {
            range.next = span.end();
            spend(budget, PAGE_STEPS);
        }
        tree.retire(worker, first, range.next - first);
    }
    Rest::None
}

/// The first position that a walk from `first` on does not reach within `budget`.
fn reach(first: u64, budget: usize) -> u64 {
    first.saturating_add(budget as u64)
}

fn spend(budget: &mut usize, steps: u64) {
    *budget = budget.saturating_sub(usize::try_from(steps).unwrap_or(usize::MAX));
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
            Content::Claim(_) if worker.core.has(Fault::StuckAsEmpty) => {}
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

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::super::Cursor;
    use super::*;
    use crate::heap::lock_free::cell::Cell;
    use crate::heap::lock_free::{LockFree, list, open};
    use crate::heap::tag::OwnedSegment;
    use crate::heap::{Faultless, Heap, HeapConfig, Shape, Upkeep};

    const LEN: u64 = 100_000;

    /// A list of many pages, and one more count of its storage.
    struct Long<'h> {
        worker: Worker<'h, Faultless>,
        cursor: Cursor<'h>,
        list: Ref,
        storage: Arc<Storage>,
        births: OwnedSegment,
    }

    impl<'h> Long<'h> {
        fn new(heap: &'h LockFree) -> Self {
            let mut births = OwnedSegment::take(0, 0).expect("there is room");
            let mut worker = Worker::new(heap.core(), 1);
            let list = births.birth(Shape::List).expect("there is room");
            let list = worker.allocate(Shape::List, list).expect("there is room");
            let cell: &Cell = heap.core().slab.cell(list.index());
            cell.slots[0].store(list::build(), SeqCst);
            let mut cursor = Cursor::new(cell);
            let visit = Visit::begin(&mut worker, &mut cursor, list).expect("there is room");
            let storage = visit.storage_counted();
            let mut long = Self {
                worker,
                cursor,
                list,
                storage,
                births,
            };
            let element = long.births.birth(Shape::Leaf).expect("there is room");
            let element = long
                .worker
                .allocate(Shape::Leaf, element)
                .expect("there is room");
            for _ in 1..LEN {
                assert!(long.worker.retain(element));
                long.visit().append(element);
            }
            long.visit().append(element);
            long
        }

        fn visit(&mut self) -> Visit<'_, 'h, Faultless> {
            self.worker.enter();
            Visit::begin(&mut self.worker, &mut self.cursor, self.list).expect("there is room")
        }

        fn pages(&self) -> usize {
            let positions = (0..LEN).step_by(512).chain([LEN - 1]);
            let is_there = |&position: &u64| self.storage.tree.find(position).is_some();
            positions.filter(is_there).count()
        }
    }

    /// Goal: the pages of a list that dies go one by one within the budget of several operations,
    /// whether it was full or emptied by pops, and not with its storage, all in one job.
    #[test]
    fn pages_of_dead_lists_go_one_by_one() {
        for pops in [0, LEN] {
            let heap = open(&HeapConfig::with_capacity(1_000));
            let mut long = Long::new(&heap);
            for _ in 0..pops {
                let element = long.visit().pop().unwrap();
                long.worker.release(element);
            }
            long.worker.release(long.list);
            assert!(long.pages() > 100, "all pages went in one operation");
            while !long.worker.tasks.is_empty() {
                long.worker.enter();
            }
            assert_eq!(long.pages(), 0, "pages are left for one job");
        }
    }

    /// Goal: likewise those of a list that is a garbage cycle.
    #[test]
    fn pages_of_garbage_lists_go_one_by_one() {
        let heap = open(&HeapConfig {
            upkeep: Upkeep::WithinCalls,
            ..HeapConfig::with_capacity(1_000)
        });
        let mut long = Long::new(&heap);
        let list = long.list;
        long.visit().append(list);
        long.worker.suspect(list);
        long.worker.unpinned(|| {
            while heap.core().shared.rounds.freed.load(SeqCst) == 0 {
                heap.core().collect_now();
            }
        });
        assert!(long.pages() > 0, "all pages went at once");
        heap.settle().unwrap();
        assert_eq!(long.pages(), 0, "pages are left for one job");
    }
}
