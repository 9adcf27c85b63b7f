//! The tag every object carries: its name, and the witness of its death.
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
//! The state in an entry is *alive*, *finalized* (alive, but its finalizer has run) or *dead*; the
//! one in an id says in which of the first two a proper death meets the entry. So an id carries the
//! very word that its death compares with, and that an object with a finalizer died without it is
//! found out at no cost.
//!
//! A segment belongs to one producer of one ledger. Once all of its objects are dead it is recycled
//! under the next generation, so memory follows the live objects and not the run's length. Nothing
//! needs wiping: an entry of an older generation is an unborn one. A late death is recognised for
//! 16,384 recyclings of its segment, which is 268 million births in that one segment.
//!
//! Every access is `Relaxed` and none at a birth or death is a read-modify-write: those cost about a
//! nanosecond each. Two threads that kill one object at the same instant may therefore be seen as
//! one death; a correct heap never does that, and a broken one does not do it only so. Whoever reads
//! the table as a whole (the survey) has met all mutators at a barrier, which orders their writes.

mod segment;

use std::mem::ManuallyDrop;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::Shape;
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
    /// What the names of all objects of a segment have in common. `generation` is as it is in the
    /// entries.
    fn of_segment(segment: u16, generation: u16) -> Self {
        Self(u64::from(generation) << STATE_SHIFT | u64::from(segment) << ENTRY_BITS)
    }

    /// The name of one of them. `last` is the state of the entry just before a proper death.
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

    /// What the entry holds in one of the states.
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

    /// Whether the object was born, died, or belongs to a past that the table no longer holds.
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

    /// Who made the object, and as which of its objects, counted from 0; `None` if the table no
    /// longer holds it.
    pub fn origin(self) -> Option<Origin> {
        TABLE[self.segment()].get()?.origin_of(self)
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
    /// Likewise, but its finalizer has run.
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
