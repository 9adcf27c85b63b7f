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

    /// Without the lock, which nobody else can ask for.
    fn references_mut(&mut self) -> &mut Vec<Option<ArcMutex>> {
        (self.references.get_mut()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        if !self.references_mut().is_empty() {
            self.let_go();
        }
    }
}

impl Object {
    /// Drops references one after the other: the recursive drop of a long chain would overflow the
    /// stack.
    fn let_go(&mut self) {
        let mut doomed = std::mem::take(self.references_mut());
        while let Some(next) = doomed.pop() {
            if let Some(mut object) = next.and_then(|next| Arc::into_inner(next.0)) {
                doomed.append(object.references_mut());
            }
        }
    }
}

impl Pointer for ArcMutex {
    type Weak = Weak<Object>;

    const CAPS: Caps = Caps { weak: true, ..CAPS };

    #[inline]
    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Arc::new(Object { head, references }))
    }

    #[inline]
    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    #[inline]
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
