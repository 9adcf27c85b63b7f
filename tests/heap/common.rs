//! Objects whose deaths are counted, and heaps to put them in.

use gcstorm::heap::counted::{GilHeap, open_gil};
use gcstorm::heap::tag::{Notes, OwnedSegment};
use gcstorm::heap::{Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag};

/// Makes tags and counts how many of them are alive.
#[derive(Debug)]
pub(crate) struct Births {
    producer: u32,
    segments: Vec<OwnedSegment>,
    born: u64,
    /// What was noted so far.
    notes: Notes,
}

impl Births {
    pub(crate) fn new(producer: u32) -> Self {
        Self {
            producer,
            segments: Vec::new(),
            born: 0,
            notes: Notes::default(),
        }
    }

    pub(crate) fn tag(&mut self, shape: Shape) -> Tag {
        self.next(|segment| segment.birth(shape))
    }

    /// A tag for an object that is made with a finalizer.
    pub(crate) fn tag_with_finalizer(&mut self, shape: Shape) -> Tag {
        self.next(|segment| segment.birth_with_finalizer(shape))
    }

    fn next(&mut self, birth: impl Fn(&mut OwnedSegment) -> Option<Tag>) -> Tag {
        loop {
            if let Some(tag) = self.segments.last_mut().and_then(&birth) {
                self.born += 1;
                return tag;
            }
            let (producer, born) = (self.producer, self.born);
            let fresh = OwnedSegment::take(producer, born).expect("segments suffice for tests");
            self.segments.push(fresh);
        }
    }

    /// How many of the objects are not dead.
    pub(crate) fn alive(&self) -> u64 {
        self.segments
            .iter()
            .map(|owned| (owned.segment().born() - owned.segment().dead()) as u64)
            .sum()
    }

    fn notes(&mut self) -> &Notes {
        for owned in &self.segments {
            self.notes.add(owned.segment().take_notes());
        }
        &self.notes
    }

    /// How many deaths were recorded twice.
    pub(crate) fn doubles(&mut self) -> u64 {
        self.notes().double_deaths.count
    }

    /// How many finalizers ran.
    pub(crate) fn finalized(&mut self) -> u64 {
        self.notes().finalized
    }

    /// How many ran once too often, or not at all.
    pub(crate) fn misfinalized(&mut self) -> u64 {
        let notes = self.notes();
        notes.stray_finalizations.count + notes.unfinalized_deaths.count
    }
}

pub(crate) fn gil(capacity: u32) -> GilHeap {
    open_gil(&HeapConfig::with_capacity(capacity))
}

pub(crate) fn seat(number: u32, slots: u32) -> Seat {
    Seat { number, slots }
}

/// An object in `dst`, born of `births`.
pub(crate) fn make(mutator: &mut impl Mutator, births: &mut Births, dst: Slot, shape: Shape) {
    let tag = births.tag(shape);
    mutator
        .alloc(dst, shape, tag)
        .expect("capacity suffices for tests");
}

/// No fault was met, nothing is left over, and exactly `living` objects are alive.
#[track_caller]
pub(crate) fn assert_sound(heap: &impl Heap, living: u64) {
    let census = heap.census(&mut |_| ()).expect("the heap takes a census");
    assert_eq!(census.living, living);
    assert_eq!(census.spoiled, 0);
    assert!(
        census.leftovers.iter().all(|leftover| leftover.count == 0),
        "{:?}",
        census.leftovers
    );
    assert_eq!(heap.stats().defects.total(), 0);
}
