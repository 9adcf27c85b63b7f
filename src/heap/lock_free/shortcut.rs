//! Steps that look superfluous, each of which a model takes out to see what breaks.
//!
//! A model that finds nothing proves little unless it would have found something. So every step that
//! somebody might one day save has a name here, and a test that expects a failure without it. Only
//! heaps of models can be told to take a shortcut; everywhere else the question is a constant.

/// A step left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shortcut {
    /// An append believes the hint, and does not look at the slot below.
    TrustHint,
    /// An append looks at the slot below first and at the empty slot then.
    LookBelowFirst,
    /// An append's fast path takes any empty slot, not only an untouched one.
    FastOnAnyStamp,
    /// Stamps of empty slots are the old one plus one, and 0 below, not unique.
    LocalStamps,
    /// An append does not look at the head.
    NoHeadLoad,
    /// `get` is content with a head that did not pass its position.
    GetNotPassed,
    /// `set` exchanges the element without a record.
    PlainSet,
    /// `del l[:n]` with a large n uses the length it read.
    ClampedTruncate,
    /// The collector compares counts, not words.
    CompareCounts,
    /// The collector does not wait for a grace period.
    NoGrace,
    /// The collector follows the slots of now when it validates.
    RereadSlots,
    /// A truncated element with count 1 is freed without a read-modify-write, SHARED or not.
    SoleByCount,
    /// BUFFERED is cleared one by one, as words are read.
    ClearOneByOne,
    /// A reference is moved into the very object that it names.
    MoveIntoItself,
    /// Condemned objects are killed one by one, without a verdict for all.
    NoVerdict,
    /// What was suspected and not freed is forgotten.
    ForgetSuspects,
}
