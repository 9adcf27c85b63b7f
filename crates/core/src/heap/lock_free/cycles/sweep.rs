//! Step 7 of a round: garbage is freed, and what was suspected but not freed becomes a candidate
//! again.
//!
//! Nobody but the collector can reach the garbage by now, so the pin may be renewed between
//! members, and in the middle of a long list. Edges between garbage members are not released one by
//! one. Instead, the count of every member is set to 0 before anything else happens.

#![expect(
    unsafe_code,
    reason = "a list's storage hangs off its cell by raw pointer"
)]

use super::graph::{Fate, Graph, Member};
use crate::heap::lock_free::cell::{self, Cell, POISON, Ref};
use crate::heap::lock_free::list::{self, Walk};
use crate::heap::lock_free::release::{BUDGET, Lives, Task};
use crate::heap::lock_free::word;
use crate::heap::lock_free::worker::Worker;
use crate::heap::{Fault, Faults, Shape};
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Does all that follows from the releases so far, and renews the pin between its pieces. One piece
/// for each piece of a list is not enough: it may go down a single chain of dead objects, and the
/// chains that hang off the other elements would pile up.
fn finish_tasks(worker: &mut Worker<'_, impl Faults>) {
    worker.enter();
    while !worker.tasks.is_empty() {
        worker.enter();
    }
}

impl Graph {
    /// Frees all garbage members and returns their number. Their references to other objects are
    /// released, and such an object becomes a candidate if it stays alive (rule R3).
    pub(super) fn free_garbage(&self, worker: &mut Worker<'_, impl Faults>) -> u64 {
        let mut freed = 0;
        for member in self.garbage() {
            let cell = worker.core.slab.cell(member.reference.index());
            // SeqCst: an upgrade of a weak reference finds either the mark CONDEMNED or a count of
            // 0.
            cell.word.store(word::dead(member.word), SeqCst);
        }
        for member in self.garbage() {
            let index = member.reference.index();
            let cell = worker.core.slab.cell(index);
            self.empty(worker, cell);
            if worker.expire(index, cell, cell.meta.load(Relaxed)) == Lives::Left {
                worker.retire(index);
            }
            worker.enter();
            freed += 1;
        }
        freed
    }

    fn garbage(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.fate == Fate::Garbage)
    }

    /// Takes a garbage member's references out of it.
    fn empty(&self, worker: &mut Worker<'_, impl Faults>, cell: &Cell) {
        // Relaxed: nobody else can reach the object.
        match cell::shape_of(cell.meta.load(Relaxed)) {
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
