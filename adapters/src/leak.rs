//! Objects that are never freed: what allocation alone costs. `completeness` must say what that is.

use std::sync::{Mutex, PoisonError};

use gcstorm::heap::{Caps, Pointer};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak};

#[derive(Clone)]
pub(crate) struct Leak(&'static Object);

pub(crate) struct Object {
    head: Head<Leak>,
    references: Mutex<Vec<Option<Leak>>>,
}

impl Pointer for Leak {
    type Weak = NoWeak;

    const CAPS: Caps = CAPS;

    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Box::leak(Box::new(Object { head, references })))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
