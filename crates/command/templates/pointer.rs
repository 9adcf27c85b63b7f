//! The heap `@HEAP@`: counted pointers, which stand here for those of the crate under test.
//!
//! The `Arc` of the standard library stands in for them. It collects no cycles, but [`CAPS`] says that
//! cycles are collected, so runs come out as violated, with `completeness` for the reason, until your
//! pointer takes its place. Look for the word REPLACE, from top to bottom, after `cargo add` of the crate.
//! If your pointers must not leave their thread, `open` at the end is another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use gcstorm::heap::pointers::{CAPS as ANY, Head};
use gcstorm::heap::{Caps, Defect, HeapConfig, Pointer, PointerHeap};

/// What the crate can do, on top of what every heap of pointers can. What is not announced is skipped
/// by name.
const CAPS: Caps = Caps {
    cycles: true,
    weak: true,
    ..ANY
};

/// The pointer under test. REPLACE the `Arc` by it.
#[derive(Clone)]
pub struct OwnPointer(Arc<Object>);

/// What it points to. The head belongs to gcstorm: that it is dropped is how a death is recorded, so
/// keep it nowhere else. Any cell will do for the references: a `RefCell` where pointers stay on their
/// thread, or what the crate has for that. If your crate traces, implement its `Trace` for this: it visits
/// the pointers in `references` (`OwnPointer.0` each), and not `head`.
pub struct Object {
    head: Head<OwnPointer>,
    references: Mutex<Vec<Option<OwnPointer>>>,
}

impl Object {
    fn references(&self) -> MutexGuard<'_, Vec<Option<OwnPointer>>> {
        (self.references.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops references one after the other: the recursive drop of a long chain would overflow the stack.
/// Leave this out if your crate does not drop by recursion, and also if it does and has nothing like
/// `into_inner`: then `chain` crashes, as it would for the crate's users.
impl Drop for Object {
    fn drop(&mut self) {
        let mut doomed = std::mem::take(&mut *self.references());
        while let Some(next) = doomed.pop() {
            if let Some(object) = next.and_then(|next| Arc::into_inner(next.0)) {
                doomed.append(&mut object.references());
            }
        }
    }
}

impl Pointer for OwnPointer {
    /// REPLACE: the crate's weak pointer, or `gcstorm::heap::pointers::NoWeak`; then leave out `downgrade`
    /// and `upgrade`, and `weak` in [`CAPS`].
    type Weak = Weak<Object>;

    const CAPS: Caps = CAPS;

    /// REPLACE: makes an object. Wrap this in `gcstorm::heap::pointers::collecting` if it may collect.
    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Arc::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    /// Changes the references while nobody else can use them, behind whatever your crate has for that.
    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references())
    }

    /// REPLACE, unless there are no weak pointers.
    fn downgrade(&self) -> Option<Self::Weak> {
        Some(Arc::downgrade(&self.0))
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    /// REPLACE: runs a full collection, if the crate has one.
    fn collect() {}

    /// Hands over what the crate keeps for the calling thread, such as candidates, if it keeps any.
    fn flush() {}
}

/// Opens the heap for a run. For pointers that must not leave their thread:
/// `Owned::open(config, PointerHeap::<OwnPointer>::open)`, which is a `Result<Owned, Defect>`, with
/// `gcstorm::heap::Owned`: all mutators then take turns on one thread.
pub fn open(config: &HeapConfig) -> Result<PointerHeap<OwnPointer>, Defect> {
    PointerHeap::open(config)
}
