//! Between steps 5 and 6 of a round: the finalizers of garbage run, and what they resurrect is not
//! garbage any more.
//!
//! The garbage is the collector's alone: see `lock_free::finalize` for the argument. All finalizers
//! run before anything is published, so that whoever finds one object of a cycle finds all of it
//! finalized; and what is published holds all that it reaches, along edges that cannot have changed.

use super::graph::{Fate, Graph, Member};
use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell;
use crate::heap::lock_free::word::{self, FINALIZED};
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

impl Graph {
    /// Runs the finalizers of all garbage members that have not run, and takes what is resurrected
    /// out of the garbage.
    pub(super) fn finalize_garbage<'h>(&mut self, worker: &mut Worker<'h, impl Faults>) {
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
            // The reference that will be published: nobody but the collector counts here.
            word::increment(&core.slab.cell(member.reference.index()).word);
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

    /// What finalizers publish is alive, with all that it reaches.
    fn resurrect(&mut self, published: Vec<u32>) {
        for &number in &published {
            self.members[number as usize].fate = Fate::Resurrected;
        }
        self.spread(published, Fate::Garbage, Fate::Resurrected);
    }
}

/// Runs a garbage member's finalizer, unless it has none or that has run; the shared root that the
/// member is to be put in.
fn finalize_member<'h>(
    worker: &Worker<'h, impl Faults>,
    member: &mut Member,
) -> Option<&'h AtomicU64> {
    let cell = worker.core.slab.cell(member.reference.index());
    // Relaxed: nobody else has the object any more, and the validation acquired what was done.
    if member.word & FINALIZED != 0 || !cell::has_finalizer(cell.meta.load(Relaxed)) {
        return None;
    }
    member.word = word::finalized(member.word);
    // SeqCst: an upgrade of an older weak reference finds the mark of the condemned or this one.
    cell.word.store(member.word, SeqCst);
    worker.run_finalizer(member.reference)
}
