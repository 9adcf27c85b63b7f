//! The word of a cell: its reference count, the count's sticky flags, and a stamp.
//!
//! ```text
//! | stamp:32 | condemned:1 | weak:1 | shared:1 | finalized:1 | count:28 |
//! ```
//!
//! Invariants:
//!
//! * The stamp changes with every change of the count, in the same atomic operation, and is never
//!   reset, not even when the cell is reused. So an unchanged word means that nothing happened in
//!   between, which is what the cycle collector validates and what a weak upgrade relies on.
//! * SHARED is set by every increment and lasts until the cell is allocated anew. Without it, the
//!   object never had more than the one reference that it was born with.
//! * A count of 0 is final: nothing increments it.
//! * FINALIZED is set once, by a thread that is the only one able to reach the object, and lasts.
//!   So it does not change while anybody else holds a reference.
//!
//! # Too many references
//!
//! A count up to [`MOST`] is exact. One reference more *saturates* it, and makes the object
//! immortal, as CPython does (PEP 683) and as Linux does with its `refcount_t`: from then on
//! neither increments nor decrements change the count, so it can neither overflow into the flags
//! nor reach 0 early. The object is never freed. Whoever saturates a count notes a defect, so the
//! run says why.
//!
//! A saturated count is [`SATURATED`], in the middle of what lies above `MOST`. A decrement
//! subtracts first and looks at the result afterwards; if the count was saturated, it adds what it
//! took away. Meanwhile the count is low by one for each thread that is just there, which is far
//! from `MOST`. An increment meanwhile sets it to `SATURATED` anew, and then it is high by as many
//! until the next one.
//!
//! # Orders
//!
//! Every function here is one atomic operation or a loop around one, and takes effect at that
//! operation. Counts pair with each other: a decrement releases what its owner did to the object,
//! and the one that reaches 0 acquires all of that.

use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use crate::sync::atomic::{AtomicU64, fence};
use crate::sync::sized;

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

/// The largest exact count: half of what the field holds; in models, what a small program reaches.
pub(super) const MOST: u64 = sized(1 << 27, 16) as u64;
/// The count of an immortal object.
const SATURATED: u64 = MOST + MOST / 2;
const _: () = assert!(MOST + MOST <= COUNT + 1, "the count's field is too small");

/// The count in a word.
#[inline]
pub(super) const fn count(word: u64) -> u64 {
    word & COUNT
}

/// Whether the object has more references than can be counted, and is immortal.
#[inline]
pub(super) const fn is_immortal(word: u64) -> bool {
    count(word) > MOST
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

/// Whether the object with this word never had more references than the one that is in hand: then,
/// after a grace period, nobody else can touch its count.
#[inline]
pub(super) const fn is_sole(word: u64) -> bool {
    word & (STAMP - 1) == 1
}

/// Changes the word of an object that no other thread can reach.
///
/// Release, although nobody is there: a weak reference to an earlier object of the cell may be
/// upgraded meanwhile, on any thread. It reads the word before it reads the incarnation, and must
/// not find a living word and the incarnation of the dead (see `Worker::allocate`). A
/// read-modify-write would go on with what the birth released; a plain store begins anew.
#[inline]
pub(super) fn set_alone(word: &AtomicU64, next: u64) {
    word.store(next, Release);
}

/// As [`increment_in_range`], for an object that no other thread can reach. It is not one atomic
/// step, and `between` is called in the middle.
#[inline]
pub(super) fn increment_alone(word: &AtomicU64, between: impl FnOnce()) -> Option<u64> {
    // Relaxed: nobody else is there.
    let seen = word.load(Relaxed);
    if count(seen).wrapping_sub(1) >= MOST - 1 {
        return None;
    }
    between();
    set_alone(word, seen.wrapping_add(STAMP + 1) | SHARED);
    Some(seen)
}

/// What an increment did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incremented {
    /// There is one reference more; the word as it was before.
    Counted(u64),
    /// The count just became saturated; the word as it was before.
    Saturated(u64),
    /// Nothing: the object is dead. The caller sees all that was done before it died.
    Dead,
}

/// Adds a reference, unless the object is dead or has as many references as can be counted: then
/// there is no result, and nothing is changed. The word as it was before.
///
/// This is what [`increment`] does nearly always, and is small enough to be part of every
/// operation.
#[inline]
pub(super) fn increment_in_range(word: &AtomicU64) -> Option<u64> {
    // Relaxed: the exchange is what must see the latest count.
    let mut seen = word.load(Relaxed);
    loop {
        // One comparison for both ends: 0 wraps around.
        if count(seen).wrapping_sub(1) >= MOST - 1 {
            return None;
        }
        let more = seen.wrapping_add(STAMP + 1) | SHARED;
        // Acquire: what is read through the new reference was written before it could be found.
        match word.compare_exchange_weak(seen, more, AcqRel, Relaxed) {
            Ok(_) => return Some(seen),
            Err(now) => seen = now,
        }
    }
}

