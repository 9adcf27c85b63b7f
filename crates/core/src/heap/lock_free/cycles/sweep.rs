//! Step 7 of a round: garbage is freed, and what was suspected but not freed becomes a candidate
//! again.
//!
//! Nobody but the collector can reach the garbage by now, so the pin may be renewed between
//! members, and in the middle of a long list. Edges between garbage members are not released one by
//! one. Where weak references may lead to members, the count of every member is set to 0 before
//! anything else happens.
//!
//! # Cells that are used again at once
//!
//! What died by its counts waits for a grace period, since somebody may just have read a reference
//! to it. Of a garbage node that is known already: it has had its grace period (steps 4 and 5).
//! Pointers to it that were obtained before t0 went with their pins, and none could be obtained
//! since. So its cell is used again at once, and is still in the processor's cache.
//!
//! What is left is recognised by its incarnation, and nobody changes a cell for it: an entry in a
//! mutator's buffer (it was made before t0, and so was its mark), an undecided candidate of this
//! round, an edge of a member that is still to be emptied. Cells wait as before if weak references
//! may lead to them. (An upgrade recognises another object in the cell, but by the word, after it
//! has compared the incarnations: if it is held up there while the stamp comes full circle, it
//! counts a reference to the other object. As long as its pin lasts, the cell must not have another.)
//! So do those of lists, so that whoever found a list alive under its pin may follow what the cell
//! holds, even if counts are broken. (A finalizer makes no difference. All those of the garbage have
//! run before the first of it is freed, and what they published reaches nothing of it.)

#![expect(
    unsafe_code,
    reason = "a list's storage hangs off its cell by raw pointer"
)]

use super::graph::{Fate, Graph, Member};
use crate::heap::lock_free::cell::{self, Cell, POISON, Ref};
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::list::{self, Walk};
use crate::heap::lock_free::release::{BUDGET, Lives, Task};
use crate::heap::lock_free::worker::Worker;
use crate::heap::lock_free::{PLANTABLE, word};
use crate::heap::{Fault, Faults, Shape};
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::sized;

/// So many members are freed under one pin, if nothing follows from them: some 1 µs of work.
const FREED: u64 = sized(64, 1) as u64;

/// Does all that follows from the releases so far, and renews the pin between its pieces. One piece
/// for each piece of a list is not enough: it may go down a single chain of dead objects, and the
/// chains that hang off the other elements would pile up.
fn finish_tasks(worker: &mut Worker<'_, impl Faults>) {
    worker.enter();
    while !worker.tasks.is_empty() {
        worker.enter();
    }
}

/// Whether the cell of a garbage member needs no grace period more: see the module.
fn is_reusable(core: &Core<impl Faults>, member: &Member, meta: u64) -> bool {
    let is_safe = cell::shape_of(meta) == Shape::Node && !member.is_weak();
    is_safe || core.has(Fault::GarbageAtOnce)
}

/// Whether anything happened to an object between two looks at its word. Its count can be what it
/// was: references may have been added inside the cycle of which the last one from outside went.
fn has_changed(core: &Core<impl Faults>, before: u64, now: u64) -> bool {
    match core.has(Fault::SecondLookByCount) {
        true => word::count(now) != word::count(before),
        false => now != before,
    }
}

/// Whether what the collector takes for garbage may be in use, since a fault was planted. Its user
/// finds that it is alive, and then changes the cell, all under one pin: if that were another object
/// by then, a reference might be stored where a list has the address of its storage.
fn is_broken(core: &Core<impl Faults>) -> bool {
    PLANTABLE.iter().any(|&fault| core.has(fault))
}

