//! The `lock-free` heap: shared lists without a lock, and cycles collected while the mutators run.
//!
//! Reference counts are exact, and an object is released as soon as its count reaches 0, as under a
//! global lock. What is deferred is the reuse of its memory: until no pin is left under which
//! somebody may hold an uncounted pointer to it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `word` | count, flags and stamp, and every atomic operation on them |
//! | `cell`, `slab` | an object's cell, references to it, and the memory of all cells |
//! | `private` | what only its maker can reach, and how its maker collects it |
//! | `worker` | an epoch participant with private stores: what mutators and the collector share |
//! | `recall` | how a mutator that finds no memory gets what others hold back |
//! | `release` | how objects die: decrements and a work list |
//! | `list` | the list, with the place where each operation takes effect |
//! | `cycles` | the collector, with the proof that it frees nothing but garbage |
//! | `weak` | weak references |
//! | `finalize` | finalizers, and why each runs once, alone, on what is garbage |
//! | `shared`, `home`, `stack` | what mutators hand to each other |
//! | `models` | every interleaving of small programs, and what breaks when a step is left out |
//!
//! # What blocks, and what does not
//!
//! A mutator that stops anywhere never blocks the operations of another, the allocator aside. There
//! are three exceptions, each of which is named again where it is:
//! [`collect`](crate::heap::Mutator::collect) waits for a collection that is under way; `alloc`
//! waits a little for memory that others are about to give back, before it answers that there is
//! none; and `del l[-n:]` is n steps, not one. (Where the collector is behind, `alloc` pauses for
//! some 60 us now and then, whatever others do.)
//!
//! A mutator that stops under a pin keeps memory from being reused, without bound: the counter
//! `unreclaimed_peak` shows it. While nobody stops, it stays bounded, as three things keep up with
//! the mutators: each refill of free cells does twice as many steps of release as it hands out
//! cells, each safepoint does some of those that its mutator made necessary, and deferred jobs are
//! run faster than they are deferred (`worker`). What is unreclaimed then is a few chunks a
//! mutator, and the ranges that were truncated during the last few grace periods, however long they
//! are.
//!
//! Garbage cycles are bounded, too. Those that only their maker could ever reach are collected by
//! it, at the pace at which it makes them. For the others there is one collector, and mutators that
//! are faster slow down by and by (`worker`).
//!
//! # Decisions
//!
//! * Only nodes can be private. A list would have to be walked when it escapes, and its truncated
//!   ranges are released by anybody; a leaf cannot be in a cycle, and every append would have to
//!   take its brand away.
//! * A brand is a number in `meta` and not a mark: so everything that is private to a mutator can
//!   escape in one step, and nobody else ever needs to look at it.
//! * What survives a trial escapes, although its maker may be the only one who holds it. It would
//!   be tried again and again otherwise, and a program with much live data of its own would pay for
//!   all of it with each trial.
//! * Whether an object can be part of a cycle (ACYCLIC) is a bit of the reference and not of the
//!   cell, so the collector and every decrement pass over leaves without touching them.
//! * A decrement makes a node a candidate only if it refers to another node or a list. Most nodes
//!   that programs keep in lists and hand around refer to nothing, and the collector had to look
//!   at each of them that was ever copied.
//! * `get` looks at the head for the second time *before* it increments: what it returns is settled
//!   at its look at the slot. So it never has to give a reference back, except where a finalizer
//!   ran.
//! * A pop's claim counts its seal. A helper may meet the claim of a pop that is long over, whose
//!   seal had its grace period before the helper's pin began; only that count keeps the seal.
//! * Whoever walks a truncated range and meets a descriptor puts the rest of the range off for one
//!   more grace period: the descriptor is such a late claim, and an element is hidden in it.
//! * An object that is stored into itself from the register that names it is copied first and
//!   released afterwards, so rule R2 holds without an exception.
//! * Elements of truncated ranges are freed without a read-modify-write if nobody ever had a second
//!   reference to them. If one is a node, its cell is still not reused before a grace period is
//!   over, since the collector may be looking at it.
//! * An object with a finalizer does not die to be resurrected: the decrement that would take its
//!   last reference keeps the reference instead, and marks the object. A count of 0 stays final.
//! * A garbage cycle with finalizers needs no second round. While its finalizers run, it is the
//!   collector's alone, so its edges are known, and with them what is resurrected; the rest is
//!   freed at once. Weak references to those of its objects that have no finalizer are void only
//!   for as long as that goes on.
//! * A count has 28 bits, of which half are used; one reference more makes the object immortal, as
//!   in CPython, and is reported as a defect (`word` says why).
//! * The pages of a list that died are taken away one by one, within the budget of several
//!   operations, like everything else that is released.
//! * Tags lie in a range of their own, or a cell would not fit in half a cache line.

