//! What gcstorm keeps in each object, and the roots that all mutators share.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;

use super::Pointer;
use super::tally::Death;
use crate::heap::{Finalizer, Global, ObjectId, Tag};
use crate::sync::atomic::AtomicI64;
use crate::sync::{Arc, Mutex, MutexGuard};

/// What gcstorm keeps in each object: its tag, which must be dropped with the object, a counter's
/// number, and what its finalizer does.
pub struct Head<P: Pointer> {
    tag: Tag,
    _death: Death,
    pub(super) number: AtomicI64,
    finalizer: Option<Box<(Finalizer, SharedRoots<P>)>>,
}

impl<P: Pointer> Head<P> {
    pub(super) fn new(tag: Tag) -> Self {
        Self {
            tag,
            _death: Death,
            number: AtomicI64::new(0),
            finalizer: None,
        }
    }

    pub(super) fn with_finalizer(tag: Tag, finalizer: Finalizer, roots: SharedRoots<P>) -> Self {
        Self {
            finalizer: Some(Box::new((finalizer, roots))),
            ..Self::new(tag)
        }
    }

    /// The object's name and shape.
    #[inline]
    pub fn id(&self) -> ObjectId {
        self.tag.id()
    }

    /// Whether the object is made with a finalizer.
    pub fn has_finalizer(&self) -> bool {
        self.finalizer.is_some()
    }

    /// What the object's finalizer must call. `own` makes a counted pointer to the object.
    pub fn finalize(&self, own: impl FnOnce() -> Option<P>) {
        if let Some((finalizer, roots)) = self.finalizer.as_deref()
            && let Some(global) = finalizer.run(self.id())
        {
            roots.put(global, own());
        }
    }
}

impl<P: Pointer> fmt::Debug for Head<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Head").field(&self.id()).finish()
    }
}

/// The shared roots, each behind a lock. Objects with finalizers refer to them, since a finalizer
/// may resurrect its object into one.
pub(super) struct SharedRoots<P>(Arc<Vec<Mutex<Option<P>>>>);

impl<P> Clone for SharedRoots<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Clone> SharedRoots<P> {
    pub(super) fn new(globals: u16) -> Self {
        Self(Arc::new((0..globals).map(|_| Mutex::new(None)).collect()))
    }

    /// What was there is dropped after the lock is released, since many objects may die of it.
    pub(super) fn put(&self, global: Global, value: Option<P>) {
        let replaced = std::mem::replace(&mut *self.at(global), value);
        drop(replaced);
    }

    pub(super) fn get(&self, global: Global) -> Option<P> {
        self.at(global).clone()
    }

    pub(super) fn empty(&self) {
        let roots = (0..).zip(&*self.0);
        let held: Vec<_> = roots
            .map(|(global, _)| self.at(Global(global)).take())
            .collect();
        let_go(held);
    }

    fn at(&self, global: Global) -> MutexGuard<'_, Option<P>> {
        let root = &self.0[usize::from(global.0)];
        root.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops one after the other. If the crate panics, the rest is leaked: its pointers cannot be
/// trusted any more, and a second panic would end the process.
pub(super) fn let_go<T>(held: Vec<T>) {
    let mut held = held.into_iter();
    while let Some(pointer) = held.next() {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(pointer))) {
            std::mem::forget(held);
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pointer of a crate that has broken down.
    struct Broken;

    impl Drop for Broken {
        fn drop(&mut self) {
            panic!("broken");
        }
    }

    /// Goal: of several pointers that cannot be dropped, one panics, so the process goes on.
    #[test]
    fn one_panic_is_enough() {
        let broken = vec![Broken, Broken, Broken];
        let panicked = catch_unwind(AssertUnwindSafe(|| let_go(broken)));
        assert!(panicked.is_err());
    }
}
