//! A shared list without a lock.
//!
//! An element appended at absolute position p stays at p for life. `head` is the position of
//! element 0 and only grows; `del l[:n]` does nothing but move it. *The tail is where the first
//! empty slot is*: no counter contains it, so none can be wrong. A hint says where to start looking
//! for it; the hint may be too low or too high.
//!
//! Invariants:
//!
//! * `[head, tail)` is filled and everything above is empty. (After a pop that met a truncation,
//!   head may lie above the tail: the list is empty, and the next append goes to head.)
//! * A slot changes by compare-and-swap only. It holds an element, nothing (with a unique stamp),
//!   or the descriptor of an operation under way (see [`slot`]). Whoever meets a descriptor helps.
//! * An operation touches no position below a head that it loaded under its own pin, except that
//!   helpers of a pop look one slot below the seal that they met.
//! * Every operation runs under one pin while its mutator holds a counted reference to the list.
//!
//! | operation | takes effect at | in |
//! | --- | --- | --- |
//! | `append` | the exchange that fills the slot | `append` |
//! | `len`, `get` | the look at the last slot, when head was the same before and after | `read` |
//! | `set` | the look at head that decides its record | `set` |
//! | `pop` | the exchange that decides the seal's winner | `pop` |
//! | `del l[:n]` | the exchange that moves head | `truncate` |
//! | `del l[-n:]` | each of its n pops; *not* one step | `truncate` |
//!
//! All but `del l[-n:]` (which is one lock-free step for each pop) are lock-free in the strict
//! sense, the allocator aside: a mutator that stops anywhere holds up nobody's operations, since
//! nothing but a descriptor can be in the way of another, and anybody can finish that. A mutator
//! that stops while it is pinned does keep memory from being reused, as with all epochs: see
//! `unreclaimed_peak`.
//!
//! Orders: the protocol was explored under sequential consistency, so head and slots are accessed
//! `SeqCst` throughout. There are only loads and exchanges here, and on x86 these cost as much with
//! `SeqCst` as with the weakest order. Where an access is weaker, a comment says why.

#![expect(
    unsafe_code,
    reason = "a list's storage hangs off its cell by raw pointer"
)]

mod append;
mod help;
mod node;
mod pop;
mod range;
mod read;
mod set;
mod slot;
mod tail;
mod tree;
mod truncate;

use std::sync::Arc;

use crossbeam_utils::CachePadded;

pub(super) use range::{Range, Rest, release_range};
use tree::{Span, Tree};

use super::cell::{Cell, POISON, Ref};
use super::worker::Worker;
use crate::heap::{Faults, Shape};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// A list's storage. It is counted by the list's cell and by the truncated ranges that are still to
/// be released, so a range never needs the cell, whose object may be dead by then.
#[derive(Debug, Default)]
pub(super) struct Storage {
    head: CachePadded<AtomicU64>,
    hint: CachePadded<AtomicU64>,
    tree: Tree,
}

/// Makes the storage of a new list; returns what the first slot of its cell is to hold.
pub(super) fn build() -> u64 {
    Arc::into_raw(Arc::new(Storage::default())).expose_provenance() as u64
}

/// Takes the storage of a dead list out of its cell; all of its elements are to be released.
pub(super) fn dismantle(cell: &Cell) -> Option<Range> {
    // Acquire, although the last decrement has acquired all that was done to the list already.
    let storage = pointer(cell.slots[0].swap(POISON, Acquire))?;
    // SAFETY: the cell's own count, made in `build` and taken once: the slot is poisoned now.
    let storage = unsafe { Arc::from_raw(storage) };
    let head = storage.head.load(SeqCst);
    Some(Range::of_dead(storage, head))
}

/// The storage in a list's cell; `None` once it is dismantled.
///
/// # Safety
///
/// `'a` must lie within a pin under which the list was alive, or within a time in which the caller
/// holds a counted reference to it.
pub(super) unsafe fn storage<'a>(cell: &Cell) -> Option<&'a Storage> {
    // Acquire pairs with the publication of the list's first reference.
    let storage = pointer(cell.slots[0].load(Acquire))?;
    // SAFETY: the caller's part; the last count of a storage goes only after a grace period.
    Some(unsafe { &*storage })
}

fn pointer(bits: u64) -> Option<*const Storage> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "usize has 64 bits wherever this heap's memory fits"
    )]
    let address = bits as usize;
    (bits != POISON).then(|| std::ptr::with_exposed_provenance(address))
}

impl Storage {
    /// Calls `visit` with the elements that one walk finds in the list; those that descriptors hold
    /// are passed over. Called under a pin.
    pub(super) fn each(&self, mut visit: impl FnMut(Ref) -> Walk) {
        let mut position = self.head.load(SeqCst);
        while let Some(span) = self.tree.find(position) {
            while let Some(slot) = span.at(position) {
                match slot::content(slot.load(SeqCst)) {
                    slot::Content::Value(element) => {
                        if let Walk::Stop = visit(element) {
                            return;
                        }
                    }
                    slot::Content::Claim(_) | slot::Content::Change(_) => {}
                    slot::Content::Empty | slot::Content::Clear | slot::Content::Seal(_) => return,
                }
                position += 1;
            }
        }
    }
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// It does.
    On,
    /// It does not.
    Stop,
}

