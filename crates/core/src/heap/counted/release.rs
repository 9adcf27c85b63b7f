//! Counting: taking references, letting them go, and the deaths that follow.
//!
//! An object dies the moment its count reaches zero. What it held is released through an explicit
//! work list, never through recursion, so a chain of a million links dies on any stack. A dying
//! list sheds a page at a time and what that page held dies first, so the work list grows with the
//! depth of nested structures and not with the length of lists.
//!
//! Finalizers run from that list as well, since a finalizer may release what was in a shared root,
//! and that may have a finalizer, too.
//!
//! A dying list's cell is free at once, and only what it held goes on the work list. So the work is
//! bounded by what was in the list then, even if a thread without a lock goes on appending to it.
//!
//! An object on the work list has no references, so nobody can reach it; its count is 0, and its
//! incarnation is still that of a living object. Only threads without a lock can put it there
//! twice, so whoever takes it off looks at the incarnation again.

use std::collections::VecDeque;

use super::Counted;
use super::cell::{Cell, Ref};
use super::list::{Header, Shed};
use super::trials::Link;
use crate::heap::fault::{self, Fault, Faults};
use crate::heap::{Cause, Defect, Shape};

/// A release of more objects than this is reported as a pause. That many take some microseconds, of
/// which two looks at the clock are a hundredth.
const CASCADE: u64 = 256;

/// One mutator's scratch memory, kept between operations.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// What is still to be released.
    dying: Vec<Dying>,
    /// What the collector has found alive and not yet looked into, and what it refers to.
    pub(super) found: VecDeque<(u32, Link)>,
}

impl Work {
    /// How many objects wait to be released.
    pub(super) fn waiting(&self) -> u64 {
        self.dying.len() as u64
    }
}

/// Something whose references are still to be released.
#[derive(Debug)]
enum Dying {
    /// An object whose finalizer is to run before it may die.
    Unfinalized(Ref),
    /// A node without references to it.
    Node(Ref),
    /// What a list held; the list itself is gone.
    Elements(Box<Header>),
}

/// Which end of a list elements are taken off.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Front,
    Back,
}

impl<F: Faults> Counted<F> {
    /// The object that a strong reference leads to.
    #[inline]
    pub(super) fn follow(&self, reference: Ref) -> Option<&Cell> {
        self.cells.follow(reference, &self.defects)
    }

    /// Counts one more reference; false, and nothing counted, if it leads nowhere. `between` runs
    /// between reading the count and writing it back.
    #[inline]
    pub(super) fn acquire(&self, reference: Ref, between: impl FnOnce()) -> bool {
        let Some(cell) = self.follow(reference) else {
            return false;
        };
        let count = cell.count.get();
        between();
        cell.count.set(count.wrapping_add(1));
        true
    }

    /// Counts one reference less, and buries what dies of it.
    #[inline]
    pub(super) fn release(&self, reference: Ref, work: &mut Work) {
        if !reference.is_strong() {
            return;
        }
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
            self.start_dying(reference, cell, work);
        }
    }

    fn start_dying(&self, object: Ref, cell: &Cell, work: &mut Work) {
        if self.has(Fault::WorklistOverwritten) {
            work.dying.clear();
        }
        if cell.is_unfinalized() && !self.has(Fault::FinalizerSkipped) {
            work.dying.push(Dying::Unfinalized(object));
        } else if cell.is(Shape::List)
            && let Some(header) = self.headers.at(object.index())
        {
            let elements = header.take();
            self.free(object.index(), cell);
            work.dying.push(Dying::Elements(Box::new(elements)));
        } else if self.has(Fault::RecursiveRelease) {
            self.bury_node(object, work);
        } else {
            work.dying.push(Dying::Node(object));
        }
    }

    #[cold]
    #[inline(never)]
    fn note_underflow(&self, reference: Ref) {
        self.defects.note(Defect::Underflow {
            cell: reference.index(),
        });
    }

    #[inline]
    pub(super) fn free(&self, index: u32, cell: &Cell) {
        if self.has(Fault::ObjectKept) && fault::is_rare(self.cells.tag(index)) {
            return;
        }
        if self.has(Fault::MemoryKept) && fault::is_rare(self.cells.tag(index)) {
            fault::leak_memory();
        }
        if cell.is_tracked() {
            self.generations.forget();
        }
        self.cells.give(index, cell);
        if self.has(Fault::WriteAfterFree) {
            cell.slots[1].set(0);
        }
    }

    /// Releases what the dying hold until nothing is dying. Under a lock every step frees an
    /// object or a page; without one the bound is what ends it.
    #[inline(never)]
    pub(super) fn bury(&self, work: &mut Work) {
        // An object may have to be finalized before it is buried.
        let steps = 2 * u64::from(self.capacity) + self.pages.large.count();
        let mut untimed = CASCADE;
        for step in 0..steps {
            if untimed == 0 {
                return self.bury_many(steps - step, work);
            }
            let Some(dying) = work.dying.pop() else {
                return;
            };
            untimed = untimed.saturating_sub(self.bury_one(dying, work));
        }
        work.dying.clear();
    }

    /// The rest of a long release, which takes long enough to be reported as a pause.
    #[cold]
    #[inline(never)]
    fn bury_many(&self, steps: u64, work: &mut Work) {
        let hold = self.pauses.hold(Cause::ReleaseCascade);
        if work.dying.is_empty() {
            return hold.dismiss();
        }
        for _ in 0..steps {
            let Some(dying) = work.dying.pop() else {
                return;
            };
            self.bury_one(dying, work);
        }
        work.dying.clear();
    }

    /// Does one step; returns as how many objects it counts.
    #[inline]
    fn bury_one(&self, dying: Dying, work: &mut Work) -> u64 {
        match dying {
            Dying::Unfinalized(object) => self.finalize_dying(object, work),
            Dying::Node(node) => self.bury_node(node, work),
            Dying::Elements(elements) => return self.bury_page(elements, work),
        }
        1
    }

    /// Runs the finalizer of an object without references; the object dies unless it has one now.
    fn finalize_dying(&self, object: Ref, work: &mut Work) {
        let Some(cell) = self.follow(object) else {
            return;
        };
        self.finalize(object, cell, work);
        if cell.count.get() > 0 && !self.has(Fault::ResurrectedFreedAnyway) {
            return;
        }
        if cell.is_bare() {
            self.free(object.index(), cell);
        } else {
            self.start_dying(object, cell, work);
        }
    }

    fn bury_node(&self, node: Ref, work: &mut Work) {
        let Some(cell) = self.follow(node) else {
            return;
        };
        let fields = [0, 1].map(|field| Ref::from_bits(cell.slots[field].get()));
        self.free(node.index(), cell);
        for field in fields {
            self.let_go(field, work);
        }
    }

    /// Releases one page of what a list held. The rest waits on the work list until everything is
    /// released that this page held. Returns how many elements that were.
    fn bury_page(&self, elements: Box<Header>, work: &mut Work) -> u64 {
        let shed = elements.shed_front(&self.pages, u64::MAX);
        // The page is free from here on, but nobody takes one before this release is over.
        if !self.has(Fault::PageLost) {
            elements.prune(&self.pages, &shed);
        }
        if elements.len(&self.pages) > 0 {
            work.dying.push(Dying::Elements(elements));
        }
        self.let_go_shed(&shed, work);
        shed.words.len() as u64
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
        let _hold = (left > CASCADE).then(|| self.pauses.hold(Cause::ReleaseCascade));
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
