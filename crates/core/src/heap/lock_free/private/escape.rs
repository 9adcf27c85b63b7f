//! Escapes: a private node and all that it reaches cease to be private.
//!
//! This happens just before a reference is stored where others may find it, so what is here is
//! still this worker's alone, and plain loads and stores do. It changes nothing but brands: a
//! candidate stays one, in the worker's own list, until a trial finds that it has escaped.

use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell::{BRAND, Ref};
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::sized;

/// How many nodes escape one by one: at most some 5 µs. If there are more, all do at once.
const ESCAPES: usize = sized(256, 2);

impl<F: Faults> Worker<'_, F> {
    /// Called before this reference is stored where others may find it.
    #[inline]
    pub(in crate::heap::lock_free) fn escape(&mut self, reference: Ref) {
        if reference.is_cyclic() && self.bare(reference) && self.leads_on(reference) {
            self.escape_from(reference);
        }
    }

    /// Whether a node refers to anything. Most that escape were made a moment ago, and do not.
    #[inline]
    fn leads_on(&self, node: Ref) -> bool {
        let slots = &self.core.slab.cell(node.index()).slots;
        slots[0].load(Relaxed) | slots[1].load(Relaxed) != 0
    }

    /// Takes the brand off a private node; false if it is not private.
    #[inline]
    fn bare(&self, reference: Ref) -> bool {
        let meta = &self.core.slab.cell(reference.index()).meta;
        let seen = meta.load(Relaxed);
        let is_private = self.is_private(reference, seen);
        if is_private {
            meta.store(seen & !BRAND, Relaxed);
        }
        is_private
    }

    /// Lets everything private escape that a node reaches, which has escaped.
    #[inline(never)]
    fn escape_from(&mut self, first: Ref) {
        if self.core.has(Fault::EscapeShallow) {
            return;
        }
        let mut left = std::mem::take(&mut self.own.trial.left);
        left.push(first);
        let mut budget = ESCAPES;
        while let Some(node) = left.pop() {
            if budget == 0 {
                self.rebrand();
                left.clear();
                break;
            }
            budget -= 1;
            for slot in &self.core.slab.cell(node.index()).slots {
                if let Some(child) = Ref::from_bits(slot.load(Relaxed))
                    && self.bare(child)
                {
                    left.push(child);
                }
            }
        }
        self.own.trial.left = left;
    }
}
