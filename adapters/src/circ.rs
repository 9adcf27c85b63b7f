//! circ: `Rc<Mutex<Vec<Rc>>>` for several threads, with weak pointers. Counts are decremented at
//! once, objects are destroyed after a grace period, and cycles are never freed.

use std::sync::{Mutex, PoisonError};

use ::circ::{Rc, RcObject, Weak, cs};
use gcstorm::heap::pointers::{CAPS, Head};
use gcstorm::heap::{Caps, Pointer};

/// Grace periods that a chain may need until its last object is destroyed, and some more.
const GRACE_PERIODS: u32 = 256;

#[derive(Clone)]
pub(crate) struct Circ(Rc<Object>);

pub(crate) struct Object {
    head: Head<Circ>,
    references: Mutex<Vec<Option<Circ>>>,
}

// SAFETY: only what the object held is handed out.
unsafe impl RcObject for Object {
    fn pop_edges(&mut self, out: &mut Vec<Rc<Self>>) {
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
    type Weak = Weak<Object>;

    const CAPS: Caps = Caps { weak: true, ..CAPS };

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

    fn downgrade(&self) -> Option<Self::Weak> {
        Some(self.0.downgrade())
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    /// Waits for grace periods as best one can: each `flush` may end one.
    fn collect() {
        (0..GRACE_PERIODS).for_each(|_| cs().flush());
    }

    fn flush() {
        cs().flush();
    }
}
