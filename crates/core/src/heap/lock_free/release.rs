//! How objects die: decrements, and a work list in place of recursion.
//!
//! A decrement is one atomic operation and takes effect there. What follows from it (the children
//! of a dead node, the elements of a dead list, a truncated range after its grace period) is a
//! [`Task`] in the worker's private list, worked off within a budget: however long a chain of dead
//! objects is, an operation does no more than [`BUDGET`] steps of it where it begins, and as many
//! for each reference that it gives back. A safepoint does twice as many, and an allocation that
//! has to look for cells four times as many at each look. Nothing recurses. The pages of dead lists
//! go the same way. A task *is* a set of counted references outside the heap, so it may wait for
//! any time.
//!
//! The last reference to an object with a finalizer is not taken away before that has run: see
//! `finalize`.
//!
//! A dead object is owned by whoever brought its count to 0: it drops the tag, poisons the slots,
//! moves the incarnation on, and retires the cell. The cell is not reused before a grace period is
//! over: a reader may be about to find that the count is 0, and the collector may be walking it.
//! (For private objects see `private`.)

use super::cell::{self, Cell, POISON, Ref};
use super::list::{self, Range, Rest};
use super::word::{self, Incremented, Left};
use super::worker::{Whose, Worker};
use crate::heap::fault::{self, Fault, Faults, Point};
use crate::heap::{Cause, Defect, Shape, Tag};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use crate::sync::sized;

/// Steps of deferred work that are done at a time: at most some 5 µs.
pub(super) const BUDGET: usize = sized(256, 8);
/// Steps of a budget that taking something over counts for: some 100 ns, as so many releases.
const TAKE_STEPS: usize = sized(8, 1);

/// Something left to release.
#[derive(Debug)]
pub(super) enum Task {
    /// The object in this cell died.
    Bury(u32),
    /// The task has the last reference to this object, whose finalizer is to run.
    Finalize(Ref),
    /// These elements are not in their list any more, or the list died.
    Elements(Range),
}

/// Whether a cell may be used again. See `cell` for how many lives it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Lives {
    Left,
    Over,
}

