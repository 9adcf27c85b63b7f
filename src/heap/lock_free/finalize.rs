//! Finalizers: when one may run, who runs it, and what everybody else sees of that.
//!
//! Whether an object was made with a finalizer is in its `meta`, for as long as it lives. Whether the
//! finalizer has run, or is about to, is the flag FINALIZED of its word. Whoever takes a reference away
//! or reads one looks at a bit of what it has loaded anyway; objects without a finalizer cost no more
//! than that.
//!
//! **Invariant**: FINALIZED is set by one atomic step, once, at a moment at which nobody but the one
//! who sets it can obtain a counted reference to the object in any other way than by a weak
//! reference; and nobody can obtain one until the finalizer has run. So whoever holds a reference
//! holds one to an object whose finalizer has not run and will not run before it lets go, or to one
//! whose finalizer has run.
//!
//! *The last reference.* A count of 0 is final, so the count of such an object does not get there
//! before its finalizer has run: the decrement that would take the last reference away sets
//! FINALIZED in its place ([`word::let_go`]) and keeps the reference, as a [`Task`]. That exchange
//! is where the object becomes garbage, its older weak references become void, and the right to run
//! the finalizer is won. An upgrade exchanges the same word: one that came first makes the
//! decrement an ordinary one, one that comes later finds the mark. The finalizer then runs from the
//! list of tasks, never inside another, and the reference moves into the shared root that it names,
//! or is taken away like any other.
//!
//! *The second look.* A thread may have read the reference from a slot, a root or a list before it was
//! removed there, and may increment only after the mark. Without finalizers, the count is 0 by then and
//! the increment fails; here it succeeds. So whoever increments and finds FINALIZED looks a second time
//! at where the reference came from. If it is there, the object was resurrected and put there, and the
//! read takes effect at this second look. If not, the reader gives the reference back and tries again
//! from the beginning: by now the finalizer may have put the object back. The reference was never in a
//! register; all that others may notice is that the object dies a moment later, on the reader's thread.
//!
//! *A garbage cycle* is the collector's alone once it has validated it and, if there are weak
//! references, decided on it (`cycles::verdict`): no count but those among its members exists, no
//! pin is left under which somebody could hold an uncounted pointer, and upgrades are lost while
//! the verdict stands. So all its finalizers run first, one after the other, with all of its objects
//! whole (`cycles::finalize`). What they publish gets a reference each, and that makes live, by the
//! recorded edges, which are exactly those that there are, all that it reaches. These are pardoned,
//! so that weak references to members without a finalizer stand again, and then published; the rest
//! is still garbage, with no need for another round, and is freed. Nothing of a cycle can be seen
//! before the finalizers of all of it have run.
//!
//! Linearisation: a decrement takes effect at its exchange, whether it sets the mark or not. A
//! finalizer takes effect, for the cycle's weak references, at the verdict, and its publication at
//! the exchange of the root, which happens after all marks and runs and which readers acquire.
//!
//! A truncated element that nobody ever had a second reference to is freed without a read-modify-write,
//! and so without a look at FINALIZED. An object with a finalizer must not be freed that way; so it is
//! born with SHARED set.

use super::cell::{self, Ref};
use super::release::Task;
use super::word::{self, FINALIZED, SHARED};
use super::worker::Worker;
use crate::heap::fault::{Fault, Faults};
use crate::heap::{Finalizer, Tag};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

impl<'h, F: Faults> Worker<'h, F> {
    /// Gives a new object its finalizer. Nobody else has a reference to it yet.
    pub(super) fn endow(&self, object: Ref, finalizer: Finalizer) {
        let cell = self.core.slab.cell(object.index());
        // Relaxed, both: the object is published later, by whatever publishes its reference.
        cell.meta.fetch_or(cell::finalizer_bits(finalizer), Relaxed);
        if !self.core.has(Fault::SoleUnfinalized) {
            cell.word.fetch_or(SHARED, Relaxed);
        }
    }

    /// Takes away a reference to an object that was made with a finalizer. If it is the last one, the
    /// finalizer is to run first.
    #[cold]
    pub(super) fn let_go(&mut self, object: Ref) {
        let is_late =
            self.core.has(Fault::WeakAfterFinalizer) || self.core.has(Fault::FinalizedTwice);
        let mark = if is_late { 0 } else { FINALIZED };
        let cell = self.core.slab.cell(object.index());
        match word::let_go(&cell.word, mark) {
            Some(left) => self.follow_up(object, left),
            None => self.tasks.push(Task::Finalize(object)),
        }
    }

    /// Runs the finalizer of what `let_go` found to be garbage, and lets go of it.
    pub(super) fn finalize(&mut self, object: Ref) {
        let place = self.run_finalizer(object);
        let word = &self.core.slab.cell(object.index()).word;
        if self.core.has(Fault::WeakAfterFinalizer) {
            word.fetch_or(FINALIZED, SeqCst);
        }
        if let Some(place) = place {
            self.raise(object, place);
        }
        if self.core.has(Fault::FinalizedTwice) {
            word.fetch_or(FINALIZED, SeqCst);
        }
        if place.is_none() {
            self.decrement(object);
        }
    }

    /// Runs an object's finalizer; returns the shared root, if any, that the object is to be put in.
    pub(super) fn run_finalizer(&self, object: Ref) -> Option<&'h AtomicU64> {
        let slab = &self.core.slab;
        // Relaxed, both: whoever has the object to itself has acquired all that was done to it.
        let meta = slab.cell(object.index()).meta.load(Relaxed);
        let tag = slab.tag(object.index()).load(Relaxed);
        let global = cell::finalizer_of(meta)?.run(Tag::id_of_bits(tag))?;
        self.core.globals.get(usize::from(global.0))
    }

    /// Moves a counted reference into a shared root, and takes away what was there.
    pub(super) fn raise(&mut self, object: Ref, place: &AtomicU64) {
        // SeqCst, as every change of an edge; it releases the run of the finalizer to whoever finds
        // the object there.
        if let Some(old) = Ref::from_bits(place.swap(object.bits(), SeqCst)) {
            self.decrement(old);
        }
    }

    /// Whether a reference that was found under this pin may be kept only if it still is where it was
    /// found; `before` is the word as it was before the increment.
    #[inline]
    pub(super) fn needs_second_look(&self, before: u64) -> bool {
        before & FINALIZED != 0 && !self.core.has(Fault::NoSecondLook)
    }
}
