//! The search for what is alive among the objects on trial, once all references between them were
//! subtracted.
//!
//! It passes over them in the order in which they were tracked. What something else refers to is
//! alive, and so is what that refers to. What nothing was found to refer to is taken for dead *for
//! now*, and passed: it is looked into if something that comes later turns out to refer to it. That
//! is CPython's way (`move_unreachable`), and it is faster than to look into everything that is
//! found as soon as it is: a structure was mostly tracked in the order in which it hangs together,
//! so what is found comes soon anyway, and can be fetched ahead. Only what hangs together the other
//! way round has to be waited for.
//!
//! How many are left that nothing was found to refer to is counted, and when there are none, all
//! are alive. Under a lock that only saves time. Without one, another collection may put members
//! back on trial for ever, so this is also what bounds the search.

use super::Counted;
use super::cell::Ref;
use super::release::Work;
use super::trials::{Finding, Link};
use super::walk::{FAR, NEAR};
use super::word::Word;
use crate::heap::{Fault, Faults};

impl<F: Faults> Counted<F> {
    /// Acquits all members on trial that something else refers to, and all that these reach.
    /// Returns how many are left.
    pub(super) fn acquit_reachable(&self, members: &[Word], work: &mut Work) -> usize {
        let is_suspect =
            |entry: &&Word| self.trials.is_suspect(Ref::from_bits(entry.get()).index());
        let mut left = members.iter().filter(is_suspect).count();
        for object in self.in_turn(
            members,
            |index| self.trials.fetch(index),
            |index| self.fetch_linked(index, self.trials.link(index)),
        ) {
            if left == 0 {
                break;
            }
            if let Some(link) = self.trials.pass(object.index()) {
                self.acquit_linked(object.index(), link, &mut left, work);
                if !work.found.is_empty() {
                    self.acquit_found(&mut left, work);
                }
            }
        }
        if left == 0 {
            for entry in members {
                self.trials.acquit(Ref::from_bits(entry.get()).index());
            }
        }
        left
    }

    /// Looks into what was passed and turned out to be alive, in the order in which it was found.
    #[inline(never)]
    fn acquit_found(&self, left: &mut usize, work: &mut Work) {
        while let Some((found, link)) = work.found.pop_front() {
            if let Some(&(coming, link)) = work.found.get(FAR) {
                self.fetch_linked(coming, link);
            }
            if let Some(&(coming, Link::Several)) = work.found.get(NEAR) {
                self.fetch_children(coming);
            }
            self.acquit_linked(found, link, left, work);
        }
    }

    /// Notes that all is alive that a living object refers to.
    #[inline(always)]
    fn acquit_linked(&self, index: u32, link: Link, left: &mut usize, work: &mut Work) {
        match link {
            Link::Nothing => {}
            Link::One(child) => self.acquit_one(child, left, work),
            Link::Several => {
                if let Some(cell) = self.cells.at(index) {
                    self.for_each_reference(index, cell, |child| {
                        self.acquit_one(child.index(), left, work);
                    });
                }
            }
        }
    }

    /// Notes that an object is alive. If it was passed, what it refers to waits its turn, unless
    /// nothing else waits and it is one object: then that comes next, and so on.
    #[inline]
    fn acquit_one(&self, mut index: u32, left: &mut usize, work: &mut Work) {
        while *left > 0 {
            let finding = self.trials.find(index);
            if finding == Finding::Known {
                return;
            }
            *left -= 1;
            if self.has(Fault::LivenessOneLevel) {
                return self.trials.acquit(index);
            }
            match finding {
                Finding::Behind(Link::One(next)) if work.found.is_empty() => index = next,
                Finding::Behind(link) => return self.put_off(index, link, work),
                Finding::Known | Finding::Ahead => return,
            }
        }
    }

    #[inline]
    fn put_off(&self, index: u32, link: Link, work: &mut Work) {
        // What is behind so many others is fetched when its turn is nearer.
        if work.found.len() <= FAR {
            self.fetch_linked(index, link);
        }
        work.found.push_back((index, link));
    }

    /// Fetches what will be needed when an object is looked into.
    #[inline]
    fn fetch_linked(&self, index: u32, link: Link) {
        match link {
            Link::Nothing => {}
            Link::One(child) => self.trials.fetch(child),
            Link::Several => self.cells.fetch(index),
        }
    }
}
