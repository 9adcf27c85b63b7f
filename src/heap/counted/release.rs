//! Counting: taking references, letting them go, and the deaths that follow.
//!
//! An object dies the moment its count reaches zero. What it held is released through an explicit
//! work list, never through recursion, so a chain of a million links dies on any stack. A dying
//! list sheds a page at a time and what that page held dies first, so the work list grows with the
//! depth of nested structures and not with the length of lists.
//!
//! An object on the work list has no references, so nobody can reach it; its count is 0 and its
//! incarnation is still that of the living. It cannot be put there twice but by threads without a
//! lock, and whoever takes it off looks at the incarnation again.

use super::Counted;
use super::cell::{Cell, Ref};
use super::list::Shed;
use crate::heap::{Fault, Shape};

/// One mutator's scratch memory, kept between operations.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Objects without references whose own references are still to be released.
    dying: Vec<Ref>,
    /// Cells the collector has found alive and not yet looked into.
    pub(super) found: Vec<u32>,
}

impl Work {
    /// How many objects wait to be released.
    pub(super) fn waiting(&self) -> u64 {
        self.dying.len() as u64
    }
}

/// Which end of a list elements are taken off.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Front,
    Back,
}

impl Counted {
    /// The object that a strong reference leads to.
    #[inline]
    pub(super) fn follow(&self, reference: Ref) -> Option<&Cell> {
        self.cells.follow(reference, &self.faults)
    }

    /// Counts one more reference; false, and nothing counted, if it leads nowhere.
    #[inline]
    pub(super) fn acquire(&self, reference: Ref) -> bool {
        self.follow(reference)
            .map(|cell| cell.count.add(1))
            .is_some()
    }

    /// Counts one reference less, and buries what dies of it.
    #[inline]
    pub(super) fn release(&self, reference: Ref, work: &mut Work) {
        self.let_go(reference, work);
        if !work.dying.is_empty() {
            self.bury(work);
        }
    }

    /// Counts one reference less. What dies of it is free at once if nothing is stored in it, and
    /// waits on the work list if something is.
    #[inline]
    pub(super) fn let_go(&self, reference: Ref, work: &mut Work) {
        let Some(cell) = self.follow(reference) else {
            return;
        };
        let count = cell.count.get();
        if count > 1 {
            cell.count.set(count - 1);
        } else if count == 0 {
            self.note_underflow(reference);
        } else if cell.is_bare() {
            self.free(reference.index(), cell);
        } else {
            cell.count.set(0);
            work.dying.push(reference);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_underflow(&self, reference: Ref) {
        self.faults.note(Fault::Underflow {
            cell: reference.index(),
        });
    }

    #[inline]
    pub(super) fn free(&self, index: u32, cell: &Cell) {
        if cell.is_tracked() {
            self.generations.forget();
        }
        self.cells.give(index, cell);
    }

    /// Releases what the dying hold until nothing is dying. Under a lock every step frees an
    /// object or a page; without one the bound is what ends it.
    #[inline(never)]
    pub(super) fn bury(&self, work: &mut Work) {
        let steps = u64::from(self.capacity) + self.pages.count();
        for _ in 0..steps {
            let Some(dying) = work.dying.pop() else {
                return;
            };
            let Some(cell) = self.follow(dying) else {
                continue;
            };
            if cell.is(Shape::List) {
                self.bury_list(dying, cell, work);
                continue;
            }
            let fields = [0, 1].map(|field| Ref::from_bits(cell.slots[field].get()));
            self.free(dying.index(), cell);
            for field in fields {
                self.let_go(field, work);
            }
        }
        work.dying.clear();
    }

    /// One page of a dying list; the rest waits below what that page held.
    fn bury_list(&self, list: Ref, cell: &Cell, work: &mut Work) {
        let Some(header) = self.headers.at(list.index()) else {
            return;
        };
        let shed = header.shed_front(&self.pages, u64::MAX);
        if header.len(&self.pages) == 0 {
            self.free(list.index(), cell);
        } else {
            work.dying.push(list);
        }
        self.let_go_shed(&shed, work);
        header.prune(&self.pages, &shed);
    }

    fn let_go_shed(&self, shed: &Shed<'_>, work: &mut Work) {
        for word in shed.words {
            self.let_go(Ref::from_bits(word.get()), work);
        }
    }

    /// Takes `count` elements off one end of a list and releases them, page by page.
    pub(super) fn truncate(&self, list: u32, end: End, count: u64, work: &mut Work) {
        let Some(header) = self.headers.at(list) else {
            return;
        };
        let mut left = count.min(header.len(&self.pages));
        while left > 0 {
            let shed = match end {
                End::Front => header.shed_front(&self.pages, left),
                End::Back => header.shed_back(&self.pages, left),
            };
            // Without a lock the list may have become shorter meanwhile.
            if shed.words.is_empty() {
                return;
            }
            left -= shed.words.len() as u64;
            self.let_go_shed(&shed, work);
            header.prune(&self.pages, &shed);
            self.bury(work);
        }
    }
}
