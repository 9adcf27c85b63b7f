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
//! If there are many, it is counted how many are left that nothing was found to refer to, and when
//! there are none, all are alive. Without a lock another collection may put members back on trial for
//! ever, so no more are acquitted than there are members.

use super::Counted;
use super::cell::Ref;
use super::release::Work;
use super::trials::{Finding, Link, Passing};
use super::walk::{FAR, MANY, NEAR};
use super::word::Word;
use crate::heap::{Fault, Faults};

/// How far the search has come.
#[derive(Debug)]
struct Search {
    /// How many may yet be acquitted.
    left: usize,
    /// How many were passed and are taken for dead.
    dead: usize,
}

impl<F: Faults> Counted<F> {
    /// Acquits all members on trial that something else refers to, and all that these reach.
    /// Returns whether any are left.
    pub(super) fn acquit_reachable(&self, members: &[Word], work: &mut Work) -> bool {
        let is_suspect =
            |entry: &&Word| self.trials.is_suspect(Ref::from_bits(entry.get()).index());
        let mut search = Search {
            left: match members.len() > MANY {
                true => members.iter().filter(is_suspect).count(),
                false => members.len(),
            },
            dead: 0,
        };
        if self.has(Fault::SearchStopsEarly) {
            search.left /= 2;
        }
        let far = |index| self.trials.fetch(index);
        let near = |index| self.fetch_linked(index, self.trials.link(index));
        for object in self.in_turn(members, far, near) {
            if search.left == 0 {
                break;
            }
            match self.trials.pass(object.index()) {
                Passing::Over => {}
                Passing::TakenForDead => search.dead += 1,
                Passing::Acquitted(link) => {
                    self.acquit_linked(object.index(), link, &mut search, work);
                    if !work.found.is_empty() {
                        self.acquit_found(&mut search, work);
                    }
                }
            }
        }
        if search.left == 0 {
            for entry in members {
                self.trials.acquit(Ref::from_bits(entry.get()).index());
            }
        }
        search.left > 0 && search.dead > 0
    }

    /// Looks into what was passed and turned out to be alive, in the order in which it was found.
    #[inline(never)]
    fn acquit_found(&self, search: &mut Search, work: &mut Work) {
        while let Some((found, link)) = work.found.pop_front() {
            if let Some(&(coming, link)) = work.found.get(FAR) {
                self.fetch_linked(coming, link);
            }
            if let Some(&(coming, Link::SEVERAL)) = work.found.get(NEAR) {
                self.fetch_children(coming);
            }
            self.acquit_linked(found, link, search, work);
        }
    }

    /// Notes that all is alive that a living object refers to.
    #[inline(always)]
    fn acquit_linked(&self, index: u32, link: Link, search: &mut Search, work: &mut Work) {
        match link {
            Link::NOTHING => {}
            Link::SEVERAL => {
                if let Some(cell) = self.cells.at(index) {
                    self.for_each_reference(index, cell, |child| {
                        self.acquit_one(child.index(), search, work);
                    });
                }
            }
            Link(child) => self.acquit_one(child, search, work),
        }
    }

    /// Notes that an object is alive. If it was passed, what it refers to waits its turn, unless
    /// nothing else waits and it is one object: then that comes next, and so on.
    #[inline]
    fn acquit_one(&self, mut index: u32, search: &mut Search, work: &mut Work) {
        while search.left > 0 {
            let behind = match self.trials.find(index) {
                Finding::Known => return,
                Finding::Ahead => None,
                Finding::Behind(_) if self.has(Fault::PassedIsFinal) => {
                    return self.trials.leave_mark(index);
                }
                Finding::Behind(link) => {
                    search.dead = search.dead.saturating_sub(1);
                    Some(link)
                }
            };
            search.left -= 1;
            if self.has(Fault::LivenessOneLevel) {
                return self.trials.acquit(index);
            }
            match behind {
                None | Some(Link::NOTHING) => return,
                Some(Link(next)) if next != Link::SEVERAL.0 && work.found.is_empty() => {
                    index = next;
                }
                Some(link) => return self.put_off(index, link, work),
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
            Link::NOTHING => {}
            Link::SEVERAL => self.cells.fetch(index),
            Link(child) => self.trials.fetch(child),
        }
    }
}
