//! The entries behind the tags, in segments, each of which has one owner at a time.
//!
//! A segment notes what happens to its objects: births and deaths in their entries, and, on cold
//! paths, events that should not have happened. It does not judge them.

use std::collections::VecDeque;
use std::sync::atomic::{
    AtomicU16, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, PoisonError};

use super::{
    ALIVE, DEAD, FINALIZED, GENERATION_BITS, Life, ObjectId, Origin, SEGMENT_OBJECTS, STATE_BITS,
    TABLE, Tag,
};
use crate::heap::Shape;

const GENERATION_MASK: u16 = (1 << GENERATION_BITS) - 1;
const WORD_BITS: usize = u64::BITS as usize;

/// How many sightings of a kind a segment keeps by name; the rest are only counted.
const SAMPLES: usize = 4;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    free: VecDeque::new(),
    fresh: 0,
});

struct Pool {
    /// The one that was given back first is taken first. A heap may let go of an object after its
    /// segment was given back, and a death that overlaps a birth in the same entry would undo it.
    free: VecDeque<u16>,
    /// Segments that were ever handed out are `0..fresh`.
    fresh: usize,
}

/// One block of entries. Never freed, so that any tag may be dropped at any time.
#[derive(Debug)]
pub struct Segment {
    entries: [AtomicU16; SEGMENT_OBJECTS],
    generation: AtomicU16,
    /// How many generations the present owner had before this one. It is changed together with the
    /// generation, under the lock of `notes`.
    recycled: AtomicU32,
    producer: AtomicU32,
    /// The producer's count of births when the segment became its own.
    base: AtomicU64,
    /// How many entries were given out. Only the producer changes it.
    born: AtomicU32,
    finalized: AtomicU64,
    /// One bit an object: whether a `pop` took it out of a list.
    popped: [AtomicU64; SEGMENT_OBJECTS / WORD_BITS],
    notes: Mutex<Notes>,
}

/// How much of a segment was given out at some time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    generation: u16,
    born: usize,
}

/// Events of one kind that should not have happened to objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings {
    /// How many there were.
    pub count: u64,
    /// The names of the first few.
    pub first: Vec<ObjectId>,
}

impl Sightings {
    fn one(id: ObjectId) -> Self {
        Self {
            count: 1,
            first: vec![id],
        }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        let room = SAMPLES.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }

    fn strike(&mut self, id: ObjectId) {
        self.count = self.count.saturating_sub(1);
        self.first.retain(|other| *other != id);
    }
}

/// What was noted about objects besides their births and deaths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Finalizers that ran, each for the first time, on a living object made with one.
    pub finalized: u64,
    /// Deaths of objects that were dead already.
    pub double_deaths: Sightings,
    /// Finalizers that ran a second time, on a dead object, or on an object made without one.
    pub stray_finalizations: Sightings,
    /// Deaths of objects whose finalizer had not run.
    pub unfinalized_deaths: Sightings,
}

impl Notes {
    /// Adds what another segment or an earlier generation noted.
    pub fn add(&mut self, other: Self) {
        self.finalized += other.finalized;
        self.double_deaths.add(other.double_deaths);
        self.stray_finalizations.add(other.stray_finalizations);
        self.unfinalized_deaths.add(other.unfinalized_deaths);
    }
}

impl Segment {
    fn new() -> Self {
        Self {
            entries: [const { AtomicU16::new(0) }; SEGMENT_OBJECTS],
            // Generation 0 is never handed out, so that a zeroed entry is an unborn one.
            generation: AtomicU16::new(0),
            recycled: AtomicU32::new(0),
            producer: AtomicU32::new(0),
            base: AtomicU64::new(0),
            born: AtomicU32::new(0),
            finalized: AtomicU64::new(0),
            popped: [const { AtomicU64::new(0) }; SEGMENT_OBJECTS / WORD_BITS],
            notes: Mutex::new(Notes::default()),
        }
    }

    #[inline]
    pub(super) fn die(&self, id: ObjectId) {
        let entry = &self.entries[id.entry()];
        if entry.load(Relaxed) == id.last() {
            entry.store(id.when(DEAD), Relaxed);
        } else {
            self.die_oddly(id);
        }
    }