mod cell;
mod core;
mod cycles;
mod finalize;
mod home;
mod list;
#[cfg(test)]
#[cfg(any(loom, shuttle))]
mod models;
mod mutator;
mod pace;
mod private;
mod recall;
mod release;
mod shared;
mod slab;
mod stack;
#[cfg(test)]
#[cfg(not(any(loom, shuttle)))]
mod tests;
mod weak;
mod word;
mod worker;

pub use mutator::LockFreeMutator;

use std::sync::Arc;

use self::core::Core;
use self::private::Birth;
#[cfg(not(any(loom, shuttle)))]
use super::Upkeep;
use super::{
    Belief, Caps, Census, Defect, Fault, Faultless, Faults, Gauge, Heap, HeapConfig, Seat, Stats,
};

/// The faults that can be planted here: those that leave the process sane.
pub const PLANTABLE: &[Fault] = &[
    Fault::TrustHint,
    Fault::LookBelowFirst,
    Fault::FastOnAnyStamp,
    Fault::LocalStamps,
    Fault::NoHeadLoad,
    Fault::GetNotPassed,
    Fault::PlainSet,
    Fault::ClampedTruncate,
    Fault::CompareCounts,
    Fault::NoGrace,
    Fault::RereadSlots,
    Fault::SoleByCount,
    Fault::ClearOneByOne,
    Fault::MoveIntoItself,
    Fault::NoVerdict,
    Fault::ForgetSuspects,
    Fault::GetWithoutIncrement,
    Fault::CopyWithoutIncrement,
    Fault::UpgradeWithoutIncrement,
    Fault::SetKeepsOld,
    Fault::StoreKeepsOld,
    Fault::StoreLost,
    Fault::LoadOtherField,
    Fault::GetNeighbour,
    Fault::PeekStale,
    Fault::PeekDead,
    Fault::PopKeepsReference,
    Fault::LenOffByOne,
    Fault::PopLeaves,
    Fault::LenLags,
    Fault::PopBeyondPage,
    Fault::PopTakesSecond,
    Fault::RootLags,
    Fault::RecursiveRelease,
    Fault::WorklistOverwritten,
    Fault::WriteAfterFree,
    Fault::FreedTwice,
    Fault::EdgesCountedOnce,
    Fault::LivenessOneLevel,
    Fault::ExternalChildReleasedTwice,
    Fault::CollectorNeverRuns,
    Fault::RootSkipped,
    Fault::RegistersKept,
    Fault::ObjectKept,
    Fault::MemoryKept,
    Fault::SetReleasesOnRetry,
    Fault::IncrementFromZero,
    Fault::ReleaseBeforePublish,
    Fault::FreeAtOnce,
    Fault::ReaderWithoutPin,
    Fault::CandidatesDropped,
    Fault::StalledPin,
    Fault::MissingFence,
    Fault::WeakAfterFinalizer,
    Fault::ResurrectedFreedAnyway,
    Fault::FinalizedTwice,
    Fault::NoSecondLook,
    Fault::PublishOneByOne,
    Fault::PardonFirst,
    Fault::SoleUnfinalized,
    Fault::PopWithoutTouch,
    Fault::CountWhileReading,
    Fault::TouchBeforeMove,
    Fault::AdmitDead,
    Fault::SuspectWithoutLooking,
    Fault::NewestFirst,
    Fault::ForgetBudget,
    Fault::VerdictUnchecked,
    Fault::ReuseAtOnce,
    Fault::EscapeShallow,
    Fault::StoredUnescaped,
    Fault::OutsideSubtracted,
    Fault::SurvivorsMarked,
    Fault::TrialNeverRuns,
    Fault::CellsAtOnce,
];

