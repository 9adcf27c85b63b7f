//! What was found while all mutators were stopped: the heap as they see it, compared with the
//! ledger.
//!
//! A survey is made by walking from every register and shared root through the mutator interface.
//! It describes the first few findings of each kind and counts the rest.

use serde::{Deserialize, Serialize};

use super::history::Element;
use crate::heap::Census;

/// How many findings of a kind are kept in words.
const SAMPLES: usize = 5;

/// When a survey was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// At a pause of all mutators.
    Pause,
    /// After the last operation, registers and shared roots as they were left.
    End,
    /// After all registers and roots were cleared and the mutators had left: nothing is reachable.
    Teardown,
}

impl Moment {
    /// Whether registers and shared roots were still there to walk from.
    pub fn has_roots(self) -> bool {
        self != Self::Teardown
    }
}

/// Observations of one kind that a correct heap never causes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomalies {
    /// How many.
    pub count: u64,
    /// The first few, in words.
    pub first: Vec<String>,
}

impl Anomalies {
    /// Adds another's.
    pub fn extend(&mut self, other: &Self) {
        self.count += other.count;
        let room = SAMPLES.saturating_sub(self.first.len());
        self.first.extend(other.first.iter().take(room).cloned());
    }

    /// Adds one; `describe` is only called while there is room.
    pub fn add(&mut self, describe: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < SAMPLES {
            self.first.push(describe());
        }
    }
}

/// What a survey found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// When.
    pub moment: Moment,
    /// After how many operations, over all mutators.
    pub ops: u64,
    /// How long it took, in nanoseconds.
    pub elapsed_ns: u64,
    /// Objects born until then.
    pub born: u64,
    /// Objects dead by then.
    pub dead: u64,
    /// Objects alive before the heap was asked to reclaim what it can, or at the end when the first
    /// mutator was done, if those were more; unknown at teardown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<u64>,
    /// How long the heap was settled before anything was looked at, in nanoseconds: a part of
    /// `elapsed_ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling_ns: Option<u64>,
    /// Objects reached.
    pub reachable: u64,
    /// References followed to them, roots included.
    pub references: u64,
    /// References that lead to no living object.
    pub dangling: Anomalies,
    /// Objects reached although their tag was dropped.
    pub premature: Anomalies,
    /// Objects not reached although their tag was not dropped, after settling.
    pub unreachable: Anomalies,
    /// Deaths of objects that were dead already.
    pub double_deaths: Anomalies,
    /// Finalizers that ran.
    pub finalized: u64,
    /// Finalizers that ran a second time, on a dead object, or on an object that has none.
    pub stray_finalizations: Anomalies,
    /// Deaths of objects whose finalizer had not run.
    pub unfinalized_deaths: Anomalies,
    /// Weak references that were tried.
    pub weak_tried: u64,
    /// Weak references that were upgraded although they should have been cleared, or the other way
    /// around.
    pub miscleared: Anomalies,
    /// Reached objects whose stored count was compared; 0 without a census.
    pub counts_compared: u64,
    /// Reached objects whose stored count differs from the references found.
    pub miscounted: Anomalies,
    /// Those of them whose stored count is less than the references found: no garbage that still
    /// refers to them explains it.
    #[serde(default)]
    pub undercounted: Anomalies,
    /// What the heap says it holds.
    pub census: Option<Census>,
    /// The shared lists, by number in the plan.
    pub lists: Vec<ListFacts>,
    /// The shared counters.
    pub counters: Vec<CounterFacts>,
    /// Why the walk could not be completed, if it could not; then `unreachable`, `miscounted` and
    /// `undercounted` are empty, since they would blame the heap for objects that were merely not
    /// visited.
    pub incomplete: Option<String>,
    /// The window of the history that begins with it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<u64>,
    /// What settling the heap failed with.
    #[serde(rename = "settle_fault")]
    pub settle_defect: Option<String>,
}

impl Survey {
    /// A survey that has found nothing yet.
    pub fn new(moment: Moment, ops: u64) -> Self {
        Self {
            moment,
            ops,
            elapsed_ns: 0,
            born: 0,
            dead: 0,
            unsettled: None,
            settling_ns: None,
            reachable: 0,
            references: 0,
            dangling: Anomalies::default(),
            premature: Anomalies::default(),
            unreachable: Anomalies::default(),
            double_deaths: Anomalies::default(),
            finalized: 0,
            stray_finalizations: Anomalies::default(),
            unfinalized_deaths: Anomalies::default(),
            weak_tried: 0,
            miscleared: Anomalies::default(),
            counts_compared: 0,
            miscounted: Anomalies::default(),
            undercounted: Anomalies::default(),
            census: None,
            lists: Vec::new(),
            counters: Vec::new(),
            incomplete: None,
            opens: None,
            settle_defect: None,
        }
    }
}

/// What was found in one shared list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFacts {
    /// The list's number in the plan.
    pub object: usize,
    /// What `len` said.
    pub len: u64,
    /// Elements found by asking for each index below that.
    pub elements: u64,
    /// Indices below `len` at which there was nothing.
    pub missing: u64,
    /// The mutators' tallies at that moment, added up: what went in …
    pub appended: u64,
    /// … what the heap refused to take …
    pub refused: u64,
    /// … what was popped …
    pub popped: u64,
    /// … for the second time, though nothing gets into the list more than once …
    #[serde(default)]
    pub popped_again: Anomalies,
    /// … and what truncations were asked to remove, at most.
    pub truncation_asked: u64,
    /// Elements in it that had been popped, though nothing gets into the list more than once.
    #[serde(default)]
    pub left_behind: Anomalies,
    /// The length by the model of the only mutator that changes the list, if there is only one.
    pub model_len: Option<u64>,
    /// Whose elements they are, by mutator number.
    pub producers: Vec<ProducerFacts>,
    /// The elements themselves, in order, if a history was recorded that may contain all of them;
    /// `None` among them where nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Vec<Option<Element>>>,
}

/// The elements of one producer in one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerFacts {
    /// The mutator's number.
    pub producer: u32,
    /// How many of its elements were found.
    pub found: u64,
    /// The sequence number of the last one.
    pub last: u64,
    /// Places where a later element stands before an earlier one, or one stands twice.
    pub inversions: Anomalies,
    /// Places where elements are missing between two neighbours of this producer.
    pub gaps: Anomalies,
    /// How many objects the producer has made in all.
    pub born: u64,
}

/// What was found in one shared counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterFacts {
    /// The counter's number in the plan.
    pub object: usize,
    /// Its value.
    pub value: i64,
    /// Additions, over all mutators.
    pub additions: u64,
    /// The sum of what they added; wrapping.
    pub sum: i64,
}
