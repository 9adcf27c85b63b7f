//! Private objects: what only the mutator that made it can reach. It counts them without an atomic
//! read-modify-write, collects their cycles alone ([`trial`]), and uses their cells again at once.
//!
//! Most garbage is young and was never seen by anybody but its maker. To send it through the
//! collector costs a grace period, and one collector has to keep up with all mutators. What its
//! maker collects needs neither, and as many mutators do it as there are.
//!
//! A node is born with its maker's *brand* in its `meta`: a number that no other worker has, and
//! none gets while an object bears it ([`brands`]). It is *private* to a worker while it bears the
//! worker's present brand. It *escapes* when it loses the brand ([`escape`]), or when its maker
//! takes a new one; it never comes back. Lists, leaves, counters and objects with finalizers bear
//! none. The collector's worker has a brand that nothing bears.
//!
//! # The invariant
//!
//! **P** If a node is private to a worker, every counted reference to it is in a register or in the
//! hands of that worker, in a slot of a node that is private to it, or in a slot of one that was
//! and is dead, and whose burial is in the worker's list of tasks. No other thread has a pointer to
//! it of any kind, or can get one.
//!
//! * A node is born with one reference, in its maker's hands. The thread that had used its cell
//!   before is gone from it: the cell was reused after a grace period, or was private until then,
//!   to this worker or to one that put it back among the free cells.
//! * A copy goes to a register of the same worker, and so does what is loaded from a private node.
//!   Weak references stay in registers.
//! * Before a reference is stored anywhere else (in a node that is not private, in a list, or in a
//!   shared root), its node escapes, together with all private nodes that it reaches. So a node
//!   that is not private never refers to one that is.
//! * A worker that hands over tasks, among which may be burials, first takes a new brand. So does
//!   one that hands over candidates that it did not decide. Of what is left, all have escaped.
//! * Whoever else follows references begins at an object that is not private, and finds no private
//!   one: other mutators, and the collector, whose candidates have all escaped.
//! * A worker that leaves releases its registers. What is still private then is garbage, and goes
//!   the way of candidates and tasks.
//!
//! Nothing depends on when a brand goes, as long as that is before the reference is stored: only
//! its maker compares it. The step that stores the reference takes effect as before, and as every
//! such step it releases what was done to the object. Whoever finds it there acquires that.
//!
//! # Why others notice nothing
//!
//! While a node is private, a plain load and a plain store of its word, its `meta` or its slots are
//! one atomic step, since no other thread is there. They change what a read-modify-write would have
//! changed, the stamp included, so an object that escaped looks as if it had been shared from the
//! beginning: the rules R1 to R5 of `cycles` hold for it. (Before that, no snapshot contains it. A
//! reference that it holds to an object that is not private is counted, and looks to the collector
//! like a register's.)
//!
//! When its count falls to 0, no pointer to it is left, so its cell may be used again at once.
//!
//! # How much
//!
//! An escape visits each node once in its life, within a budget; beyond that, the worker takes a
//! new brand, so that everything escapes at once.

mod brands;
mod escape;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod trial;

pub(super) use self::brands::Brands;
use self::trial::{PrivateTrial, TRIAL};

use super::cell::{self, Ref};
use super::home::COLLECTOR;
use super::word;
use super::worker::Worker;
use crate::heap::Shape;
use crate::heap::fault::{Fault, Faults};
use crate::sync::atomic::Ordering::Relaxed;

/// A worker with this brand has no private objects: no `meta`, as far as it says whose an object
/// is, looks like that.
const NOBODY: u64 = cell::BUFFERED;

/// Where objects are private in the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Birth {
    /// With their makers.
    Private,
    /// Nowhere: every object may be reached by all from its birth, so that all garbage cycles are
    /// the collector's.
    Shared,
}

/// What a worker has to know about private objects.
#[derive(Debug)]
pub(super) struct Own {
    /// Its present brand.
    brand: u64,
    /// The `meta` of new objects, by shape, but for their incarnations.
    born: [u64; 4],
    /// Candidates that were private when they were put here. All of them are BUFFERED.
    candidates: Vec<Ref>,
    trial: PrivateTrial,
}

