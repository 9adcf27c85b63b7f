//! What the collector looks at, and when: three generations in one array.
//!
//! CPython's rules (`gcmodule.c`, until 3.12): a young collection is due when 700 more objects were
//! tracked than tracked objects died ([`HeapConfig::nursery`](crate::heap::HeapConfig) may give
//! another number). Every tenth young collection includes the middle generation, and every tenth of
//! those the old one; but that only if the objects that are new to the old generation exceed a
//! quarter of it, which keeps the cost of full collections linear in the number of objects made.
//!
//! The generations are neighbours in one array of references, oldest first:
//!
//! ```text
//! | old … | middle … | young … |
//! 0       old_end    middle_end  len
//! ```
//!
//! so a generation is merged into the next by moving a border. An object that dies leaves its entry
//! behind, which is recognised by the incarnation; when such entries could be half of the array,
//! they are squeezed out. An object gets its entry when something is first appended to it, if it is
//! a list, or when a reference to another container is first stored in it, if it is a node: before
//! that it cannot be part of a cycle. (CPython does so for dicts.)

use super::cell::{Cell, Ref};
use super::cells::Cells;
use super::word::{Half, Word};
use crate::heap::slab::Slab;
use crate::heap::{Fault, Faults};

/// A middle collection may be due after this many young ones, and an old one after this many middle
/// ones: CPython's `gc.get_threshold()`, through 3.11.
const OLDER: u32 = 10;
/// An array shorter than this is not worth squeezing: 64 KiB of entries, or eight for each object
/// that there is room for.
const SQUEEZE_MIN: u32 = 8192;
const SQUEEZE_MIN_OF: u32 = 8;

/// A generation, together with all younger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    Young,
    Middle,
    Old,
}

/// The tracked objects by age.
#[derive(Debug)]
pub(super) struct Generations {
    entries: Slab<Word>,
    len: Half,
    middle_end: Half,
    old_end: Half,
    /// It is not squeezed while it is shorter than this.
    squeeze_min: u32,
    /// It is squeezed when it is as long as this.
    squeeze_at: Half,
    /// First, the number of objects tracked since the last collection less the number of tracked
    /// objects that died. Then the number of young collections since the last middle one, and of
    /// middle ones since the last old one.
    counts: [Half; 3],
    /// What each of the counts must exceed.
    thresholds: [u32; 3],
    /// How many objects came to the old generation since the last full collection.
    pending: Half,
    /// How many objects survived the last full collection.
    settled: Half,
}

impl Generations {
    /// Room for the entries of `capacity` objects, and as many stale ones. A young collection is
    /// due after `nursery` objects.
    pub(super) fn new(capacity: u32, nursery: u32) -> Self {
        let squeeze_min = SQUEEZE_MIN.min(capacity.saturating_mul(SQUEEZE_MIN_OF));
        Self {
            entries: Slab::new(2 * capacity as usize + squeeze_min as usize),
            squeeze_min,
            len: Half::default(),
            middle_end: Half::default(),
            old_end: Half::default(),
            squeeze_at: Half::new(squeeze_min),
            counts: [Half::default(), Half::default(), Half::default()],
            thresholds: [nursery, OLDER, OLDER],
            pending: Half::default(),
            settled: Half::default(),
        }
    }

    /// Enters an object. The caller marks it as tracked.
    #[inline]
    pub(super) fn enter(&self, object: Ref, cells: &Cells) {
        if self.len.get() >= self.squeeze_at.get() {
            self.squeeze(cells);
        }
        let len = self.len.get();
        if let Some(entry) = self.entries.at(len) {
            entry.set(object.bits());
            self.len.set(len + 1);
        }
        self.counts[0].add(1);
    }

    /// Notes that a tracked object died.
    #[inline]
    pub(super) fn forget(&self) {
        self.counts[0].take(1);
    }

    /// Whether a collection is due.
    #[inline]
    pub(super) fn due(&self) -> bool {
        self.counts[0].get() > self.thresholds[0]
    }

