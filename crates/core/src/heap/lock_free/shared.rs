//! What mutators share besides the objects: pools, queues and counters.
//!
//! Deferred jobs hold this, and nothing else of the heap: a job that runs late (inside somebody's
//! pin, or when the last epoch handle goes) needs nothing that may be gone by then. Nor does a job
//! work on objects: it only moves things from *deferred* to *ripe*, where a mutator or the
//! collector finds them and works on them within its own budget.

use std::sync::Arc;

use crossbeam_epoch::Guard;

use super::cell::Ref;
use super::home::Homes;
use super::release::Task;
use super::stack::Stack;
use crate::clock::Stamp;
use crate::heap::{ADVANCE_MAX, Pauses};
use crate::sync::atomic::AtomicI64;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::sized;

/// How many cells a mutator takes from the pool or gives back at a time. With 512, the atomic
/// operations, the pool's node and the deferred job (some 100 ns together) are negligible against
/// the cost of the objects.
/// A mutator holds less than two such chunks of free cells.
pub(super) const CHUNK: usize = sized(ADVANCE_MAX as usize / 2, 2);

/// Candidates that a mutator gathers before it hands them over.
pub(super) const CANDIDATES: usize = sized(256, 1);

/// What workers share besides the objects.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Where to note how long unlinked objects waited.
    pub(super) pauses: Arc<Pauses>,
    /// Free cells and ripe ranges.
    pub(super) homes: Homes,
    /// Work that a mutator left behind when it went idle.
    orphaned: Stack<Vec<Task>>,
    /// How often such work was taken up. It is counted first and taken then: see `recall`.
    adopted: AtomicU64,
    /// Objects that may be part of a garbage cycle.
    pub(super) candidates: Stack<Vec<Ref>>,
    /// Candidates in `candidates`, roughly.
    pub(super) candidates_len: AtomicU64,
    /// Those of them that the collector has looked at before and found alive. Most are in use, and
    /// wait for nothing.
    pub(super) candidates_known: AtomicU64,
    /// The number of the last grace period that ended.
    pub(super) grace: AtomicU64,
    /// Objects taken out of use and not yet reusable.
    unreclaimed: AtomicI64,
    unreclaimed_peak: AtomicI64,
    /// How often a worker told of births. It is counted first and told then: see `recall`.
    room_taken: AtomicU64,
    live: AtomicI64,
    /// Operations that had to be tried again because of another mutator.
    pub(super) contended: AtomicU64,
    /// Truncations that met an append under way.
    pub(super) met_append: AtomicU64,
    /// How many grace periods ended that a chunk of cells or the collector waited for.
    pub(super) epochs: AtomicU64,
    /// What the collector did.
    pub(super) rounds: Rounds,
}

/// What the cycle collector did so far, and what mutators did for themselves.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    pub(super) all: AtomicU64,
    /// Rounds that looked at everything.
    pub(super) full: AtomicU64,
    /// Rounds that gave up because some mutator did not renew its pin.
    pub(super) abandoned: AtomicU64,
    /// Objects freed.
    pub(super) freed: AtomicU64,
    /// Trials of private objects, which are no rounds, and the objects that were freed in them.
    pub(super) trials: AtomicU64,
    pub(super) tried: AtomicU64,
}

impl Shared {
    /// What a heap with this many cells shares.
    pub(super) fn new(pauses: &Arc<Pauses>, cells: u32) -> Self {
        Self {
            pauses: Arc::clone(pauses),
            homes: Homes::new(cells),
            ..Self::default()
        }
    }

    /// Notes objects that wait for a grace period.
    ///
    /// One exchange on a line that all mutators share, for each truncation and each chunk of dead
    /// cells. It cannot wait in the mutator's tally, as births and deaths do: a range may be
    /// released by another mutator, which would subtract before this one has added, and whoever
    /// asks whether anything is left to reclaim would be told no while something is.
    pub(super) fn add_unreclaimed(&self, objects: u64) {
        // Relaxed, as everything here that is only counted.
        let objects = objects.cast_signed();
        let before = self.unreclaimed.fetch_add(objects, Relaxed);
        raise(&self.unreclaimed_peak, before + objects);
    }

