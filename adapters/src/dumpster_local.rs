//! dumpster's half for one thread: `unsync::Gc<RefCell<Vec<Gc>>>`, with its own trigger.

use std::cell::RefCell;

use dumpster_2_1_0::unsync::{self, Gc};
use dumpster_2_1_0::{TraceWith, Visitor};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak, collection_due};
use gcstorm::heap::{Caps, Defect, HeapConfig, Pointer, PointerHeap};

#[derive(Clone)]
pub(crate) struct Local(Gc<Object>);

pub(crate) struct Object {
    head: Head<Local>,
    references: RefCell<Vec<Option<Local>>>,
}

// SAFETY: every `Gc` of the object is visited, always in the same order.
unsafe impl<V: Visitor> TraceWith<V> for Object {
    fn accept(&self, visitor: &mut V) -> Result<(), ()> {
        self.references.accept(visitor)
    }
}

// SAFETY: as above.
unsafe impl<V: Visitor> TraceWith<V> for Local {
    fn accept(&self, visitor: &mut V) -> Result<(), ()> {
        self.0.accept(visitor)
    }
}

/// The condition for a collection is dumpster's own.
pub(crate) fn open(config: &HeapConfig) -> Result<PointerHeap<Local>, Defect> {
    unsync::set_collect_condition(|info| collection_due(unsync::default_collect_condition(info)));
    PointerHeap::open(config)
}

impl Pointer for Local {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        cycles: true,
        ..CAPS
    };

    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = RefCell::new(vec![None; fields]);
        Self(Gc::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        change(&mut self.0.references.borrow_mut())
    }

    fn collect() {
        unsync::collect();
    }
}
