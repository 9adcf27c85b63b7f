//! Faults planted on purpose, to see that something catches them.
//!
//! A [`Fault`](super::Fault) is what a heap recognises about itself at run time; a *flaw* is one
//! small change for the worse that somebody asked for (`--fault NAME`, or a model). A heap that can
//! have flaws is generic over [`Flaws`]: with [`Flawless`], each question is a constant and costs
//! nothing, so the heap that is measured is the heap that ships. With a flaw it is another type.

/// Which flaws a heap has.
pub trait Flaws: Copy + std::fmt::Debug + Send + Sync + 'static {
    /// Whether it has this one.
    fn has(self, flaw: Flaw) -> bool;
}

/// None at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flawless;

impl Flaws for Flawless {
    #[inline]
    fn has(self, _: Flaw) -> bool {
        false
    }
}

/// One, or none: what is known at run time only.
impl Flaws for Option<Flaw> {
    #[inline]
    fn has(self, flaw: Flaw) -> bool {
        self == Some(flaw)
    }
}

/// One small change for the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
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
    /// The collector does not wait for a grace period before it validates.
    NoGrace,
    /// The collector follows the slots of now when it validates.
    RereadSlots,
    /// A pop does not change the stamp of what it takes.
    PopWithoutTouch,
    /// The collector notes edges while it still reads words.
    CountWhileReading,
    /// A truncation changes the list's stamp before it moves the head. (Together with
    /// `MoveIntoItself`: by itself, the container's own register makes up for it.)
    TouchBeforeMove,
    /// The collector admits objects whose count is 0.
    AdmitDead,
    /// Whoever releases a truncated range finds its pages through the list's cell.
    RangeThroughCell,
    /// A reference is moved into a container that only an uncounted pointer leads to. (No heap does
    /// that; it is a flaw of a model's program.)
    UncountedContainer,
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
    /// Weak references to an object are void only after its finalizer ran.
    WeakAfterFinalizer,
    /// What a finalizer published is freed with the cycle that it was part of.
    ResurrectedFreedAnyway,
    /// An object counts as finalized only once its finalizer is done with it.
    FinalizedTwice,
    /// A reader takes what it saw, although that was finalized meanwhile.
    NoSecondLook,
    /// Of a garbage cycle, an object is published before the finalizers of the others ran.
    PublishOneByOne,
    /// Weak references to a garbage cycle may be upgraded while its finalizers run.
    PardonFirst,
    /// Whoever was truncated with a count of 1 is freed, finalizer or not.
    SoleUnfinalized,
}
