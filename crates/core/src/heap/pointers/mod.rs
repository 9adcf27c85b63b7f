//! A heap of any counted pointers: those of the standard library, or of a crate that collects cycles.
//!
//! An adapter to a crate is its object, an implementation of [`Pointer`] for its pointer, and one line
//! that registers `PointerHeap::<P>::open`. The rest is here: registers, shared roots, and every
//! operation.
//!
//! **What is behind a lock.** A mutator's registers are its own and need none. A shared root is behind a
//! lock of this module, since others may replace the pointer while it is being cloned. An object's
//! references are behind whatever the adapter's [`edit`](Pointer::edit) uses: a lock where objects go to
//! several threads, a cell where they do not, or the crate's own cell if the crate has to see what
//! changes. Leaves and counters have no references, so their locks are never touched, and a counter's
//! number is an atomic. What an operation takes out of an object or a root is dropped after the lock is
//! released, because a death may take long, and may come back to the same object.
//!
//! **Which thread.** If the pointers are `Send` and `Sync`, so is the heap, and runs as it is. If not,
//! [`Owned`](super::Owned) runs it. Before a mutator waits, or leaves, it calls
//! [`flush`](Pointer::flush) on its own thread, for crates that keep candidates by thread; so whoever
//! settles the heap finds all of them.
//!
//! The heap refuses no allocation: crates know no capacity. The harness watches whether it was kept.

mod head;
mod mutator;
mod tally;

use std::fmt;

use super::{Caps, Defect, Gauge, Heap, HeapConfig, Seat, Stats};
pub use head::Head;
use head::SharedRoots;
pub use mutator::PointerMutator;
pub use tally::{collecting, collection_due};

/// What a heap of counted pointers can do in any case; an adapter adds what its pointers can.
pub const CAPS: Caps = Caps {
    threads: true,
    lists: true,
    counters: true,
    globals: true,
    certifies_death: true,
    ..Caps::NONE
};

/// How many collections settle a heap: the first finds the garbage and runs its finalizers, the second
/// finds what they left, and the third what the second released.
const COLLECTIONS: u32 = 3;

/// The weak reference of a pointer that has none.
pub type NoWeak = std::convert::Infallible;

/// A counted pointer to an object that holds a [`Head`] and references.
pub trait Pointer: Clone + Sized + 'static {
    /// A weak reference; [`NoWeak`] if there is none.
    type Weak: Clone + 'static;

    /// [`CAPS`], and what else the pointers can do.
    const CAPS: Caps;

    /// Makes an object with this many references, all empty: two for a node, none for anything else.
    fn new(head: Head<Self>, fields: usize) -> Self;

    /// The object's head.
    fn head(&self) -> &Head<Self>;

    /// Calls `change` with the object's references while nobody else can use them. `change` returns the
    /// references that are to be dropped, so that they are dropped after `edit` has returned.
    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R;

    /// A weak reference to the object.
    fn downgrade(&self) -> Option<Self::Weak> {
        None
    }

    /// A counted pointer to the target, if that is still there.
    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        let _ = weak;
        None
    }

    /// Runs a full collection on the calling thread, if the crate has one.
    fn collect() {}

    /// Hands over whatever the crate keeps for the calling thread, if it keeps anything.
    fn flush() {}
}

/// A heap of counted pointers.
pub struct PointerHeap<P: Pointer> {
    roots: SharedRoots<P>,
}

impl<P: Pointer> PointerHeap<P> {
    /// An empty heap.
    ///
    /// # Errors
    ///
    /// None; this is what [`Registry::with`](crate::run::Registry::with) takes.
    pub fn open(config: &HeapConfig) -> Result<Self, Defect> {
        let roots = SharedRoots::new(config.globals);
        Ok(Self { roots })
    }
}

impl<P: Pointer> Heap for PointerHeap<P> {
    type Mutator<'h> = PointerMutator<P>;

    fn caps(&self) -> Caps {
        P::CAPS
    }

    fn attach(&self, seat: Seat) -> Result<PointerMutator<P>, Defect> {
        Ok(PointerMutator::new(seat.slots, self.roots.clone()))
    }

    fn settle(&self) -> Result<(), Defect> {
        (0..COLLECTIONS).for_each(|_| collecting(P::collect));
        Ok(())
    }

    /// What died in collections, which the harness cannot tell from other deaths.
    fn stats(&self) -> Stats {
        Stats {
            collections: P::CAPS.cycles.then(tally::collections),
            cycles_freed: P::CAPS.cycles.then(tally::freed),
            ..Stats::default()
        }
    }

    fn gauge(&self) -> Gauge {
        Gauge {
            collections: tally::collections(),
            ..Gauge::default()
        }
    }
}

/// Empties the roots. Objects with finalizers refer to the roots, so one that is left in a root would
/// keep itself alive.
impl<P: Pointer> Drop for PointerHeap<P> {
    fn drop(&mut self) {
        self.roots.empty();
    }
}

impl<P: Pointer> fmt::Debug for PointerHeap<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PointerHeap").finish_non_exhaustive()
    }
}
