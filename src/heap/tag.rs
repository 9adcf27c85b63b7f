//! The tag every object carries: its name, and the witness of its death.
//!
//! A [`Tag`] is 64 bits that name one entry of a process-wide table of segments. Its drop finds the
//! entry and marks it dead; a second drop of the same name finds it dead already and is reported as
//! a double death. The table knows nothing of heaps, and heaps know nothing of the table: all they
//! do is keep a tag as long as the object lives.
//!
//! ```text
//! id:     | 0 … | shape:2 | generation:14 | segment:16 | entry:14 |
//! entry:  | generation:14 | state:2 |            one u16 an object
//! ```
//!
//! A segment belongs to one producer of one ledger. Once all of its objects are dead it is recycled
//! under the next generation, so memory follows the live objects and not the run's length. Nothing
//! needs wiping: an entry of an older generation is an unborn one. A late death is recognised for
//! 16,384 recyclings of its segment, which is 268 million births in that one segment.
//!
//! Every access is `Relaxed` and none is a read-modify-write: a birth and a death cost about a
//! nanosecond each. Two threads that kill one object at the same instant may therefore be seen as
//! one death; a correct heap never does that, and a broken one does not do it only so. Whoever reads
//! the table as a whole (the survey) has met all mutators at a barrier, which orders their writes.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use super::Shape;

/// Objects in one segment. A power of two; 32 KiB of entries, so that a recycling scan takes
/// microseconds and not milliseconds.
pub const SEGMENT_OBJECTS: usize = 1 << ENTRY_BITS;
/// How many segments the process can have: with [`SEGMENT_OBJECTS`], 2^30 live objects.
pub const SEGMENTS: usize = 1 << SEGMENT_BITS;

const ENTRY_BITS: u32 = 14;
const SEGMENT_BITS: u32 = 16;
const GENERATION_BITS: u32 = 14;
const GENERATION_MASK: u16 = (1 << GENERATION_BITS) - 1;
const GENERATION_SHIFT: u32 = ENTRY_BITS + SEGMENT_BITS;
const SHAPE_SHIFT: u32 = GENERATION_SHIFT + GENERATION_BITS;

const ALIVE: u16 = 1;
const DEAD: u16 = 2;

/// How many double deaths a segment keeps by name; the rest are only counted.
const DOUBLE_SAMPLES: usize = 4;

static TABLE: [OnceLock<Box<Segment>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];
static POOL: Mutex<Pool> = Mutex::new(Pool {
    free: Vec::new(),
    fresh: 0,
});

struct Pool {
    free: Vec<u16>,
    /// Segments that were ever handed out are `0..fresh`.
    fresh: usize,
}

/// The name of one object: unique within a run, and while anything of the run is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId(u64);

impl ObjectId {
    fn new(segment: u16, entry: usize, generation: u16, shape: Shape) -> Self {
        Self(
            (shape as u64) << SHAPE_SHIFT
                | u64::from(generation) << GENERATION_SHIFT
                | u64::from(segment) << ENTRY_BITS
                | entry as u64,
        )
    }

    /// The segment's number, below [`SEGMENTS`].
    #[inline]
    pub fn segment(self) -> usize {
        (self.0 >> ENTRY_BITS) as usize & (SEGMENTS - 1)
    }

    /// The entry within the segment, below [`SEGMENT_OBJECTS`].
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is cut off is masked out anyway"
    )]
    pub fn entry(self) -> usize {
        self.0 as usize & (SEGMENT_OBJECTS - 1)
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is cut off is masked out anyway"
    )]
    fn generation(self) -> u16 {
        (self.0 >> GENERATION_SHIFT) as u16 & GENERATION_MASK
    }

    /// What the object was made as.
    pub fn shape(self) -> Shape {
        match (self.0 >> SHAPE_SHIFT) & 3 {
            0 => Shape::Leaf,
            1 => Shape::Node,
            2 => Shape::List,
            _ => Shape::Counter,
        }
    }

    /// Whether the object was born, died, or belongs to a past that the table no longer holds.
    pub fn state(self) -> Life {
        match TABLE[self.segment()].get() {
            Some(segment) => segment.life(self),
            None => Life::Unknown,
        }
    }

    /// Who made the object, and as which of its objects, counted from 0; `None` if the table no
    /// longer holds it.
    pub fn origin(self) -> Option<Origin> {
        let segment = TABLE[self.segment()].get()?;
        (segment.generation.load(Relaxed) == self.generation()).then(|| Origin {
            producer: segment.producer.load(Relaxed),
            sequence: segment.base.load(Relaxed) + self.entry() as u64,
        })
    }
}

