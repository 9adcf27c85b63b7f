//! Faults planted on purpose, to see that something catches them.
//!
//! A [`Defect`](super::Defect) is what a heap recognises about itself at run time; a *fault* is one
//! small change for the worse that somebody asked for (`--fault NAME`, or a model). A heap that can
//! have faults is generic over [`Faults`]: with [`Faultless`], each question is a constant and
//! costs nothing, so the heap that is measured is the heap that ships. With a fault it is another
//! type.
//!
//! What is known here is a fault's name and the change. Which heap can have it the heap says
//! itself; what should catch it is not a heap's business.

/// Which faults a heap has.
pub trait Faults: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Whether it has this one.
    fn has(&self, fault: Fault) -> bool;

    /// Called where a thread that is held up just then may meet others in the midst of something.
    #[inline]
    fn pass(&self, _: Point) {}

    /// Called when a collection has begun.
    #[inline]
    fn collecting(&self) {}

    /// Asked once for each object that is to be made: whether to say that there is no room.
    #[inline]
    fn refuses(&self) -> bool {
        false
    }
}

/// Places in a heap where a thread can be held up on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// An element or a reference was read and is not counted yet.
    Read,
    /// What is to be changed was looked at and is not changed yet.
    Change,
    /// Something was changed and others have not been told.
    Changed,
    /// A count has fallen to zero and its object is not dead yet.
    Dying,
    /// The collector has made up its mind and not yet acted.
    Verdict,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Change,
        Self::Changed,
        Self::Dying,
        Self::Verdict,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::Changed => "changed",
            Self::Dying => "dying",
            Self::Verdict => "verdict",
        }
    }
}

/// None at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faultless;

impl Faults for Faultless {
    #[inline]
    fn has(&self, _: Fault) -> bool {
        false
    }
}

/// One, or none: what is known at run time only.
impl Faults for Option<Fault> {
    #[inline]
    fn has(&self, fault: Fault) -> bool {
        *self == Some(fault)
    }
}

/// One table, from which the type, the names and the descriptions are made.
macro_rules! faults {
    ($($variant:ident $name:literal: $change:literal;)*) => {
        /// One small change for the worse.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault {
            $(#[doc = $change] $variant,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the command line and in results.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What is changed, in a line.
            pub fn change(self) -> &'static str {
                match self {
                    $(Self::$variant => $change,)*
                }
            }
        }
    };
}