    #[cold]
    fn die_oddly(&self, id: ObjectId) {
        match self.life(id) {
            Life::Alive => {
                self.entries[id.entry()].store(id.when(DEAD), Relaxed);
                self.note(id, |notes| &mut notes.unfinalized_deaths);
            }
            // It had no finalizer, and one ran nevertheless; that was noted when it ran.
            Life::Finalized => self.entries[id.entry()].store(id.when(DEAD), Relaxed),
            Life::Dead | Life::Unknown => {
                self.note(id, |notes| &mut notes.double_deaths);
            }
        }
    }

    /// Records that the object's finalizer runs. One atomic operation decides whether it is the
    /// first time, so if two threads finalize an object at once, one of them is noted.
    pub(super) fn finalize(&self, id: ObjectId) {
        let (before, after) = (id.when(ALIVE), id.when(FINALIZED));
        let entry = &self.entries[id.entry()];
        let first = entry.compare_exchange(before, after, Relaxed, Relaxed);
        if first.is_ok() && id.has_finalizer() {
            self.finalized.fetch_add(1, Relaxed);
        } else {
            self.note(id, |notes| &mut notes.stray_finalizations);
        }
    }

    /// The word with the bit of this object, and the bit.
    #[inline]
    fn pop_bit(&self, id: ObjectId) -> (&AtomicU64, u64) {
        let entry = id.entry();
        (&self.popped[entry / WORD_BITS], 1 << (entry % WORD_BITS))
    }

    /// One atomic operation, so that two mutators that both got the object are found out. Relaxed:
    /// a heap that hands an object from one to another orders what they do with it.
    #[inline]
    pub(super) fn note_pop(&self, id: ObjectId) -> bool {
        let (word, bit) = self.pop_bit(id);
        !self.life(id).is_alive() || word.fetch_or(bit, Relaxed) & bit == 0
    }

    #[inline]
    pub(super) fn was_popped(&self, id: ObjectId) -> bool {
        let (word, bit) = self.pop_bit(id);
        word.load(Relaxed) & bit != 0 && self.life(id).is_alive()
    }