impl<F: Faults> Worker<'_, F> {
    /// Gives a counted reference back.
    #[inline]
    pub(super) fn release(&mut self, reference: Ref) {
        self.decrement(reference);
        if !self.tasks.is_empty() {
            self.drain();
        }
    }

    /// Gives a counted reference back. What follows from it is left to `drain`.
    #[inline]
    pub(super) fn decrement(&mut self, reference: Ref) {
        let cell = self.core.slab.cell(reference.index());
        let meta = cell.meta.load(Relaxed);
        if self.is_private(reference, meta) {
            return self.decrement_private(reference);
        }
        if !reference.fits(meta) {
            self.stale(reference, meta);
            return;
        }
        if cell::has_finalizer(meta) {
            return self.let_go(reference);
        }
        // What a fault does: this look comes too early.
        let is_missed = self.core.has(Fault::LookFirst)
            && reference.is_cyclic()
            && !self.may_be_in_cycle(reference);
        let left = if self.core.has(Fault::MissingFence) {
            word::decrement_unfenced(&cell.word)
        } else {
            word::decrement(&cell.word)
        };
        if !(is_missed && left == Left::Others) {
            self.follow_up(reference, left);
        }
    }

    /// Does what is to be done after a reference was taken away.
    #[inline]
    pub(super) fn follow_up(&mut self, reference: Ref, left: Left) {
        match left {
            Left::Nothing if self.is_kept(reference) => {}
            // Nothing follows from the death of a leaf, so it need not wait.
            Left::Nothing if !reference.is_cyclic() => self.bury(reference.index()),
            Left::Nothing if self.core.has(Fault::RecursiveRelease) => self.bury(reference.index()),
            Left::Nothing => {
                if self.core.has(Fault::WorklistOverwritten) {
                    self.tasks.clear();
                }
                self.core.pass(Point::Dying);
                self.tasks.push(Task::Bury(reference.index()));
            }
            // Rule R3: this object may be all by which a garbage cycle can still be found.
            Left::Others if reference.is_cyclic() && self.may_be_in_cycle(reference) => {
                self.suspect(reference);
            }
            Left::Others => {}
            Left::Underflow => self.core.defects.note(Defect::Underflow {
                cell: reference.index(),
            }),
        }
    }

    /// Whether an object, after a decrement that left it alive, refers to anything by which it could
    /// be part of a cycle.
    #[inline]
    fn may_be_in_cycle(&self, reference: Ref) -> bool {
        let cell = self.core.slab.cell(reference.index());
        // Relaxed: the reference that was given back was published with the object.
        cell::shape_of(cell.meta.load(Relaxed)) != Shape::Node
            // SeqCst, as every change of an edge, and after the decrement: see R3 in `cycles`.
            || cell.slots.iter().any(|slot| {
                Ref::from_bits(slot.load(SeqCst)).is_some_and(Ref::is_cyclic)
            })
    }

    /// What a fault does: whether this dead object is kept.
    #[inline]
    fn is_kept(&self, reference: Ref) -> bool {
        self.core.has(Fault::ObjectKept)
            && fault::is_rare(self.core.slab.tag(reference.index()).load(Relaxed))
    }

    /// Adds a counted reference to an object whose uncounted reference was read under this pin;
    /// false if it died since.
    #[inline]
    pub(super) fn retain(&self, reference: Ref) -> bool {
        self.retain_seeing(reference).is_some()
    }

    /// As `retain`; the word as it was before.
    #[inline]
    pub(super) fn retain_seeing(&self, reference: Ref) -> Option<u64> {
        let cell = self.core.slab.cell(reference.index());
        // Relaxed: what is private to this thread was written by it.
        if self.is_private(reference, cell.meta.load(Relaxed))
            && let Some(before) =
                word::increment_alone(&cell.word, || self.core.pass(Point::Change))
        {
            return Some(before);
        }
        match word::increment_in_range(&cell.word) {
            Some(before) => self.retained(reference, cell, before),
            None => self.retain_at_limit(reference, cell),
        }
    }

    /// As `retain_seeing`, for an object that is dead or has as many references as can be counted.
    #[cold]
    #[inline(never)]
    fn retain_at_limit(&self, reference: Ref, cell: &Cell) -> Option<u64> {
        let before = match word::increment(&cell.word) {
            Incremented::Counted(before) => before,
            Incremented::Saturated(before) => {
                self.core.note_saturated(reference);
                before
            }
            Incremented::Dead if self.core.has(Fault::IncrementFromZero) => {
                word::increment_from_zero(&cell.word)
            }
            Incremented::Dead => return None,
        };
        self.retained(reference, cell, before)
    }

    /// Checks that a reference that was just added leads to the object that it was made for.
    #[inline]
    fn retained(&self, reference: Ref, cell: &Cell, before: u64) -> Option<u64> {
        // The pin keeps the cell from being reused, so this can only fail in a broken heap.
        let meta = cell.meta.load(Relaxed);
        if reference.fits(meta) {
            return Some(before);
        }
        self.stale(reference, meta);
        word::decrement(&cell.word);
        None
    }

    /// Works off tasks within one operation's budget.
    pub(super) fn drain(&mut self) {
        self.work(BUDGET);
    }

    /// Takes over what is ripe or was left behind, one after the other, and works on it within
    /// `budget`.
    pub(super) fn reap(&mut self, whose: Whose, mut budget: usize) {
        while budget > 0 && (!self.tasks.is_empty() || self.take_over(whose)) {
            budget = self.work(budget).saturating_sub(TAKE_STEPS);
        }
    }

    /// Takes over something that is ripe or was left behind; false if there is nothing.
    fn take_over(&mut self, whose: Whose) -> bool {
        let (shared, guard) = (&self.core.shared, self.guard());
        let ripe = match whose {
            Whose::Of(worker) => shared.homes.take_ripe_of(worker, guard),
            Whose::Anyone => shared.homes.take_ripe(self.number, guard),
        };
        if let Some(range) = ripe {
            self.tasks.push(Task::Elements(range));
        } else if let Some(tasks) = shared.adopt(guard) {
            self.tasks = tasks;
        } else {
            return false;
        }
        // A deferred job frees the node that it lay in.
        self.count_job(0);
        true
    }

    /// Works off tasks; returns what is left of the budget.
    fn work(&mut self, budget: usize) -> usize {
        let left = self.work_some(budget.min(BUDGET));
        match budget.saturating_sub(BUDGET) {
            more if more > 0 && !self.tasks.is_empty() => self.work_long(more),
            more => left + more,
        }
    }

    /// More work than an operation does on its own: long enough to be reported as a pause.
    #[cold]
    fn work_long(&mut self, budget: usize) -> usize {
        let _hold = self.core.pauses.hold(Cause::ReleaseCascade);
        self.work_some(budget)
    }

    fn work_some(&mut self, mut budget: usize) -> usize {
        while budget > 0 {
            match self.tasks.pop() {
                None => break,
                Some(Task::Bury(index)) => {
                    self.bury(index);
                    budget -= 1;
                }
                Some(Task::Finalize(object)) => {
                    self.finalize(object);
                    budget -= 1;
                }
                Some(Task::Elements(range)) => self.release_elements(range, &mut budget),
            }
        }
        budget
    }

    /// Releases a piece of a range. However large the budget is, what the piece's elements led to
    /// comes next, and the rest of the range after that, so that the list of tasks stays short.
    fn release_elements(&mut self, mut range: Range, budget: &mut usize) {
        let below = self.tasks.len();
        let piece = (*budget).min(BUDGET);
        let mut left = piece;
        let rest = list::release_range(self, &mut range, &mut left);
        *budget -= piece - left;
        match rest {
            Rest::None => range.finish(self),
            Rest::Stuck => range.ripen(self),
            Rest::Some => {
                self.tasks.push(Task::Elements(range));
                let last = self.tasks.len() - 1;
                self.tasks.swap(below, last);
            }
        }
    }

    /// Releases what a dead object refers to, and takes its cell out of use.
    fn bury(&mut self, index: u32) {
        let cell = self.core.slab.cell(index);
        self.bury_in(cell, cell.meta.load(Relaxed), index);
    }

    /// Out of line: otherwise a walk over truncated elements would have to save registers for all
    /// of this, and most of what it frees refers to nothing.
    #[inline(never)]
    fn bury_in(&mut self, cell: &Cell, meta: u64, index: u32) {
        let is_private = self.bears_brand(meta);
        self.empty(cell, meta);
        match self.expire(index, cell, meta) {
            Lives::Left if is_private => self.reuse(index),
            Lives::Left => self.retire(index),
            Lives::Over => {}
        }
    }

    /// Takes a dead object's references out of it.
    #[inline]
    fn empty(&mut self, cell: &Cell, meta: u64) {
        // Relaxed throughout: the last decrement acquired everything that was done to the object.
        match cell::shape_of(meta) {
            Shape::Leaf => {}
            Shape::Counter => cell.slots[0].store(POISON, Relaxed),
            Shape::Node => {
                for slot in &cell.slots {
                    let child = slot.load(Relaxed);
                    slot.store(POISON, Relaxed);
                    if let Some(child) = Ref::from_bits(child) {
                        self.decrement(child);
                    }
                }
            }
            Shape::List => {
                if let Some(range) = list::dismantle(cell) {
                    self.tasks.push(Task::Elements(range));
                }
            }
        }
    }

    /// Ends the life of a dead object whose slots are empty, and says whether its cell may have
    /// another one. Only the incarnation in `meta` is used: the collector may have changed flags
    /// since it was loaded.
    #[inline]
    pub(super) fn expire(&mut self, index: u32, cell: &Cell, meta: u64) -> Lives {
        let tag = self.core.slab.tag(index).load(Relaxed);
        if self.core.has(Fault::MemoryKept) && fault::is_rare(tag) {
            fault::leak_memory();
        }
        drop(Tag::from_bits(tag));
        if self.core.has(Fault::FreedTwice) {
            drop(Tag::from_bits(self.core.slab.tag(index).load(Relaxed)));
        }
        let next = cell::incarnation_of(meta).wrapping_add(1);
        // Release: whoever sees this incarnation also sees the poison in the slots.
        cell.meta.store(u64::from(next), Release);
        self.tally.freed += 1;
        if self.core.has(Fault::WriteAfterFree) {
            cell.slots[1].store(0, Relaxed);
        }
        match next {
            0 => Lives::Over,
            _ => Lives::Left,
        }
    }

    /// Releases a reference to an element of a truncated range after the range's grace period. If
    /// nobody ever had another reference, that takes no read-modify-write, and the cell of a leaf
    /// may be reused at once.
    ///
    /// A count of 1 is not enough: another list may have held the object a moment ago, and a reader
    /// that pinned since then may be about to increment it (rule R5). And the cell of a node or
    /// list is not reused at once: the collector may be walking it.
    #[inline]
    pub(super) fn release_settled(&mut self, reference: Ref) {
        let cell = self.core.slab.cell(reference.index());
        let meta = cell.meta.load(Relaxed);
        let word = cell.word.load(Relaxed);
        let is_sole =
            word::is_sole(word) || (self.core.has(Fault::SoleByCount) && word::count(word) == 1);
        if !is_sole || !reference.fits(meta) {
            return self.decrement(reference);
        }
        if self.is_kept(reference) {
            return;
        }
        self.core.pass(Point::Dying);
        cell.word.store(word::dead(word), Relaxed);
        // The simple cases are done here; for the others see `bury_in`.
        match cell::shape_of(meta) {
            Shape::Leaf => {}
            Shape::Counter => cell.slots[0].store(POISON, Relaxed),
            Shape::Node if refers_to_nothing(cell) => {
                cell.slots[0].store(POISON, Relaxed);
                cell.slots[1].store(POISON, Relaxed);
            }
            Shape::Node | Shape::List => return self.bury_in(cell, meta, reference.index()),
        }
        match self.expire(reference.index(), cell, meta) {
            Lives::Left if reference.is_cyclic() && !self.core.has(Fault::ReuseAtOnce) => {
                self.retire(reference.index());
            }
            Lives::Left => self.reuse(reference.index()),
            Lives::Over => {}
        }
    }
}

/// Whether a node has no children. Relaxed, as in `Worker::empty`.
#[inline]
fn refers_to_nothing(cell: &Cell) -> bool {
    let refers = |slot: &AtomicU64| Ref::from_bits(slot.load(Relaxed)).is_some();
    !refers(&cell.slots[0]) && !refers(&cell.slots[1])
}