impl Own {
    /// The collector makes no objects, and has no brand.
    pub(super) fn new(brands: &Brands, worker: u32) -> Self {
        let brand = match worker {
            COLLECTOR => NOBODY,
            _ => brands.exchange(NOBODY),
        };
        let mut own = Self {
            brand: NOBODY,
            born: [Shape::Leaf, Shape::Node, Shape::List, Shape::Counter]
                .map(|shape| cell::meta_of(shape, 0)),
            candidates: Vec::new(),
            trial: PrivateTrial::default(),
        };
        own.take(brand);
        own
    }

    fn take(&mut self, brand: u64) {
        self.brand = brand;
        let node = &mut self.born[Shape::Node as usize];
        *node = *node & !cell::BRAND | brand & cell::BRAND;
    }
}

impl<F: Faults> Worker<'_, F> {
    /// The `meta` of a new object.
    #[inline]
    pub(super) fn born(&self, shape: Shape, incarnation: u32) -> u64 {
        self.own.born[shape as usize] | u64::from(incarnation)
    }

    /// Whether the object of this reference, with this `meta`, is private to this worker.
    #[inline]
    pub(super) fn is_private(&self, reference: Ref, meta: u64) -> bool {
        // The first is no more than to be quick: most objects are leaves.
        reference.is_cyclic()
            && meta & cell::WHOSE_AND_WHICH == self.own.brand | u64::from(reference.incarnation())
    }

    /// As `decrement`, for a private object. Out of line, since it is part of so much.
    #[inline(never)]
    pub(super) fn decrement_private(&mut self, reference: Ref) {
        let cell = self.core.slab.cell(reference.index());
        self.follow_up(reference, word::decrement_alone(&cell.word));
    }

    /// Whether an object with this `meta` is, or was until its death.
    #[inline]
    pub(super) fn bears_brand(&self, meta: u64) -> bool {
        let is_fault = self.core.has(Fault::CellsAtOnce) && cell::shape_of(meta) == Shape::Node;
        meta & cell::WHOSE == self.own.brand || is_fault
    }

    /// Takes a new brand: all that is private escapes at once.
    #[cold]
    fn rebrand(&mut self) {
        if self.own.brand != NOBODY {
            self.own.take(self.core.brands.exchange(self.own.brand));
        }
    }

    /// Takes a new brand if those like its own are to be used again, or if it has none and there is
    /// one. A worker's maker calls this now and then, between operations.
    pub(super) fn renew_brand(&mut self) {
        if self.core.brands.is_stale(self.own.brand) {
            self.own.take(self.core.brands.exchange(self.own.brand));
        }
    }

    /// The worker goes, and so does all that was private to it.
    pub(super) fn leave_brand(&mut self) {
        self.core.brands.leave(self.own.brand);
        self.own.take(NOBODY);
    }

    /// Makes a private object that a decrement left alive a candidate, to be tried by this worker;
    /// false if it is not private.
    #[inline]
    pub(super) fn suspect_private(&mut self, reference: Ref) -> bool {
        let cell = self.core.slab.cell(reference.index());
        let meta = cell.meta.load(Relaxed);
        if !self.is_private(reference, meta) {
            return false;
        }
        if meta & cell::BUFFERED == 0 {
            cell.meta.store(meta | cell::BUFFERED, Relaxed);
            self.own.candidates.push(reference);
            if self.own.candidates.len() >= TRIAL {
                self.hasten();
            }
        }
        true
    }

    /// Whether private candidates wait for a trial.
    pub(super) fn has_private_candidates(&self) -> bool {
        !self.own.candidates.is_empty()
    }

    /// Called before the worker hands over its tasks and candidates: what is private is tried, and
    /// none of what is left for others to find is private any more.
    pub(super) fn let_private_go(&mut self) {
        self.try_private();
        if self.tasks.is_empty() && !self.has_private_candidates() {
            return;
        }
        if !self.core.has(Fault::BrandKept) {
            self.rebrand();
        }
        if !self.core.has(Fault::TrialNeverRuns) {
            self.candidates.append(&mut self.own.candidates);
        }
    }
}