    #[cold]
    fn note(&self, id: ObjectId, kind: impl FnOnce(&mut Notes) -> &mut Sightings) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_foreign(id) {
            kind(&mut notes).add(Sightings::one(id));
        }
    }

    /// Whether the object was born under an earlier owner, whose ledger is closed by now. A heap
    /// may let go of such an object at any time; that does not concern the present owner.
    fn is_foreign(&self, id: ObjectId) -> bool {
        // Generations count 1, 2, … MASK, 1, …
        let cycle = u32::from(GENERATION_MASK);
        let current = u32::from(self.generation.load(Relaxed));
        let age = (current + cycle - u32::from(id.last() >> STATE_BITS)) % cycle;
        age > self.recycled.load(Relaxed)
    }

    pub(super) fn life(&self, id: ObjectId) -> Life {
        let entry = self.entries[id.entry()].load(Relaxed);
        [
            (ALIVE, Life::Alive),
            (FINALIZED, Life::Finalized),
            (DEAD, Life::Dead),
        ]
        .into_iter()
        .find_map(|(state, life)| (entry == id.when(state)).then_some(life))
        .unwrap_or(Life::Unknown)
    }

    pub(super) fn origin_of(&self, id: ObjectId) -> Option<Origin> {
        let generation = self.generation.load(Relaxed) << STATE_BITS;
        (generation == id.when(0)).then(|| self.origin(id.entry()))
    }

    /// How many entries were given out.
    pub fn born(&self) -> usize {
        self.born.load(Relaxed) as usize
    }

    /// How many of them are dead.
    pub fn dead(&self) -> usize {
        let dead = self.generation.load(Relaxed) << STATE_BITS | DEAD;
        self.entries[..self.born()]
            .iter()
            .filter(|entry| entry.load(Relaxed) == dead)
            .count()
    }

    /// Whether every entry was given out and is dead again. Stops at the first that is not.
    fn spent(&self) -> bool {
        let dead = self.generation.load(Relaxed) << STATE_BITS | DEAD;
        self.born() == SEGMENT_OBJECTS
            && self.entries.iter().all(|entry| entry.load(Relaxed) == dead)
    }

    /// The entries of living objects, whether their finalizers have run or not.
    pub fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        let generation = self.generation.load(Relaxed) << STATE_BITS;
        let is_alive = move |entry| entry == generation | ALIVE || entry == generation | FINALIZED;
        self.entries[..self.born()]
            .iter()
            .enumerate()
            .filter_map(move |(entry, state)| is_alive(state.load(Relaxed)).then_some(entry))
    }

    /// How much of it was given out by now.
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            // Acquire pairs with the Release in `renew`: births of this generation only.
            generation: self.generation.load(Acquire),
            born: self.born(),
        }
    }

    /// How many objects of an earlier extent are alive; 0 if it was recycled since. It may be called
    /// while objects are born and die.
    pub(crate) fn alive_of(&self, Extent { generation, born }: Extent) -> u64 {
        let generation = generation << STATE_BITS;
        let entries = self.entries[..born].iter();
        let is_alive = |entry: &&AtomicU16| {
            let state = entry.load(Relaxed);
            state == generation | ALIVE || state == generation | FINALIZED
        };
        entries.filter(is_alive).count() as u64
    }

    /// Which mutator made the object of this entry, and how many it had made before.
    pub fn origin(&self, entry: usize) -> Origin {
        Origin {
            producer: self.producer.load(Relaxed),
            sequence: self.base.load(Relaxed) + entry as u64,
        }
    }

    /// What was noted in it since the last call.
    pub fn take_notes(&self) -> Notes {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        Notes {
            finalized: self.finalized.swap(0, Relaxed),
            ..std::mem::take(&mut notes)
        }
    }

    /// Takes back the note that the object died without its finalizer: there was no room for it, so
    /// it never lived.
    pub fn excuse(&self, id: ObjectId) {
        if id.has_finalizer() && self.life(id) == Life::Dead {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.unfinalized_deaths.strike(id);
        }
    }
}

/// A segment in the hands of one owner.
#[derive(Debug)]
pub struct OwnedSegment {
    number: u16,
    segment: &'static Segment,
    /// What the names of its objects have in common: the segment, and the generation.
    name: ObjectId,
    /// The owner's own copy of `segment.born`: reading that just after writing it would make each
    /// birth wait for the one before.
    born: u32,
}

