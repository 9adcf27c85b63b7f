//! Recalls: a mutator that finds no memory asks all others for what they hold back.
//!
//! A worker keeps free cells, dead cells and counts of births and deaths to itself, some hundred of
//! each, and hands them over when it suits it. Many workers can hold all the memory of a small heap
//! that way, or all the room under its capacity. So whoever finds nothing raises a *recall*. Every
//! worker that is at work answers it at its next safepoint, after it handed everything over; a
//! worker at rest holds nothing. Memory has run out when all have answered and there still is none.
//!
//! One word says it all, so that joining, leaving, answering and raising are one atomic step each:
//!
//! ```text
//! | number of recalls:32 | workers at work:16 | of these, who has not answered the last recall:16 |
//! ```
//!
//! A worker remembers the last recall that it answered, or the last that there was when it joined:
//! then it held nothing. The number comes full circle after 2^32 recalls, and a worker that slept
//! through all of them at work would miss one: then an allocation waits in vain as long as it may.

use crossbeam_utils::CachePadded;

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

const OWING: u64 = 1;
const AT_WORK: u64 = 1 << 16;
const RECALL: u64 = 1 << 32;
const WORKERS: u64 = AT_WORK - 1;

/// See the module. On a cache line of its own, which changes rarely: every safepoint reads it.
#[derive(Debug, Default)]
pub(super) struct Recalls(CachePadded<AtomicU64>);

impl Recalls {
    /// A worker that holds nothing begins to work; the last recall, which it need not answer.
    pub(super) fn join(&self) -> u32 {
        // Acquire pairs with the Release of whoever raised that recall, or answered it.
        number(self.0.fetch_add(AT_WORK, Acquire))
    }

    /// A worker that holds nothing any more ceases to work.
    pub(super) fn leave(&self, answered: u32) {
        self.change(|state| state - AT_WORK - owed(state, answered));
    }

    /// A worker has handed everything over; the recall that this answers.
    pub(super) fn answer(&self, answered: u32) -> u32 {
        number(self.change(|state| state - owed(state, answered)))
    }

    /// Asks all workers that are at work; the caller is not.
    pub(super) fn raise(&self) {
        self.change(|state| {
            let number = (state & !(RECALL - 1)).wrapping_add(RECALL);
            let at_work = (state / AT_WORK) & WORKERS;
            number | (at_work * AT_WORK) | (at_work * OWING)
        });
    }

    /// Whether there was a recall since this one.
    #[inline]
    pub(super) fn is_asked(&self, answered: u32) -> bool {
        // Relaxed: it says no more than that somebody waits.
        number(self.0.load(Relaxed)) != answered
    }

    /// Whether all have answered the last recall: then what they held is to be seen.
    pub(super) fn is_answered(&self) -> bool {
        // Acquire pairs with the Release of answers.
        self.0.load(Acquire) & WORKERS == 0
    }

    /// How many workers are at work.
    pub(super) fn at_work(&self) -> u64 {
        // Relaxed: a share is computed from it, and need not be exact.
        (self.0.load(Relaxed) / AT_WORK) & WORKERS
    }

    /// Exchanges the state; what it was before.
    fn change(&self, next: impl Fn(u64) -> u64) -> u64 {
        // Relaxed: the exchange is what must see the latest. Release publishes what was handed
        // over.
        let mut seen = self.0.load(Relaxed);
        while let Err(now) = self
            .0
            .compare_exchange_weak(seen, next(seen), AcqRel, Relaxed)
        {
            seen = now;
        }
        seen
    }
}

/// The number of the last recall.
fn number(state: u64) -> u32 {
    (state >> 32) as u32
}

/// What a worker owes that answered this recall last.
fn owed(state: u64, answered: u32) -> u64 {
    if number(state) == answered { 0 } else { OWING }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::heap::lock_free::open;
    use crate::heap::tag::OwnedSegment;
    use crate::heap::{Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Upkeep};

    /// Goal: a recall is answered once every worker that was at work has answered it or left; those
    /// that come later are not asked.
    #[test]
    fn everybody_answers_once() {
        let recalls = Recalls::default();
        assert!(recalls.is_answered());
        let [first, second] = [(); 2].map(|()| recalls.join());
        recalls.raise();
        let third = recalls.join();
        assert!(recalls.is_asked(first) && !recalls.is_asked(third));
        let first = recalls.answer(first);
        assert_eq!((recalls.answer(first), first), (1, 1));
        assert!(!recalls.is_answered());
        recalls.leave(second);
        assert!(recalls.is_answered());
        recalls.raise();
        recalls.leave(third);
        assert!(!recalls.is_answered());
        recalls.leave(first);
        assert!(recalls.is_answered());
        assert_eq!(recalls.at_work(), 0);
    }

    /// Goal: what 64 mutators of a small heap hold back does not make an allocation hopeless, and
    /// is there once they have passed a safepoint: room under the capacity, and cells.
    #[test]
    fn memory_that_others_hold_back_is_found() {
        const MUTATORS: u32 = 64;
        let heap = open(&HeapConfig {
            upkeep: Upkeep::WithinCalls,
            ..HeapConfig::with_capacity(MUTATORS)
        });
        let mut births = OwnedSegment::take(0, 0).unwrap();
        let mut tag = || births.birth(Shape::Leaf).unwrap();
        let attach = |number| heap.attach(Seat { number, slots: 2 }).unwrap();
        let mut holders: Vec<_> = (0..MUTATORS).map(attach).collect();
        // The first makes all objects, goes, and so tells of them; each of the others lets one die.
        for holder in &mut holders {
            let mut maker = attach(MUTATORS);
            maker.alloc(Slot(0), Shape::Leaf, tag()).unwrap();
            maker.publish(Global(0), Slot(0));
            drop(maker);
            holder.publish(Global(0), Slot(1));
        }
        assert_eq!(heap.core.room(), 0, "nobody told of the deaths yet");
        heap.core.recalls.raise();
        for holder in &mut holders {
            assert!(!heap.core.is_hopeless());
            holder.safepoint().unwrap();
        }
        assert!(heap.core.recalls.is_answered());
        assert_eq!(heap.core.room(), MUTATORS as usize);
        let mut late = attach(MUTATORS);
        late.alloc(Slot(0), Shape::Leaf, tag()).unwrap();
        drop(late);
        holders.clear();
        // Nobody is left to ask.
        heap.settle().unwrap();
        heap.core.recalls.raise();
        assert!(heap.core.is_hopeless());
    }
}
