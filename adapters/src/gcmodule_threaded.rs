//! gcmodule's pointers for several threads: `ThreadedCc<Mutex<Vec<ThreadedCc>>>`, all in one space.

use std::sync::{LazyLock, Mutex, PoisonError};

use gcmodule::{ThreadedCc, ThreadedObjectSpace, Trace, Tracer};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak, collecting};
use gcstorm::heap::{Caps, Pointer};

use crate::births;

static SPACE: LazyLock<ThreadedObjectSpace> = LazyLock::new(ThreadedObjectSpace::default);

#[derive(Clone)]
pub(crate) struct Threaded(ThreadedCc<Object>);

pub(crate) struct Object {
    head: Head<Threaded>,
    references: Mutex<Vec<Option<Threaded>>>,
}

impl Trace for Object {
    /// Nobody holds the lock, since `borrow` keeps the collector out.
    fn trace(&self, tracer: &mut Tracer<'_>) {
        if let Ok(references) = self.references.try_lock() {
            for reference in references.iter().flatten() {
                reference.0.trace(tracer);
            }
        }
    }

    fn is_type_tracked() -> bool {
        true
    }
}

impl Pointer for Threaded {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        cycles: true,
        one_per_process: true,
        ..CAPS
    };

    fn new(head: Head<Self>, fields: usize) -> Self {
        if births::collection_is_due(|| SPACE.count_tracked()) {
            collecting(Self::collect);
        }
        let references = Mutex::new(vec![None; fields]);
        Self(SPACE.create(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        let head: *const Head<Self> = &raw const self.0.borrow().head;
        // SAFETY: the object is there as long as `self` is. What the borrow is for, to keep the
        // collector out while references change, does not concern heads.
        unsafe { &*head }
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        let object = self.0.borrow();
        let references = object.references.lock();
        change(&mut references.unwrap_or_else(PoisonError::into_inner))
    }

    fn collect() {
        SPACE.collect_cycles();
    }
}
