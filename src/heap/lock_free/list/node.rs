//! A page or a branch of a list's tree, and how nodes are linked, unlinked and freed.

#![expect(
    unsafe_code,
    reason = "nodes are shared by raw pointer under an epoch pin"
)]

use std::ptr;

use crate::heap::fault::Faults;
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::sync::atomic::{AtomicPtr, AtomicU64};

/// A page has slots and no children, a branch has children and no slots.
#[derive(Debug)]
pub(super) struct Node {
    /// Slots or children that are still to be retired.
    remaining: AtomicU64,
    pub(super) slots: Box<[AtomicU64]>,
    pub(super) children: Box<[AtomicPtr<Self>]>,
}

impl Node {
    /// A page of `len` slots.
    pub(super) fn page(len: u64) -> Self {
        Self {
            remaining: AtomicU64::new(len),
            slots: (0..len).map(|_| AtomicU64::new(0)).collect(),
            children: Box::default(),
        }
    }

    /// A branch of `len` children, `used` of which will be retired some day.
    pub(super) fn branch(len: usize, used: usize) -> Self {
        Self {
            remaining: AtomicU64::new(used as u64),
            slots: Box::default(),
            children: (0..len).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
        }
    }

    /// Retires `count` slots or children; whether they were the last.
    pub(super) fn is_last(&self, count: u64) -> bool {
        // AcqRel: whoever takes the node away comes after everyone who retired a part of it.
        self.remaining.fetch_sub(count, AcqRel) == count
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for child in &self.children {
            free(child);
        }
    }
}

/// What `place` leads to; `make` is asked for it if that is nothing yet.
pub(super) fn link(place: &AtomicPtr<Node>, make: impl FnOnce() -> Node) -> *mut Node {
    // Acquire, here and on failure, pairs with the exchange's AcqRel on another thread.
    let present = place.load(Acquire);
    if !present.is_null() {
        return present;
    }
    let fresh = Box::into_raw(Box::new(make()));
    match place.compare_exchange(ptr::null_mut(), fresh, AcqRel, Acquire) {
        Ok(_) => fresh,
        Err(present) => {
            // SAFETY: the node was not linked, so it is still ours alone.
            drop(unsafe { Box::from_raw(fresh) });
            present
        }
    }
}

/// Takes a node whose last part was retired out of the tree, and frees it a grace period later.
pub(super) fn unlink(worker: &mut Worker<'_, impl Faults>, place: &AtomicPtr<Node>) {
    let node = place.swap(ptr::null_mut(), AcqRel);
    worker.defer(0, move || {
        // SAFETY: the node came from a `Box`, one worker unlinks it, and no pin is left that could
        // have found it.
        drop(unsafe { Box::from_raw(node) });
    });
}

/// Frees a subtree that nobody else has.
pub(super) fn free(place: &AtomicPtr<Node>) {
    // Relaxed: whoever owns the tree alone has synchronised with all who used it.
    let node = place.load(Relaxed);
    if !node.is_null() {
        // SAFETY: the caller has the place to itself, and what is linked came from a `Box`.
        drop(unsafe { Box::from_raw(node) });
    }
}
