//! `merge`: what many machines found, added together.
//!
//! A *part* is what one writer wrote: the journal of one soak, or the result of one run. It is kept as
//! sums by lane, so what it takes does not depend on how many hours it went on. A [`Merged`] is a set of
//! parts and the failures seen in any of them, and to merge is to *join* two of these. Whoever collects
//! files from machines does so again and again, in any order, and has some of them twice; so it must not
//! matter. It does not, since the join is associative, commutative and idempotent:
//!
//! * Parts are joined by [`Key`], and of two with one key the one with more rounds stays. A journal is only
//!   ever appended to, so of two copies that were made at different times the longer holds all that the
//!   shorter does, and nothing is lost and nothing counted twice. Should two of one length differ, the one
//!   whose text comes later stays: that is the maximum of a total order, and a maximum is associative,
//!   commutative and idempotent, whatever the order means.
//! * Of each kind of failure the smallest case and the fastest stay, which are minima of total orders
//!   ([`failure`]), over everything that was ever seen: also in a part that was not the longest.
//! * Everything else is worked out of that and never read back: sums over parts, and counts of failures.
//!   That is why parts are kept apart, in place of one sum of all: when a longer copy of a part comes along,
//!   what the shorter one contributed has to be taken out again, and nobody could say what that was.
//!
//! The key of a soak is its seed and its shard, *and when it began*. The seed alone would not do. Two
//! soaks of one seed and shard on two machines make the same rounds, but threads meet differently in them
//! and times are others: neither contains the other. Both count, and a note says so. (One journal that
//! was copied and *then gone on with in both places* is not told from one that was copied: the longer of the
//! two counts. Failures of both are kept.)
//!
//! What does not belong together is refused by name ([`Belonging`]). Each part states facts, and no fact
//! may have two values. Whether one has is a property of the set of all parts; and as a part that gives
//! way to a longer one states the same facts, what is refused does not depend on the order either.
//!
//! Sums are of counts in histograms with the same bounds, so nothing is lost by them
//! ([`crate::evidence::Sum`]): percentiles are those of all operations together, not averages of
//! percentiles. How a heap ages is told by rounds that follow each other, and is judged by each soak for
//! itself; what it came to is kept.

mod belonging;
pub mod failure;
mod gather;
#[cfg(test)]
mod laws;
mod markdown;
mod page;
mod part;
#[cfg(test)]
mod samples;
mod shards;
mod total;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use belonging::{Belonging, Mismatch};
pub use failure::{Failure, Kind, Sighting};
pub use gather::{Gathering, of_run};
pub use markdown::markdown;
pub use page::page;
pub use part::{How, Key, Lane, LaneSum, Lost, Part};
pub use total::{Total, Totals};

use crate::evidence::{Room, Sum};
use failure::Sightings;

/// The version of the form in which it is written.
pub const SCHEMA: u32 = 1;
/// What tells it from other files.
pub const KIND: &str = "merged";

/// Parts, and failures seen in any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    parts: BTreeMap<Key, Part>,
    failures: BTreeMap<Kind, Sightings>,
}

impl Merged {
    /// The parts, in the order of their keys.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.values()
    }

    /// The smallest and the fastest of each kind of failure.
    pub fn failures(&self) -> impl Iterator<Item = (&Kind, &Sightings)> {
        self.failures.iter()
    }

    /// Both together. They must belong together: see [`Belonging::admit`].
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        for (_, part) in other.parts {
            self.add_part(part);
        }
        for (kind, sightings) in other.failures {
            self.add_sighting(kind.clone(), sightings.smallest);
            self.add_sighting(kind, sightings.fastest);
        }
        self
    }

    pub(super) fn add_part(&mut self, part: Part) {
        match self.parts.get_mut(&part.key) {
            Some(own) if part.outdoes(own) => *own = part,
            Some(_) => {}
            None => {
                self.parts.insert(part.key.clone(), part);
            }
        }
    }

    pub(super) fn add_sighting(&mut self, kind: Kind, sighting: Sighting) {
        match self.failures.get_mut(&kind) {
            Some(sightings) => sightings.add(sighting),
            None => {
                self.failures.insert(kind, Sightings::of(sighting));
            }
        }
    }

    /// All parts added together.
    ///
    /// # Errors
    ///
    /// A histogram in one of them is none.
    pub fn totals(&self) -> Result<Totals, String> {
        Totals::of(self)
    }

    /// What is written of it: with its totals, for whoever wants those and not the parts.
    pub fn document<'m>(&'m self, totals: &'m Totals) -> Document<'m> {
        Document {
            schema: SCHEMA,
            kind: KIND,
            verdict: totals.verdict().name(),
            lanes: &totals.lanes,
            notes: &totals.notes,
            failures: self.failures.iter().map(Failure::of).collect(),
            parts: self.parts().collect(),
        }
    }

    /// Reads what [`Self::document`] wrote.
    ///
    /// # Errors
    ///
    /// It is something else, or of another version, or a histogram in it is none: with the line, if that
    /// is known.
    pub fn read(text: &[u8], room: &mut Room) -> Result<Self, (Option<usize>, String)> {
        let stored: Stored = serde_json::from_slice(text)
            .map_err(|error| (Some(error.line()), error.to_string()))?;
        if (stored.schema, stored.kind.as_str()) != (SCHEMA, KIND) {
            let (kind, schema) = (stored.kind, stored.schema);
            let what = format!("it is `{kind}` of version {schema}, not `{KIND}` of {SCHEMA}");
            return Err((None, what));
        }
        let mut merged = Self::default();
        for part in stored.parts {
            let packed = part.lanes.iter().flat_map(|lane| lane.service.values());
            for packed in packed {
                let read = Sum::default().add(packed, room);
                read.map_err(|what| (None, format!("a histogram of {}: {what}", part.key)))?;
            }
            merged.add_part(part);
        }
        for failure in stored.failures {
            merged.add_sighting(failure.kind.clone(), failure.smallest);
            merged.add_sighting(failure.kind, failure.fastest);
        }
        Ok(merged)
    }
}

/// What is written.
#[derive(Debug, Serialize)]
pub struct Document<'m> {
    schema: u32,
    kind: &'static str,
    verdict: &'static str,
    lanes: &'m [Total],
    notes: &'m [String],
    failures: Vec<Failure>,
    parts: Vec<&'m Part>,
}

/// What is read back of that.
#[derive(Deserialize)]
struct Stored {
    schema: u32,
    kind: String,
    failures: Vec<Failure>,
    parts: Vec<Part>,
}
