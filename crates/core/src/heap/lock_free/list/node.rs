//! A page or a branch of a list's tree, and how nodes are linked, unlinked and freed.

#![expect(
    unsafe_code,
    reason = "nodes are shared by raw pointer under an epoch pin"
)]

use std::ptr;

use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::sync::atomic::{AtomicPtr, AtomicU64};

/// A page, which has slots and no children, or a branch, which has children and no slots.
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

    /// A branch of `len` children, `used` of which can be retired.
    pub(super) fn branch(len: usize, used: usize) -> Self {
        Self {
            remaining: AtomicU64::new(used as u64),
            slots: Box::default(),
            children: (0..len).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
        }
    }

    /// Retires `count` slots or children; returns whether they were the last ones.
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

/// The node that `place` leads to. If there is none yet, `make` makes it.
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
    let end = move || {
        // SAFETY: the node came from a `Box`, one worker unlinks it, and no pin is left that could
        // have found it.
        bury(unsafe { Box::from_raw(node) });
    };
    if worker.core.has(Fault::PagesAtOnce) {
        return end();
    }
    worker.defer(0, end);
}

#[cfg(not(all(test, shuttle)))]
fn bury(node: Box<Node>) {
    drop(node);
}

/// In a model, what was freed stays as a wreck, so that whoever still uses it is found out.
#[cfg(all(test, shuttle))]
fn bury(mut node: Box<Node>) {
    for slot in &mut node.slots {
        *slot.get_mut() = super::slot::WRECK;
    }
    for child in &mut node.children {
        *child.get_mut() = wreck();
    }
    crate::heap::lock_free::models::keep_wreck(Wreck(node));
}

#[cfg(all(test, shuttle))]
struct Wreck(Box<Node>);

#[cfg(all(test, shuttle))]
impl Drop for Wreck {
    fn drop(&mut self) {
        // They lead nowhere, and must not be freed.
        drop(std::mem::take(&mut self.0.children));
    }
}

/// What the children of a wreck are. Never followed.
#[cfg(all(test, shuttle))]
fn wreck() -> *mut Node {
    ptr::dangling_mut()
}

/// The node that a pointer leads to, unless it is null. Fails if it is that of a wreck.
///
/// # Safety
///
/// The pointer must have been read from a place in a tree, and what it leads to must not be freed
/// before `'a` ends.
pub(super) unsafe fn follow<'a>(node: *const Node) -> Option<&'a Node> {
    #[cfg(all(test, shuttle))]
    assert_ne!(
        node,
        wreck().cast_const(),
        "a branch is used that was freed"
    );
    // SAFETY: the caller's part.
    unsafe { node.as_ref() }
}

/// Frees a subtree that nobody else can reach.
pub(super) fn free(place: &AtomicPtr<Node>) {
    // Relaxed: whoever owns the tree alone has synchronised with all who used it.
    let node = place.load(Relaxed);
    if !node.is_null() {
        // SAFETY: the caller has the place to itself, and what is linked came from a `Box`.
        drop(unsafe { Box::from_raw(node) });
    }
}
