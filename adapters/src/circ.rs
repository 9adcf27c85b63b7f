//! circ: `Rc<Mutex<Vec<Rc>>>` for several threads. Counts are decremented at once, objects are
//! destroyed after a grace period, and cycles are never freed.
//!
//! Its weak pointers are left out: one can be upgraded until the object was destroyed, and not only
//! as long as somebody refers to it.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use ::circ::{Rc, RcObject, cs};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak};
use gcstorm::heap::{Caps, Pointer};

/// Flushes in which a grace period ends for certain if no other thread is in one: it takes three.
const FLUSHES: u32 = 16;

thread_local! {
    /// Objects that were destroyed on this thread.
    static DESTROYED: Cell<u64> = const { Cell::new(0) };
}

#[derive(Clone)]
pub(crate) struct Circ(Rc<Object>);

pub(crate) struct Object {
    head: Head<Circ>,
    references: Mutex<Vec<Option<Circ>>>,
}

// SAFETY: only what the object held is handed out.
unsafe impl RcObject for Object {
    fn pop_edges(&mut self, out: &mut Vec<Rc<Self>>) {
        DESTROYED.set(DESTROYED.get() + 1);
        let references = self.references.get_mut();
        let references = references.unwrap_or_else(PoisonError::into_inner);
        out.extend(references.drain(..).flatten().map(|reference| reference.0));
    }
}

impl Circ {
    fn object(&self) -> &Object {
        self.0.as_ref().expect("none is made empty")
    }
}

impl Pointer for Circ {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        one_per_process: true,
        ..CAPS
    };

    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Rc::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.object().head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        let references = self.object().references.lock();
        change(&mut references.unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets grace periods end until nothing dies of it any more: a long chain takes many.
    fn collect() {
        let mut before = None;
        while before.replace(DESTROYED.get()) != Some(DESTROYED.get()) {
            (0..FLUSHES).for_each(|_| Self::flush());
        }
    }

    fn flush() {
        cs().flush();
    }
}
