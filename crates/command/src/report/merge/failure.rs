//! Kinds of failures, and what is kept of each: the smallest case and the fastest.
//!
//! Both are minima of total orders in which only identical occurrences are equal, so the order in
//! which occurrences are added does not matter. Memory is bounded: for each kind, two cases of at
//! most [`crate::report::TURNS_MAX`] turns are kept. How often a kind was seen is counted by the
//! parts, because each part must count once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{How, LaneKey, PartKey};
use crate::result::{Seed, subject};

/// What failed, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FailureKind {
    /// The workload.
    pub workload: String,
    /// The heap's name.
    pub heap: String,
    /// The fault that was planted in it, if any.
    pub fault: Option<String>,
    /// In which way it failed.
    pub how: How,
}

impl FailureKind {
    /// A failure in a lane.
    pub(super) fn on(lane: &LaneKey, how: &How) -> Self {
        Self {
            workload: lane.workload.clone(),
            heap: lane.heap.clone(),
            fault: lane.fault.clone(),
            how: how.clone(),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = subject(&self.heap, self.fault.as_deref());
        write!(f, "{} on {subject}", self.workload)?;
        if !self.how.violated.is_empty() {
            write!(f, ": {}", self.how.violated.join(", "))?;
        }
        Ok(())
    }
}

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Occurrence {
    /// How many turns its case has; `None` if no case was kept, or if the case is only a recipe.
    pub turns: Option<u64>,
    /// How long it took, in nanoseconds: the time that the mutators ran, or the lifetime of the
    /// process if the round was not judged.
    pub elapsed_ns: u64,
    /// The seed of the round or run.
    #[serde(flatten)]
    pub seed: Seed,
    /// The number of the round in its soak; 0 for a run.
    pub round: u64,
    /// The part that it comes from.
    pub by: PartKey,
    /// The file that it was read from.
    pub from: String,
    /// More about it; may be empty.
    pub note: String,
    /// A command that repeats it.
    pub reproduce: String,
    /// The text of its case, if one was kept.
    pub case: Option<String>,
}

impl Occurrence {
    /// The sort key for the smallest. An occurrence whose case was kept comes before one that only
    /// states its number of turns.
    fn size(&self) -> (bool, u64, u64) {
        let turns = self.turns.unwrap_or(u64::MAX);
        (self.case.is_none(), turns, self.elapsed_ns)
    }

    fn is_smaller_than(&self, other: &Self) -> bool {
        (self.size(), self) < (other.size(), other)
    }

    fn is_faster_than(&self, other: &Self) -> bool {
        let speed = |occurrence: &Self| (occurrence.elapsed_ns, occurrence.size());
        (speed(self), self) < (speed(other), other)
    }
}

/// The failures that are kept of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extremes {
    /// The one whose case has the fewest turns.
    pub smallest: Occurrence,
    /// The one that took the least time.
    pub fastest: Occurrence,
}

impl Extremes {
    pub(super) fn of(only: Occurrence) -> Self {
        Self {
            smallest: only.clone(),
            fastest: only,
        }
    }

    pub(super) fn add(&mut self, occurrence: Occurrence) {
        if occurrence.is_faster_than(&self.fastest) {
            self.fastest = occurrence.clone();
        }
        if occurrence.is_smaller_than(&self.smallest) {
            self.smallest = occurrence;
        }
    }

    /// Whether this occurrence would be kept if its case could be read. If not, there is no need to
    /// read it.
    pub(super) fn may_keep(&self, occurrence: &Occurrence) -> bool {
        let (_, turns, elapsed_ns) = occurrence.size();
        (false, turns, elapsed_ns) <= self.smallest.size() || elapsed_ns <= self.fastest.elapsed_ns
    }

    /// Both with their labels, or one if they are the same.
    pub fn each(&self) -> Vec<(&'static str, &Occurrence)> {
        if self.smallest == self.fastest {
            vec![("smallest and fastest", &self.smallest)]
        } else {
            vec![("smallest", &self.smallest), ("fastest", &self.fastest)]
        }
    }
}

/// A kind and the failures that are kept of it, as in the file.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeptFailure {
    /// What failed, and how.
    pub kind: FailureKind,
    /// The one whose case has the fewest turns.
    pub smallest: Occurrence,
    /// The one that took the least time.
    pub fastest: Occurrence,
}

impl KeptFailure {
    pub(super) fn of((kind, extremes): (&FailureKind, &Extremes)) -> Self {
        Self {
            kind: kind.clone(),
            smallest: extremes.smallest.clone(),
            fastest: extremes.fastest.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::merge::samples::occurrence;

    /// Goal: the case with the fewest turns and the fastest one are kept, and one whose case was
    /// kept comes first; whether an occurrence may be kept is known before its case is read.
    #[test]
    fn the_smallest_and_the_fastest_stay() {
        let one = |turns, elapsed_ns, has_case: bool| Occurrence {
            turns,
            elapsed_ns,
            case: has_case.then(|| "a case".to_owned()),
            ..occurrence(1)
        };
        let small = one(Some(5), 900, true);
        let fast = one(Some(50), 100, true);
        let told = one(Some(3), 500, false);
        let recipe = one(None, 400, true);
        let mut kept = Extremes::of(told.clone());
        assert!(kept.may_keep(&one(Some(5), 900, false)));
        for occurrence in [&recipe, &small, &fast, &told] {
            kept.add(occurrence.clone());
        }
        assert_eq!((&kept.smallest, &kept.fastest), (&small, &fast));
        assert_eq!(kept.each().len(), 2);
        assert!(!kept.may_keep(&one(Some(6), 101, false)));
        assert!(kept.may_keep(&one(Some(6), 100, false)));
        assert!(kept.may_keep(&one(Some(4), 9000, false)));
        assert_eq!(Extremes::of(fast).each().len(), 1);
    }
}
