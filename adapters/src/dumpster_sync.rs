//! dumpster's thread-safe half: `sync::Gc<Mutex<Vec<Gc>>>`, with its own trigger.

use std::sync::{Mutex, PoisonError};

use dumpster::sync::{self, Gc};
use dumpster::{TraceWith, Visitor};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak, collection_due};
use gcstorm::heap::{Caps, Defect, HeapConfig, Pointer, PointerHeap};

#[derive(Clone)]
pub(crate) struct Dumpster(Gc<Object>);

pub(crate) struct Object {
    head: Head<Dumpster>,
    references: Mutex<Vec<Option<Dumpster>>>,
}

// SAFETY: every `Gc` of the object is visited, always in the same order.
unsafe impl<V: Visitor> TraceWith<V> for Object {
    fn accept(&self, visitor: &mut V) -> Result<(), ()> {
        self.references.accept(visitor)
    }
}

// SAFETY: as above.
unsafe impl<V: Visitor> TraceWith<V> for Dumpster {
    fn accept(&self, visitor: &mut V) -> Result<(), ()> {
        self.0.accept(visitor)
    }
}

/// The condition for a collection is dumpster's own; the thread that finds it met collects.
pub(crate) fn open(config: &HeapConfig) -> Result<PointerHeap<Dumpster>, Defect> {
    sync::set_collect_condition(|info| collection_due(sync::default_collect_condition(info)));
    PointerHeap::open(config)
}

impl Pointer for Dumpster {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        cycles: true,
        one_per_process: true,
        ..CAPS
    };

    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Gc::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        let references = self.0.references.lock();
        change(&mut references.unwrap_or_else(PoisonError::into_inner))
    }

    fn collect() {
        sync::collect();
    }

    /// Only a collection delivers the candidates that the thread keeps to itself.
    fn flush() {
        sync::collect();
    }
}
