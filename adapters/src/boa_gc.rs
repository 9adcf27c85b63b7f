//! boa_gc: `Gc<GcRefCell<Vec<Gc>>>` on one thread, with weak pointers. It marks and sweeps.

use ::boa_gc::{Finalize, Gc, GcRefCell, Trace, WeakGc, custom_trace, force_collect};
use gcstorm::heap::pointers::{CAPS, Head, collecting};
use gcstorm::heap::{Caps, Pointer};

#[derive(Clone)]
pub(crate) struct Boa(Gc<Object>);

pub(crate) struct Object {
    head: Head<Boa>,
    references: GcRefCell<Vec<Option<Boa>>>,
}

impl Finalize for Boa {}

// SAFETY: the only `Gc` is marked.
unsafe impl Trace for Boa {
    custom_trace!(this, mark, mark(&this.0));
}

impl Finalize for Object {}

// SAFETY: every `Gc` of the object is marked; those in shared roots are not the object's.
unsafe impl Trace for Object {
    custom_trace!(this, mark, mark(&this.references));
}

impl Pointer for Boa {
    type Weak = WeakGc<Object>;

    const CAPS: Caps = Caps {
        cycles: true,
        weak: true,
        ..CAPS
    };

    /// Making an object may set off a collection.
    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = GcRefCell::new(vec![None; fields]);
        Self(collecting(|| Gc::new(Object { head, references })))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references.borrow_mut())
    }

    fn downgrade(&self) -> Option<Self::Weak> {
        Some(WeakGc::new(&self.0))
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    fn collect() {
        force_collect();
    }
}
