//! What a case did on one thread, operation by operation: every answer, every death, and the state
//! at the end.
//!
//! Nothing in it depends on addresses or on time, so the same case on the same heap leaves the same
//! trace, and traces can be compared by their [digests](Trace::digest).

use serde::{Deserialize, Serialize};

use super::{Anomalies, Name, Picture};
use crate::digest::Digest;
use crate::heap::{Caps, Census, Defect};

/// What a case did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// What the heap said it can do.
    pub caps: Caps,
    /// One for each turn that was done, those of the setup first.
    pub steps: Vec<TraceStep>,
    /// Deaths, finalizations and resurrections, in order.
    pub events: Vec<ObjectEvent>,
    /// Why it ended early, if it did.
    pub broke: Option<Broke>,
    /// What was there when all turns were done and the heap had settled.
    pub settled: Option<Settled>,
    /// What was left when all registers and roots were cleared and the mutators had detached.
    pub emptied: Option<Emptied>,
}

/// What one turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStep {
    /// What the operation answered.
    pub answer: Answer,
    /// What the register that it changes, or that it peeks into, leads to afterwards.
    pub seen: Seen,
}

/// What an operation answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The operation has no answer.
    Nothing,
    /// Whether it did what it was asked to do.
    Found(bool),
    /// A length.
    Length(u64),
    /// A counter's value.
    Value(i64),
    /// There was no room for another object.
    NoRoom,
}

/// What a register leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// The register was not looked at.
    Unseen,
    /// Nothing, or a weak reference.
    Empty,
    /// An object.
    Object(Name),
    /// An object of another run, or one whose ledger entry was recycled: not a valid reference.
    Stranger,
    /// A reference that the heap recognises as broken.
    Stale,
}

/// Something that happened to an object, noticed after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectEvent {
    /// After how many turns it was noticed; settling counts as one more.
    pub after: u32,
    /// What.
    pub what: Happening,
}

/// What can happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// Its finalizer ran.
    Finalized(Name),
    /// It died.
    Died(Name),
    /// What a root was found to lead to, after finalizers ran.
    Root(u16, Seen),
}

/// Why a case ended early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Broke {
    /// The heap recognised that it is broken.
    #[serde(rename = "Fault")]
    Defect(Defect),
    /// The heap did not let a mutator in.
    Unseated(Defect),
    /// The heap panicked.
    Panicked(String),
}

/// What was there when all turns were done and the heap had settled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The abstract state.
    pub picture: Picture,
    /// References that lead to no living object.
    pub dangling: Anomalies,
    /// Objects reached although their tag was dropped.
    pub premature: Anomalies,
    /// Why the walk could not be completed.
    pub incomplete: Option<String>,
    /// The upgrades of registers that succeeded: mutator, register, what the upgrade led to.
    pub upgrades: Vec<(u32, u32, Seen)>,
    /// The stored counts of living objects; empty if the heap has no census.
    pub counts: Vec<(Name, u64)>,
    /// The heap's census.
    pub census: Option<Census>,
    /// What settling failed with.
    #[serde(rename = "fault")]
    pub defect: Option<Defect>,
}

/// What was left when nothing was reachable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    /// Objects that were not dead.
    pub alive: Vec<Name>,
    /// Deaths of objects that were dead already.
    pub died_twice: u64,
    /// Finalizers that ran a second time, on a dead object, or on an object that has none.
    pub finalized_twice: u64,
    /// Deaths of objects whose finalizer had not run.
    pub unfinalized: u64,
    /// The heap's census.
    pub census: Option<Census>,
    /// What settling failed with.
    #[serde(rename = "fault")]
    pub defect: Option<Defect>,
}

impl Trace {
    /// The empty trace of a heap with these abilities.
    pub fn of(caps: Caps) -> Self {
        Self {
            caps,
            steps: Vec::new(),
            events: Vec::new(),
            broke: None,
            settled: None,
            emptied: None,
        }
    }

    /// A digest of all of it: equal for equal traces.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).expect("plain data can be written");
        Digest::EMPTY.and(&text).to_string()
    }
}
