//! The tag that every object carries: it names the object and records its death.
//!
//! A [`Tag`] is 64 bits that name one entry of a process-wide table of segments. Its drop finds the
//! entry and marks it dead; a second drop of the same name finds it dead already and is reported as
//! a double death. The table knows nothing of heaps, and heaps know nothing of the table: all they
//! do is keep a tag as long as the object lives.
//!
//! ```text
//! id:     | 0 … | shape:2 | generation:14 | state:2 | segment:16 | entry:14 |
//! entry:                  | generation:14 | state:2 |      one u16 an object
//! ```
//!
//! The state in an entry is *alive*, *finalized* (alive, but its finalizer has run) or *dead*. The
//! state in an id says which of the first two a proper death finds in the entry. So an id contains
//! the very word that its death compares with, and the same comparison shows, at no extra cost,
//! that an object with a finalizer died before the finalizer had run.
//!
//! A segment belongs to one producer of one ledger. When all of its objects are dead, it is
//! recycled under the next generation, so memory depends on the number of live objects and not on
//! the length of the run. Nothing has to be cleared: an entry of an older generation counts as
//! unborn. A late death is recognised for the next 16,382 recyclings of its segment, which are 268
//! million births in that one segment.
//!
//! Besides, a segment has one bit an object for the first `pop` of it from a list, so that a second
//! one shows.
//!
//! Every access is `Relaxed`, and births and deaths, which cost about a nanosecond each, use no
//! read-modify-write. So if two threads free one object at the same instant, that may count as one
//! death. A correct heap never does so, and a broken one will also do it at different instants. The
//! survey, which reads the whole table, runs after a barrier that all mutators have reached; the
//! barrier orders their writes before its reads.

mod segment;

use std::mem::ManuallyDrop;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::Shape;
pub(crate) use segment::Extent;
pub use segment::{Notes, OwnedSegment, Segment, Sightings};

/// Objects in one segment. A power of two; 32 KiB of entries, so that a recycling scan takes
/// microseconds and not milliseconds.
pub const SEGMENT_OBJECTS: usize = 1 << ENTRY_BITS;
/// How many segments the process can have: with [`SEGMENT_OBJECTS`], 2^30 live objects.
pub const SEGMENTS: usize = 1 << SEGMENT_BITS;

const ENTRY_BITS: u32 = 14;
const SEGMENT_BITS: u32 = 16;
const GENERATION_BITS: u32 = 14;
const STATE_BITS: u32 = 2;
const STATE_SHIFT: u32 = ENTRY_BITS + SEGMENT_BITS;
const SHAPE_SHIFT: u32 = STATE_SHIFT + STATE_BITS + GENERATION_BITS;

const ALIVE: u16 = 1;
const DEAD: u16 = 2;
const FINALIZED: u16 = 3;
const STATE_MASK: u16 = 3;

static TABLE: [OnceLock<Box<Segment>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];

/// The name of one object: unique within a run, and while anything of the run is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId(u64);

impl ObjectId {
    /// What the names of all objects of a segment have in common. `generation` is shifted as in
    /// entries.
    fn of_segment(segment: u16, generation: u16) -> Self {
        Self(u64::from(generation) << STATE_SHIFT | u64::from(segment) << ENTRY_BITS)
    }

    /// The name of one object of the segment. `last` is the entry's state just before a proper
    /// death.
    #[inline]
    fn of_object(self, entry: usize, last: u16, shape: Shape) -> Self {
        Self(self.0 | (shape as u64) << SHAPE_SHIFT | u64::from(last) << STATE_SHIFT | entry as u64)
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

    /// The bits of the tag with this name: see [`Tag::id_of_bits`].
    #[inline]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// What the entry holds just before a proper death.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is cut off belongs to the shape"
    )]
    fn last(self) -> u16 {
        // Forged bits must not name an entry that is unborn or dead.
        (self.0 >> STATE_SHIFT) as u16 | ALIVE
    }

    /// What the entry holds when it is in this state.
    #[inline]
    fn when(self, state: u16) -> u16 {
        self.last() & !STATE_MASK | state
    }

    /// Whether the object was made with a finalizer.
    #[inline]
    pub fn has_finalizer(self) -> bool {
        self.last() & STATE_MASK == FINALIZED
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

    /// Whether the object is alive or dead, or the table does not know it any more.
    pub fn state(self) -> Life {
        match TABLE[self.segment()].get() {
            Some(segment) => segment.life(self),
            None => Life::Unknown,
        }
    }

    /// Records that the object's finalizer runs. See
    /// [`Finalizer::run`](super::Finalizer::run), which calls this.
    pub(super) fn finalize(self) {
        if let Some(segment) = TABLE[self.segment()].get() {
            segment.finalize(self);
        }
    }

    /// Notes that a `pop` took the object out of a list. False if one had done so before, which is
    /// wrong for an object that is put into a list only once. The caller holds the object, so one
    /// that is not alive is the victim of another fault, and true is answered for it.
    #[inline]
    pub fn note_pop(self) -> bool {
        (TABLE[self.segment()].get()).is_none_or(|segment| segment.note_pop(self))
    }

    /// Whether a `pop` of it was noted.
    #[inline]
    pub fn was_popped(self) -> bool {
        (TABLE[self.segment()].get()).is_some_and(|segment| segment.was_popped(self))
    }

    /// Which mutator made the object, and how many it had made before; `None` if the table does not
    /// know the object any more.
    pub fn origin(self) -> Option<Origin> {
        TABLE[self.segment()].get()?.origin_of(self)
    }
}

/// Which mutator made an object, and how many it had made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The mutator's number.
    pub producer: u32,
    /// How many objects this mutator had made before.
    pub sequence: u64,
}

/// What the table knows of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Born and not dead.
    Alive,
    /// Born and not dead, and its finalizer has run.
    Finalized,
    /// Dead.
    Dead,
    /// Dead for so long that its segment was recycled, or never born at all.
    Unknown,
}

impl Life {
    /// Whether it is born and not dead.
    #[inline]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Alive | Self::Finalized)
    }
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

    /// The tag that [`into_bits`](Self::into_bits) took apart. Any bits are safe. Bits that are
    /// used twice record a double death, as they should.
    #[inline]
    pub fn from_bits(bits: u64) -> Self {
        Self(ObjectId(bits))
    }

    /// The name in a tag's bits; no tag is made.
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