faults! {
    TrustHint "trust-hint": "an append believes the hint, and does not look at the slot below";
    LookBelowFirst "look-below-first": "an append looks at the slot below before it looks at the empty slot";
    FastOnAnyStamp "fast-on-any-stamp": "an append's fast path takes any empty slot, not only an untouched one";
    LocalStamps "local-stamps": "stamps of empty slots are not unique: the old stamp plus one, or 0 in the slot below";
    NoHeadLoad "no-head-load": "an append does not look at the head";
    GetNotPassed "get-not-passed": "`get` is content with a head that did not pass its position";
    PlainSet "plain-set": "`set` exchanges the element without a record";
    ClampedTruncate "clamped-truncate": "`del l[:n]` with a large n uses the length it read";
    CompareCounts "compare-counts": "the collector compares counts, not words";
    NoGrace "no-grace-before-validation": "the collector does not wait for a grace period before it validates";
    RereadSlots "reread-slots": "the collector counts references once more when it validates, in what the slots hold by then";
    SoleByCount "sole-by-count": "a truncated element with count 1 is freed without a read-modify-write, shared or not";
    ClearOneByOne "clear-one-by-one": "the mark of a candidate is cleared one by one, as words are read";
    MoveIntoItself "move-into-itself": "a reference is moved into the very object that it names";
    NoVerdict "no-verdict": "condemned objects are killed one by one, without a verdict for all";
    ForgetSuspects "forget-suspects": "what was suspected and not freed is forgotten";
    GetWithoutIncrement "get-without-increment": "`get` hands out a reference that it does not count";
    CopyWithoutIncrement "copy-without-increment": "`copy` makes a reference that it does not count";
    UpgradeWithoutIncrement "upgrade-without-increment": "an upgrade hands out a reference that it does not count";
    SetKeepsOld "set-keeps-old": "`set` forgets to release the old reference";
    StoreKeepsOld "store-keeps-old": "`store` forgets to release the old reference";
    StoreLost "store-lost": "one `store` in 10,000 releases its reference and leaves the field as it is";
    LoadOtherField "load-other-field": "one `load` in 1,000 answers what the other field holds";
    GetNeighbour "get-neighbour": "one `get` in 1,000 answers the element after the one that was asked for";
    PeekStale "peek-stale": "one `peek` in 1,000 takes a sound reference for a broken one";
    PeekDead "peek-dead": "one `peek` in 1,000 repeats the answer of the one 500 before it, dead or alive";
    StoreDropsValue "store-drops-value": "every 16th `store` puts its reference nowhere, and forgets it";
    PopKeepsReference "pop-keeps-reference": "`pop` counts a reference that it only moves";
    AppendCountsTwice "append-counts-twice": "`append` counts a reference that it only moves";
    AppendLost "append-lost": "every 16th `append` releases its element and says that it is in the list";
    AppendOutOfOrder "append-out-of-order": "every 16th `append` changes places with the element before";
    LenOffByOne "len-off-by-one": "`len` counts the place after the last element";
    PopLeaves "pop-leaves": "one `pop` in 20,000 leaves its element in the list";
    LenLags "len-lags": "every 64th `len` does not count the last element yet";
    PopBeyondPage "pop-beyond-page": "`pop` from a list of more than 1,024 elements takes the last but one";
    RootLags "root-lags": "every 64th `fetch` answers what the shared root held before";
    PopTakesSecond "pop-takes-second": "every 16th `pop` takes the last element but one";
    TruncateOffByOne "truncate-off-by-one": "`del l[:n]` takes one element more";
    AdditionLost "addition-lost": "every 16th addition to a counter writes back what it read";
    WeakNotCleared "weak-not-cleared": "an upgrade does not ask whether the cell holds another object by now";
    WeakAfterFinalizer "weak-after-finalizer": "weak references outlive the finalizer of their target";
    FinalizerSkipped "finalizer-skipped": "what dies by its count dies without its finalizer";
    FinalizerRunTwice "finalizer-run-twice": "finalizers run twice";
    ResurrectedFreedAnyway "resurrected-freed-anyway": "what a finalizer resurrected is freed all the same";
    RecursiveRelease "recursive-release": "a release recurses into what a dying object held";
    WorklistOverwritten "worklist-overwritten": "a nested release overwrites the list of what is still to be released";
    WriteAfterFree "write-after-free": "the cell of an object that died is written to once more";
    FreedTwice "freed-twice": "the tag of what the collector frees is dropped twice";
    CellLost "cell-lost": "the cell of what the collector frees is not used again";
    PageLost "page-lost": "the pages of a list that dies are not used again";
    EdgesCountedOnce "edges-counted-once": "several references from one object to another count as one";
    LivenessOneLevel "liveness-one-level": "what a live object reaches is found alive one level deep only";
    PassedIsFinal "passed-is-final": "what the search for the living has passed stays condemned, whatever comes later";
    SecondReferenceForgotten "second-reference-forgotten": "of what an object refers to, the collector looks into the first only";
    ReferencesSubtractedTwice "references-subtracted-twice": "references between the objects on trial are subtracted twice";
    SearchStopsEarly "search-stops-early": "the search for the living ends when it has found half of those that it may find";
    ExternalChildReleasedTwice "external-child-released-twice": "what a dead cycle refers to outside of it is released twice";
    YoungSubtractsOld "young-subtracts-old": "a young collection takes references from older generations for internal";
    ThresholdIgnored "threshold-ignored": "full collections do not wait until the heap has grown";
    CollectorNeverRuns "collector-never-runs": "the collector does nothing";
    CollectorWaits "collector-waits": "the collector waits until the heap is settled, and there is room for eight times as many objects";
    RootSkipped "root-skipped": "the collector takes the last shared root for one of the objects on trial";
    SurvivorsForgotten "survivors-forgotten": "what survives a young collection leaves the generations";
    MarkLeftBehind "mark-left-behind": "a survivor of each collection keeps its mark";
    DropRequestKept "drop-request-kept": "a waiter that gets the lock leaves its drop request behind";
    NoForcedSwitch "no-forced-switch": "whoever lets the lock go on request takes it straight back";
    SwitchInsideTruncate "switch-inside-truncate": "the lock is offered between reading the length of a list, if it is a multiple of 4, and cutting it";
    SwitchInsideAppend "switch-inside-append": "the lock is offered between reading the length of a list, if it is a multiple of 16,384, and appending to it";
    SetReleasesOnRetry "set-releases-on-retry": "the old reference is released on every attempt of a `set`";
    IncrementFromZero "increment-from-zero": "an increment does not ask whether the object is dead";
    ReleaseBeforePublish "release-before-publish": "a truncation releases its elements before it takes effect";
    FreeAtOnce "free-at-once": "truncated elements are released without a grace period";
    ReaderWithoutPin "reader-without-pin": "`get` gives up its pin, and the processor, between reading an element and counting it";
    CandidatesDropped "candidates-dropped": "candidates are forgotten while the collector still has others to look at";
    StalledPin "stalled-pin": "the first mutator never renews its pin";
    MissingFence "missing-fence": "the last decrement orders nothing";
    FinalizedTwice "finalized-twice": "an object counts as finalized only after its finalizer has run, not from when it starts";
    NoSecondLook "no-second-look": "a reader takes what it saw, although that was finalized meanwhile";
    PublishOneByOne "publish-one-by-one": "of a garbage cycle, an object is published before the finalizers of the others ran";
    PardonFirst "pardon-first": "weak references to a garbage cycle may be upgraded while its finalizers run";
    SoleUnfinalized "sole-unfinalized": "a truncated element with a count of 1 is freed without its finalizer";
    PopWithoutTouch "pop-without-touch": "a pop does not change the stamp of what it takes";
    CountWhileReading "count-while-reading": "the collector notes edges while it still reads words";
    // Together with `MoveIntoItself`: by itself, the container's own register makes up for it.
    TouchBeforeMove "touch-before-move": "a truncation changes the list's stamp before it moves the head";
    AdmitDead "admit-dead": "the collector admits objects whose count is 0";
    SuspectWithoutLooking "suspect-without-looking": "a candidate is marked again without asking whether it is still alive";
    NewestFirst "newest-first": "the collector looks at the newest candidates first";
    ForgetBudget "forget-budget": "the collector's budget is reset although a round decided nothing";
    VerdictUnchecked "verdict-unchecked": "an upgrade believes a verdict without a second look at the word";
    ReuseAtOnce "reuse-at-once": "the cell of a truncated node is used again at once";
    RangeThroughCell "range-through-cell": "whoever releases a truncated range finds its pages through the list's cell";
    StuckAsEmpty "stuck-as-empty": "whoever releases a truncated range takes what a late helper claims for an empty slot";
    ClaimUncounted "claim-uncounted": "the claim of a pop does not count the seal that it belongs to";
    PagesAtOnce "pages-at-once": "a page of a list is freed as soon as its last slot is retired, without a grace period";
    CursorUnchecked "cursor-unchecked": "an append trusts the page that its mutator remembers, whatever the head is";
    AnswerFirst "answer-first": "a mutator that is asked for memory answers before it has handed over what it holds";
    TakingUnseen "taking-unseen": "a mutator that finds no memory does not ask whether another took up work after it had answered";
    BirthsUnseen "births-unseen": "a mutator that finds no memory does not ask whether others reported births meanwhile";
    QuietFirst "quiet-first": "the question whether anything waits to be reclaimed looks at candidates last, not first";
    EscapeShallow "escape-shallow": "of what is stored where others may find it, only the node itself escapes";
    StoredUnescaped "stored-unescaped": "what is stored into a node that others can reach does not escape";
    BrandKept "brand-kept": "a mutator that hands over its tasks keeps its brand";
    OutsideSubtracted "outside-subtracted": "a trial of private objects takes a reference from outside to each for one between them";
    SurvivorsMarked "survivors-marked": "a private candidate that a trial finds alive stays marked as one, and is in no list";
    TrialNeverRuns "trial-never-runs": "a mutator does not try its private candidates, and keeps them";
    CellsAtOnce "cells-at-once": "the cell of any node is used again at once, as if nobody else could know it";
    BrandsUnswept "brands-unswept": "brands are given again while objects bear them";
    SecondLookByCount "second-look-by-count": "the collector takes a candidate whose count is what it was for one that nobody changed";
    GarbageAtOnce "garbage-at-once": "the collector uses the cells of all garbage again at once, whatever may lead to it";
    WinnerLeft "winner-left": "whoever finishes a pop leaves the claim that won in its slot, for its maker to take out";
    LookFirst "look-first": "whether a node refers to anything is asked before the decrement that may leave it as garbage";
    // No heap does that; it is a fault of a model's program.
    UncountedContainer "uncounted-container": "a reference is moved into a container that only an uncounted pointer leads to";
    // Those of programs for interpreters, besides others that they share with heaps.
    ReferenceKept "reference-kept": "a reference to an element of a shared list is kept where nobody looks";
    ExtraReference "extra-reference": "the count of an element of a shared list is one too high";
    WeakCleared "weak-cleared": "every third time a weak reference is asked, it says that its target is dead";
    InterpreterKilled "interpreter-killed": "the interpreter follows a pointer to nowhere";
    InterpreterHung "interpreter-hung": "a thread of the interpreter never gives back a lock that all others need";
    RegistersKept "registers-kept": "a mutator that leaves does not release what is in its registers";
    ObjectKept "object-kept": "one in 100,000 of those that die is never freed";
    MemoryKept "memory-kept": "for one in 100,000 of those that die, memory beside its cell is never given back";
    // The harness's own (`OF_HARNESS`), whatever heap it looks at.
    WalkSkipsRoot "walk-skips-root": "the harness's own walk passes over the last shared root";
    WalkSkipsEdge "walk-skips-edge": "the harness's own walk does not follow the second reference of a node";
    DeathsForgotten "deaths-forgotten": "the harness counts only deaths in segments of its ledger that were recycled";
}