/// One mutator's memory of one list: where it appended last, and the page it used last.
///
/// The pointers are followed only after a look at the list's cell showed, under the pin of the same
/// operation, that the list is still alive. A register's counted reference keeps it alive, but with
/// a planted fault the count may be wrong; then the look finds that the list is gone, and its
/// storage is not touched. (If it is alive at that look, then its storage is freed after the pin at
/// the earliest.)
#[derive(Debug)]
pub(super) struct Cursor<'h> {
    list: u64,
    /// The list's cell; any cell, as long as there is no list.
    cell: &'h Cell,
    storage: *const Storage,
    /// The position after its own last append; `u64::MAX` if there was none.
    next: u64,
    /// Where it saw the tail last.
    tail: u64,
    start: u64,
    slots: *const [AtomicU64],
}

impl<'h> Cursor<'h> {
    /// A cursor that remembers nothing yet.
    pub(super) fn new(cell: &'h Cell) -> Self {
        Self {
            list: 0,
            cell,
            storage: std::ptr::null(),
            next: u64::MAX,
            tail: 0,
            start: 0,
            slots: std::ptr::slice_from_raw_parts(std::ptr::null(), 0),
        }
    }
}

/// One operation on one list: begun under a pin, over before the pin ends.
#[derive(Debug)]
pub(super) struct Visit<'a, 'h, F: Faults> {
    worker: &'a mut Worker<'h, F>,
    cursor: &'a mut Cursor<'h>,
    cell: &'h Cell,
    storage: &'a Storage,
    span: Span<'a>,
}

impl<'a, 'h, F: Faults> Visit<'a, 'h, F> {
    /// Begins an operation on the list that a register's counted reference leads to; `None` if that
    /// is not a list.
    #[inline(always)]
    pub(super) fn begin(
        worker: &'a mut Worker<'h, F>,
        cursor: &'a mut Cursor<'h>,
        list: Ref,
    ) -> Option<Self> {
        let cell = worker.object(list, Shape::List)?;
        if cursor.list != list.bits() {
            // SAFETY: the list was alive a moment ago, under this pin.
            let storage = unsafe { storage(cell) }?;
            *cursor = Cursor {
                list: list.bits(),
                storage,
                ..Cursor::new(cell)
            };
        }
        // SAFETY: the same list as when the cursor was made (incarnations are not reused), and it
        // was alive a moment ago, under this pin: see `Cursor`.
        let storage = unsafe { &*cursor.storage };
        let mut span = Span::default();
        // The page may be gone, unless it holds a position that is not below head now.
        let end = cursor.start + cursor.slots.len() as u64;
        if end > storage.head.load(SeqCst) && end > cursor.start {
            // SAFETY: the page's last position is not below head, so not all of its slots were
            // retired when this pin began, and the page outlives the pin.
            let slots = unsafe { &*cursor.slots };
            span = Span {
                start: cursor.start,
                slots,
            };
        }
        Some(Self {
            worker,
            cursor,
            cell,
            storage,
            span,
        })
    }

    /// The slot at a position; `None` (which means: empty, never filled) if its page is not there.
    #[inline]
    fn at(&mut self, position: u64) -> Option<&'a AtomicU64> {
        if let Some(slot) = self.span.at(position) {
            return Some(slot);
        }
        self.span = self.storage.tree.find(position)?;
        self.span.at(position)
    }

    /// What the slot at a position holds.
    #[inline]
    fn read(&mut self, position: u64) -> u64 {
        self.at(position)
            .map_or(slot::UNTOUCHED, |slot| slot.load(SeqCst))
    }

    /// The slot at a position, its page made if it is not there.
    fn make(&mut self, position: u64) -> &'a AtomicU64 {
        if let Some(slot) = self.span.at(position) {
            return slot;
        }
        self.span = self.storage.tree.find_or_make(position);
        self.span.at(position).expect("the page of this position")
    }

    /// Replaces what the slot at the tail holds, if it is still `from`.
    fn fill(&mut self, position: u64, from: u64, to: u64) -> bool {
        let slot = self.make(position);
        slot.compare_exchange(from, to, SeqCst, Relaxed).is_ok()
    }

    /// Replaces what a slot holds, if it is still `from`. A late helper may ask for a position
    /// whose page is gone; then there is nothing left to do.
    fn exchange(&mut self, position: u64, from: u64, to: u64) -> bool {
        let Some(slot) = self.at(position) else {
            return false;
        };
        match slot.compare_exchange(from, to, SeqCst, Relaxed) {
            Ok(_) => true,
            Err(now) => {
                slot::in_use(now);
                false
            }
        }
    }

    /// One more count of the list's storage.
    fn storage_counted(&self) -> Arc<Storage> {
        // Not made of the reference, which must not be used to reach the counts beside its target.
        let storage = self.cursor.storage;
        // SAFETY: the pointer came from an `Arc` in `build`; the cell's count of it lasts as long
        // as the list, and to the end of this pin.
        unsafe { Arc::increment_strong_count(storage) };
        // SAFETY: takes over the count that was added above.
        unsafe { Arc::from_raw(storage) }
    }

    /// Remembers the page for the mutator's next operation on this list.
    #[inline]
    fn remember(&mut self) {
        self.cursor.start = self.span.start;
        self.cursor.slots = self.span.slots;
    }
}
