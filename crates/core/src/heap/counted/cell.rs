//! One object's 32 bytes, and what a reference to it looks like.
//!
//! ```text
//! cell:       | count | 0     | incarnation | flags | slot 0 | slot 1 |
//! reference:  | incarnation:32 | late:1 | 0 | index:30 |
//! flags:      | global:16 | 0 | resurrects | finalized | unfinalized | tracked | shape:2 |
//! ```
//!
//! The incarnation is odd while the object lives and changes at birth and at death. So a reference
//! with another incarnation than its cell's was kept too long. A *weak* reference contains the even
//! number below its target's incarnation: it only says which object is meant, and cannot be
//! followed by mistake. It is void when its target's finalizer has run, unless it was made *late*,
//! that is, after that; cell and reference have a flag for it. Cell 0 is never used, so no
//! reference of either kind is 0, which is the empty reference. Incarnations wrap after 2^31 lives
//! of one cell: only a reference that was kept for so long could be mistaken for another. A count
//! would wrap after 2^32 references to one object, which take 32 GiB, in a heap for hundreds of
//! millions of objects.

#![expect(unsafe_code, reason = "the cell is marked as valid when zeroed")]

use super::word::{Half, Word};
use crate::heap::slab::Zeroed;
use crate::heap::{Finalizer, Global, Shape};

/// What a free cell's slots hold. No reference looks like it: an index this large is refused when a
/// heap is opened. The upper half is all ones so that one instruction can compare or store the
/// whole as a sign-extended number of 32 bits.
pub(super) const POISON: u64 = 0xFFFF_FFFF_DEAD_F1E1;

const SHAPE_MASK: u32 = 3;
/// The generations hold an entry for this object.
const TRACKED: u32 = 4;

/// The object has a finalizer that has not run.
const UNFINALIZED: u32 = 8;
/// The object had a finalizer, which has run.
const FINALIZED: u32 = 16;
/// The finalizer publishes it, in the root whose number is in the upper half.
const RESURRECTS: u32 = 32;
const GLOBAL_SHIFT: u32 = 16;

const STRONG_BIT: u64 = 1 << 32;
/// Set in weak references only. Indices have fewer bits.
const LATE_BIT: u64 = 1 << 31;
const INDEX_MASK: u64 = 0xFFFF_FFFF;

/// A reference as it is stored: empty, strong or weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ref(u64);

impl Ref {
    pub(super) const NONE: Self = Self(0);

    #[inline]
    pub(super) fn new(index: u32, incarnation: u32) -> Self {
        Self(u64::from(incarnation) << 32 | u64::from(index))
    }

    #[inline]
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(super) fn index(self) -> u32 {
        (self.0 & INDEX_MASK) as u32
    }

    #[inline]
    pub(super) fn incarnation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Neither empty nor weak.
    #[inline]
    pub(super) fn is_strong(self) -> bool {
        self.0 & STRONG_BIT != 0
    }

    #[inline]
    pub(super) fn is_weak(self) -> bool {
        self != Self::NONE && !self.is_strong()
    }

    /// The weak reference to this object, whose cell it is.
    pub(super) fn weakened(self, cell: &Cell) -> Self {
        let late = if cell.is_finalized() { LATE_BIT } else { 0 };
        Self(self.0 & !STRONG_BIT | late)
    }

    pub(super) fn strengthened(self) -> Self {
        Self(self.0 & !LATE_BIT | STRONG_BIT)
    }

    /// Whether a weak reference was made after its target's finalizer had run.
    pub(super) fn is_late(self) -> bool {
        self.0 & LATE_BIT != 0
    }
}

/// Whether a cell in this incarnation holds an object.
#[inline]
pub(super) fn is_living(incarnation: u32) -> bool {
    incarnation & 1 == 1
}

/// One object, or the place for one.
#[derive(Debug)]
#[repr(C, align(32))]
pub(super) struct Cell {
    /// References to it.
    pub(super) count: Half,
    _spare: Half,
    pub(super) incarnation: Half,
    flags: Half,
    /// A node's fields; a counter's value in the first; [`POISON`] while free.
    pub(super) slots: [Word; 2],
}

