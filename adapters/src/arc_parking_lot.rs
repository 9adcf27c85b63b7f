//! As `arc_mutex`, with the mutex of parking_lot.

use std::sync::{Arc, Weak};

use gcstorm::heap::pointers::{CAPS, Head};
use gcstorm::heap::{Caps, Pointer};
use parking_lot::Mutex;

#[derive(Clone)]
pub(crate) struct ArcParkingLot(Arc<Object>);

pub(crate) struct Object {
    head: Head<ArcParkingLot>,
    references: Mutex<Vec<Option<ArcParkingLot>>>,
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        if !self.references.get_mut().is_empty() {
            self.let_go();
        }
    }
}

impl Object {
    /// Drops references one after the other: the recursive drop of a long chain would overflow the
    /// stack.
    fn let_go(&mut self) {
        let mut doomed = std::mem::take(self.references.get_mut());
        while let Some(next) = doomed.pop() {
            if let Some(mut object) = next.and_then(|next| Arc::into_inner(next.0)) {
                doomed.append(object.references.get_mut());
            }
        }
    }
}

impl Pointer for ArcParkingLot {
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
        change(&mut self.0.references.lock())
    }

    fn downgrade(&self) -> Option<Self::Weak> {
        Some(Arc::downgrade(&self.0))
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade().map(Self)
    }
}
