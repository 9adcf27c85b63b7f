//! The one door to atomics and locks: the standard library's, or a model checker's.
//!
//! Everything concurrent in [`heap`](crate::heap) imports from here and from nowhere else, so that
//! `--cfg shuttle` and `--cfg loom` explore the very code that ships.
//!
//! Statics that live for the whole process (the table behind [`Tag`](crate::heap::Tag)) stay on the
//! standard library: they are the harness's own book-keeping, not the heap under test, and a model
//! checker would count every entry as a scheduling point.

#[cfg(loom)]
pub use loom::sync::atomic;
#[cfg(loom)]
pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
#[cfg(loom)]
pub use loom::thread::yield_now;

#[cfg(shuttle)]
pub use shuttle::sync::atomic;
#[cfg(shuttle)]
pub use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};
#[cfg(shuttle)]
pub use shuttle::thread::yield_now;

#[cfg(not(any(loom, shuttle)))]
pub use std::sync::atomic;
#[cfg(not(any(loom, shuttle)))]
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
#[cfg(not(any(loom, shuttle)))]
pub use std::thread::yield_now;

/// A size that ships, and the one for models: there everything is small, so that what is rare in a
/// run (a page that ends, a chunk that runs out) is common.
pub const fn sized(shipped: usize, model: usize) -> usize {
    if cfg!(any(loom, shuttle)) {
        model
    } else {
        shipped
    }
}
