//! A trial: a worker looks which of its private candidates are garbage, alone and at once.
//!
//! It runs between operations, when nothing is in the worker's hands but its tasks, and by **P** no
//! other thread can reach a private object. So nothing changes meanwhile, and trial deletion is
//! exact:
//!
//! 1. *Meet*: all private nodes that the candidates reach are MET.
//! 2. *Subtract* the references that they hold to each other from their counts.
//! 3. *Reach*: who has a count left is held from outside: by a register, a task, or a private node
//!    that no candidate reaches. It is REACHED, and so is all that it reaches.
//! 4. *Free* the others. Their references to objects that are not private are released.
//!
//! Those that were REACHED are alive. Their words become what they were, and *they escape*. They
//! need not be candidates any more: if one becomes garbage later, that is by another decrement.
//!
//! # Which garbage is found here
//!
//! What is not private never refers to what is. So a garbage cycle is private or not as a whole,
//! and if it is, the candidate that leads to it (R3 in `cycles`) is among the worker's own. It
//! stays there until a trial decided it or it escaped; then it becomes the collector's.
//!
//! # How much
//!
//! A trial takes whole candidates, one by one, until it has met [`ENOUGH`] nodes, or comes to one
//! with which it would meet more than [`MOST`]. The next trial begins with that one. If it alone is
//! too much, the worker takes a new brand: all of it escapes, and is the collector's. Whoever is
//! met by a trial that goes on is freed or escapes. So no node is in two of them, and none is met
//! in vain more than twice. The work for all candidates is thus bounded by that for making what
//! they reach, however large the heap is, and a trial by some 50 us.

use crate::heap::lock_free::cell::{BRAND, BUFFERED, Cell, MET, POISON, REACHED, Ref};
use crate::heap::lock_free::release::Lives;
use crate::heap::lock_free::word;
use crate::heap::lock_free::worker::Worker;
use crate::heap::{Cause, Fault, Faults};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::sized;

/// Candidates for which a trial is made. Its fixed cost is negligible beside them, and their
/// objects are still in the first-level cache.
pub(super) const TRIAL: usize = sized(128, 1);
/// A trial that has met so many nodes takes no more candidates.
const ENOUGH: usize = sized(512, 3);
/// More nodes than this are not met in a trial.
pub(super) const MOST: usize = sized(2_048, 5);

/// A node that was met.
#[derive(Debug)]
struct Met {
    reference: Ref,
    /// Its word before anything was subtracted.
    word: u64,
}

/// See the module. Empty between trials; what it allocated is kept.
#[derive(Debug, Default)]
pub(super) struct PrivateTrial {
    met: Vec<Met>,
    /// Nodes whose children are still to be looked at.
    pub(super) left: Vec<Ref>,
}

impl<F: Faults> Worker<'_, F> {
    /// Tries private candidates, within the bounds of one trial. Called between operations.
    pub(in crate::heap::lock_free) fn try_private(&mut self) {
        if !self.has_private_candidates() || self.core.has(Fault::TrialNeverRuns) {
            return;
        }
        let _hold = self.core.pauses.hold(Cause::Collect);
        let mut trial = std::mem::take(&mut self.own.trial);
        trial.meet(self);
        trial.subtract(self);
        trial.reach(self);
        self.tally.trials += 1;
        self.tally.tried += trial.free(self);
        trial.met.clear();
        self.own.trial = trial;
    }

    /// The private nodes that a node refers to, with their cells.
    fn private_children<'c>(
        &self,
        node: &'c Cell,
    ) -> impl Iterator<Item = (Ref, &Cell)> + use<'_, 'c, F> {
        node.slots.iter().filter_map(|slot| {
            let child = Ref::from_bits(slot.load(Relaxed))?;
            let cell = self.core.slab.cell(child.index());
            self.is_private(child, cell.meta.load(Relaxed))
                .then_some((child, cell))
        })
    }
}

impl PrivateTrial {
    /// Step 1. What turns out to have escaped is the collector's business.
    fn meet(&mut self, worker: &mut Worker<'_, impl Faults>) {
        let mut candidates = std::mem::take(&mut worker.own.candidates);
        let mut next = 0;
        while let Some(&candidate) = candidates.get(next)
            && self.met.len() < ENOUGH
        {
            let meta = &worker.core.slab.cell(candidate.index()).meta;
            let seen = meta.load(Relaxed);
            if worker.is_private(candidate, seen) {
                if !self.walk(worker, candidate) {
                    if !self.met.is_empty() {
                        break;
                    }
                    worker.rebrand();
                    continue;
                }
                if !worker.core.has(Fault::SurvivorsMarked) {
                    meta.store(meta.load(Relaxed) & !BUFFERED, Relaxed);
                }
            } else if candidate.fits(seen) {
                worker.candidates.push(candidate);
            }
            next += 1;
        }
        candidates.drain(..next);
        worker.own.candidates = candidates;
    }

