//! One object's place in the heap, and the references that lead to it.
//!
//! Memory that was a cell is a cell for ever, so a stale reference can be followed without undefined
//! behaviour, and is *recognised* instead: every reference carries the incarnation that it was made
//! for. A cell is owned by whoever took it off a free list until a reference to it is stored
//! somewhere, and by whoever brought its count to 0 from then until it is handed out again.
//!
//! ```text
//! word:      see `word`
//! meta:      | global:16 | …:11 | resurrects:1 | finalizer:1 | buffered:1 | shape:2 | incarnation:32 |
//! reference: | acyclic:1 | late:1 | index:30 | incarnation:32 |
//! ```
//!
//! The incarnation in `meta` is odd while the object lives. That in a reference is odd if it is a
//! strong one, and even (the number below) in a *weak* one; 0 is no reference. LATE is of weak ones
//! only: the target's finalizer had run when it was made.
//!
//! ACYCLIC rides in the reference and not in the cell: the collector and every decrement can then
//! pass over leaves and counters without touching them.

use crate::heap::{Finalizer, Global, Shape};
use crate::sync::atomic::AtomicU64;

/// The object waits in a buffer of candidates for the cycle collector.
pub(super) const BUFFERED: u64 = 1 << 34;

/// The object was made with a finalizer; as long as it lives. Whether that has run is told by the word.
const FINALIZER: u64 = 1 << 35;
/// The finalizer publishes it, in the shared root whose number is in the topmost bits.
const RESURRECTS: u64 = 1 << 36;
const GLOBAL_SHIFT: u32 = 48;

/// What the slots of a free cell hold. Even, so that nothing takes it for a reference, and not a
/// number that anything else here stores. The upper half is as it is so that one instruction can
/// compare or store the whole, which it can with 32 bits and their sign.
pub(super) const POISON: u64 = 0xFFFF_FFFF_DEAD_F9E8;

/// What the slots of a new object hold, by shape. A list's storage comes later.
pub(super) const BLANK: [[u64; 2]; 4] = {
    let mut blank = [[POISON; 2]; 4];
    blank[Shape::Node as usize] = [0; 2];
    blank[Shape::Counter as usize][0] = 0;
    blank
};

/// How many cells can be told apart.
pub(super) const INDEXES: u32 = 1 << 30;

const SHAPE_SHIFT: u32 = 32;
const IDENTITY: u64 = (4 << SHAPE_SHIFT) - 1;
const INCARNATION: u64 = (1 << 32) - 1;
const ACYCLIC: u64 = 1 << 63;
const LATE: u64 = 1 << 62;
const STRONG: u64 = 1;

/// A cell. The slots hold a node's children, a list's storage in the first, or a counter's value
/// in the first.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) word: AtomicU64,
    pub(super) meta: AtomicU64,
    pub(super) slots: [AtomicU64; 2],
}

/// The `meta` of a living object; what distinguishes it from every other object of the cell.
#[inline]
pub(super) fn meta_of(shape: Shape, incarnation: u32) -> u64 {
    (shape as u64) << SHAPE_SHIFT | u64::from(incarnation)
}

/// The incarnation in a `meta`.
#[inline]
pub(super) fn incarnation_of(meta: u64) -> u32 {
    (meta & INCARNATION) as u32
}

/// The shape in a `meta`.
#[inline]
pub(super) fn shape_of(meta: u64) -> Shape {
    match meta >> SHAPE_SHIFT & 3 {
        0 => Shape::Leaf,
        1 => Shape::Node,
        2 => Shape::List,
        _ => Shape::Counter,
    }
}

/// Whether an object with this `meta` is alive.
#[inline]
pub(super) fn is_alive(meta: u64) -> bool {
    meta & 1 == 1
}

/// What the `meta` of an object with this finalizer has besides.
pub(super) fn finalizer_bits(finalizer: Finalizer) -> u64 {
    FINALIZER
        | match finalizer {
            Finalizer::Witness => 0,
            Finalizer::Resurrect(Global(global)) => RESURRECTS | u64::from(global) << GLOBAL_SHIFT,
        }
}

/// Whether the object was made with a finalizer.
#[inline]
pub(super) fn has_finalizer(meta: u64) -> bool {
    meta & FINALIZER != 0
}

/// The finalizer in a `meta`.
pub(super) fn finalizer_of(meta: u64) -> Option<Finalizer> {
    let finalizer = match meta & RESURRECTS {
        0 => Finalizer::Witness,
        _ => Finalizer::Resurrect(Global((meta >> GLOBAL_SHIFT) as u16)),
    };
    has_finalizer(meta).then_some(finalizer)
}

/// A counted reference: bits that lead to an object, and that are not anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ref(u64);

impl Ref {
    /// A reference to the object of this shape and incarnation.
    #[inline]
    pub(super) fn new(index: u32, shape: Shape, incarnation: u32) -> Self {
        // Looked up, as every object is made here: that is one instruction, and to ask takes six.
        const KIND: [u64; 4] = {
            let mut kind = [0; 4];
            kind[Shape::Leaf as usize] = ACYCLIC;
            kind[Shape::Counter as usize] = ACYCLIC;
            kind
        };
        Self(KIND[shape as usize] | u64::from(index) << 32 | u64::from(incarnation))
    }

    /// The reference in a register or slot; `None` for everything else that those may hold.
    #[inline]
    pub(super) fn from_bits(bits: u64) -> Option<Self> {
        (bits & STRONG != 0).then_some(Self(bits))
    }

    /// The reference as a register or slot holds it.
    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// The cell's number.
    #[inline]
    pub(super) fn index(self) -> u32 {
        (self.0 >> 32 & 0x3FFF_FFFF) as u32
    }

    /// The incarnation it was made for.
    #[inline]
    pub(super) fn incarnation(self) -> u32 {
        (self.0 & INCARNATION) as u32
    }

    /// Whether the object can be part of a cycle.
    #[inline]
    pub(super) fn is_cyclic(self) -> bool {
        self.0 & ACYCLIC == 0
    }

    /// Whether `meta` belongs to the object that this leads to.
    #[inline]
    pub(super) fn fits(self, meta: u64) -> bool {
        incarnation_of(meta) == self.incarnation()
    }

    /// Whether `meta` belongs to the object that this leads to, and it has this shape.
    #[inline]
    pub(super) fn fits_as(self, shape: Shape, meta: u64) -> bool {
        meta & IDENTITY == meta_of(shape, self.incarnation())
    }
}

/// A weak reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weak {
    /// The strong reference that it was made of.
    pub(super) target: Ref,
    /// The target's finalizer had run by then.
    pub(super) is_late: bool,
}

impl Weak {
    /// The weak reference in a register; `None` for everything else that it may hold.
    #[inline]
    pub(super) fn from_bits(bits: u64) -> Option<Self> {
        (bits != 0 && bits & STRONG == 0).then_some(Self {
            target: Ref(bits & !LATE | STRONG),
            is_late: bits & LATE != 0,
        })
    }

    /// As a register holds it. Cell 0 is never used, so this is never 0.
    #[inline]
    pub(super) fn bits(self) -> u64 {
        let late = if self.is_late { LATE } else { 0 };
        self.target.0 & !STRONG | late
    }
}
