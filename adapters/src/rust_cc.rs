//! rust-cc: `Cc<RefCell<Vec<Cc>>>` on one thread, with weak pointers, finalizers and its own
//! trigger.

use std::cell::RefCell;

use ::rust_cc::weak::Weak;
use ::rust_cc::{Cc, Context, Finalize, Trace, collect_cycles};
use gcstorm::heap::pointers::{CAPS, Head, collecting};
use gcstorm::heap::{Caps, Pointer};

#[derive(Clone)]
pub(crate) struct RustCc(Cc<Object>);

pub(crate) struct Object {
    head: Head<RustCc>,
    references: RefCell<Vec<Option<RustCc>>>,
    /// A reference to the object itself, if it has a finalizer: `finalize` is given only `&self`,
    /// from which no `Cc` can be made.
    own: Option<Weak<Object>>,
}

// SAFETY: every `Cc` that the object owns is traced once.
unsafe impl Trace for Object {
    fn trace(&self, context: &mut Context<'_>) {
        if let Ok(references) = self.references.try_borrow() {
            for reference in references.iter().flatten() {
                reference.0.trace(context);
            }
        }
    }
}

impl Finalize for Object {
    fn finalize(&self) {
        let own = || self.own.as_ref()?.upgrade().map(RustCc);
        self.head.finalize(own);
    }
}

impl Pointer for RustCc {
    type Weak = Weak<Object>;

    const CAPS: Caps = Caps {
        cycles: true,
        weak: true,
        finalizers: true,
        weak_survives: true,
        ..CAPS
    };

    /// Making an object may set off a collection.
    fn new(head: Head<Self>, fields: usize) -> Self {
        let has_finalizer = head.has_finalizer();
        let object = |own| Object {
            head,
            references: RefCell::new(vec![None; fields]),
            own,
        };
        collecting(|| match has_finalizer {
            true => Self(Cc::new_cyclic(|own| object(Some(own.clone())))),
            false => Self(Cc::new(object(None))),
        })
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references.borrow_mut())
    }

    fn downgrade(&self) -> Option<Self::Weak> {
        Some(self.0.downgrade())
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    fn collect() {
        collect_cycles();
    }
}
