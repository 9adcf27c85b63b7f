//! How the collector goes over objects and what they refer to: in turn, while what will be needed
//! soon is fetched.

use super::Counted;
use super::cell::{Cell, Ref};
use super::word::Word;
use crate::heap::{Faults, Shape};

/// How many objects ahead their memory is fetched: what comes from beyond the caches takes as long
/// as some fifty take to be looked into.
pub(super) const FAR: usize = 64;
/// How many objects ahead that is fetched which they refer to, when they themselves are there.
pub(super) const NEAR: usize = 16;
/// More members than this, with as many objects beside them, do not fit a second-level cache.
/// In tests, few are many, so that graphs may be small.
pub(super) const MANY: usize = if cfg!(test) { 24 } else { 16_384 };

impl<F: Faults> Counted<F> {
    /// The entries one by one. If there are many, they and what they refer to hardly fit the caches;
    /// then `far` is called with the number of each object [`FAR`] before its turn, and `near`
    /// [`NEAR`] before it, to fetch what will be needed.
    #[inline]
    pub(super) fn in_turn(
        &self,
        members: &[Word],
        far: impl Fn(u32),
        near: impl Fn(u32),
    ) -> impl Iterator<Item = Ref> {
        let later = |ahead: usize| match members.len() > MANY {
            true => members.get(ahead..).unwrap_or_default().iter(),
            false => [].iter(),
        };
        let (mut far_ones, mut near_ones) = (later(FAR), later(NEAR));
        members.iter().map(move |entry| {
            if let Some(entry) = near_ones.next() {
                near(Ref::from_bits(entry.get()).index());
                if let Some(entry) = far_ones.next() {
                    far(Ref::from_bits(entry.get()).index());
                }
            }
            Ref::from_bits(entry.get())
        })
    }

    /// Fetches what is noted of what a node refers to.
    #[inline]
    pub(super) fn fetch_children(&self, index: u32) {
        if let Some(cell) = self.cells.at(index) {
            for slot in &cell.slots {
                self.trials.fetch(Ref::from_bits(slot.get()).index());
            }
        }
    }

    /// Calls `visit` with every reference that an object holds, weak ones excepted.
    #[inline(always)]
    pub(super) fn for_each_reference(&self, index: u32, cell: &Cell, mut visit: impl FnMut(Ref)) {
        if cell.is(Shape::Node) {
            for slot in &cell.slots {
                let child = Ref::from_bits(slot.get());
                if child.is_strong() {
                    visit(child);
                }
            }
        } else if cell.is(Shape::List) {
            self.for_each_element(index, visit);
        }
    }

    /// Kept apart, so that what nodes need is short enough to stand where it is needed.
    #[inline(never)]
    fn for_each_element(&self, list: u32, mut visit: impl FnMut(Ref)) {
        let Some(header) = self.headers.at(list) else {
            return;
        };
        let len = header.len(&self.pages);
        let mut at = 0;
        while at < len {
            let run = header.run(&self.pages, at);
            if run.is_empty() {
                break;
            }
            at += run.len() as u64;
            let mut coming = run.get(NEAR..).unwrap_or_default().iter();
            for word in run {
                if let Some(word) = coming.next() {
                    self.trials.fetch(Ref::from_bits(word.get()).index());
                }
                let element = Ref::from_bits(word.get());
                if element.is_strong() {
                    visit(element);
                }
            }
        }
    }
}
