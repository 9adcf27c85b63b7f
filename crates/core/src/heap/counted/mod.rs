//! The classic interpreter heap: counted references, immediate death, and a generational collector
//! for cycles. Under the global lock it is `gil`; with the lock taken away it is `racy`.
//!
//! ```text
//! registers, globals ──► cells (32 bytes, type-stable) ──► headers ──► pages of elements
//!                          ▲                                (lists)
//!                          └── generations (what the collector looks at)
//! ```
//!
//! All state lies in words that are loaded and stored, relaxed, and never modified in one operation
//! (`word`). So every operation takes `&self`, and the same code runs with the lock and without.
//! Under the lock that costs what plain fields cost. Without it, counts are lost, lengths tear, and
//! objects in use are freed, as in an interpreter whose lock was taken away. Yet nothing is
//! undefined: no memory changes its type, every index is checked, every loop is bounded by what the
//! heap was opened for, and a stale reference is recognised by its incarnation and noted as a
//! [`Defect`](super::Defect). `racy` must never crash or hang, whatever the interleaving.
//!
//! Under a model checker, these files still use the standard library's atomics: `gil` is sequential
//! by construction (what is worth modelling is its lock, which lies elsewhere), and about `racy`
//! there is nothing to prove.
//!
//! **Memory.** All slabs are reserved when the heap is opened and committed by touch. Cells are
//! what `capacity` counts. A list of up to eight elements takes a small block, of which there are
//! as many as objects; a longer one takes pages of 1,024 elements. There are pages for four
//! elements per object of the capacity, and for no less than four million; and one more for each
//! list with more than eight elements, up to 65,536 of them, since the last page of a list may be
//! nearly empty. An append that finds no page keeps the element in its register, and the next
//! allocation fails with [`OutOfMemory`](super::OutOfMemory), once, for everybody to see.
//!
//! | file | its one job |
//! | --- | --- |
//! | `word` | loads and stores |
//! | `cell` | one object's layout, and references |
//! | `cells` | birth, death, the free list |
//! | `pages`, `list` | elements of lists |
//! | `release` | counting, and what dies of it |
//! | `finalize` | running finalizers |
//! | `generations`, `collect` | when to look for cycles, and how |
//! | `trials`, `walk` | what the collector notes of objects, and how it goes over them |
//! | `acquit`, `sweep` | what it finds alive, and what it frees |
//! | `census` | what the heap believes of itself |
//! | `registers` | one mutator, and what operations are made of |
//! | `mutator` | the contract's operations |
//! | `racy` | the heap without its lock |

mod acquit;
mod cell;
mod cells;
mod census;
mod collect;
mod finalize;
mod generations;
mod list;
mod mutator;
#[cfg(test)]
mod oracle;
mod pages;
mod racy;
mod registers;
mod release;
mod sweep;
mod trials;
mod walk;
mod word;

use std::sync::Arc;

use super::gil::Gil;
use super::slab::Slab;
use super::{DefectLog, Fault, Faultless, Faults, Gauge, HeapConfig, Pauses, Stats};
use crate::clock::Clock;
use cells::Cells;
use generations::Generations;
use list::Header;
use pages::{PAGE, Pages, SMALL};
pub use racy::Racy;
pub use registers::{CountedMutator, Tenancy};
use trials::Trials;
use word::{Half, Word};

/// The largest capacity: with more, an index could look like poison, and systems would not reserve
/// the slabs.
pub const CAPACITY_MAX: u32 = 1 << 30;

/// For how many elements lists have room, per object of the capacity: an object may be in several
/// lists.
const ELEMENTS_PER_OBJECT: u64 = 4;
/// There are at least this many pages for elements: four million elements, 32 MiB if all are
/// touched.
const PAGES_MIN: u64 = 4096;
/// There is one page more for each list that is too long for a small block, up to this many: 512
/// MiB if all are touched.
const LONG_LISTS: u64 = 65_536;

/// The faults that can be planted in `gil`.
pub const PLANTABLE: &[Fault] = &[
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
    Fault::StoreDropsValue,
    Fault::PopKeepsReference,
    Fault::AppendCountsTwice,
    Fault::AppendLost,
    Fault::AppendOutOfOrder,
    Fault::LenOffByOne,
    Fault::PopLeaves,
    Fault::LenLags,
    Fault::PopBeyondPage,
    Fault::RootLags,
    Fault::PopTakesSecond,
    Fault::TruncateOffByOne,
    Fault::AdditionLost,
    Fault::WeakNotCleared,
    Fault::WeakAfterFinalizer,
    Fault::FinalizerSkipped,
    Fault::FinalizerRunTwice,
    Fault::ResurrectedFreedAnyway,
    Fault::RecursiveRelease,
    Fault::WorklistOverwritten,
    Fault::WriteAfterFree,
    Fault::FreedTwice,
    Fault::CellLost,
    Fault::PageLost,
    Fault::EdgesCountedOnce,
    Fault::LivenessOneLevel,
    Fault::PassedIsFinal,
    Fault::SecondReferenceForgotten,
    Fault::ReferencesSubtractedTwice,
    Fault::SearchStopsEarly,
    Fault::ExternalChildReleasedTwice,
    Fault::YoungSubtractsOld,
    Fault::ThresholdIgnored,
    Fault::CollectorNeverRuns,
    Fault::CollectorWaits,
    Fault::RootSkipped,
    Fault::SurvivorsForgotten,
    Fault::MarkLeftBehind,
    Fault::DropRequestKept,
    Fault::NoForcedSwitch,
    Fault::SwitchInsideTruncate,
    Fault::SwitchInsideAppend,
    Fault::RegistersKept,
    Fault::ObjectKept,
    Fault::MemoryKept,
];

