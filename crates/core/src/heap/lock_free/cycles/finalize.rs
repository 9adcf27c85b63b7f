//! Step 6 of a round: the finalizers of garbage run, and what they resurrect is no longer garbage.
//!
//! Nobody but the collector can reach the garbage: see `lock_free::finalize` for the argument. All
//! finalizers run before anything is published, so whoever finds one object of a cycle finds all of
//! the cycle finalized. What is published keeps alive everything that it reaches, along recorded
//! edges that cannot have changed.

use super::graph::{Fate, Graph, Member};
use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell;
use crate::heap::lock_free::word::{self, FINALIZED};
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

impl Graph {
    /// Runs the finalizers of all garbage members that have not run yet, and changes the fate of
    /// what they resurrect.
    pub(super) fn finalize_garbage<'h>(&mut self, worker: &mut Worker<'h, impl Faults>) {
        if !self.has_finalizers {
            return;
        }
        let core = worker.core;
        let mut risen = Vec::new();
        if core.has(Fault::PardonFirst) {
            self.pardon(core, Fate::Garbage);
        }
        for (number, member) in (0..).zip(&mut self.members) {
            if member.fate != Fate::Garbage {
                continue;
            }
            let Some(place) = finalize_member(worker, member) else {
                continue;
            };
            // For the reference that will be published. Nobody else changes this count meanwhile.
            worker.retain(member.reference);
            if core.has(Fault::PublishOneByOne) {
                worker.raise(member.reference, place);
            }
            risen.push((number, place));
        }
        if risen.is_empty() {
            return;
        }
        if !core.has(Fault::ResurrectedFreedAnyway) {
            self.resurrect(risen.iter().map(|&(number, _)| number).collect());
            self.pardon(core, Fate::Resurrected);
        }
        for (number, place) in risen {
            if !core.has(Fault::PublishOneByOne) {
                worker.raise(self.members[number as usize].reference, place);
            }
        }
    }

    /// What finalizers publish is alive, and so is everything that it reaches.
    fn resurrect(&mut self, published: Vec<u32>) {
        for &number in &published {
            self.members[number as usize].fate = Fate::Resurrected;
        }
        self.spread(published, Fate::Garbage, Fate::Resurrected);
    }
}

/// Runs the finalizer of a garbage member, unless there is none or it has run already. Returns the
/// shared root, if any, in which the finalizer publishes the member.
fn finalize_member<'h>(
    worker: &Worker<'h, impl Faults>,
    member: &mut Member,
) -> Option<&'h AtomicU64> {
    let cell = worker.core.slab.cell(member.reference.index());
    // Relaxed: nobody else can reach the object, and the validation acquired all that was done to
    // it.
    if member.word & FINALIZED != 0 || !cell::has_finalizer(cell.meta.load(Relaxed)) {
        return None;
    }
    member.word = word::finalized(member.word);
    // SeqCst: an upgrade of a weak reference made earlier finds CONDEMNED, or FINALIZED.
    cell.word.store(member.word, SeqCst);
    worker.run_finalizer(member.reference)
}
