//! What the search must know of an object: how it does one thing after another, and *why* something
//! cannot come next.
//!
//! A [`Reason`] is a set of constraints on what stands where. Together with what has been done by
//! whom and the object's [`measure`](Model::measure) it says: from no state like this does the rest of
//! the history have an order. It speaks of far fewer places than there are, since it names only those
//! that an answer spoke of, and so it holds for many states that the search would else try in turn.

use crate::evidence::history::{Call, CallAnswer, Element};

/// Something about one place of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Constraint {
    /// Counted from the front, below the length.
    pub(super) index: u64,
    /// An element.
    pub(super) element: Element,
    /// Whether it stands there, or another one does.
    pub(super) is_there: bool,
}

/// Why the rest has no order: it has none wherever all of this holds. Sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason(Vec<Constraint>);

impl Reason {
    /// It never has one, whatever stands where.
    pub(super) const ALWAYS: Self = Self(Vec::new());

    pub(super) fn one(constraint: Constraint) -> Self {
        Self(vec![constraint])
    }

    /// The constraints must be in the order of their places.
    pub(super) fn all(constraints: impl Iterator<Item = Constraint>) -> Self {
        Self(constraints.collect())
    }

    pub(super) fn constraints(&self) -> &[Constraint] {
        &self.0
    }

    /// Both reasons together.
    pub(super) fn add(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
        } else if !other.0.is_empty() {
            self.0.extend(other.0);
            self.0.sort_unstable();
            self.0.dedup();
        }
    }

    pub(super) fn insert(&mut self, constraint: Constraint) {
        if let Err(place) = self.0.binary_search(&constraint) {
            self.0.insert(place, constraint);
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Constraint) -> bool) {
        self.0.retain(keep);
    }

    /// The places are further from the front by `count`.
    pub(super) fn shift(&mut self, count: u64) {
        for constraint in &mut self.0 {
            constraint.index += count;
        }
    }
}

/// An object that does one thing at a time.
pub(super) trait Model: Clone + Default + PartialEq {
    /// How to take back what an operation did.
    type Undo;
    /// What is found when everything is over.
    type Last;

    /// The part of the state by which the search's memory is sorted: a list's length, a counter's
    /// value. Whether an operation can come next must depend on this and on single places only.
    fn measure(&self) -> u64;

    /// Does what the call asks for, if that is answered so; else nothing.
    fn apply(&mut self, call: Call, answer: CallAnswer) -> Result<Self::Undo, Reason>;

    /// Takes that back, and says of a reason that holds after the operation what must hold before it.
    fn take_back(&mut self, undo: Self::Undo, reason: &mut Reason);

    /// Whether there was nothing to do.
    fn did_nothing(undo: &Self::Undo) -> bool;

    /// Whether the call, answered so, changes nothing wherever it comes, and is answered rightly here.
    fn is_still(&self, call: Call, answer: CallAnswer) -> bool;

    /// What this answer, which is right, depends on besides the measure.
    fn rests_on(&self, call: Call, answer: CallAnswer) -> Option<Constraint>;

    /// Whether this is so.
    fn meets(&self, constraint: &Constraint) -> bool;

    /// Whether this is what was found when everything was over.
    fn ends_as(&self, last: &Self::Last) -> Result<(), Reason>;

    /// Whether this is another state than that.
    fn differs_from(&self, other: &Self) -> Result<(), Reason>;

    /// The state in words, above all what these calls look at.
    fn describe(&self, calls: &[Call]) -> String;
}