    /// The oldest generation whose time has come.
    pub(super) fn due_generation(&self, faults: &impl Faults) -> Generation {
        let over = |generation: usize| self.counts[generation].get() > self.thresholds[generation];
        let has_grown = self.pending.get() > self.settled.get() / 4;
        if over(2) && (has_grown || faults.has(Fault::ThresholdIgnored)) {
            Generation::Old
        } else if over(1) {
            Generation::Middle
        } else {
            Generation::Young
        }
    }

    /// The entries of a generation and all younger ones, stale ones included.
    pub(super) fn members(&self, generation: Generation) -> &[Word] {
        let members = self.entries.get(self.start(generation)..self.len());
        members.unwrap_or_default()
    }

    /// Takes out the entries of a generation and all younger ones for which `keep` is false.
    /// `entries` are these entries, in order.
    pub(super) fn retain(
        &self,
        generation: Generation,
        entries: impl Iterator<Item = Ref>,
        keep: impl FnMut(Ref) -> bool,
    ) {
        let start = self.start(generation);
        self.end_at(self.move_kept(start, entries, keep));
    }

    fn start(&self, generation: Generation) -> usize {
        let start = match generation {
            Generation::Young => self.middle_end.get(),
            Generation::Middle => self.old_end.get(),
            Generation::Old => 0,
        };
        start as usize
    }

    /// Makes what was collected part of the next generation.
    pub(super) fn promote(&self, generation: Generation) {
        let end = self.len();
        let survivors = clamp(end.saturating_sub(self.start(generation)));
        self.counts[0].set(0);
        self.middle_end.set(clamp(end));
        match generation {
            Generation::Young => self.counts[1].add(1),
            Generation::Middle => {
                self.counts[1].set(0);
                self.counts[2].add(1);
                self.pending.add(survivors);
                self.old_end.set(clamp(end));
            }
            Generation::Old => {
                self.counts[1].set(0);
                self.counts[2].set(0);
                self.pending.set(0);
                self.settled.set(survivors);
                self.old_end.set(clamp(end));
            }
        }
    }

    /// Loses all entries of the young generation: what a fault does.
    pub(super) fn forget_young(&self) {
        self.end_at(self.start(Generation::Young));
    }

    /// Squeezes stale entries out of all generations.
    #[cold]
    #[inline(never)]
    fn squeeze(&self, cells: &Cells) {
        let is_living = |object| is_member(object, cells).is_some();
        let [old_end, middle_end] = [&self.old_end, &self.middle_end].map(|end| end.get() as usize);
        let old = self.retain_range(0, 0, old_end, is_living);
        let middle = self.retain_range(old, old_end, middle_end, is_living);
        let young = self.retain_range(middle, middle_end, self.len(), is_living);
        self.old_end.set(clamp(old));
        self.middle_end.set(clamp(middle));
        self.end_at(young);
    }

    fn end_at(&self, end: usize) {
        self.len.set(clamp(end));
        let room = clamp(self.entries.len());
        self.squeeze_at
            .set(clamp(2 * end).max(self.squeeze_min).min(room));
    }

    /// Moves the entries of `from..end` for which `keep` is true to `to..`; returns where they end.
    fn retain_range(
        &self,
        to: usize,
        from: usize,
        end: usize,
        keep: impl FnMut(Ref) -> bool,
    ) -> usize {
        let entries = self.entries.get(from..end).unwrap_or_default();
        let entries = entries.iter().map(|entry| Ref::from_bits(entry.get()));
        self.move_kept(to, entries, keep)
    }

    #[inline]
    fn move_kept(
        &self,
        mut to: usize,
        entries: impl Iterator<Item = Ref>,
        mut keep: impl FnMut(Ref) -> bool,
    ) -> usize {
        for object in entries {
            if keep(object)
                && let Some(place) = self.entries.get(to)
            {
                place.set(object.bits());
                to += 1;
            }
        }
        to
    }

    /// Entries in all, stale ones included.
    pub(super) fn len(&self) -> usize {
        (self.len.get() as usize).min(self.entries.len())
    }

    /// Every entry, stale ones included.
    pub(super) fn entries(&self) -> impl Iterator<Item = Ref> {
        self.entries
            .iter()
            .take(self.len())
            .map(|entry| Ref::from_bits(entry.get()))
    }
}