impl OwnedSegment {
    /// A segment of its own for `producer`, which has made `base` objects before; `None` once
    /// [`SEGMENTS`](super::SEGMENTS) are in use.
    pub fn take(producer: u32, base: u64) -> Option<Self> {
        let (number, segment): (u16, &'static Segment) = {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let number = pool.free.pop_front().map_or_else(
                || {
                    let fresh = u16::try_from(pool.fresh).ok()?;
                    pool.fresh += 1;
                    Some(fresh)
                },
                Some,
            )?;
            (
                number,
                TABLE[usize::from(number)].get_or_init(|| Box::new(Segment::new())),
            )
        };
        let mut owned = Self {
            number,
            segment,
            name: ObjectId(0),
            born: 0,
        };
        owned.renew(producer, base, 0);
        Some(owned)
    }

    /// Starts the next generation, if everything in this one is dead; what was noted in this one
    /// is handed over.
    pub fn recycle(&mut self, producer: u32, base: u64) -> Option<Notes> {
        self.segment.spent().then(|| {
            let notes = self.segment.take_notes();
            let recycled = self.segment.recycled.load(Relaxed);
            self.renew(producer, base, recycled.saturating_add(1));
            notes
        })
    }

    fn renew(&mut self, producer: u32, base: u64, recycled: u32) {
        let segment = self.segment;
        // The lock is held until everything is renewed. A late death that finds an entry of the new
        // generation takes the lock afterwards, so it reads the new owner's `recycled`.
        let mut notes = segment.notes.lock().unwrap_or_else(PoisonError::into_inner);
        segment.recycled.store(recycled, Relaxed);
        let next = (segment.generation.load(Relaxed) + 1) & GENERATION_MASK;
        let generation = next.max(1);
        self.name = ObjectId::of_segment(self.number, generation << STATE_BITS);
        self.born = 0;
        segment.born.store(0, Relaxed);
        // Release: whoever sees the new generation does not see the births of the old one.
        segment.generation.store(generation, Release);
        segment.producer.store(producer, Relaxed);
        segment.base.store(base, Relaxed);
        segment.finalized.store(0, Relaxed);
        for word in &segment.popped {
            word.store(0, Relaxed);
        }
        *notes = Notes::default();
    }

    /// The next object of this segment; `None` when it is full.
    #[inline]
    pub fn birth(&mut self, shape: Shape) -> Option<Tag> {
        self.next(shape, ALIVE)
    }

    /// The next object of this segment, to be made with a finalizer; `None` when it is full.
    #[inline]
    pub fn birth_with_finalizer(&mut self, shape: Shape) -> Option<Tag> {
        self.next(shape, FINALIZED)
    }

    /// `last` is the state in which a proper death finds its entry.
    #[inline]
    fn next(&mut self, shape: Shape, last: u16) -> Option<Tag> {
        let entry = self.born as usize;
        let word = self.segment.entries.get(entry)?;
        word.store(self.name.when(ALIVE), Relaxed);
        self.born += 1;
        self.segment.born.store(self.born, Relaxed);
        Some(Tag(self.name.of_object(entry, last, shape)))
    }

    /// The segment's number in every [`ObjectId`] of its objects.
    pub fn number(&self) -> usize {
        usize::from(self.number)
    }

    /// The entries.
    pub fn segment(&self) -> &'static Segment {
        self.segment
    }
}

impl Drop for OwnedSegment {
    fn drop(&mut self) {
        // The next generation starts before another owner can take the segment. So a tag that
        // outlives its ledger belongs to an earlier owner, and its death is not noted.
        self.renew(0, 0, 0);
        POOL.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .free
            .push_back(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Finalizer;

    /// Goal: the second pop of an object shows, and a segment that is used again has forgotten it.
    #[test]
    fn a_second_pop_shows() {
        let mut owned = OwnedSegment::take(0, 0).expect("a segment is free");
        let first = owned.birth(Shape::Leaf).expect("it has room");
        let id = first.id();
        assert!(!id.was_popped());
        assert_eq!([id.note_pop(), id.note_pop()], [true, false]);
        assert!(id.was_popped());
        drop(first);
        while let Some(tag) = owned.birth(Shape::Leaf) {
            assert!(!tag.id().was_popped());
        }
        owned.recycle(0, 0).expect("all are dead");
        let next = owned.birth(Shape::Leaf).expect("it has room");
        assert!(next.id().note_pop() && id.note_pop());
    }

    /// Goal: a late death or finalizer of a former owner's object is not noted against the present
    /// owner, while a second death under the same owner is noted, however often the segment was
    /// recycled meanwhile.
    #[test]
    fn late_deaths_are_the_former_owners() {
        let mut owned = OwnedSegment::take(0, 0).expect("a segment is free");
        let foreign = owned.birth_with_finalizer(Shape::Leaf);
        let foreign = foreign.expect("it has room").into_bits();
        // What `take` does with a segment that another owner gave back.
        owned.renew(1, 0, 0);
        let mut own = None;
        for _ in 0..3 {
            while let Some(tag) = owned.birth(Shape::Leaf) {
                own.get_or_insert(tag.id());
            }
            assert_eq!(owned.recycle(1, 0), Some(Notes::default()));
        }
        let alive = owned.birth(Shape::Leaf).expect("it has room");
        Finalizer::Witness.run(Tag::id_of_bits(foreign));
        drop(Tag::from_bits(foreign));
        assert_eq!(owned.segment().take_notes(), Notes::default());
        let own = own.expect("something was born");
        drop(Tag(own));
        assert_eq!(owned.segment().take_notes().double_deaths.first, vec![own]);
        assert_eq!(alive.id().state(), Life::Alive);
    }
}
