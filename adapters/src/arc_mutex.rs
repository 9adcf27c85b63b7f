//! `Arc<Mutex<Vec<Arc>>>` of the standard library, which is what people use without a collector. It
//! never frees a cycle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use gcstorm::heap::pointers::{CAPS, Head};
use gcstorm::heap::{Caps, Pointer};

#[derive(Clone)]
pub(crate) struct ArcMutex(Arc<Object>);

pub(crate) struct Object {
    head: Head<ArcMutex>,
    references: Mutex<Vec<Option<ArcMutex>>>,
}

impl Object {
    fn references(&self) -> MutexGuard<'_, Vec<Option<ArcMutex>>> {
        (self.references.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops references one after the other: the recursive drop of a long chain would overflow the
/// stack.
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

impl Pointer for ArcMutex {
    type Weak = Weak<Object>;

    const CAPS: Caps = Caps { weak: true, ..CAPS };

    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Arc::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references())
    }

    fn downgrade(&self) -> Option<Self::Weak> {
        Some(Arc::downgrade(&self.0))
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade().map(Self)
    }
}