impl Graph {
    /// Frees all garbage members and returns their number. Their references to other objects are
    /// released, and such an object becomes a candidate if it stays alive (rule R3).
    pub(super) fn free_garbage(&self, worker: &mut Worker<'_, impl Faults>) -> u64 {
        let mut freed: u64 = 0;
        if self.has_weak {
            for member in self.garbage() {
                let cell = worker.core.slab.cell(member.reference.index());
                // All of them first, though while this goes on the mark alone makes upgrades fail:
                // if it ends in a panic, `acquit` takes the marks off, and then nothing of the
                // garbage must be found alive that may lead to what was freed.
                // SeqCst: an upgrade of a weak reference finds either the mark CONDEMNED or a count
                // of 0.
                cell.word.store(word::dead(member.word), SeqCst);
            }
        }
        let is_broken = is_broken(worker.core);
        for member in self.garbage() {
            let index = member.reference.index();
            let cell = worker.core.slab.cell(index);
            // Relaxed, both: nobody else can reach the object.
            cell.word.store(word::dead(member.word), Relaxed);
            let meta = cell.meta.load(Relaxed);
            self.empty(worker, cell, meta);
            match worker.expire(index, cell, meta) {
                Lives::Left if !is_broken && is_reusable(worker.core, member, meta) => {
                    worker.reuse(index);
                }
                Lives::Left => worker.retire(index),
                Lives::Over => {}
            }
            freed += 1;
            if freed.is_multiple_of(FREED) || !worker.tasks.is_empty() {
                worker.enter();
            }
        }
        freed
    }

    fn garbage(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.fate == Fate::Garbage)
    }

    /// Takes a garbage member's references out of it.
    fn empty(&self, worker: &mut Worker<'_, impl Faults>, cell: &Cell, meta: u64) {
        // Relaxed: nobody else can reach the object.
        match cell::shape_of(meta) {
            Shape::Leaf | Shape::Counter => {}
            Shape::Node => {
                for slot in &cell.slots {
                    let child = slot.load(Relaxed);
                    slot.store(POISON, Relaxed);
                    if let Some(child) = Ref::from_bits(child) {
                        self.release(worker, child);
                    }
                }
            }
            Shape::List => {
                // SAFETY: the storage is dismantled below, by this thread.
                if let Some(storage) = unsafe { list::storage(cell) } {
                    let mut released = 0;
                    storage.each(|element| {
                        self.release(worker, element);
                        released += 1;
                        if released % BUDGET == 0 {
                            finish_tasks(worker);
                        }
                        Walk::On
                    });
                }
                if let Some(range) = list::dismantle(cell) {
                    // The pages go one by one, within the budget of later operations.
                    worker.tasks.push(Task::Elements(range.without_elements()));
                }
            }
        }
    }

    /// Releases a reference, unless it leads to a garbage member.
    fn release(&self, worker: &mut Worker<'_, impl Faults>, child: Ref) {
        if !self.is_garbage(child) {
            worker.decrement(child);
            if worker.core.has(Fault::ExternalChildReleasedTwice) {
                worker.decrement(child);
            }
        }
    }

    /// Takes the marks off decided candidates that were not freed. One whose word has changed since
    /// it was recorded becomes a candidate anew: see "Marks" in `cycles`.
    pub(super) fn unmark(&self, worker: &mut Worker<'_, impl Faults>, decided: &[Ref]) {
        if worker.core.has(Fault::ClearOneByOne) {
            return;
        }
        for &candidate in decided {
            if let Some(member) = self.member(candidate)
                && member.fate != Fate::Garbage
                && let Some(word) = worker.unmark_if_alive(candidate)
                && has_changed(worker.core, member.word, word)
            {
                worker.suspect(candidate);
            }
        }
    }

    /// Makes everything that was suspected and not freed a candidate again, if it is alive. That
    /// includes objects that merely lead to a changed one: they may be garbage, and no later
    /// decrement would make them candidates.
    pub(super) fn suspect_again(&self, worker: &mut Worker<'_, impl Faults>) {
        for member in &self.members {
            if matches!(member.fate, Fate::Suspect | Fate::Rescued) {
                worker.suspect_if_alive(member.reference);
            }
        }
    }

    /// Makes all members that are still alive candidates, after a panic.
    pub(super) fn suspect_all(&self, worker: &mut Worker<'_, impl Faults>) {
        for member in &self.members {
            worker.suspect_if_alive(member.reference);
        }
    }
}