const _: () = assert!(size_of::<Cell>() == 32);

// SAFETY: made of words that are valid as zero and need no drop.
unsafe impl Zeroed for Cell {}

impl Cell {
    /// The empty cell becomes an object with one reference; returns its incarnation.
    #[inline]
    pub(super) fn enliven(&self, incarnation: u32, shape: Shape) -> u32 {
        let born = incarnation | 1;
        self.count.set(1);
        self.incarnation.set(born);
        self.flags.set(shape as u32);
        self.slots[0].set(0);
        self.slots[1].set(0);
        born
    }

    /// The object becomes an empty, poisoned cell.
    #[inline]
    pub(super) fn entomb(&self) {
        self.incarnation.add(1);
        self.flags.set(0);
        self.count.set(0);
        self.slots[0].set(POISON);
        self.slots[1].set(POISON);
    }

    #[inline]
    pub(super) fn is(&self, shape: Shape) -> bool {
        self.flags.get() & SHAPE_MASK == shape as u32
    }

    /// What it is, for a `match`.
    #[inline]
    pub(super) fn shape(&self) -> Shape {
        match self.flags.get() & SHAPE_MASK {
            0 => Shape::Leaf,
            1 => Shape::Node,
            2 => Shape::List,
            _ => Shape::Counter,
        }
    }

    /// Whether it can hold references at all.
    #[inline]
    pub(super) fn is_container(&self) -> bool {
        matches!(self.shape(), Shape::Node | Shape::List)
    }

    #[inline]
    pub(super) fn is_tracked(&self) -> bool {
        self.flags.get() & TRACKED != 0
    }

    /// Whether it is tracked and a list, from one load.
    #[inline]
    pub(super) fn is_tracked_list(&self) -> bool {
        self.flags.get() & (SHAPE_MASK | TRACKED) == TRACKED | Shape::List as u32
    }

    #[inline]
    pub(super) fn mark_tracked(&self) {
        self.flags.set(self.flags.get() | TRACKED);
    }

    /// Whether nothing needs to be done before it is free: nothing is stored in it, and no
    /// finalizer is to run.
    #[inline]
    pub(super) fn is_bare(&self) -> bool {
        const LEAF: u32 = Shape::Leaf as u32;
        const COUNTER: u32 = Shape::Counter as u32;
        const NODE: u32 = Shape::Node as u32;
        match self.flags.get() & (SHAPE_MASK | UNFINALIZED) {
            LEAF | COUNTER => true,
            NODE => self.slots[0].get() | self.slots[1].get() == 0,
            _ => false,
        }
    }

    /// Gives a new object its finalizer.
    pub(super) fn set_finalizer(&self, finalizer: Finalizer) {
        let flags = match finalizer {
            Finalizer::Witness => 0,
            Finalizer::Resurrect(Global(global)) => RESURRECTS | u32::from(global) << GLOBAL_SHIFT,
        };
        self.flags.set(self.flags.get() | UNFINALIZED | flags);
    }

    #[inline]
    pub(super) fn is_unfinalized(&self) -> bool {
        self.flags.get() & UNFINALIZED != 0
    }

    #[inline]
    pub(super) fn is_finalized(&self) -> bool {
        self.flags.get() & FINALIZED != 0
    }

    /// The finalizer, if it has not run yet. From here on it counts as run, and older weak
    /// references are void.
    pub(super) fn take_finalizer(&self) -> Option<Finalizer> {
        let flags = self.flags.get();
        if flags & UNFINALIZED == 0 {
            return None;
        }
        self.flags.set(flags & !UNFINALIZED | FINALIZED);
        Some(match flags & RESURRECTS {
            0 => Finalizer::Witness,
            _ => Finalizer::Resurrect(Global((flags >> GLOBAL_SHIFT) as u16)),
        })
    }
}