/// Adds a reference, unless the object is dead.
#[cold]
pub(super) fn increment(word: &AtomicU64) -> Incremented {
    // Relaxed, and then Acquire: as above.
    let mut seen = word.load(Relaxed);
    loop {
        if count(seen) == 0 {
            // Where the reference came from was changed before the last decrement, which released
            // that. Without this fence, a caller that looks there again may still find the
            // reference, and would take the place for an empty one.
            fence(Acquire);
            return Incremented::Dead;
        }
        match word.compare_exchange_weak(seen, incremented(seen), AcqRel, Relaxed) {
            Ok(_) if count(seen) == MOST => return Incremented::Saturated(seen),
            Ok(_) => return Incremented::Counted(seen),
            Err(now) => seen = now,
        }
    }
}

/// `word` with one reference more. An immortal object's count stays what it is.
#[inline]
pub(super) const fn incremented(word: u64) -> u64 {
    let more = word.wrapping_add(STAMP) | SHARED;
    if count(word) < MOST {
        more + 1
    } else {
        more & !COUNT | SATURATED
    }
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

/// Takes a reference away.
///
/// `SeqCst`: a decrement is followed by a look at BUFFERED, while the collector clears BUFFERED and
/// then looks at the word; one of the two must see the other.
#[inline]
pub(super) fn decrement(word: &AtomicU64) -> Left {
    let before = word.fetch_add(STAMP - 1, SeqCst);
    left_by_decrement(word, before)
}

/// What a fault makes of [`decrement`]: it orders nothing. On a machine whose every
/// read-modify-write is a full barrier that changes nothing.
#[cold]
pub(super) fn decrement_unfenced(word: &AtomicU64) -> Left {
    let before = word.fetch_add(STAMP - 1, Relaxed);
    left_by_decrement(word, before)
}

/// As [`decrement`], for an object that no other thread can reach.
#[inline]
pub(super) fn decrement_alone(word: &AtomicU64) -> Left {
    // Relaxed: nobody else is there.
    let before = word.load(Relaxed);
    match count(before) {
        1..=MOST => set_alone(word, before.wrapping_add(STAMP - 1)),
        _ => return decrement(word),
    }
    match count(before) {
        1 => Left::Nothing,
        _ => Left::Others,
    }
}

/// What a decrement left behind of the word that it found.
#[inline]
fn left_by_decrement(word: &AtomicU64, before: u64) -> Left {
    match count(before) {
        1 => Left::Nothing,
        2..=MOST => Left::Others,
        _ => undo_decrement(word, before),
    }
}

/// Adds what a decrement must not have taken away: the count was 0, or is saturated.
#[cold]
fn undo_decrement(word: &AtomicU64, before: u64) -> Left {
    word.fetch_add(STAMP + 1, SeqCst);
    match count(before) {
        0 => Left::Underflow,
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
/// be upgraded between the two. Then the result is `None`.
///
/// `SeqCst`, as in `decrement`, which cannot be used: it learns too late that it was the last.
pub(super) fn let_go(word: &AtomicU64, mark: u64) -> Option<Left> {
    // Relaxed: the exchange is what must see the latest.
    let mut seen = word.load(Relaxed);
    loop {
        let less = seen.wrapping_add(STAMP - 1);
        let (next, left) = match count(seen) {
            0 => return Some(Left::Underflow),
            1 if seen & FINALIZED == 0 => (seen.wrapping_add(STAMP) | mark, None),
            1 => (less, Some(Left::Nothing)),
            2..=MOST => (less, Some(Left::Others)),
            // Immortal.
            _ => (seen.wrapping_add(STAMP), Some(Left::Others)),
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

/// Marks the object as the target of weak references; returns whether it is FINALIZED. The caller
/// holds a counted reference.
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
/// the mark notices that the verdict was given.
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

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Goal: one reference too many makes an object immortal: the count never reaches the flags,
    /// nor 0, whatever is added and taken away afterwards.
    #[test]
    fn counts_saturate() {
        for flags in [0, SHARED | WEAK] {
            let word = AtomicU64::new((7 * STAMP) | flags | (MOST - 1));
            assert!(matches!(increment(&word), Incremented::Counted(_)));
            assert_eq!(decrement(&word), Left::Others);
            assert!(matches!(increment(&word), Incremented::Counted(_)));
            assert!(matches!(increment(&word), Incremented::Saturated(_)));
            for _ in 0..3 {
                assert!(is_immortal(word.load(Relaxed)));
                assert!(matches!(increment(&word), Incremented::Counted(_)));
                assert_eq!(decrement(&word), Left::Others);
                assert_eq!(let_go(&word, FINALIZED), Some(Left::Others));
            }
            let now = word.load(Relaxed);
            assert_eq!(now & (STAMP - 1), flags | SHARED | SATURATED);
            assert!(now / STAMP > 7 + 9, "the stamp stood still");
        }
    }

    /// Goal: a count whose field is full does not overflow into the flags.
    #[test]
    fn full_counts_do_not_overflow() {
        let word = AtomicU64::new(COUNT);
        increment(&word);
        assert_eq!(word.load(Relaxed) & (STAMP - 1), SHARED | SATURATED);
    }

    /// Goal: what was released once too often stays dead, and its flags stay as they are.
    #[test]
    fn underflows_change_nothing_but_the_stamp() {
        for flags in [0, SHARED] {
            let word = AtomicU64::new(STAMP | flags);
            assert_eq!(decrement(&word), Left::Underflow);
            assert_eq!(word.load(Relaxed) & (STAMP - 1), flags);
            assert_eq!(increment(&word), Incremented::Dead);
        }
    }
}
