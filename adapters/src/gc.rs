//! gc: `Gc<GcCell<Vec<Gc>>>` on one thread, with finalizers. It marks and sweeps, from roots that
//! it counts.

use ::gc::{Finalize, Gc, GcCell, Trace, custom_trace, force_collect};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak, collecting};
use gcstorm::heap::{Caps, Pointer};

#[derive(Clone)]
pub(crate) struct RustGc(Gc<Object>);

pub(crate) struct Object {
    head: Head<RustGc>,
    references: GcCell<Vec<Option<RustGc>>>,
    /// The object itself, if it has a finalizer: `finalize` is given only `&self`, from which no
    /// `Gc` can be made.
    own: GcCell<Option<RustGc>>,
}

impl Finalize for RustGc {}

// SAFETY: the only `Gc` is marked.
unsafe impl Trace for RustGc {
    custom_trace!(this, {
        // SAFETY: as above; so for each of the functions that the macro makes.
        unsafe { mark(&this.0) }
    });
}

impl Finalize for Object {
    fn finalize(&self) {
        self.head.finalize(|| self.own.borrow().clone());
    }
}

// SAFETY: every `Gc` of the object is marked; those in shared roots are not the object's.
unsafe impl Trace for Object {
    custom_trace!(this, {
        // SAFETY: as above.
        unsafe { mark(&this.references) };
        // SAFETY: as above.
        unsafe { mark(&this.own) };
    });
}

impl Pointer for RustGc {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        cycles: true,
        finalizers: true,
        ..CAPS
    };

    /// Making an object may set off a collection.
    fn new(head: Head<Self>, fields: usize) -> Self {
        let has_finalizer = head.has_finalizer();
        let object = Object {
            head,
            references: GcCell::new(vec![None; fields]),
            own: GcCell::new(None),
        };
        let new = Self(collecting(|| Gc::new(object)));
        if has_finalizer {
            *new.0.own.borrow_mut() = Some(new.clone());
        }
        new
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references.borrow_mut())
    }

    fn collect() {
        force_collect();
    }
}
