//! Recalls: a mutator that finds no memory asks all others for what they hold back.
//!
//! A worker keeps free cells, dead cells, unfinished releases and counts of births and deaths to
//! itself, and hands them over when it suits it. Many workers can hold all the memory of a small
//! heap that way, or all the room under its capacity. So whoever finds nothing raises a *recall*.
//! Every worker that is at work answers it at its next safepoint, after it handed everything over;
//! a worker at rest holds nothing. The collector's worker has no safepoints. It answers by leaving,
//! which it does whenever it waits.
//!
//! One word says who has answered, so that joining, leaving, answering and raising are one atomic
//! step each, at which they take effect:
//!
//! ```text
//! | number of recalls:32 | workers at work:16
//! | of these, who has not answered the last recall:16 |
//! ```
//!
//! A worker remembers the last recall that it answered, or the last that there was when it joined:
//! then it held nothing. **Invariant**: the last field is the number of workers at work for which
//! that is not the last recall. Raising makes it all of them, answering and leaving
//! subtract the worker if it was one of them, and joining does not change it.
//!
//! # When memory has run out
//!
//! An allocation is refused if after an [`Outlook::Hopeless`] it finds no room under the capacity
//! and nobody took anything up meanwhile, or else when it has looked `PATIENCE` times. In the first
//! case it takes effect where its last recall was raised: as many objects lived at that moment as
//! the capacity allows. For that, it must not overlook what was given up before and was not used
//! again. Let g be such a thing: an object that died, or the count of a death. When the recall was
//! raised, g was
//!
//! * in the hands of a worker at work. When that worker answered, g was reusable, or it lay ready
//!   for anybody, or it waited for a grace period. (That includes its private garbage: it was
//!   tried, or became a candidate.)
//! * ready for anybody: a ripe range, work left behind, a candidate.
//! * waiting for a grace period. After that it is ready, or reusable.
//! * reusable: room under the capacity.
//!
//! So when all have answered, g is reusable, and the search that follows finds it; or it is ready
//! or waits, and then the heap is not clean; or somebody *took it up after the recall was raised*.
//! A mutator does so in the very safepoint in which it answered, and so do others who look for
//! memory themselves. Therefore every taking of work that lies ready is counted. The count is read
//! before the recall is raised and once more after everything else was looked at. If it has
//! changed, somebody may hold g, and one more recall is raised ([`Outlook::Unclear`]). If not,
//! nobody does.
//!
//! Room is taken as well. A worker reports births each time that it gets free cells, and whoever
//! lets those objects die reports that later. So the heap can seem full although few objects live.
//! For this reason a report of births counts as a taking, too, and the count is read a third time
//! when the search has found nothing. If it is still the same, all births that were subtracted from
//! the room happened before the recall was raised, and all deaths until then were added to it. So
//! the heap seemed no fuller than it was at that moment.
//!
//! The order of the steps matters. A taking is counted *before* it happens, so whoever finds that
//! something was taken finds it counted. The count is read *before* the recall is raised, so
//! whatever is not counted as taken since then was taken by a worker that the recall asks. What the
//! collector takes needs no count: candidates are waiting until it has handed over what became of
//! them, and whoever asks whether anything waits asks for candidates first (`Core::is_clean`).
//!
//! Free cells are not counted. There are more of them than objects may live (`core::SPARE_CHUNKS`),
//! but workers that are about to take some may have all of them in their hands for a moment, a
//! chunk each. So whoever finds room but no cell looks again until its patience ends.
//!
//! # Limits
//!
//! While others go on allocating, the count goes on changing, and a full heap refuses an allocation
//! only when its patience ends. What ends then is not covered by the argument above.
//!
//! The number comes full circle after 2^32 recalls, and a worker that slept through all of them at
//! work would miss one: then an allocation waits in vain as long as it may. There may be 65,535
//! workers at work; a plan has at most 1,024 threads.

use crossbeam_utils::CachePadded;

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