/// Faults of the concurrent collector, and of what others do for it. They show only in what it
/// collects, so beside one of them no garbage is left to its makers.
const OF_COLLECTOR: &[Fault] = &[
    Fault::CompareCounts,
    Fault::NoGrace,
    Fault::RereadSlots,
    Fault::ClearOneByOne,
    Fault::MoveIntoItself,
    Fault::NoVerdict,
    Fault::ForgetSuspects,
    Fault::EdgesCountedOnce,
    Fault::LivenessOneLevel,
    Fault::ExternalChildReleasedTwice,
    Fault::CollectorNeverRuns,
    Fault::RootSkipped,
    Fault::CandidatesDropped,
    Fault::MissingFence,
    Fault::StalledPin,
    Fault::ResurrectedFreedAnyway,
    Fault::PublishOneByOne,
    Fault::PardonFirst,
    Fault::PopWithoutTouch,
    Fault::CountWhileReading,
    Fault::TouchBeforeMove,
    Fault::AdmitDead,
    Fault::SuspectWithoutLooking,
    Fault::NewestFirst,
    Fault::ForgetBudget,
    Fault::VerdictUnchecked,
];

/// The heap called `lock-free`.
#[derive(Debug)]
pub struct LockFree<F: Faults = Faultless> {
    /// Declared before the core, which it uses, so that it is dropped first.
    #[cfg(not(any(loom, shuttle)))]
    _collector: Option<cycles::thread::CollectorThread>,
    core: Arc<Core<F>>,
}

/// Opens a heap. Its cycle collector runs on a thread of its own until the heap is dropped, except
/// in models and where all upkeep is to happen within calls: there, only `collect` and `settle`
/// collect cycles.
///
/// # Panics
///
/// If the operating system refuses the thread.
pub fn open(config: &HeapConfig) -> LockFree {
    open_with(config, Faultless)
}

/// Opens a heap with faults.
///
/// # Panics
///
/// If the operating system refuses the thread.
pub fn open_with<F: Faults>(config: &HeapConfig, faults: F) -> LockFree<F> {
    let birth = match OF_COLLECTOR.iter().any(|&fault| faults.has(fault)) {
        true => Birth::Shared,
        false => Birth::Private,
    };
    open_born(config, birth, faults)
}

/// Opens a heap where new objects are private, or none is.
fn open_born<F: Faults>(config: &HeapConfig, birth: Birth, faults: F) -> LockFree<F> {
    let core = Arc::new(Core::new(config, birth, faults));
    LockFree {
        #[cfg(not(any(loom, shuttle)))]
        _collector: (config.upkeep == Upkeep::ByItself)
            .then(|| cycles::thread::CollectorThread::start(&core)),
        core,
    }
}

impl<F: Faults> LockFree<F> {
    fn core(&self) -> &Core<F> {
        &self.core
    }
}

impl<F: Faults> Heap for LockFree<F> {
    type Mutator<'h> = LockFreeMutator<'h, F>;

    fn caps(&self) -> Caps {
        Caps::ALL
    }

    fn attach(&self, seat: Seat) -> Result<LockFreeMutator<'_, F>, Defect> {
        Ok(LockFreeMutator::new(self, seat))
    }

    fn settle(&self) -> Result<(), Defect> {
        self.core.settle_now();
        self.core.defects.check()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        Some(self.core.census(visit))
    }

    fn stats(&self) -> Stats {
        self.core.stats()
    }

    fn gauge(&self) -> Gauge {
        self.core.gauge()
    }
}
