//! sdd: `Shared<Mutex<Vec<Shared>>>` for several threads. What was counted down to nothing is destroyed
//! after three epochs, by the thread that gave it up, and cycles are never freed.

use std::sync::{Mutex, PoisonError};

use ::sdd::{Guard, Shared};
use gcstorm::heap::pointers::{CAPS, Head, NoWeak};
use gcstorm::heap::{Caps, Pointer};

#[derive(Clone)]
pub(crate) struct Sdd(Shared<Object>);

pub(crate) struct Object {
    head: Head<Sdd>,
    references: Mutex<Vec<Option<Sdd>>>,
}

impl Pointer for Sdd {
    type Weak = NoWeak;

    const CAPS: Caps = Caps {
        one_per_process: true,
        ..CAPS
    };

    fn new(head: Head<Self>, fields: usize) -> Self {
        let references = Mutex::new(vec![None; fields]);
        Self(Shared::new(Object { head, references }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    /// Epochs pass, and garbage is destroyed, only where guards come and go.
    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        let references = self.0.references.lock();
        let changed = change(&mut references.unwrap_or_else(PoisonError::into_inner));
        drop(Guard::new());
        changed
    }

    fn collect() {
        Self::flush();
    }

    /// Lets epochs pass until nothing is left of what this thread gave up: a long chain takes many. Other
    /// threads hold no guard for longer than it takes to drop it.
    fn flush() {
        loop {
            let guard = Guard::new();
            if !guard.has_garbage() {
                break;
            }
            guard.accelerate();
        }
    }
}
