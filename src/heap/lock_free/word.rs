//! The word of a cell: its reference count, the count's sticky flags, and a stamp.
//!
//! ```text
//! | stamp:32 | condemned:1 | weak:1 | shared:1 | finalized:1 | count:28 |
//! ```
//!
//! Invariants:
//!
//! * The stamp changes with every change of the count, in the same atomic operation, and is never
//!   reset, not by reuse of the cell either. So an unchanged word means that nothing happened at
//!   all in between, which is what the cycle collector validates and what a weak upgrade relies on.
//! * SHARED is set by every increment and lasts until the cell is allocated anew. Without it, the
//!   object never had more than the one reference that it was born with.
//! * A count of 0 is final: nothing increments it.
//! * FINALIZED is set once, while nothing but the one who sets it can reach the object, and lasts.
//!   So it does not change under anyone who holds a reference.
//!
//! Every function here is one atomic operation or a loop around one, and the place where it takes
//! effect is that operation. Counts pair with each other: a decrement releases what its owner did
//! to the object, and the one that reaches 0 acquires all of that.

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};

/// One step of the stamp.
pub(super) const STAMP: u64 = 1 << 32;
/// The object's finalizer has run or is about to: weak references made before are void.
pub(super) const FINALIZED: u64 = 1 << 28;
/// The object was incremented since it was allocated.
pub(super) const SHARED: u64 = 1 << 29;
/// Somebody made a weak reference to the object.
pub(super) const WEAK: u64 = 1 << 30;
/// The cycle collector is about to decide the object's fate, together with that of others.
pub(super) const CONDEMNED: u64 = 1 << 31;

const COUNT: u64 = FINALIZED - 1;

/// The count in a word.
#[inline]
pub(super) const fn count(word: u64) -> u64 {
    word & COUNT
}

/// The word of a newly allocated object in a cell whose word was `word`: one reference, no flags.
#[inline]
pub(super) const fn born(word: u64) -> u64 {
    (word & !(STAMP - 1)).wrapping_add(STAMP) | 1
}

/// The word of an object that died without any decrement, when its word was `word`.
#[inline]
pub(super) const fn dead(word: u64) -> u64 {
    (word & !COUNT).wrapping_add(STAMP)
}

/// Whether an object with this word was never referred to but by the reference that is in hand:
/// then, after a grace period, nobody else can touch its count.
#[inline]
pub(super) const fn is_sole(word: u64) -> bool {
    word & (STAMP - 1) == 1
}

/// What a decrement left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The object died: its last reference is gone.
    Nothing,
    /// It is referred to by others.
    Others,
    /// The count was 0 already: somebody released twice. Nothing was changed.
    Underflow,
}

/// Adds a reference, unless the object is dead; the word as it was before.
#[inline]
pub(super) fn increment(word: &AtomicU64) -> Option<u64> {
    // Pairs with the AcqRel of other counts: the increment itself is what must see the latest.
    let mut seen = word.load(Relaxed);
    loop {
        if count(seen) == 0 {
            return None;
        }
        // Acquire: what is read through the new reference was written before it could be found.
        match word.compare_exchange_weak(seen, incremented(seen), AcqRel, Relaxed) {
            Ok(_) => return Some(seen),
            Err(now) => seen = now,
        }
    }
}

/// `word` with one reference more.
#[inline]
pub(super) const fn incremented(word: u64) -> u64 {
    word.wrapping_add(STAMP + 1) | SHARED
}

/// Takes a reference away.
///
/// `SeqCst`: a decrement is followed by a look at BUFFERED, while the collector clears BUFFERED and
/// then looks at the word; one of the two must see the other.
#[inline]
pub(super) fn decrement(word: &AtomicU64) -> Left {
    match count(word.fetch_add(STAMP - 1, SeqCst)) {
        1 => Left::Nothing,
        0 => {
            word.fetch_sub(STAMP - 1, SeqCst);
            Left::Underflow
        }
        _ => Left::Others,
    }
}

/// What a fault makes of [`decrement`]: it orders nothing. On a machine whose every read-modify-write
/// is a full barrier that changes nothing.
#[cold]
pub(super) fn decrement_unfenced(word: &AtomicU64) -> Left {
    match count(word.fetch_add(STAMP - 1, Relaxed)) {
        1 => Left::Nothing,
        0 => {
            word.fetch_sub(STAMP - 1, Relaxed);
            Left::Underflow
        }
        _ => Left::Others,
    }
}

/// What a fault makes of [`increment`]: it brings the dead back.
#[cold]
pub(super) fn increment_from_zero(word: &AtomicU64) -> u64 {
    word.fetch_add(STAMP + 1, AcqRel)
}

/// Takes a reference to an object with a finalizer away. The last one before FINALIZED is not taken
/// away: it remains the caller's, and `mark` is set in the same step, so that no weak reference can
/// be upgraded between the two. Then there is no result.
///
/// `SeqCst`: as in `decrement`, which cannot be used: it would not see in time that it is the last.
pub(super) fn let_go(word: &AtomicU64, mark: u64) -> Option<Left> {
    // Relaxed: the exchange is what must see the latest.
    let mut seen = word.load(Relaxed);
    loop {
        let less = seen.wrapping_add(STAMP - 1);
        let (next, left) = match count(seen) {
            0 => return Some(Left::Underflow),
            1 if seen & FINALIZED == 0 => (seen.wrapping_add(STAMP) | mark, None),
            1 => (less, Some(Left::Nothing)),
            _ => (less, Some(Left::Others)),
        };
        match word.compare_exchange_weak(seen, next, SeqCst, Relaxed) {
            Ok(_) => return left,
            Err(now) => seen = now,
        }
    }
}

/// The word of an object that nobody else can reach, with FINALIZED set, when it was `word`.
#[inline]
pub(super) const fn finalized(word: u64) -> u64 {
    word.wrapping_add(STAMP) | FINALIZED
}

/// Changes the stamp alone: an edge to the object was removed, or the object is a list whose head
/// moved, and the count stays as it is. Pairs with the collector's validation.
#[inline]
pub(super) fn touch(word: &AtomicU64) {
    word.fetch_add(STAMP, SeqCst);
}

/// Marks the object as the target of weak references; whether it is FINALIZED. Its owner holds a
/// counted reference.
pub(super) fn weaken(word: &AtomicU64) -> bool {
    // Acquire pairs with the Release of whoever changed the word last; only the flag matters.
    let mut seen = word.load(Acquire);
    while seen & WEAK == 0 {
        match word.compare_exchange_weak(seen, seen.wrapping_add(STAMP) | WEAK, SeqCst, Acquire) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    seen & FINALIZED != 0
}

/// Takes the mark of a condemned object away again. The stamp changes, so that an upgrade that saw
/// the mark finds out that its verdict was given.
pub(super) fn pardon(word: &AtomicU64) {
    // Acquire, then SeqCst: pairs with the exchanges of upgrades.
    let mut seen = word.load(Acquire);
    while let Err(now) = word.compare_exchange_weak(
        seen,
        (seen & !CONDEMNED).wrapping_add(STAMP),
        SeqCst,
        Acquire,
    ) {
        seen = now;
    }
}