/// Who made an object, and when in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The mutator's number.
    pub producer: u32,
    /// The number of objects that this mutator had made before.
    pub sequence: u64,
}

/// What the table knows of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Born and not dead.
    Alive,
    /// Dead.
    Dead,
    /// Dead for so long that its segment was recycled, or never born at all.
    Unknown,
}

/// What an object holds from birth to death. Dropping it records the death.
#[derive(Debug)]
pub struct Tag(ObjectId);

impl Tag {
    /// The object's name.
    #[inline]
    pub fn id(&self) -> ObjectId {
        self.0
    }

    /// The tag as plain bits, for heaps that keep it in untyped memory. The death is not recorded
    /// until [`from_bits`](Self::from_bits) makes a tag of them again and that is dropped.
    #[inline]
    pub fn into_bits(self) -> u64 {
        ManuallyDrop::new(self).0.0
    }

    /// The tag that [`into_bits`](Self::into_bits) took apart. Any bits are safe; bits that are
    /// used twice record a double death, which is what they are for.
    #[inline]
    pub fn from_bits(bits: u64) -> Self {
        Self(ObjectId(bits))
    }

    /// What a tag with these bits is called, without making one.
    #[inline]
    pub fn id_of_bits(bits: u64) -> ObjectId {
        ObjectId(bits)
    }
}

impl Drop for Tag {
    #[inline]
    fn drop(&mut self) {
        if let Some(segment) = TABLE[self.0.segment()].get() {
            segment.die(self.0);
        }
    }
}

/// One block of entries. Never freed, so that any tag may be dropped at any time.
#[derive(Debug)]
pub struct Segment {
    entries: [AtomicU16; SEGMENT_OBJECTS],
    generation: AtomicU16,
    /// How many generations its present owner had before this one. Changed with the generation,
    /// under the lock of `doubles`.
    recycled: AtomicU32,
    producer: AtomicU32,
    /// The producer's count of births when the segment became its own.
    base: AtomicU64,
    /// How many entries were given out; the producer's alone to change.
    born: AtomicU32,
    doubles: Mutex<Doubles>,
}

/// Deaths of what was dead already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubles {
    /// How many there were.
    pub count: u64,
    /// The first few.
    pub first: Vec<ObjectId>,
}