/// The living, tracked object of an entry.
#[inline]
pub(super) fn is_member(entry: Ref, cells: &Cells) -> Option<&Cell> {
    cells
        .at(entry.index())
        .filter(|cell| cell.incarnation.get() == entry.incarnation() && cell.is_tracked())
}

/// A length as it is stored. Slabs are too short for anything to be cut off.
fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::tag::OwnedSegment;
    use crate::heap::{DefectLog, Faultless, Shape};

    struct Fixture {
        cells: Cells,
        generations: Generations,
        births: OwnedSegment,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                cells: Cells::new(1000),
                generations: Generations::new(1000, 700),
                births: OwnedSegment::take(0, 0).unwrap(),
            }
        }

        fn enter(&mut self, count: usize) -> Vec<Ref> {
            let enter = |_| {
                let tag = self.births.birth(Shape::Node).unwrap().into_bits();
                let defects = DefectLog::default();
                let object = self.cells.take_slowly(Shape::Node, tag, &defects).unwrap();
                self.cells.at(object.index()).unwrap().mark_tracked();
                self.generations.enter(object, &self.cells);
                object
            };
            (0..count).map(enter).collect()
        }

        fn bury(&self, object: Ref) {
            let cell = self.cells.at(object.index()).unwrap();
            self.cells.give(object.index(), cell);
            self.generations.forget();
        }

        fn sizes(&self) -> [usize; 3] {
            [Generation::Young, Generation::Middle, Generation::Old].map(|generation| {
                let is_living = |object| is_member(object, &self.cells).is_some();
                let members = self.generations.members(generation).iter();
                let members = members.map(|entry| Ref::from_bits(entry.get()));
                self.generations.retain(generation, members, is_living);
                self.generations.members(generation).len()
            })
        }
    }

    /// Goal: survivors move to the next generation and no further, and a generation is collected
    /// with all younger ones.
    #[test]
    fn survivors_grow_older() {
        let mut fixture = Fixture::new();
        fixture.enter(3);
        assert_eq!(fixture.sizes(), [3, 3, 3]);
        fixture.generations.promote(Generation::Young);
        fixture.enter(5);
        assert_eq!(fixture.sizes(), [5, 8, 8]);
        fixture.generations.promote(Generation::Middle);
        fixture.enter(7);
        assert_eq!(fixture.sizes(), [7, 7, 15]);
        fixture.generations.promote(Generation::Old);
        assert_eq!(fixture.sizes(), [0, 0, 15]);
    }

    /// Goal: entries of the dead count for nothing, and squeezing them out moves nobody between
    /// generations.
    #[test]
    fn the_dead_are_squeezed_out_in_place() {
        let mut fixture = Fixture::new();
        let old = fixture.enter(4);
        fixture.generations.promote(Generation::Middle);
        let middle = fixture.enter(4);
        fixture.generations.promote(Generation::Young);
        let young = fixture.enter(4);
        for object in [old[0], old[3], middle[1], young[2]] {
            fixture.bury(object);
        }
        fixture.generations.squeeze(&fixture.cells);
        assert_eq!(fixture.generations.len(), 8);
        assert_eq!(fixture.sizes(), [3, 6, 8]);
    }

    /// Goal: each generation falls due by its own threshold, the old one only with a quarter more.
    #[test]
    fn generations_fall_due_in_turn() {
        let mut fixture = Fixture::new();
        fixture.enter(700);
        assert!(!fixture.generations.due());
        let more = fixture.enter(1);
        assert!(fixture.generations.due());
        fixture.bury(more[0]);
        assert!(!fixture.generations.due());
        let mut collected = Vec::new();
        for _ in 0..11 * 12 * 2 {
            let generation = fixture.generations.due_generation(&Faultless);
            fixture.generations.promote(generation);
            collected.push(generation);
        }
        let times = |wanted| {
            let times = collected.iter().filter(|generation| **generation == wanted);
            times.count()
        };
        // The objects became old before the first full collection; nothing came after it.
        assert_eq!(times(Generation::Old), 1);
        assert_eq!(collected[11 * 12], Generation::Old);
        assert_eq!(collected[11], Generation::Middle);
        assert_eq!(collected[10], Generation::Young);
        assert!((20..=22).contains(&times(Generation::Middle)));
    }
}