/// The counted heap as a single-threaded collector: all state, one register file.
pub type CountedCollector<F = Faultless> = CountedMutator<Box<Counted<F>>>;

/// The heap called `gil`.
pub type GilHeap<F = Faultless> = Gil<CountedCollector<F>, F>;

/// Opens the heap called `gil`.
///
/// # Panics
///
/// If the capacity exceeds [`CAPACITY_MAX`].
pub fn open_gil(config: &HeapConfig) -> GilHeap {
    open_gil_with(config, Faultless)
}

/// Opens a heap like `gil`, with faults.
///
/// # Panics
///
/// If the capacity exceeds [`CAPACITY_MAX`].
pub fn open_gil_with<F: Faults>(config: &HeapConfig, faults: F) -> GilHeap<F> {
    let counted = Box::new(Counted::new(config, faults.clone()));
    Gil::with_faults(
        CountedMutator::new(counted, 0),
        config.switch_interval,
        Arc::clone(&config.pauses),
        faults,
    )
}

/// Opens the heap called `racy`.
///
/// # Panics
///
/// If the capacity exceeds [`CAPACITY_MAX`].
pub fn open_racy(config: &HeapConfig) -> Racy {
    open_racy_with(config, Faultless)
}

/// Opens a heap like `racy`, with planted faults besides.
///
/// # Panics
///
/// If the capacity exceeds [`CAPACITY_MAX`].
pub fn open_racy_with<F: Faults>(config: &HeapConfig, faults: F) -> Racy<F> {
    Racy::new(Counted::new(config, faults))
}

/// All state of a counted heap but its mutators' registers.
#[derive(Debug)]
pub struct Counted<F: Faults = Faultless> {
    capacity: u32,
    cells: Cells,
    /// The list of the object with the same number.
    headers: Slab<Header>,
    pages: Pages,
    generations: Generations,
    trials: Trials,
    globals: Box<[Word]>,
    /// What each held before; only where that is the fault.
    lagging: Box<[Word]>,
    defects: DefectLog,
    pauses: Arc<Pauses>,
    /// Not 0 while a collection runs.
    collecting: Half,
    /// Not 0 if the next allocation must do something first: collect, or refuse.
    attention: Half,
    /// Not 0 after an append that found no page, until an allocation was refused for that.
    starved: Half,
    collections: Word,
    full_collections: Word,
    /// Objects that were looked at by collections that became due by themselves.
    examined: Word,
    cycles_freed: Word,
    /// Finalizers that ran.
    finalized: Word,
    faults: F,
}

impl<F: Faults> Counted<F> {
    /// Whether this fault was planted here.
    #[inline]
    fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    fn new(config: &HeapConfig, faults: F) -> Self {
        let (capacity, nursery) = match faults.has(Fault::CollectorWaits) {
            true => (
                (config.capacity.saturating_mul(8)).min(CAPACITY_MAX),
                u32::MAX,
            ),
            false => (config.capacity, config.nursery),
        };
        assert!(
            capacity <= CAPACITY_MAX,
            "failed to open a heap for {capacity} objects: the maximum is {CAPACITY_MAX}"
        );
        // The clock calibrates itself at the first call, which should not be within a pause.
        Clock::get();
        Self {
            capacity,
            cells: Cells::new(capacity),
            headers: Slab::new(capacity as usize + 1),
            pages: Pages::new(pages_for(capacity), capacity),
            generations: Generations::new(capacity, nursery),
            trials: Trials::new(capacity as usize + 1),
            globals: (0..config.globals).map(|_| Word::default()).collect(),
            lagging: (0..config.globals)
                .filter(|_| faults.has(Fault::RootLags))
                .map(|_| Word::default())
                .collect(),
            defects: DefectLog::default(),
            pauses: Arc::clone(&config.pauses),
            collecting: Half::default(),
            attention: Half::default(),
            starved: Half::default(),
            collections: Word::default(),
            full_collections: Word::default(),
            examined: Word::default(),
            cycles_freed: Word::default(),
            finalized: Word::default(),
            faults,
        }
    }

    fn gauge(&self) -> Gauge {
        Gauge {
            unreclaimed: None,
            collections: self.collections.get(),
        }
    }

    fn stats(&self) -> Stats {
        Stats {
            collections: Some(self.collections.get()),
            full_collections: Some(self.full_collections.get()),
            examined: Some(self.examined.get()),
            cycles_freed: Some(self.cycles_freed.get()),
            defects: self.defects.counts(),
            ..Stats::default()
        }
    }
}

impl<F: Faults> Drop for Counted<F> {
    /// All objects die with the heap: the tags of living ones are dropped.
    fn drop(&mut self) {
        self.cells.drop_living();
    }
}

/// Pages for the elements of a heap of this capacity, and one in 1,024 for directories.
fn pages_for(capacity: u32) -> u32 {
    let elements = u64::from(capacity) * ELEMENTS_PER_OBJECT;
    let long_lists = (elements / (SMALL + 1)).min(LONG_LISTS);
    let full = elements.div_ceil(PAGE).max(PAGES_MIN);
    let pages = full + full / PAGE + long_lists;
    u32::try_from(pages).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: there is a page for each of tens of thousands of lists that are longer than a small
    /// block, or for as many as there are elements for.
    #[test]
    fn many_lists_may_be_long() {
        for capacity in [10, 1_000, 100_000, 10_000_000] {
            let elements = u64::from(capacity) * ELEMENTS_PER_OBJECT;
            let long = (elements / 9).min(60_000);
            assert!(u64::from(pages_for(capacity)) > elements / PAGE + long);
        }
    }
}
