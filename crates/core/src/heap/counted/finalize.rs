//! Finalizers: how one is run, and how the collector runs those of what it found dead.
//!
//! A finalizer runs at most once, since running it takes it away. It runs with its object whole:
//! before anything that the object holds is released. In a dead cycle all finalizers run before
//! anything is freed, and then the collector looks again (PEP 442).

use super::Counted;
use super::cell::{Cell, Ref};
use super::release::Work;
use super::word::Word;
use crate::heap::{Cause, Fault, Faults, Tag};

impl<F: Faults> Counted<F> {
    /// Runs an object's finalizer, if it has not run yet. What the object displaces from a shared
    /// root is released; if that dies, it is put on the work list.
    pub(super) fn finalize(&self, object: Ref, cell: &Cell, work: &mut Work) {
        let Some(finalizer) = cell.take_finalizer() else {
            return;
        };
        self.finalized.add(1);
        let id = Tag::id_of_bits(self.cells.tag(object.index()));
        if self.has(Fault::FinalizerRunTwice) {
            finalizer.run(id);
        }
        let place = finalizer
            .run(id)
            .and_then(|global| self.globals.get(usize::from(global.0)));
        if let Some(place) = place {
            cell.count.add(1);
            let old = Ref::from_bits(place.get());
            place.set(object.bits());
            self.let_go(old, work);
        }
    }

    /// Runs the finalizers of all members that are on trial; returns whether there were any. What
    /// they displace from roots and what dies of that is buried at once: it was alive, so nothing
    /// that is on trial depends on it.
    pub(super) fn finalize_condemned(&self, members: &[Word], work: &mut Work) -> bool {
        let before = self.finalized.get();
        let hold = self.pauses.hold(Cause::Finalizer);
        for (object, cell) in self.on_trial(members) {
            self.finalize(object, cell, work);
            self.bury(work);
        }
        let were_any = self.finalized.get() != before;
        if !were_any {
            hold.dismiss();
        }
        were_any
    }
}
