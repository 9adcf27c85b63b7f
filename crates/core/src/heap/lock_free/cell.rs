//! One object's place in the heap, and the references that lead to it.
//!
//! Memory that was a cell stays a cell, so a stale reference can be followed without undefined
//! behaviour, and is *recognised*: every reference contains the incarnation that it was made for. A
//! cell that was taken off a free list belongs to the thread that took it, until that stores a
//! reference to it somewhere. When the count reaches 0, the cell belongs to the thread that took
//! the last reference away, until the cell is handed out again.
//!
//! ```text
//! word:      see `word`
//! meta:      | brand:25 | reached:1 | met:1 | resurrects:1 | finalizer:1 | buffered:1
//!            | shape:2 | incarnation:32 |
//!            with a finalizer: | global:16 | …:11 | resurrects:1 | …
//! reference: | acyclic:1 | late:1 | index:30 | incarnation:32 |
//! ```
//!
//! The incarnation in `meta` is odd while the object lives. In a strong reference it is that
//! number; in a *weak* one it is the even number below; 0 is no reference. Only weak references may
//! be LATE: the target's finalizer had run when the reference was made. A cell has 2^31 lives, and
//! is never used again after the last, which costs its 32 bytes: a cell that its owner uses again
//! and again has a life in 30 ns, so incarnations would come full circle within a minute, and a
//! weak reference or a candidate that was kept for so long would be taken for another object's.
//!
//! ACYCLIC is a bit of the reference and not of the cell, so that the collector and every decrement
//! can pass over leaves and counters without touching them.

use crate::heap::{Finalizer, Global, Shape};
use crate::sync::atomic::AtomicU64;

/// The object waits in a buffer of candidates for the cycle collector.
pub(super) const BUFFERED: u64 = 1 << 34;

/// While a worker tries its private objects: it met this one, and it found it alive. See `private`.
pub(super) const MET: u64 = 1 << 37;
pub(super) const REACHED: u64 = 1 << 38;

const BRAND_SHIFT: u32 = 39;
/// Whose private object this is, if it has no finalizer; 0 if it is not private.
pub(super) const BRAND: u64 = !0 << BRAND_SHIFT;
/// How many brands can be told apart, 0 included.
pub(super) const BRANDS: u64 = 1 << (64 - BRAND_SHIFT);
/// What says whose private object this is. An object with a finalizer is nobody's.
pub(super) const WHOSE: u64 = BRAND | FINALIZER;
/// That, and which object of its cell it is.
pub(super) const WHOSE_AND_WHICH: u64 = WHOSE | INCARNATION;

/// The object was made with a finalizer. This lasts; whether it has run is in the word.
const FINALIZER: u64 = 1 << 35;
/// The finalizer publishes the object, in the shared root whose number is in the topmost bits.
const RESURRECTS: u64 = 1 << 36;
const GLOBAL_SHIFT: u32 = 48;

/// What the slots of a free cell hold. It is even, so that nothing takes it for a reference, and no
/// number that is stored here otherwise. The upper half is all ones so that one instruction can
/// compare or store the whole as a sign-extended number of 32 bits.
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

/// The bits of a brand in `meta`.
#[inline]
pub(super) const fn brand(number: u64) -> u64 {
    number << BRAND_SHIFT
}

/// Whether an object with this `meta` bears a brand, its present maker's or another.
#[inline]
pub(super) const fn is_branded(meta: u64) -> bool {
    meta & FINALIZER == 0 && meta & BRAND != 0
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

/// The bits that this finalizer adds to its object's `meta`.
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

/// A counted reference: bits that are known to lead to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ref(u64);

impl Ref {
    /// A reference to the object of this shape and incarnation.
    #[inline]
    pub(super) fn new(index: u32, shape: Shape, incarnation: u32) -> Self {
        // A table, since every object is made here: a look-up is one instruction, comparisons are
        // six.
        const KIND: [u64; 4] = {
            let mut kind = [0; 4];
            kind[Shape::Leaf as usize] = ACYCLIC;
            kind[Shape::Counter as usize] = ACYCLIC;
            kind
        };
        Self(KIND[shape as usize] | u64::from(index) << 32 | u64::from(incarnation))
    }

    /// The reference in a register or slot; `None` if that holds anything else.
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

    /// Whether `meta` belongs to the object that this leads to, and the object has this shape.
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
    /// The weak reference in a register; `None` if that holds anything else.
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
