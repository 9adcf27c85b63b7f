//! The exact reference model: a sequential heap without counts, memory or a collector.
//!
//! The model replays what a heap did on one thread (a [`Trace`]), turn by turn. The answers of
//! operations and the contents of registers, roots and objects must be exactly those of the model.
//! The heap chooses when objects die, within bounds: nothing reachable may die, and once the heap
//! has settled, nothing unreachable may be alive. So the model takes from the trace which objects
//! died and whose finalizers ran, checks that this was allowed, and goes on from there. If several
//! objects are resurrected in one root, the last one stays there, and the heap chooses the order;
//! the model takes that from the trace as well.
//!
//! A finding is named after the check that would report it in a run.

mod answers;
mod end;
mod events;
mod makers;
mod race;
mod state;
mod steps;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::check;
use crate::evidence::{Broke, Trace};
use crate::heap::Defect;
use crate::plan::Case;

use super::sighting::taken_up_by;
pub use race::judge_race;
use state::Model;

/// The name of a finding that no check reports: the heap panicked, or could not be used at all.
pub const CRASHED: &str = "crashed";

/// The name of a finding that no check reports: the case did not come to an end.
pub const HUNG: &str = "hung";

/// What says what a heap did wrong: a check, [`CRASHED`] or [`HUNG`].
type Accuser = &'static str;

/// What a heap did wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check that says so.
    #[serde(deserialize_with = "known")]
    pub check: Accuser,
    /// The number of the turn in which it showed, from 1; `None` if it showed at the end.
    pub turn: Option<usize>,
    /// What is wrong, in words.
    pub text: String,
}

fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Accuser, D::Error> {
    let name = String::deserialize(from)?;
    let all = check::ALL.iter().map(|check| check.name);
    let found = all.chain([CRASHED, HUNG]).find(|known| *known == name);
    found.ok_or_else(|| serde::de::Error::custom(format!("no check is called {name}")))
}

impl Finding {
    /// A finding about a heap that took its process with it, or was given up: nobody knows in which
    /// turn.
    pub fn of_lost(check: Accuser, text: String) -> Self {
        Self {
            check,
            turn: None,
            text,
        }
    }

    /// Whether the heap could not go on.
    pub fn is_crash(&self) -> bool {
        [CRASHED, HUNG].contains(&self.check)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, turn, text } = self;
        match turn {
            Some(turn) => write!(f, "{check}: in turn {turn}: {text}"),
            None if self.is_crash() => write!(f, "{check}: {text}"),
            None => write!(f, "{check}: at the end: {text}"),
        }
    }
}

/// When unreachable objects must die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deaths {
    /// At any time that the heap chooses, but before it has settled.
    InTime,
    /// As under plain reference counting: in the turn that removes the last reference. Cycles must
    /// die at the latest in the next collection that the program asks for.
    AtOnce,
}

/// The first thing that a heap did wrong, if any; objects may die at any time.
pub fn judge(case: &Case, trace: &Trace) -> Option<Finding> {
    judge_deaths(case, trace, Deaths::InTime)
}

/// The first thing that a heap did wrong, if any, where objects must die as `deaths` says.
pub fn judge_deaths(case: &Case, trace: &Trace, deaths: Deaths) -> Option<Finding> {
    let mut model = Model::new(case, trace.caps);
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
    let wrong = wrong.or_else(|| broke(trace)).or_else(|| {
        let wrong = model.follow(events).and_then(|()| model.end(trace));
        wrong.err().map(|wrong| wrong.at_the_end())
    });
    wrong.map(|finding| finding.with_makers(case))
}

/// Why the case ended early, if it did.
fn broke(trace: &Trace) -> Option<Finding> {
    let wrong = match trace.broke.as_ref()? {
        Broke::Defect(defect) | Broke::Unseated(defect) => Wrong::defect(defect),
        Broke::Panicked(message) => Wrong::new(CRASHED, format!("the heap panicked: {message}")),
    };
    // A turn that did not return has no step, so the failing turn is the one after the last step.
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
