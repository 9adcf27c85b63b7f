//! Settling: everything that can be reclaimed is reclaimed, while no mutator runs.
//!
//! Where a mutator runs nevertheless, or keeps its pin, there is no end to wait for. So settling
//! gives up after some attempts in vain. It counts attempts and not seconds, so that a slow machine
//! does not make it give up early.

use super::Effort;
use crate::heap::Defect;
use crate::heap::fault::Faults;
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::home::COLLECTOR;
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::Relaxed;

/// How many attempts in a row may reclaim nothing before settling gives up. An attempt waits for
/// grace periods for at most a second or so (twice `PATIENCE`). If no mutator runs and none is
/// pinned, every attempt reclaims something until nothing is left.
pub(super) const ATTEMPTS: u32 = 4;

impl<F: Faults> Core<F> {
    /// Reclaims everything, if no mutator runs and none is stalled. Otherwise it gives up after
    /// some attempts, and notes that as a defect.
    pub(in crate::heap::lock_free) fn settle_now(&self) {
        // In this order: as in `collect_now`.
        let mut cycles = self.cycles();
        self.sweep_brands(&mut cycles);
        let mut worker = Worker::new(self, COLLECTOR);
        for lagging in &self.lagging {
            // Relaxed: no mutator runs.
            if let Some(old) = Ref::from_bits(lagging.swap(0, Relaxed)) {
                worker.release(old);
            }
        }
        let mut fruitless = 0;
        while fruitless < ATTEMPTS {
            let before = self.left();
            self.quiesce(&mut worker);
            let collection = cycles.round(&mut worker, Effort::Full);
            if collection.freed == 0 && self.is_clean() {
                break;
            }
            let is_fruitless = collection.freed == 0 && self.left() >= before;
            fruitless = if is_fruitless { fruitless + 1 } else { 0 };
        }
        if fruitless == ATTEMPTS {
            self.note_unsettled();
        }
        let left = self.shared.candidates_len.load(Relaxed);
        self.unsettled.store(left, Relaxed);
    }

    /// What is left to settle: objects that wait for a grace period, and candidates.
    fn left(&self) -> u64 {
        self.shared.unreclaimed() + self.shared.candidates_len.load(Relaxed)
    }

    /// Notes that settling was in vain.
    #[cold]
    fn note_unsettled(&self) {
        let unreclaimed = self.shared.unreclaimed();
        let candidates = self.shared.candidates_len.load(Relaxed);
        let message = format!(
            "settling gave up after {ATTEMPTS} attempts in a row that reclaimed nothing: a \
             mutator keeps its pin or still runs, or what should be reclaimed was lost; {unreclaimed} \
             objects wait for a grace period, and {candidates} for the cycle collector"
        );
        self.defects.note(Defect::Other { message });
    }
}
