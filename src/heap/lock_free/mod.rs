//! The `lock-free` heap: shared lists without a lock, and cycles collected while the mutators run.
//!
//! Counts are exact and releases immediate, as under a global lock; what is deferred is the reuse of
//! memory, until no pin is left under which somebody may hold an uncounted pointer to it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `word` | count, flags and stamp: every atomic operation on them |
//! | `cell`, `slab` | an object's place, references to it, and the memory of all |
//! | `worker` | an epoch participant with private stores: what a mutator and the collector share |
//! | `release` | how objects die: decrements and a work list |
//! | `list` | the list, with the place where each operation takes effect |
//! | `cycles` | the collector, with the proof that it frees garbage only |
//! | `weak` | weak references |
//! | `finalize` | finalizers, and why each runs once, alone, on what is garbage |
//! | `shared`, `home`, `stack` | what mutators hand to each other |
//! | `models` | every interleaving of small programs, and what breaks when a step is left out |
//!
//! # What blocks, and what does not
//!
//! A mutator stopped anywhere never blocks another's operations, the allocator aside, with three
//! exceptions that are said where they are: [`collect`](crate::heap::Mutator::collect) waits for a
//! collection that is under way; `alloc` waits a little for memory that others are about to give
//! back before it says that there is none; and `del l[-n:]` is n steps, not one. A mutator stopped
//! under a pin keeps memory from being reused, without bound: `unreclaimed_peak` shows it. While
//! nobody is stopped, each refill of free cells releases twice as many truncated elements as it
//! hands out, so what is unreclaimed stays within a few chunks a mutator and the ranges in flight.
//!
//! # Where this departs from the first design
//!
//! * ACYCLIC rides in the reference and not in the cell, so the collector and every decrement pass
//!   over leaves without touching them.
//! * `get` looks at the head again *before* it increments, not after: what it returns is settled at
//!   its look at the slot. There is a reference to give back only where a finalizer has run.
//! * A pop's claim counts its seal. A helper may meet a claim of a pop that is long over, whose seal
//!   had its grace period before the helper's pin began: the design would have freed it.
//! * Whoever walks a truncated range and meets a descriptor puts the rest of the range off for one
//!   more grace period: it belongs to such a late helper, and hides an element.
//! * An object stored into itself from the register that names it is copied first and released
//!   after, so rule R2 holds without an exception.
//! * Nodes of truncated ranges are freed without a read-modify-write, too, if nobody ever had a
//!   second reference; only the reuse of their cells waits for the collector's pin.
//! * An object with a finalizer does not die to be resurrected: the decrement that would take its last
//!   reference keeps it instead, marked. A count of 0 stays final.
//! * A garbage cycle with finalizers needs no second round. It is the collector's alone while they
//!   run, so its edges are known, and with them what comes back; the rest is freed at once. Weak
//!   references to its objects without finalizers are not void for good, only while that goes on.
//! * A count has 28 bits and not 29, an index 30 and not 31, to make room for one bit each.
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
#[cfg(not(any(loom, shuttle)))]
use super::Upkeep;
use super::{
    Belief, Caps, Census, Collection, Defect, Fault, Faultless, Faults, Gauge, Heap, HeapConfig,
    Seat, Stats,
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
    Fault::PopKeepsReference,
    Fault::LenOffByOne,
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
];

/// See the module.
#[derive(Debug)]
pub struct LockFree<F: Faults = Faultless> {
    /// Before the core, which it uses.
    #[cfg(not(any(loom, shuttle)))]
    _collector: Option<cycles::thread::CollectorThread>,
    core: Arc<Core<F>>,
}

/// Opens a heap. Its collector of cycles runs on a thread of its own until the heap is dropped; not
/// in models, nor where all upkeep is to be within calls: there cycles are collected by `collect` and
/// `settle` only.
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
    let core = Arc::new(Core::new(config, faults));
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

    /// Objects that were taken out of use and are not reusable yet: truncated, or dead, and waiting
    /// for a grace period. May be called at any time; a mutator's own count lags by a chunk.
    pub fn unreclaimed(&self) -> u64 {
        self.core.shared.unreclaimed()
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

    fn collect(&self) -> Result<Collection, Defect> {
        let collection = self.core.collect_now();
        self.core.defects.check()?;
        Ok(collection)
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