    /// Meets what one candidate reaches; if that is too much, nothing of it.
    fn walk(&mut self, worker: &Worker<'_, impl Faults>, candidate: Ref) -> bool {
        let before = self.met.len();
        let mut next = before;
        self.admit(candidate, worker.core.slab.cell(candidate.index()));
        while let Some(node) = self.met.get(next) {
            let cell = worker.core.slab.cell(node.reference.index());
            for (child, cell) in worker.private_children(cell) {
                self.admit(child, cell);
            }
            if self.met.len() > MOST {
                for node in self.met.drain(before..) {
                    let meta = &worker.core.slab.cell(node.reference.index()).meta;
                    meta.store(meta.load(Relaxed) & !MET, Relaxed);
                }
                return false;
            }
            next += 1;
        }
        true
    }

    fn admit(&mut self, reference: Ref, cell: &Cell) {
        let (meta, word) = (cell.meta.load(Relaxed), cell.word.load(Relaxed));
        // It may be dead already, and wait for its burial.
        if meta & MET == 0 && word::count(word) > 0 {
            cell.meta.store(meta | MET, Relaxed);
            self.met.push(Met { reference, word });
        }
    }

    /// Step 2.
    fn subtract(&self, worker: &Worker<'_, impl Faults>) {
        for node in &self.met {
            let cell = worker.core.slab.cell(node.reference.index());
            let take_one = |word: &AtomicU64| {
                word::set_alone(word, word.load(Relaxed).wrapping_sub(1));
            };
            for (_, child) in worker.private_children(cell) {
                take_one(&child.word);
            }
            if worker.core.has(Fault::OutsideSubtracted) {
                take_one(&cell.word);
            }
        }
    }

    /// Step 3.
    fn reach(&mut self, worker: &Worker<'_, impl Faults>) {
        for node in &self.met {
            let cell = worker.core.slab.cell(node.reference.index());
            if word::count(cell.word.load(Relaxed)) > 0 && is_news(cell) {
                self.left.push(node.reference);
            }
            while let Some(node) = self.left.pop() {
                let cell = worker.core.slab.cell(node.index());
                for (child, cell) in worker.private_children(cell) {
                    if is_news(cell) {
                        self.left.push(child);
                    }
                }
            }
        }
    }

    /// Step 4. The number of those that were freed.
    fn free(&mut self, worker: &mut Worker<'_, impl Faults>) -> u64 {
        let slab = &worker.core.slab;
        self.met.retain(|node| {
            let cell = slab.cell(node.reference.index());
            let meta = cell.meta.load(Relaxed);
            let is_garbage = meta & REACHED == 0;
            if is_garbage {
                word::set_alone(&cell.word, word::dead(node.word));
            } else {
                word::set_alone(&cell.word, node.word);
                cell.meta.store(meta & !(MET | REACHED | BRAND), Relaxed);
            }
            is_garbage
        });
        // All of them are emptied before the first loses its identity: they refer to one another.
        for node in &self.met {
            let cell = slab.cell(node.reference.index());
            for slot in &cell.slots {
                let child = Ref::from_bits(slot.load(Relaxed));
                slot.store(POISON, Relaxed);
                if let Some(child) = child.filter(|&child| !is_on_trial(worker, child)) {
                    worker.decrement(child);
                }
            }
        }
        for node in &self.met {
            let index = node.reference.index();
            let cell = slab.cell(index);
            if worker.expire(index, cell, cell.meta.load(Relaxed)) == Lives::Left {
                worker.reuse(index);
            }
        }
        self.met.len() as u64
    }
}

/// Marks a node as alive; false if it is known to be.
fn is_news(cell: &Cell) -> bool {
    let meta = cell.meta.load(Relaxed);
    cell.meta.store(meta | REACHED, Relaxed);
    meta & REACHED == 0
}

/// Whether a reference leads to one of those that are being freed.
fn is_on_trial(worker: &Worker<'_, impl Faults>, reference: Ref) -> bool {
    let meta = worker.core.slab.cell(reference.index()).meta.load(Relaxed);
    meta & MET != 0 && worker.is_private(reference, meta)
}
