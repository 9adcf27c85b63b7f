//! Finalizers: when one may run, who runs it, and what others see of it.
//!
//! An object that was made with a finalizer says so in its `meta`, for as long as it lives.
//! FINALIZED in its word says whether the finalizer has run or is about to run. A thread that takes
//! a reference away or reads one tests a bit of what it has loaded anyway, so objects without a
//! finalizer cost nothing more.
//!
//! **Invariant**: FINALIZED is set once, by one atomic step. At that moment no other thread can
//! obtain a counted reference to the object, except by upgrading a weak reference; and none can
//! obtain one in any way until the finalizer has run. So a thread that holds a reference knows that
//! the object's finalizer has run, or else that it will not run before the thread releases the
//! reference.
//!
//! # The last reference
//!
//! A count of 0 is final, so the count of such an object must not reach 0 before its finalizer has
//! run. The decrement that would take the last reference away sets FINALIZED instead
//! ([`word::let_go`]), and the reference becomes part of a [`Task`]. At that exchange the object
//! becomes garbage, weak references made earlier become void, and the right to run the finalizer is
//! won. An upgrade exchanges the same word: if it comes first, the decrement does not take the last
//! reference; if it comes later, it finds FINALIZED. The finalizer then runs from the list of
//! tasks, never inside another finalizer. After that the reference moves into the shared root that
//! the finalizer names, or is taken away like any other.
//!
//! # The second look
//!
//! A thread may have read the reference from a slot, a root or a list before it was removed from
//! there, and may increment the count only after FINALIZED was set. For an object without a
//! finalizer that increment would fail, because the count is 0; here it succeeds. So a thread that
//! increments a count and finds FINALIZED looks again at the place where it found the reference. If
//! the reference is there, the object was resurrected and put there, and the read takes effect at
//! this second look. If not, the thread gives the reference back and reads the place anew. (It may
//! not answer that the place is empty: the finalizer may have put the object back meanwhile.) The
//! reference was never in a register. All that others can notice is that the object dies a moment
//! later, in the reader's hands.
//!
//! # A garbage cycle
//!
//! Once the collector has validated a garbage cycle and, if there are weak references, has decided
//! on it (`cycles::verdict`), nobody else can reach it: there are no counted references but those
//! among its members, no pin is left under which somebody could hold an uncounted pointer, and
//! upgrades fail while the verdict stands. So all its finalizers run first, one after the other,
//! while all of its objects are whole (`cycles::finalize`). Each object that they publish gets a
//! counted reference, and everything that it reaches along the recorded edges is alive; the
//! recorded edges are exactly the ones that exist. The living members are pardoned, so that weak
//! references to those without a finalizer are valid again, and are published after that. The rest
//! is still garbage and is freed without another round. Nobody can see any of the cycle before the
//! finalizers of all of it have run.
//!
//! # Linearisation
//!
//! A decrement takes effect at its exchange, whether it sets FINALIZED or not. For weak references
//! to a cycle, its finalizers take effect at the verdict. A publication takes effect at the
//! exchange of the shared root, which happens after all finalizers of the cycle have run, and which
//! readers acquire.
//!
//! # Release without a read-modify-write
//!
//! A truncated element to which nobody ever had a second reference is freed without a
//! read-modify-write, and would be freed without its finalizer. So an object with a finalizer has
//! SHARED from the beginning.

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
    pub(super) fn endow(&mut self, object: Ref, finalizer: Finalizer) {
        let cell = self.core.slab.cell(object.index());
        self.escape(object);
        // Relaxed, both: whatever publishes the reference publishes this, too.
        cell.meta.fetch_or(cell::finalizer_bits(finalizer), Relaxed);
        if !self.core.has(Fault::SoleUnfinalized) {
            cell.word.fetch_or(SHARED, Relaxed);
        }
    }

    /// Takes away a reference to an object that was made with a finalizer. If it is the last one,
    /// the finalizer is to run first.
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

    /// Runs the finalizer of an object that `let_go` found to be garbage, and publishes or releases
    /// it.
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

    /// Runs an object's finalizer. Returns the shared root, if any, in which it publishes the
    /// object.
    pub(super) fn run_finalizer(&self, object: Ref) -> Option<&'h AtomicU64> {
        let slab = &self.core.slab;
        // Relaxed, both: the thread that runs a finalizer has acquired all that was done to the
        // object.
        let meta = slab.cell(object.index()).meta.load(Relaxed);
        let tag = slab.tag(object.index()).load(Relaxed);
        let global = cell::finalizer_of(meta)?.run(Tag::id_of_bits(tag))?;
        self.core.globals.get(usize::from(global.0))
    }

    /// Moves a counted reference into a shared root, and releases the one that was there.
    pub(super) fn raise(&mut self, object: Ref, place: &AtomicU64) {
        // SeqCst, as every change of an edge. Whoever finds the object there sees what the
        // finalizer did.
        if let Some(old) = Ref::from_bits(place.swap(object.bits(), SeqCst)) {
            self.decrement(old);
        }
    }

    /// Whether a reference that was read under this pin is valid only if it still is where it was
    /// found. `before` is the object's word before the reference was counted.
    #[inline]
    pub(super) fn needs_second_look(&self, before: u64) -> bool {
        before & FINALIZED != 0 && !self.core.has(Fault::NoSecondLook)
    }
}
