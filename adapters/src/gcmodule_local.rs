//! gcmodule's pointers for one thread: `Cc<RefCell<Vec<Cc>>>`.

use std::cell::RefCell;

use gcmodule::{Cc, Trace, Tracer, collect_thread_cycles};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak, collecting};
use gcstorm::heap::{Caps, Pointer};

use crate::births;

#[derive(Clone)]
pub(crate) struct Local(Cc<Object>);

pub(crate) struct Object {
    head: Head<Local>,
    references: RefCell<Vec<Option<Local>>>,
}

impl Trace for Object {
    fn trace(&self, tracer: &mut Tracer<'_>) {
        for reference in self.references.borrow().iter().flatten() {
            reference.0.trace(tracer);
        }
    }

    fn is_type_tracked() -> bool {
        true
    }
}

impl Pointer for Local {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        cycles: true,
        ..CAPS
    };

    fn new(head: Head<Self>, fields: usize) -> Self {
        if births::collection_is_due(gcmodule::count_thread_tracked) {
            collecting(Self::collect);
        }
        let references = RefCell::new(vec![None; fields]);
        Self(Cc::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references.borrow_mut())
    }

    fn collect() {
        collect_thread_cycles();
    }
}
