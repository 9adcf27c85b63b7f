//! Where a list's slots lie: pages in a radix tree over absolute positions.
//!
//! An element appended at position p stays at p for life. So nothing is ever copied, a growing list
//! has no resize pause, and a reader needs no lock. A page appears when the first element arrives
//! in it, and goes when its last slot is retired. The first [`FIRST`] positions have a small page
//! of their own, since most lists are short.
//!
//! There is one tree for each height: `roots[h]` covers the page numbers of h + 1 digits, whose
//! leading digit is not 0. So no root ever grows, and a short list's page is one step away.
//!
//! Invariants:
//!
//! * A node is unlinked by whoever retires its last slot or child, and freed a grace period later:
//!   a stale helper may still walk it.
//! * Each position is retired once: heads only grow.
//! * A caller looks up no position below a head that it loaded under its pin, but for helpers of a
//!   pop, which take an absent page for an empty one.

#![expect(
    unsafe_code,
    reason = "pages and branches are shared by raw pointer under an epoch pin"
)]

use std::ptr;

use super::node::{Node, follow, link, unlink};
use crate::heap::fault::Faults;
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::Acquire;
use crate::sync::atomic::{AtomicPtr, AtomicU64};
use crate::sync::sized;

const PAGE_BITS: usize = sized(10, 2);
/// Slots in a page.
const PAGE: u64 = 1 << PAGE_BITS;
/// Slots in the first page.
const FIRST: u64 = sized(16, 2) as u64;
const DIGIT_BITS: usize = sized(8, 1);
const FANOUT: usize = 1 << DIGIT_BITS;
const HEIGHTS: usize = sized(5, 6);
/// Positions beyond this do not exist: at 10 ns an append, the last is 130 days away.
pub(super) const POSITIONS: u64 = 1 << (PAGE_BITS + DIGIT_BITS * HEIGHTS);

/// The slots of one list.
#[derive(Debug)]
pub(super) struct Tree {
    first: AtomicPtr<Node>,
    roots: [AtomicPtr<Node>; HEIGHTS],
}

/// The slots of one page.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span<'a> {
    /// The position of the first of them.
    pub(super) start: u64,
    pub(super) slots: &'a [AtomicU64],
}

impl<'a> Span<'a> {
    /// The slot at a position, if it is in the window.
    #[inline]
    pub(super) fn at(&self, position: u64) -> Option<&'a AtomicU64> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "usize has 64 bits wherever this heap's memory fits"
        )]
        let offset = position.wrapping_sub(self.start) as usize;
        self.slots.get(offset)
    }

    /// The slots from a position on, up to the window's end.
    pub(super) fn from(&self, position: u64) -> &'a [AtomicU64] {
        let offset = usize::try_from(position.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        self.slots.get(offset..).unwrap_or_default()
    }

    /// The position after the last.
    pub(super) fn end(&self) -> u64 {
        self.start + self.slots.len() as u64
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            first: AtomicPtr::new(ptr::null_mut()),
            roots: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
        }
    }
}

/// The digit of a page number that chooses among a branch's children.
fn digit(page: u64, height: usize) -> usize {
    let shifted = page >> (height * DIGIT_BITS);
    #[expect(clippy::cast_possible_truncation, reason = "less than FANOUT")]
    let digit = (shifted & (FANOUT as u64 - 1)) as usize;
    digit
}

/// The height of the root that a page hangs under.
fn height_of(page: u64) -> usize {
    page.max(1).ilog2() as usize / DIGIT_BITS
}

/// The first position in a page. Those below [`FIRST`] have a page of their own.
fn start_of(page: u64) -> u64 {
    (page << PAGE_BITS).max(FIRST)
}

impl Tree {
    /// The page of a position; `None` if it is not there.
    pub(super) fn find(&self, position: u64) -> Option<Span<'_>> {
        if position < FIRST {
            return span(0, self.first.load(Acquire));
        }
        let number = position >> PAGE_BITS;
        let height = height_of(number);
        // Acquire at each step pairs with the exchange in `link`: what is linked is complete.
        let mut node = self.roots.get(height)?.load(Acquire);
        for height in (0..=height).rev() {
            // SAFETY: what is linked under this pin is not freed before the pin ends.
            let branch = unsafe { follow(node) }?;
            node = branch.children[digit(number, height)].load(Acquire);
        }
        span(start_of(number), node)
    }

    /// The page of a position, made if it is not there.
    ///
    /// # Panics
    ///
    /// If the position is beyond [`POSITIONS`].
    pub(super) fn find_or_make(&self, position: u64) -> Span<'_> {
        if let Some(span) = self.find(position) {
            return span;
        }
        if position < FIRST {
            let page = link(&self.first, || Node::page(FIRST));
            return span(0, page).expect("linked nodes are not null");
        }
        let number = position >> PAGE_BITS;
        let top = height_of(number);
        // The leading digit below a root is never 0, unless the page number itself is a digit.
        let used = if top == 0 { FANOUT } else { FANOUT - 1 };
        let mut node = link(&self.roots[top], || Node::branch(FANOUT, used));
        for height in (0..=top).rev() {
            // SAFETY: what is linked under this pin is not freed before the pin ends.
            let place = &unsafe { &*node }.children[digit(number, height)];
            node = link(place, || match (height, number) {
                (0, 0) => Node::page(PAGE - FIRST),
                (0, _) => Node::page(PAGE),
                _ => Node::branch(FANOUT, FANOUT),
            });
        }
        span(start_of(number), node).expect("linked nodes are not null")
    }

    /// Notes that `count` slots of the page of `position` will never be used again. With its last
    /// slot, the page is taken away, and with the last page, its branch.
    pub(super) fn retire(&self, worker: &mut Worker<'_, impl Faults>, position: u64, count: u64) {
        if count == 0 {
            return;
        }
        let mut path = [&self.first; HEIGHTS + 1];
        let mut depth = 0;
        if position >= FIRST {
            let number = position >> PAGE_BITS;
            depth = height_of(number) + 1;
            path[0] = &self.roots[depth - 1];
            for step in 1..=depth {
                let node = path[step - 1].load(Acquire);
                // SAFETY: slots of the page are not retired yet, so the page and all above it are
                // still linked.
                path[step] = &unsafe { &*node }.children[digit(number, depth - step)];
            }
        }
        let mut count = count;
        for place in path[..=depth].iter().rev() {
            // SAFETY: as above; for a branch, the child that went a moment ago was its own.
            let node = unsafe { &*place.load(Acquire) };
            if !node.is_last(count) {
                return;
            }
            unlink(worker, place);
            count = 1;
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for place in self.roots.iter().chain([&self.first]) {
            super::node::free(place);
        }
    }
}

fn span<'a>(start: u64, page: *const Node) -> Option<Span<'a>> {
    // SAFETY: what is linked under this pin is not freed before the pin ends, and no caller keeps
    // the span longer.
    let page = unsafe { follow(page) }?;
    Some(Span {
        start,
        slots: &page.slots,
    })
}
