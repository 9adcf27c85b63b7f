//! The heap itself, as mutators and the collector see it.

use std::sync::{Arc, OnceLock, PoisonError};

use super::cell::{self, POISON, Ref};
use super::cycles::Cycles;
use super::list;
use super::pace::{self, PATIENCE};
use super::private::{Birth, Brands};
use super::recall::{Outlook, Recall, Recalls};
use super::shared::{CHUNK, Shared};
use super::slab::Slab;
use super::weak::Verdict;
use super::word;
use super::worker::{Whose, Worker};
use crate::heap::{
    Belief, Census, Defect, DefectLog, Fault, Faults, Gauge, HeapConfig, Leftover, Pauses, Point,
    Shape, Stats, Tag,
};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed};
use crate::sync::{Mutex, MutexGuard, sized};

/// Chunks beyond the capacity, at the least: cells that wait for a grace period are not live, and
/// need room nevertheless.
const SPARE_CHUNKS: usize = 64;

/// How many candidates may wait for the collector, beside a tenth of what lives, before it is
/// behind.
const WAITING: u64 = sized(1 << 15, 64) as u64;
/// The lag of a collector that is farthest behind. Each step from the second on halves what a
/// refill brings.
const LAG_MOST: u64 = 6;

/// Steps of what lies ready that are done under one pin while nobody runs: some 100 ms of work.
pub(super) const AT_ONCE: usize = 1 << 24;

/// All state of a heap but what its workers keep for themselves.
#[derive(Debug)]
pub(super) struct Core<F: Faults> {
    pub(super) slab: Slab,
    pub(super) shared: Arc<Shared>,
    /// The heap's own epochs, so that another heap's stalled mutator does not matter here.
    pub(super) epochs: crossbeam_epoch::Collector,
    pub(super) globals: Box<[AtomicU64]>,
    /// What each held before; only where that is the fault.
    pub(super) lagging: Box<[AtomicU64]>,
    pub(super) defects: DefectLog,
    pub(super) pauses: Arc<Pauses>,
    /// The next stamp that nobody has for empty slots; 0 is that of untouched ones.
    pub(super) stamps: AtomicU64,
    pub(super) verdict: Verdict,
    pub(super) brands: Brands,
    /// How many candidates the last settling left. Their present number would say nothing: whoever
    /// has looked at the heap since then made candidates by letting go of what it looked at.
    pub(super) unsettled: AtomicU64,
    cycles: Mutex<Cycles>,
    /// The collector's thread, to wake it. Models have none and run the collector by hand.
    collector: OnceLock<std::thread::Thread>,
    capacity: u32,
    /// How many cells there are.
    cells: u32,
    pub(super) recalls: Recalls,
    pub(super) faults: F,
}

impl<F: Faults> Core<F> {
    /// Whether this fault was planted here.
    #[inline]
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// Called in the middle of an operation, where a thread may be held up on purpose.
    #[inline]
    pub(super) fn pass(&self, point: Point) {
        self.faults.pass(point);
    }

    /// Called when a round of the collector has begun.
    pub(super) fn collecting(&self) {
        self.faults.collecting();
    }

    /// Whether the allocation that is about to happen is to be refused.
    #[inline]
    pub(super) fn refuses(&self) -> bool {
        self.faults.refuses()
    }

    pub(super) fn new(config: &HeapConfig, birth: Birth, faults: F) -> Self {
        let spare = u32::try_from(SPARE_CHUNKS * CHUNK).unwrap_or(u32::MAX);
        let spare = config.capacity.max(spare);
        let cells = config.capacity.saturating_add(spare).min(cell::INDEXES);
        Self {
            slab: Slab::new(cells),
            shared: Arc::new(Shared::new(&config.pauses, cells)),
            epochs: crossbeam_epoch::Collector::new(),
            globals: (0..config.globals).map(|_| AtomicU64::new(0)).collect(),
            lagging: (0..config.globals)
                .filter(|_| faults.has(Fault::RootLags))
                .map(|_| AtomicU64::new(0))
                .collect(),
            defects: DefectLog::default(),
            pauses: Arc::clone(&config.pauses),
            stamps: AtomicU64::new(1),
            verdict: Verdict::default(),
            brands: Brands::new(birth),
            unsettled: AtomicU64::new(0),
            cycles: Mutex::new(Cycles::new(cells)),
            collector: OnceLock::new(),
            capacity: config.capacity,
            cells,
            recalls: Recalls::default(),
            faults,
        }
    }

