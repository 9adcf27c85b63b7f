//! The sequential model of a list.

use std::collections::VecDeque;

use super::model::{Constraint, Model, Reason};
use crate::evidence::history::{Call, CallAnswer, Element};

/// The elements that a survey found, in order; `None` where it found nothing.
pub(super) type Contents = Vec<Option<Element>>;

/// The list after some operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct List(pub(super) VecDeque<Element>);

/// How to take back what an operation did.
#[derive(Debug)]
pub(super) enum Undo {
    /// It did nothing.
    Nothing,
    /// It appended.
    Append,
    /// It replaced the element at this place, which was this one.
    Set(usize, Element),
    /// It removed these from the front.
    Front(Vec<Element>),
    /// It removed these from the back.
    Back(Vec<Element>),
}

impl List {
    fn at(&self, index: u64) -> Option<Element> {
        self.0.get(usize::try_from(index).ok()?).copied()
    }

    /// How many elements a truncation removes.
    fn within(&self, count: u64) -> usize {
        usize::try_from(count).map_or(self.0.len(), |count| count.min(self.0.len()))
    }

    fn cut_front(&mut self, count: u64) -> Undo {
        match self.within(count) {
            0 => Undo::Nothing,
            count => Undo::Front(self.0.drain(..count).collect()),
        }
    }

    fn cut_back(&mut self, count: u64) -> Undo {
        match self.within(count) {
            0 => Undo::Nothing,
            count => Undo::Back(self.0.split_off(self.0.len() - count).into()),
        }
    }

    /// Whether this place holds what was answered: the constraint that says so, or the reason if
    /// not.
    fn found(&self, index: u64, answer: CallAnswer) -> Result<Option<Constraint>, Reason> {
        match (answer, self.at(index)) {
            (CallAnswer::Unknown, _) | (CallAnswer::Found(None), None) => Ok(None),
            // The length alone decides, and it is in the key of the memory.
            (CallAnswer::Found(None), Some(_)) | (CallAnswer::Found(Some(_)), None) => {
                Err(Reason::ALWAYS)
            }
            (CallAnswer::Found(Some(right)), Some(here)) => {
                let is_there = here == right;
                let constraint = Constraint {
                    index,
                    element: right,
                    is_there,
                };
                if is_there {
                    Ok(Some(constraint))
                } else {
                    Err(Reason::one(constraint))
                }
            }
            _ => Err(Reason::ALWAYS),
        }
    }

    fn set(&mut self, index: u64, element: Element, answer: CallAnswer) -> Result<Undo, Reason> {
        let place = usize::try_from(index).ok().filter(|&at| at < self.0.len());
        match (place, answer) {
            (Some(at), CallAnswer::Done | CallAnswer::Unknown) => {
                let old = std::mem::replace(&mut self.0[at], element);
                Ok(Undo::Set(at, old))
            }
            (None, CallAnswer::Refused | CallAnswer::Unknown) => Ok(Undo::Nothing),
            _ => Err(Reason::ALWAYS),
        }
    }

    fn pop(&mut self, answer: CallAnswer) -> Result<Undo, Reason> {
        let Some(last) = (self.0.len() as u64).checked_sub(1) else {
            let is_right = matches!(answer, CallAnswer::Found(None) | CallAnswer::Unknown);
            return is_right.then_some(Undo::Nothing).ok_or(Reason::ALWAYS);
        };
        self.found(last, answer)?;
        Ok(self.cut_back(1))
    }
}

impl Model for List {
    type Undo = Undo;
    type Last = Contents;

    fn measure(&self) -> u64 {
        self.0.len() as u64
    }

    fn apply(&mut self, call: Call, answer: CallAnswer) -> Result<Undo, Reason> {
        match call {
            Call::Append(element) if answer != CallAnswer::Refused => {
                self.0.push_back(element);
                Ok(Undo::Append)
            }
            Call::Len
                if answer == CallAnswer::Length(self.measure())
                    || answer == CallAnswer::Unknown =>
            {
                Ok(Undo::Nothing)
            }
            Call::Get(index) => self.found(index, answer).map(|_| Undo::Nothing),
            Call::Set(index, element) => self.set(index, element, answer),
            Call::Pop => self.pop(answer),
            Call::TruncateFront(count) => Ok(self.cut_front(count)),
            Call::TruncateBack(count) => Ok(self.cut_back(count)),
            // A refused append is always possible, since the model knows nothing of the heap's
            // room.
            Call::Append(_) => Ok(Undo::Nothing),
            _ => Err(Reason::ALWAYS),
        }
    }

