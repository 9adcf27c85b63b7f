//! The exact reference: a heap without counts, memory or a collector, which does one thing at a
//! time.
//!
//! It reads what a heap did on one thread (a [`Trace`]) and does the same, turn by turn. What
//! operations answer and what registers, roots and objects hold must be exactly as in the model.
//! When objects die is up to the heap, within bounds: nothing reachable may die, and once the heap
//! has settled nothing unreachable may be alive. So the model takes from the trace which objects
//! died and whose finalizers ran, checks that this was allowed, and goes on from there. The same
//! holds where several objects are resurrected in one root: the last one wins, and the heap chooses
//! the order.
//!
//! A finding is named after the check that would report it in a run.

mod answers;
mod end;
mod events;
mod race;
mod state;
mod steps;

use std::fmt;

use crate::evidence::{Broke, Trace};
use crate::heap::Defect;
use crate::plan::Case;

use super::sighting::taken_up_by;
pub use race::judge_race;
use state::Model;

/// The name of a finding that no check makes: the heap panicked, or could not be used at all.
pub const CRASHED: &str = "crashed";

/// What a heap did wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check that says so.
    pub check: &'static str,
    /// After how many turns it showed; `None`: at the end.
    pub turn: Option<usize>,
    /// What, in words.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, turn, text } = self;
        match turn {
            Some(turn) => write!(f, "{check}: in turn {turn}: {text}"),
            None => write!(f, "{check}: at the end: {text}"),
        }
    }
}

/// When objects die that nothing refers to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deaths {
    /// When the heap sees fit, but before it has settled.
    InTime,
    /// At once, as under plain reference counting; and what cannot be reached, at the latest in a
    /// collection that a program asks for.
    AtOnce,
}

/// The first thing that a heap did wrong, if any.
pub fn judge(case: &Case, trace: &Trace) -> Option<Finding> {
    judge_deaths(case, trace, Deaths::InTime)
}

/// The first thing that a heap did wrong, if any, where objects must die in time.
pub fn judge_deaths(case: &Case, trace: &Trace, deaths: Deaths) -> Option<Finding> {
    let mut model = Model::new(case);
    let mut events = trace.events.as_slice();
    let mut turns = case.all_turns().zip(&trace.steps).enumerate();
    let wrong = turns.find_map(|(number, (turn, step))| {
        let after = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let happened = events::until(&mut events, after);
        model.foresee(happened);
        let wrong = model
            .step(turn, step)
            .err()
            .or_else(|| model.follow(happened).err())
            .or_else(|| match deaths {
                Deaths::InTime => None,
                Deaths::AtOnce => model.late(turn.op).err(),
            });
        wrong.map(|wrong| wrong.at(number + 1))
    });
    wrong.or_else(|| broke(trace)).or_else(|| {
        let wrong = model.follow(events).and_then(|()| model.end(trace));
        wrong.err().map(|wrong| wrong.at_the_end())
    })
}

/// Why the case ended early, if it did.
fn broke(trace: &Trace) -> Option<Finding> {
    let wrong = match trace.broke.as_ref()? {
        Broke::Defect(defect) | Broke::Unseated(defect) => Wrong::defect(defect),
        Broke::Panicked(message) => Wrong::new(CRASHED, format!("it panicked: {message}")),
    };
    // The end begins where all turns are done.
    Some(match &trace.settled {
        None => wrong.at(trace.steps.len() + 1),
        Some(_) => wrong.at_the_end(),
    })
}

/// A finding without the turn in which it showed.
#[derive(Debug)]
struct Wrong {
    check: &'static str,
    text: String,
}

impl Wrong {
    fn new(check: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { check, text }
    }

    /// A defect that the heap reports.
    fn defect(defect: &Defect) -> Self {
        Self::new(taken_up_by(defect), defect.to_string())
    }

    fn at(self, turn: usize) -> Finding {
        Finding {
            check: self.check,
            turn: Some(turn),
            text: self.text,
        }
    }

    fn at_the_end(self) -> Finding {
        Finding {
            check: self.check,
            turn: None,
            text: self.text,
        }
    }
}