    /// The collector; waits until nobody else uses it. Of a mutator's operations, only `collect`
    /// calls this.
    pub(super) fn cycles(&self) -> MutexGuard<'_, Cycles> {
        self.cycles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the thread that the collector runs on.
    #[cfg(not(any(loom, shuttle)))]
    pub(super) fn set_collector(&self, thread: std::thread::Thread) {
        // A heap has one such thread, so nothing was set before.
        let _ = self.collector.set(thread);
    }

    /// Asks the collector not to wait for more.
    pub(super) fn wake_collector(&self) {
        if let Some(thread) = self.collector.get() {
            thread.unpark();
        }
    }

    /// How many more objects may live, as far as workers have reported what they made.
    pub(super) fn room(&self) -> usize {
        let room = u64::from(self.capacity).saturating_sub(self.shared.live());
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Asks all workers for what they hold back; the caller is not at work.
    pub(super) fn recall(&self) -> Recall {
        // In this order: see `recall`.
        let taken = self.taken();
        self.recalls.raise();
        Recall { taken }
    }

    /// How often others took up what lay ready: work, or room under the capacity.
    fn taken(&self) -> u64 {
        let room = if self.has(Fault::BirthsUnseen) {
            0
        } else {
            self.shared.room_taken()
        };
        self.shared.taken() + room
    }

    /// Whether somebody took something up since this recall.
    pub(super) fn has_changed(&self, recall: &Recall) -> bool {
        self.taken() != recall.taken && !self.has(Fault::TakingUnseen)
    }

    /// What the last recall that the caller raised has come to.
    pub(super) fn outlook(&self, recall: Option<&Recall>) -> Outlook {
        let Some(recall) = recall else {
            return Outlook::Unclear;
        };
        // In this order: see `recall`.
        if !self.recalls.is_answered() || !self.is_clean() {
            Outlook::Open
        } else if self.has_changed(recall) {
            Outlook::Unclear
        } else {
            Outlook::Hopeless
        }
    }

    /// How far the collector is behind the mutators, from 0 (it is not) to `LAG_MOST`: by how many
    /// candidates it has not looked at. Those that are merely in use come back again and again, and
    /// are as many as the program likes.
    pub(super) fn lag(&self) -> u64 {
        if self.collector.get().is_none() {
            return 0;
        }
        // Relaxed, both: a pace is chosen by it.
        let all = self.shared.candidates_len.load(Relaxed);
        let waiting = all.saturating_sub(self.shared.candidates_known.load(Relaxed));
        (waiting / (WAITING + self.shared.live() / 10)).min(LAG_MOST)
    }

    /// How many free cells one worker may keep, so that all that are at work find some: together at
    /// most a quarter of all cells.
    pub(super) fn share(&self) -> usize {
        let share = u64::from(self.cells) / (4 * self.recalls.at_work().max(1));
        usize::try_from(share).map_or(CHUNK, |share| share.clamp(1, CHUNK))
    }

    /// Whether there is nothing to reclaim: nothing waits for anything.
    ///
    /// Candidates are looked at first, and those that a round takes count as candidates until it has
    /// handed over what became of them. In the other order, a chain that hangs off a garbage cycle
    /// would be missed: it was no work yet at the first look, and the cycle no candidate any more at
    /// the second.
    pub(super) fn is_clean(&self) -> bool {
        if self.has(Fault::QuietFirst) {
            return self.is_quiet() && !self.has_candidates();
        }
        !self.has_candidates() && self.is_quiet()
    }

    fn has_candidates(&self) -> bool {
        // Acquire pairs with the Release in `Queue::settle`.
        self.shared.candidates_len.load(Acquire) > 0
    }

    /// Whether everything that died was reclaimed, except for garbage cycles.
    pub(super) fn is_quiet(&self) -> bool {
        self.shared.unreclaimed() == 0 && !self.has_ready()
    }

    /// Whether something lies ready to be released.
    pub(super) fn has_ready(&self) -> bool {
        self.shared.homes.is_ripe() || self.shared.has_orphans()
    }

    /// Notes that an object has become immortal: see `word`.
    #[cold]
    pub(super) fn note_saturated(&self, object: Ref) {
        let (cell, most) = (object.index(), word::MOST);
        self.defects.note(Defect::Other {
            message: format!(
                "cell {cell} has more than {most} references, which is as many as can be counted: \
                 its object will never be freed"
            ),
        });
    }

    /// Hands candidates over to the collector.
    pub(super) fn submit(&self, candidates: Vec<Ref>) {
        self.shared
            .candidates_len
            .fetch_add(candidates.len() as u64, Relaxed);
        self.shared.candidates.push(candidates);
    }

    /// Reclaims all that waits for grace periods, if no mutator is stalled. Garbage cycles are not
    /// looked for.
    pub(super) fn quiesce(&self, worker: &mut Worker<'_, impl Faults>) {
        for patience in 0..PATIENCE {
            worker.enter();
            worker.reap(Whose::Anyone, AT_ONCE);
            worker.hand_over();
            if self.is_quiet() {
                return;
            }
            worker.unpinned(|| pace::wait(patience));
        }
    }

    pub(super) fn census(&self, visit: &mut dyn FnMut(Belief)) -> Census {
        let mut census = Census::default();
        let mut condemned = 0;
        for index in self.slab.used() {
            // Relaxed throughout: no mutator runs, and all that they did was ordered by a barrier.
            let cell = self.slab.cell(index);
            let meta = cell.meta.load(Relaxed);
            if cell::is_alive(meta) {
                let word = cell.word.load(Relaxed);
                census.living += 1;
                condemned += u64::from(word & word::CONDEMNED != 0);
                visit(Belief {
                    id: Tag::id_of_bits(self.slab.tag(index).load(Relaxed)),
                    count: word::count(word),
                });
            } else {
                census.free_examined += 1;
                let is_spoiled = cell.slots.iter().any(|slot| slot.load(Relaxed) != POISON);
                census.spoiled += u64::from(is_spoiled);
            }
        }
        let leftover = |what: &str, count| Leftover {
            what: what.to_owned(),
            count,
        };
        census.leftovers = vec![
            leftover(
                "objects that wait for a grace period",
                self.shared.unreclaimed(),
            ),
            leftover(
                "releases that nobody finished",
                u64::from(self.shared.homes.is_ripe() || self.shared.has_orphans()),
            ),
            leftover(
                "candidates that settling did not look at",
                self.unsettled.load(Relaxed),
            ),
            leftover("living objects that were condemned", condemned),
        ];
        census
    }

    pub(super) fn gauge(&self) -> Gauge {
        Gauge {
            unreclaimed: Some(self.shared.unreclaimed()),
            collections: self.shared.rounds.all.load(Relaxed),
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let rounds = &self.shared.rounds;
        let contended = self.shared.contended.load(Relaxed);
        Stats {
            collections: Some(rounds.all.load(Relaxed)),
            full_collections: Some(rounds.full.load(Relaxed)),
            cycles_freed: Some(rounds.freed.load(Relaxed)),
            local_collections: Some(rounds.trials.load(Relaxed)),
            local_cycles_freed: Some(rounds.tried.load(Relaxed)),
            unreclaimed_peak: Some(self.shared.unreclaimed_peak()),
            contended: Some(contended),
            // In this heap contention is nothing but an exchange that was lost and is tried again.
            retries: Some(contended),
            epochs: Some(self.shared.epochs.load(Relaxed)),
            truncations_met_append: Some(self.shared.met_append.load(Relaxed)),
            defects: self.defects.counts(),
            ..Stats::default()
        }
    }
}

impl<F: Faults> Drop for Core<F> {
    fn drop(&mut self) {
        for index in self.slab.used() {
            let cell = self.slab.cell(index);
            let meta = cell.meta.load(Relaxed);
            if cell::is_alive(meta) && cell::shape_of(meta) == Shape::List {
                drop(list::dismantle(cell));
            }
        }
    }
}