    fn take_back(&mut self, undo: Undo, reason: &mut Reason) {
        match undo {
            Undo::Nothing => {}
            Undo::Append => {
                self.0.pop_back();
                let len = self.measure();
                reason.retain(|constraint| constraint.index < len);
            }
            Undo::Set(at, old) => {
                self.0[at] = old;
                reason.retain(|constraint| constraint.index != at as u64);
            }
            Undo::Front(elements) => {
                reason.shift(elements.len() as u64);
                for element in elements.into_iter().rev() {
                    self.0.push_front(element);
                }
            }
            Undo::Back(elements) => self.0.extend(elements),
        }
    }

    fn did_nothing(undo: &Undo) -> bool {
        matches!(undo, Undo::Nothing)
    }

    fn is_still(&self, call: Call, answer: CallAnswer) -> bool {
        let len = self.measure();
        match (call, answer) {
            (_, CallAnswer::Unknown) => false,
            (Call::Append(_), answer) => answer == CallAnswer::Refused,
            (Call::Len, answer) => answer == CallAnswer::Length(len),
            (Call::Get(index), answer) => self.found(index, answer).is_ok(),
            (Call::Set(index, _), answer) => answer == CallAnswer::Refused && index >= len,
            (Call::Pop, answer) => answer == CallAnswer::Found(None) && len == 0,
            // A truncation that would remove nothing here may remove something if it comes later.
            (Call::TruncateFront(count) | Call::TruncateBack(count), _) => count == 0,
            (Call::Add(_) | Call::Read | Call::Write(_) | Call::Store(_) | Call::Load, _) => false,
        }
    }

    fn rests_on(&self, call: Call, answer: CallAnswer) -> Option<Constraint> {
        match call {
            Call::Get(index) => self.found(index, answer).ok().flatten(),
            _ => None,
        }
    }

    fn meets(&self, constraint: &Constraint) -> bool {
        (self.at(constraint.index) == Some(constraint.element)) == constraint.is_there
    }

    fn ends_as(&self, last: &Contents) -> Result<(), Reason> {
        if self.0.len() != last.len() {
            return Err(Reason::ALWAYS);
        }
        for (index, (&here, &found)) in (0..).zip(self.0.iter().zip(last)) {
            if found != Some(here) {
                // One mismatch is a reason. The one nearest the front was decided first.
                return Err(found.map_or(Reason::ALWAYS, |element| {
                    Reason::one(Constraint {
                        index,
                        element,
                        is_there: false,
                    })
                }));
            }
        }
        Ok(())
    }

    fn differs_from(&self, other: &Self) -> Result<(), Reason> {
        if self != other {
            return Ok(());
        }
        let constraints = (0..).zip(&self.0).map(|(index, &element)| Constraint {
            index,
            element,
            is_there: true,
        });
        Err(Reason::all(constraints))
    }

    fn describe(&self, calls: &[Call]) -> String {
        /// How many elements are always shown at either end.
        const SHOWN: usize = 3;
        let len = self.0.len();
        let mut told: Vec<usize> = (0..len.min(SHOWN))
            .chain(len.saturating_sub(SHOWN)..len)
            .collect();
        told.extend(calls.iter().filter_map(|call| match call {
            Call::Get(index) => usize::try_from(*index).ok().filter(|&index| index < len),
            _ => None,
        }));
        told.sort_unstable();
        told.dedup();
        let places: Vec<String> = told
            .iter()
            .map(|&at| format!("[{at}] {}", self.0[at]))
            .collect();
        match len {
            0 => "the list is empty".to_owned(),
            _ => format!("the list has {len} elements: {}", places.join(", ")),
        }
    }
}
