//! What the collector notes of each object, in a table of its own: eight bytes an object.
//!
//! A collection follows references from anywhere to anywhere. The cells of a million objects take
//! 32 MB, which is more than a processor's near caches hold; the table takes 8. So whatever the
//! collector asks of the target of a reference stands here, and it passes over the cells but once,
//! one after another.
//!
//! ```text
//! | link:32 | state:32 |
//!
//! state:  0          not on trial: known to be alive, or not looked at in this collection
//!         1          on trial, and the search for what is alive has passed it
//!         2^31       on trial, and all references to it come from others that are
//!         2^31 + n   on trial, and n references to it come from elsewhere
//! link:   0          refers to nothing that is on trial
//!         n          refers to object n, and to nothing else that is on trial
//!         2^32 - 1   must be looked into itself
//! ```
//!
//! References are subtracted as they are met, whether the count that they are subtracted from was
//! added already or not. So a state may be below 2^31 meanwhile. There are no 2^31 references to one
//! object: they would take 16 GiB.

use super::word::Word;
use crate::heap::slab::Slab;

const FREE: u64 = 0;
const PASSED: u64 = 1;
const BALANCE: u64 = 1 << 31;

const STATE_MASK: u64 = 0xFFFF_FFFF;
const LINK_SHIFT: u32 = 32;

/// The state and the link of each object. A number that is none leads nowhere.
#[derive(Debug)]
pub(super) struct Trials(Slab<Word>);

/// What an object refers to that is on trial: one object's number, unless it is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u32);

/// Where the search for what is alive finds an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing new: it is known to be alive, or not on trial.
    Known,
    /// It has yet to be passed.
    Ahead,
    /// It was passed, and taken for dead. This is what it refers to.
    Behind(Link),
}

/// What became of an object when the search passed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    /// Something refers to it. This is what it refers to.
    Acquitted(Link),
    TakenForDead,
    /// It was not on trial, or has been passed before.
    Over,
}

impl Link {
    pub(super) const NOTHING: Self = Self(0);
    /// The object itself must be looked into.
    pub(super) const SEVERAL: Self = Self(u32::MAX);

    #[inline]
    fn of(word: u64) -> Self {
        Self((word >> LINK_SHIFT) as u32)
    }

    /// With one more reference.
    #[inline]
    pub(super) fn and(self, index: u32) -> Self {
        match self {
            Self::NOTHING => Self(index),
            _ => Self::SEVERAL,
        }
    }

    /// What a fault does: one more reference is forgotten.
    pub(super) fn or(self, index: u32) -> Self {
        match self {
            Self::NOTHING => Self(index),
            _ => self,
        }
    }
}

impl Trials {
    /// A table for this many cells.
    pub(super) fn new(cells: usize) -> Self {
        Self(Slab::new(cells))
    }

    #[inline]
    fn get(&self, index: u32) -> u64 {
        self.0.at(index).map_or(FREE, Word::get)
    }

    #[inline]
    fn set(&self, index: u32, word: u64) {
        if let Some(place) = self.0.at(index) {
            place.set(word);
        }
    }

    /// Puts an object on trial, none of whose references were counted yet.
    #[inline]
    pub(super) fn accuse(&self, index: u32) {
        self.set(index, BALANCE);
    }

    /// Ends an object's trial.
    #[inline]
    pub(super) fn acquit(&self, index: u32) {
        self.set(index, FREE);
    }

    /// Whether an object is on trial.
    #[inline]
    pub(super) fn is_accused(&self, index: u32) -> bool {
        self.get(index) & STATE_MASK != FREE
    }

    /// Whether it is on trial, and no reference to it is left, once all were counted.
    #[inline]
    pub(super) fn is_suspect(&self, index: u32) -> bool {
        (1..=BALANCE).contains(&(self.get(index) & STATE_MASK))
    }

    /// Adds the count of an object on trial, and notes what it refers to.
    #[inline]
    pub(super) fn add(&self, index: u32, count: u32, link: Link) {
        if let Some(place) = self.0.at(index) {
            // There was no link yet.
            let more = u64::from(link.0) << LINK_SHIFT | u64::from(count);
            place.set(place.get().wrapping_add(more));
        }
    }

    /// Subtracts a reference to an object; false if that is not on trial.
    #[inline]
    pub(super) fn subtract(&self, index: u32) -> bool {
        let Some(place) = self.0.at(index) else {
            return false;
        };
        let word = place.get();
        let is_accused = word & STATE_MASK != FREE;
        if is_accused {
            place.set(word.wrapping_sub(1));
        }
        is_accused
    }

    /// What an object refers to.
    #[inline]
    pub(super) fn link(&self, index: u32) -> Link {
        Link::of(self.get(index))
    }

    /// Passes an object.
    #[inline]
    pub(super) fn pass(&self, index: u32) -> Passing {
        let Some(place) = self.0.at(index) else {
            return Passing::Over;
        };
        let word = place.get();
        let state = word & STATE_MASK;
        if state > BALANCE {
            place.set(FREE);
            return Passing::Acquitted(Link::of(word));
        }
        if state <= PASSED {
            return Passing::Over;
        }
        place.set(word & !STATE_MASK | PASSED);
        Passing::TakenForDead
    }

    /// Notes that something alive refers to an object. What was passed is acquitted, and the rest
    /// will be.
    #[inline]
    pub(super) fn find(&self, index: u32) -> Finding {
        let Some(place) = self.0.at(index) else {
            return Finding::Known;
        };
        let word = place.get();
        let state = word & STATE_MASK;
        if state == FREE || state > BALANCE {
            return Finding::Known;
        }
        let (to, finding) = match state {
            PASSED => (FREE, Finding::Behind(Link::of(word))),
            _ => (BALANCE + 1, Finding::Ahead),
        };
        place.set(word & !STATE_MASK | to);
        finding
    }

    /// Asks the processor for what is noted of an object.
    #[inline]
    pub(super) fn fetch(&self, index: u32) {
        self.0.fetch(index);
    }

    /// What faults do: leaves a mark at what is not on trial, or not any more.
    pub(super) fn leave_mark(&self, index: u32) {
        self.set(index, PASSED);
    }
}
