//! What the search must know about an object: its sequential behaviour, and *why* an operation
//! cannot come next.
//!
//! A [`Reason`] is a set of constraints on the places of a list. It is stored under the operations
//! that each mutator has done and the object's [`measure`](Model::measure). It states that the rest
//! of the history has no order from any state with these operations and this measure that meets the
//! constraints. A reason names only places on which some answer depends, usually few, so it rules
//! out many states that the search would otherwise try one by one.

use crate::evidence::history::{Call, CallAnswer, Element};

/// A statement about one place of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Constraint {
    /// The place, counted from the front; less than the length.
    pub(super) index: u64,
    /// The element that the statement is about.
    pub(super) element: Element,
    /// Whether that element stands there; otherwise another one does.
    pub(super) is_there: bool,
}

/// Why the rest has no order: it has none in any state that meets all of these constraints. Sorted,
/// without duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason(Vec<Constraint>);

impl Reason {
    /// The rest has no order, whatever the places hold.
    pub(super) const ALWAYS: Self = Self(Vec::new());

    pub(super) fn one(constraint: Constraint) -> Self {
        Self(vec![constraint])
    }

    /// The constraints must be sorted.
    pub(super) fn all(constraints: impl Iterator<Item = Constraint>) -> Self {
        Self(constraints.collect())
    }

    pub(super) fn constraints(&self) -> &[Constraint] {
        &self.0
    }

    /// Adds the constraints of another reason.
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

    /// Moves every place away from the front by `count`.
    pub(super) fn shift(&mut self, count: u64) {
        for constraint in &mut self.0 {
            constraint.index += count;
        }
    }
}

/// A sequential object.
pub(super) trait Model: Clone + PartialEq {
    /// How to take back what an operation did.
    type Undo;
    /// The state that is found at the end of the run.
    type Last;

    /// The part of the state that is in the key of the search's memory: a list's length, a
    /// counter's value. Whether an answer is right must depend on this and on single places only.
    fn measure(&self) -> u64;

    /// Performs the call if its answer is right here; otherwise changes nothing and says why not.
    fn apply(&mut self, call: Call, answer: CallAnswer) -> Result<Self::Undo, Reason>;

    /// Takes an operation back, and turns a reason that holds after it into one that holds before
    /// it.
    fn take_back(&mut self, undo: Self::Undo, reason: &mut Reason);

    /// Whether the operation changed nothing.
    fn did_nothing(undo: &Self::Undo) -> bool;

    /// Whether a call with this answer changes nothing in any state, and the answer is right here.
    fn is_still(&self, call: Call, answer: CallAnswer) -> bool;

    /// The constraint, besides the measure, on which this right answer depends.
    fn rests_on(&self, call: Call, answer: CallAnswer) -> Option<Constraint>;

    /// Whether the state meets the constraint.
    fn meets(&self, constraint: &Constraint) -> bool;

    /// Whether the state is the one found at the end of the run; the reason if not.
    fn ends_as(&self, last: &Self::Last) -> Result<(), Reason>;

    /// Whether the two states differ; the reason if not.
    fn differs_from(&self, other: &Self) -> Result<(), Reason>;

    /// The state in words; includes the places that these calls look at.
    fn describe(&self, calls: &[Call]) -> String;
}
