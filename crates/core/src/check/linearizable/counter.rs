//! The sequential model of a counter.

use super::model::{Constraint, Model, Reason};
use crate::evidence::history::{Call, CallAnswer};

/// The value after some operations. The whole value is in the key of the search's memory, so a
/// reason needs no constraints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counter(pub(super) i64);

impl Model for Counter {
    /// The old value, if the operation changed it.
    type Undo = Option<i64>;
    type Last = i64;

    fn measure(&self) -> u64 {
        self.0.cast_unsigned()
    }

    fn apply(&mut self, call: Call, answer: CallAnswer) -> Result<Option<i64>, Reason> {
        let new = match call {
            Call::Add(by) => self.0.wrapping_add(by),
            Call::Write(value) => value,
            Call::Read if answer == CallAnswer::Value(self.0) || answer == CallAnswer::Unknown => {
                return Ok(None);
            }
            _ => return Err(Reason::ALWAYS),
        };
        let old = std::mem::replace(&mut self.0, new);
        Ok((old != new).then_some(old))
    }

    fn take_back(&mut self, undo: Option<i64>, _: &mut Reason) {
        self.0 = undo.unwrap_or(self.0);
    }

    fn did_nothing(undo: &Option<i64>) -> bool {
        undo.is_none()
    }

    fn is_still(&self, call: Call, answer: CallAnswer) -> bool {
        call == Call::Read && answer == CallAnswer::Value(self.0)
    }

    fn rests_on(&self, _: Call, _: CallAnswer) -> Option<Constraint> {
        None
    }

    fn meets(&self, _: &Constraint) -> bool {
        true
    }

    fn ends_as(&self, last: &i64) -> Result<(), Reason> {
        (self.0 == *last).then_some(()).ok_or(Reason::ALWAYS)
    }

    fn differs_from(&self, other: &Self) -> Result<(), Reason> {
        (self != other).then_some(()).ok_or(Reason::ALWAYS)
    }

    fn describe(&self, _: &[Call]) -> String {
        format!("the counter is {}", self.0)
    }
}