    /// Objects that wait for a grace period now.
    pub(super) fn unreclaimed(&self) -> u64 {
        self.unreclaimed.load(Acquire).max(0).unsigned_abs()
    }

    /// The largest number of objects that waited for a grace period at once.
    pub(super) fn unreclaimed_peak(&self) -> u64 {
        self.unreclaimed_peak.load(Relaxed).unsigned_abs()
    }

    /// Adds what one worker counted since it last did.
    pub(super) fn add(&self, tally: &Tally) {
        if tally.born > 0 {
            // Release pairs with the Acquire in `room_taken`.
            self.room_taken.fetch_add(1, Release);
        }
        let live = tally.born.cast_signed() - tally.freed.cast_signed();
        // Release pairs with the Acquire in `live`: whoever sees these births sees that they were
        // counted above.
        self.live.fetch_add(live, Release);
        if tally.met_append > 0 {
            self.met_append.fetch_add(tally.met_append, Relaxed);
        }
        if tally.trials > 0 {
            self.rounds.trials.fetch_add(tally.trials, Relaxed);
            self.rounds.tried.fetch_add(tally.tried, Relaxed);
        }
        if tally.contended > 0 {
            self.contended.fetch_add(tally.contended, Relaxed);
        }
        if tally.reclaimed > 0 {
            // Release pairs with the Acquire in `unreclaimed`: whoever sees that nothing is left to
            // reclaim also sees what died when it was reclaimed.
            let reclaimed = tally.reclaimed.cast_signed();
            self.unreclaimed.fetch_sub(reclaimed, Release);
        }
    }

    /// Leaves work to whoever takes it up.
    pub(super) fn leave_behind(&self, work: Vec<Task>) {
        self.orphaned.push(work);
    }

    /// Takes up what somebody has left behind.
    pub(super) fn adopt(&self, guard: &Guard) -> Option<Vec<Task>> {
        if self.orphaned.is_empty() {
            return None;
        }
        // Release pairs with the Acquire in `taken`.
        self.adopted.fetch_add(1, Release);
        self.orphaned.pop(guard)
    }

    /// Whether somebody left work behind that nobody has taken up.
    pub(super) fn has_orphans(&self) -> bool {
        !self.orphaned.is_empty()
    }

    /// How often a worker has taken up work that lay ready for anybody.
    pub(super) fn taken(&self) -> u64 {
        self.homes.taken() + self.adopted.load(Acquire)
    }

    /// How often a worker has reported births.
    pub(super) fn room_taken(&self) -> u64 {
        self.room_taken.load(Acquire)
    }

    /// Objects that are alive, as far as workers have reported.
    pub(super) fn live(&self) -> u64 {
        self.live.load(Acquire).max(0).unsigned_abs()
    }

    /// Moves a chunk of cells whose grace period is over to the home of the worker that retired
    /// them; as a chunk it was retired at `since`.
    pub(super) fn reuse(&self, worker: u32, chunk: Vec<u32>, since: Stamp) {
        self.pauses.reclaimed(since, chunk.len() as u64);
        let cells = chunk.len() as u64;
        // Relaxed, as everything here that is only counted.
        self.epochs.fetch_add(1, Relaxed);
        self.homes.put_cells(worker, chunk);
        // Release: as in `add`.
        self.unreclaimed.fetch_sub(cells.cast_signed(), Release);
    }
}

/// Raises a peak to `value`, if it is lower. Peaks only grow, so one that was not lower a moment ago
/// needs no read-modify-write, which takes the cache line even where it changes nothing.
fn raise(peak: &AtomicI64, value: i64) {
    if peak.load(Relaxed) < value {
        peak.fetch_max(value, Relaxed);
    }
}

/// What one worker counted since it last told.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) born: u64,
    pub(super) freed: u64,
    pub(super) contended: u64,
    /// Truncations that met an append under way.
    pub(super) met_append: u64,
    /// Trials of private objects, and how many were freed in them.
    pub(super) trials: u64,
    pub(super) tried: u64,
    /// Elements of truncated ranges that were released.
    pub(super) reclaimed: u64,
}