impl Doubles {
    /// Adds what another segment or an earlier generation met.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        let room = DOUBLE_SAMPLES.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
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
            doubles: Mutex::new(Doubles::default()),
        }
    }

    #[inline]
    fn die(&self, id: ObjectId) {
        let entry = &self.entries[id.entry()];
        let generation = id.generation() << 2;
        if entry.load(Relaxed) == generation | ALIVE {
            entry.store(generation | DEAD, Relaxed);
        } else {
            self.die_again(id);
        }
    }

    #[cold]
    fn die_again(&self, id: ObjectId) {
        let mut doubles = self.doubles.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_foreign(id) {
            return;
        }
        doubles.add(Doubles {
            count: 1,
            first: vec![id],
        });
    }

    /// Whether the object was born under an earlier owner, of a ledger that is closed: a heap may
    /// let go of it as late as it likes, and that is no business of the present one.
    fn is_foreign(&self, id: ObjectId) -> bool {
        // Generations count 1, 2, … MASK, 1, …
        let cycle = u32::from(GENERATION_MASK);
        let current = u32::from(self.generation.load(Relaxed));
        let age = (current + cycle - u32::from(id.generation())) % cycle;
        age > self.recycled.load(Relaxed)
    }

    fn life(&self, id: ObjectId) -> Life {
        let generation = id.generation() << 2;
        match self.entries[id.entry()].load(Relaxed) {
            entry if entry == generation | ALIVE => Life::Alive,
            entry if entry == generation | DEAD => Life::Dead,
            _ => Life::Unknown,
        }
    }

    /// How many entries were given out.
    pub fn born(&self) -> usize {
        self.born.load(Relaxed) as usize
    }

    /// How many of them are dead.
    pub fn dead(&self) -> usize {
        let dead = self.generation.load(Relaxed) << 2 | DEAD;
        self.entries[..self.born()]
            .iter()
            .filter(|entry| entry.load(Relaxed) == dead)
            .count()
    }

    /// Whether every entry was given out and is dead again. Stops at the first that is not.
    fn spent(&self) -> bool {
        let dead = self.generation.load(Relaxed) << 2 | DEAD;
        self.born() == SEGMENT_OBJECTS
            && self.entries.iter().all(|entry| entry.load(Relaxed) == dead)
    }

    /// The entries that are alive.
    pub fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        let alive = self.generation.load(Relaxed) << 2 | ALIVE;
        self.entries[..self.born()]
            .iter()
            .enumerate()
            .filter_map(move |(entry, state)| (state.load(Relaxed) == alive).then_some(entry))
    }

    /// The name of one of its objects, as far as the table knows it: all but the shape.
    pub fn origin(&self, entry: usize) -> Origin {
        Origin {
            producer: self.producer.load(Relaxed),
            sequence: self.base.load(Relaxed) + entry as u64,
        }
    }

    /// The double deaths met in it since it was last asked.
    pub fn take_doubles(&self) -> Doubles {
        std::mem::take(&mut self.doubles.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A segment in the hands of one owner.
#[derive(Debug)]
pub struct OwnedSegment {
    number: u16,
    segment: &'static Segment,
    generation: u16,
}

impl OwnedSegment {
    /// A segment of its own for `producer`, which has made `base` objects before; `None` once
    /// [`SEGMENTS`] are in use.
    pub fn take(producer: u32, base: u64) -> Option<Self> {
        let (number, segment): (u16, &'static Segment) = {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let number = pool.free.pop().map_or_else(
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
            generation: 0,
        };
        owned.renew(producer, base, 0);
        Some(owned)
    }

    /// Starts the next generation, if everything in this one is dead; the double deaths met in
    /// this one are handed over.
    pub fn recycle(&mut self, producer: u32, base: u64) -> Option<Doubles> {
        self.segment.spent().then(|| {
            let doubles = self.segment.take_doubles();
            let recycled = self.segment.recycled.load(Relaxed);
            self.renew(producer, base, recycled.saturating_add(1));
            doubles
        })
    }

    fn renew(&mut self, producer: u32, base: u64, recycled: u32) {
        let segment = self.segment;
        // A late death that meets an entry of the new generation locks this after it was renewed,
        // and so sees whose the generation is.
        let mut doubles = segment
            .doubles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        segment.recycled.store(recycled, Relaxed);
        let next = (segment.generation.load(Relaxed) + 1) & GENERATION_MASK;
        self.generation = next.max(1);
        segment.generation.store(self.generation, Relaxed);
        segment.producer.store(producer, Relaxed);
        segment.base.store(base, Relaxed);
        segment.born.store(0, Relaxed);
        *doubles = Doubles::default();
    }

    /// The next object of this segment; `None` when it is full.
    #[inline]
    pub fn birth(&mut self, shape: Shape) -> Option<Tag> {
        let born = self.segment.born.load(Relaxed);
        let entry = born as usize;
        self.segment
            .entries
            .get(entry)?
            .store(self.generation << 2 | ALIVE, Relaxed);
        self.segment.born.store(born + 1, Relaxed);
        Some(Tag(ObjectId::new(
            self.number,
            entry,
            self.generation,
            shape,
        )))
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
        // The next generation starts before anyone else may own it: tags that outlive their ledger
        // find their entry gone, and say so to nobody.
        self.renew(0, 0, 0);
        POOL.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .free
            .push(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what a former owner's heap lets go of late is nobody's double death, while a second
    /// death under the same owner is one, however often the segment was recycled meanwhile.
    #[test]
    fn late_deaths_are_the_former_owners() {
        let mut owned = OwnedSegment::take(0, 0).expect("a segment is free");
        let foreign = owned.birth(Shape::Leaf).expect("it has room").into_bits();
        // What `take` does with a segment that another owner gave back.
        owned.renew(1, 0, 0);
        let mut own = None;
        for _ in 0..3 {
            while let Some(tag) = owned.birth(Shape::Leaf) {
                own.get_or_insert(tag.id());
            }
            assert_eq!(owned.recycle(1, 0), Some(Doubles::default()));
        }
        let alive = owned.birth(Shape::Leaf).expect("it has room");
        drop(Tag::from_bits(foreign));
        assert_eq!(owned.segment().take_doubles(), Doubles::default());
        let own = own.expect("something was born");
        drop(Tag(own));
        assert_eq!(owned.segment().take_doubles().first, vec![own]);
        assert_eq!(alive.id().state(), Life::Alive);
    }
}
