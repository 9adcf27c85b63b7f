//! Kinds of failures, and what is kept of each: the smallest case and the fastest.
//!
//! Which is the smallest is said by an order in which no two sightings are equal unless they are the same,
//! and likewise which is the fastest; so whatever comes in which order, the same two stay. What is kept is
//! bounded by the number of kinds: two cases each, of at most [`crate::report::TURNS_MAX`] turns. How often
//! a kind was seen is not kept here: parts count that, and a part counts once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{How, Key};
use crate::result::subject;

/// What failed, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kind {
    /// The workload.
    pub workload: String,
    /// The heap's name.
    pub heap: String,
    /// The fault that was planted in it, if any.
    pub fault: Option<String>,
    /// What it came to.
    pub how: How,
}

impl fmt::Display for Kind {
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
pub struct Sighting {
    /// How many turns its case has; `None` if none is kept, or if that is a recipe.
    pub turns: Option<u64>,
    /// How long it took: for what came to its end how long mutators ran, for what was lost how long its
    /// process lasted, in nanoseconds.
    pub elapsed_ns: u64,
    /// From which seed.
    pub seed: u64,
    /// Which round of a soak.
    pub round: u64,
    /// Who made it.
    pub by: Key,
    /// Where that was read.
    pub from: String,
    /// What is said of it besides; empty if nothing.
    pub note: String,
    /// A line that does it again.
    pub reproduce: String,
    /// The text of its case, if one was kept.
    pub case: Option<String>,
}

impl Sighting {
    /// The less, the smaller. A case that is there is worth more than one that is told to be small.
    fn size(&self) -> (bool, u64, u64) {
        let turns = self.turns.unwrap_or(u64::MAX);
        (self.case.is_none(), turns, self.elapsed_ns)
    }

    fn is_smaller_than(&self, other: &Self) -> bool {
        (self.size(), self) < (other.size(), other)
    }

    fn is_faster_than(&self, other: &Self) -> bool {
        let speed = |sighting: &Self| (sighting.elapsed_ns, sighting.size());
        (speed(self), self) < (speed(other), other)
    }
}

/// What is kept of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sightings {
    /// The one whose case has the fewest turns.
    pub smallest: Sighting,
    /// The one that took the least time.
    pub fastest: Sighting,
}

impl Sightings {
    pub(super) fn of(only: Sighting) -> Self {
        Self {
            smallest: only.clone(),
            fastest: only,
        }
    }

    pub(super) fn add(&mut self, sighting: Sighting) {
        if sighting.is_faster_than(&self.fastest) {
            self.fastest = sighting.clone();
        }
        if sighting.is_smaller_than(&self.smallest) {
            self.smallest = sighting;
        }
    }

    /// Whether one like this may be kept if its case is there: else nobody need read that.
    pub(super) fn may_keep(&self, sighting: &Sighting) -> bool {
        let (_, turns, elapsed_ns) = sighting.size();
        (false, turns, elapsed_ns) <= self.smallest.size() || elapsed_ns <= self.fastest.elapsed_ns
    }

    /// Both, by name, or one where they are the same.
    pub fn each(&self) -> Vec<(&'static str, &Sighting)> {
        if self.smallest == self.fastest {
            vec![("smallest and fastest", &self.smallest)]
        } else {
            vec![("smallest", &self.smallest), ("fastest", &self.fastest)]
        }
    }
}

/// A kind and what is kept of it, as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What failed, and how.
    pub kind: Kind,
    /// The one whose case has the fewest turns.
    pub smallest: Sighting,
    /// The one that took the least time.
    pub fastest: Sighting,
}

impl Failure {
    pub(super) fn of((kind, sightings): (&Kind, &Sightings)) -> Self {
        Self {
            kind: kind.clone(),
            smallest: sightings.smallest.clone(),
            fastest: sightings.fastest.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::merge::samples::sighting;

    /// Goal: fewer turns are smaller, less time is faster, and a case that is there comes before one that
    /// is not; which one may be kept is known before its case is read.
    #[test]
    fn the_smallest_and_the_fastest_stay() {
        let one = |turns, elapsed_ns, has_case: bool| Sighting {
            turns,
            elapsed_ns,
            case: has_case.then(|| "a case".to_owned()),
            ..sighting(1)
        };
        let small = one(Some(5), 900, true);
        let fast = one(Some(50), 100, true);
        let told = one(Some(3), 500, false);
        let recipe = one(None, 400, true);
        let mut kept = Sightings::of(told.clone());
        assert!(kept.may_keep(&one(Some(5), 900, false)));
        for sighting in [&recipe, &small, &fast, &told] {
            kept.add(sighting.clone());
        }
        assert_eq!((&kept.smallest, &kept.fastest), (&small, &fast));
        assert_eq!(kept.each().len(), 2);
        assert!(!kept.may_keep(&one(Some(6), 101, false)));
        assert!(kept.may_keep(&one(Some(6), 100, false)));
        assert!(kept.may_keep(&one(Some(4), 9000, false)));
        assert_eq!(Sightings::of(fast).each().len(), 1);
    }
}