const OWING: u64 = 1;
const AT_WORK: u64 = 1 << 16;
const RECALL: u64 = 1 << 32;
const WORKERS: u64 = AT_WORK - 1;

/// A recall that was raised.
#[derive(Debug)]
pub(super) struct Recall {
    /// How often work that lay ready, or room, had been taken up before.
    pub(super) taken: u64,
}

/// What whoever raised a recall may hope for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Somebody has not answered yet, or something waits for somebody.
    Open,
    /// No recall was raised, or nothing waits, but somebody took something up meanwhile: another
    /// recall will tell.
    Unclear,
    /// Nobody holds anything back: what is not found now is not there, unless somebody takes
    /// something up in the meantime.
    Hopeless,
}

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
    use crate::heap::lock_free::worker::Worker;
    use crate::heap::lock_free::{LockFreeMutator, open, open_with};
    use crate::heap::tag::OwnedSegment;
    use crate::heap::{Fault, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Upkeep};

    const CAPACITY: u32 = 1_000;

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
        // The first makes all objects, goes, and so reports them; each of the others lets one die.
        for holder in &mut holders {
            let mut maker = attach(MUTATORS);
            maker.alloc(Slot(0), Shape::Leaf, tag()).unwrap();
            maker.publish(Global(0), Slot(0));
            drop(maker);
            holder.publish(Global(0), Slot(1));
        }
        assert_eq!(heap.core.room(), 0, "nobody reported the deaths yet");
        let recall = heap.core.recall();
        for holder in &mut holders {
            assert_eq!(heap.core.outlook(Some(&recall)), Outlook::Open);
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
        let recall = heap.core.recall();
        assert_eq!(heap.core.outlook(Some(&recall)), Outlook::Hopeless);
    }

    /// Goal: a mutator that answers a recall and, in the same safepoint, takes up again what it has
    /// just handed over is not taken for one that holds nothing. Whoever does not ask for that is
    /// told that there is no memory while there is some.
    #[test]
    fn what_is_taken_up_again_is_not_lost() {
        let all = CAPACITY as usize - 1;
        assert_eq!(room_without_hope(None), all);
        assert!(room_without_hope(Some(Fault::TakingUnseen)) < all);
    }

    /// Drops a list, and returns how much room there is when a recall finds that nobody holds
    /// anything back. One object is kept.
    fn room_without_hope(fault: Option<Fault>) -> usize {
        let config = HeapConfig {
            upkeep: Upkeep::WithinCalls,
            ..HeapConfig::with_capacity(CAPACITY)
        };
        let heap = open_with(&config, fault);
        let mut births = OwnedSegment::take(0, 0).expect("a segment is free");
        let mut alloc = |m: &mut LockFreeMutator<'_, _>, slot, shape| {
            let tag = births.birth(shape).expect("a tag is left");
            m.alloc(slot, shape, tag).expect("there is room");
        };
        let seat = Seat {
            number: 1,
            slots: 3,
        };
        let mut holder = heap.attach(seat).expect("a seat is free");
        let [list, leaf, kept] = [0, 1, 2].map(Slot);
        alloc(&mut holder, list, Shape::List);
        alloc(&mut holder, kept, Shape::Leaf);
        // First many elements that do not die, so that nothing waits for a grace period while they
        // are released; then some that die.
        for _ in 0..20_000 {
            holder.copy(leaf, kept);
            holder.append(list, leaf);
        }
        for _ in 2..CAPACITY {
            alloc(&mut holder, leaf, Shape::Leaf);
            holder.append(list, leaf);
        }
        holder.clear(list);
        let mut other = Worker::new(&heap.core, 2);
        let mut recall = heap.core.recall();
        loop {
            match heap.core.outlook(Some(&recall)) {
                Outlook::Hopeless => return heap.core.room(),
                Outlook::Unclear => recall = heap.core.recall(),
                Outlook::Open => {}
            }
            // Both renew their pins.
            holder.peek(kept);
            holder.safepoint().expect("nothing is broken");
            other.unpinned(|| ());
        }
    }
}
