//! What a slot of a list holds: 64 bits that change by compare-and-swap only.
//!
//! ```text
//! a reference, odd     an element
//! | stamp:60 | 0000 |  empty; the stamp is 0 in a slot that was never filled nor sealed
//! | stamp:60 | 0010 |  empty, and `del l[:n]` is about to empty the list up to here
//! | address  | 0100 |  sealed: a pop is under way one slot below
//! | address  | 0110 |  claimed: a pop is about to take the element that the record holds
//! | address  | 1000 |  a `set` is about to replace the element that the record holds
//! ```
//!
//! No stamp except 0 is ever used twice. So an exchange that expects an empty slot succeeds only if
//! the slot has been empty ever since it was read.

use super::pop::{Claim, Seal};
use super::set::Change;
use crate::heap::lock_free::cell::Ref;

const KIND: u64 = 0b1110;
const EMPTY: u64 = 0b0000;
const CLEAR: u64 = 0b0010;
const SEAL: u64 = 0b0100;
const CLAIM: u64 = 0b0110;
const CHANGE: u64 = 0b1000;
const STAMP_SHIFT: u32 = 4;

/// A slot that was never filled nor sealed.
pub(super) const UNTOUCHED: u64 = 0;

/// In a model, what every slot of a page holds that was freed; see [`in_use`].
#[cfg(all(test, shuttle))]
pub(super) const WRECK: u64 = 0b1110;

/// Fails in a model if these bits were read from a page that was freed.
#[inline(always)]
pub(super) fn in_use(bits: u64) -> u64 {
    #[cfg(all(test, shuttle))]
    assert_ne!(bits, WRECK, "a page is used that was freed");
    bits
}

/// A slot's content, told apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// An element.
    Value(Ref),
    /// Nothing, and the head is to be raised to here.
    Clear,
    /// Nothing, and the slot below is to be popped.
    Seal(*const Seal),
    /// An element that a pop may take.
    Claim(*const Claim),
    /// An element that a `set` may replace.
    Change(*const Change),
}

/// What a slot's bits mean.
#[inline]
pub(super) fn content(bits: u64) -> Content {
    if let Some(reference) = Ref::from_bits(in_use(bits)) {
        return Content::Value(reference);
    }
    match bits & KIND {
        EMPTY => Content::Empty,
        CLEAR => Content::Clear,
        SEAL => Content::Seal(pointer(bits)),
        CLAIM => Content::Claim(pointer(bits)),
        _ => Content::Change(pointer(bits)),
    }
}

/// Whether the slot holds an element and nothing is going on there.
#[inline]
pub(super) fn is_value(bits: u64) -> bool {
    in_use(bits) & 1 != 0
}

/// Whether the slot is empty and nothing is going on there.
#[inline]
pub(super) fn is_empty(bits: u64) -> bool {
    in_use(bits) & (KIND | 1) == EMPTY
}

/// An empty slot with this stamp.
pub(super) fn empty(stamp: u64) -> u64 {
    stamp << STAMP_SHIFT | EMPTY
}

/// The stamp of an empty slot.
pub(super) fn stamp_of(empty: u64) -> u64 {
    empty >> STAMP_SHIFT
}

/// An empty slot to which the head is to be raised; it reopens as [`empty`] with the same stamp.
pub(super) fn clear(stamp: u64) -> u64 {
    stamp << STAMP_SHIFT | CLEAR
}

/// What a slot that [`clear`] made becomes.
pub(super) fn reopened(clear: u64) -> u64 {
    clear & !KIND | EMPTY
}

/// A slot sealed by a pop.
pub(super) fn seal(seal: *const Seal) -> u64 {
    seal.expose_provenance() as u64 | SEAL
}

/// A slot whose element a pop claims.
pub(super) fn claim(claim: *const Claim) -> u64 {
    claim.expose_provenance() as u64 | CLAIM
}

/// A slot whose element a `set` is to replace.
pub(super) fn change(change: *const Change) -> u64 {
    change.expose_provenance() as u64 | CHANGE
}

#[inline]
fn pointer<T>(bits: u64) -> *const T {
    #[expect(clippy::cast_possible_truncation, reason = "it was a pointer")]
    let address = (bits & !(KIND | 1)) as usize;
    std::ptr::with_exposed_provenance(address)
}
