//! A lock-free stack of things that mutators hand to each other: chunks of free cells, truncated
//! ranges whose grace period is over, buffers of candidates.
//!
//! This is Treiber's stack (IBM RJ 5118, 1986). A node is never pushed twice, and its memory is
//! freed only after a grace period, so a thread that was overtaken while it pops meets neither a
//! reused node (the ABA problem) nor freed memory. Push and pop take effect at their successful
//! compare-and-swap of `head`; a mutator that stops anywhere in them holds nobody up.

#![expect(
    unsafe_code,
    reason = "nodes are shared by raw pointer under an epoch pin"
)]

use std::mem::ManuallyDrop;
use std::ptr;

use crossbeam_epoch::Guard;

use crate::sync::atomic::AtomicPtr;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// A lock-free stack.
#[derive(Debug)]
pub(super) struct Stack<T> {
    head: AtomicPtr<Node<T>>,
}

#[derive(Debug)]
struct Node<T> {
    value: ManuallyDrop<T>,
    next: *mut Self,
}

// SAFETY: values move from one thread to another, one owner at a time; nothing else is shared.
unsafe impl<T: Send> Send for Stack<T> {}
// SAFETY: as above; all access to `head` is atomic.
unsafe impl<T: Send> Sync for Stack<T> {}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
        }
    }
}

impl<T> Stack<T> {
    /// Whether there is nothing to pop, at this moment.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Acquire pairs with the Release in `push` and `pop`: whoever finds that something was
        // taken sees what was done before it was taken.
        self.head.load(Acquire).is_null()
    }

    /// Adds a value.
    pub(super) fn push(&self, value: T) {
        let node = Box::into_raw(Box::new(Node {
            value: ManuallyDrop::new(value),
            next: ptr::null_mut(),
        }));
        let mut head = self.head.load(Relaxed);
        loop {
            // SAFETY: the node is ours until the exchange below succeeds.
            unsafe { (*node).next = head };
            // Release pairs with the Acquire in `pop`: the node's fields come with it.
            match self
                .head
                .compare_exchange_weak(head, node, Release, Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes the value that was added last. The node that it lay in is left to a deferred job,
    /// which a worker that pops without bound has to count (`Worker::count_job`).
    pub(super) fn pop(&self, guard: &Guard) -> Option<T> {
        // Acquire pairs with the Release in `push`.
        let mut head = self.head.load(Acquire);
        loop {
            if head.is_null() {
                return None;
            }
            // SAFETY: the node was reachable under this pin, so it is not freed before the pin
            // ends, and `next` does not change once a node is reachable.
            let next = unsafe { (*head).next };
            match self.head.compare_exchange_weak(head, next, AcqRel, Acquire) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // SAFETY: as above.
        let value = unsafe { &raw const (*head).value };
        // SAFETY: the exchange made the node ours alone, and its value is read only here.
        let value = unsafe { ptr::read(value) };
        let free = move || {
            // SAFETY: the node came from a `Box`, is unreachable for new pins, and freed once.
            drop(unsafe { Box::from_raw(head) });
        };
        // SAFETY: the job owns the node, and the node's value is not dropped with it.
        unsafe { guard.defer_unchecked(free) };
        Some(ManuallyDrop::into_inner(value))
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        let mut node = self.head.load(Relaxed);
        while !node.is_null() {
            // SAFETY: nobody else has the stack any more, and each node came from a `Box`.
            let owned = unsafe { Box::from_raw(node) };
            node = owned.next;
            drop(ManuallyDrop::into_inner(owned.value));
        }
    }
}