/// Of so many objects that die, a slow leak concerns one.
const RARELY: u64 = 100_000;
/// How much memory it keeps for it, in bytes: as much as a cell is.
const KEPT_BYTES: usize = 64;

/// Whether a slow leak is about this object, of which these are the tag's bits: by chance, but the
/// same for both heaps and in every run with the same seed.
pub(super) fn is_rare(tag: u64) -> bool {
    // Mixed first: the bits of a tag count.
    (tag.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).is_multiple_of(RARELY)
}

/// Leaks memory that no check looks at: what [`Fault::MemoryKept`] does when an object dies.
#[cold]
pub(super) fn leak_memory() {
    // Written to, or the system would never have to give it.
    std::mem::forget(std::hint::black_box(vec![1_u8; KEPT_BYTES]));
}

impl Fault {
    /// Those of the harness's own view, which must not be able to be wrong in silence: they can be
    /// planted beside any heap, and are no heap's business.
    pub const OF_HARNESS: &[Self] = &[
        Self::WalkSkipsRoot,
        Self::WalkSkipsEdge,
        Self::DeathsForgotten,
    ];

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each fault has a name of its own, by which it is found.
    #[test]
    fn names_lead_back() {
        for &fault in Fault::ALL {
            assert_eq!(Fault::named(fault.name()), Some(fault));
        }
        assert_eq!(Fault::named(""), None);
    }
}
