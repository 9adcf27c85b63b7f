//! The sequential model of a place that holds one reference or none: a shared root, or a field of a
//! node.

use super::model::{Constraint, Model, Reason};
use crate::evidence::history::{Before, Call, CallAnswer, Element};

/// What is in the place after some operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It is not known what is there, so any answer to the first load is right.
    Unknown,
    Known(Option<Element>),
}

impl Held {
    pub(super) fn new(before: Before) -> Self {
        match before {
            Before::Unknown => Self::Unknown,
            Before::Empty => Self::Known(None),
            Before::Held(element) => Self::Known(Some(element)),
        }
    }
}

/// The measure consists of an element's sequence, shifted by so many bits, and its producer:
/// numbers of mutators are below 2^16, and no run makes 2^46 objects.
const PRODUCER_BITS: u32 = 16;

impl Model for Held {
    /// The old state, if there is another one.
    type Undo = Option<Self>;
    type Last = Option<Element>;

    /// All of the state, so that a reason needs no constraints.
    fn measure(&self) -> u64 {
        match self {
            Self::Unknown => 0,
            Self::Known(None) => 1,
            Self::Known(Some(Element::LOST)) => 2,
            Self::Known(Some(element)) => {
                3 + (element.sequence << PRODUCER_BITS | u64::from(element.producer))
            }
        }
    }

    fn apply(&mut self, call: Call, answer: CallAnswer) -> Result<Self::Undo, Reason> {
        let new = match (call, answer, *self) {
            (Call::Store(element), CallAnswer::Done | CallAnswer::Unknown, _) => {
                Self::Known(element)
            }
            (Call::Load, CallAnswer::Unknown, old) => old,
            (Call::Load, CallAnswer::Found(seen), Self::Unknown) => Self::Known(seen),
            (Call::Load, CallAnswer::Found(seen), Self::Known(here)) if seen == here => *self,
            _ => return Err(Reason::ALWAYS),
        };
        let old = std::mem::replace(self, new);
        Ok((old != new).then_some(old))
    }

    fn take_back(&mut self, undo: Self::Undo, _: &mut Reason) {
        *self = undo.unwrap_or(*self);
    }

    fn did_nothing(undo: &Self::Undo) -> bool {
        undo.is_none()
    }

    fn is_still(&self, call: Call, answer: CallAnswer) -> bool {
        match (call, answer, self) {
            (Call::Load, CallAnswer::Found(seen), Self::Known(here)) => seen == *here,
            _ => false,
        }
    }

    fn rests_on(&self, _: Call, _: CallAnswer) -> Option<Constraint> {
        None
    }

    fn meets(&self, _: &Constraint) -> bool {
        true
    }

    fn ends_as(&self, last: &Option<Element>) -> Result<(), Reason> {
        let is_right = matches!(self, Self::Known(here) if here == last);
        is_right.then_some(()).ok_or(Reason::ALWAYS)
    }

    fn differs_from(&self, other: &Self) -> Result<(), Reason> {
        (self != other).then_some(()).ok_or(Reason::ALWAYS)
    }

    fn describe(&self, _: &[Call]) -> String {
        match self {
            Self::Unknown => "nobody has looked".to_owned(),
            Self::Known(None) => "it is empty".to_owned(),
            Self::Known(Some(element)) => format!("{element} is in it"),
        }
    }
}
