//! `merge`: adds up the results of many machines.
//!
//! A *part* is what one writer wrote: the journal of one soak, or the result of one run. It is kept
//! as sums by lane, so its size does not depend on the length of the soak. A [`Merged`] is a set of
//! parts and the failures seen in any of them, and merging is the *join* of two such sets. Files
//! are collected from machines repeatedly, in any order, and some of them twice. None of this
//! changes the outcome, because the join is associative, commutative and idempotent:
//!
//! * Parts are joined by [`PartKey`], and of two with one key the one with more rounds stays. A
//!   journal is append-only, so of two copies the longer contains the shorter: nothing is lost and
//!   nothing is counted twice. If two of one length differ, the one whose text compares greater
//!   stays. This is the maximum of a total order, and a maximum is associative, commutative and
//!   idempotent whatever the order means.
//! * Of each kind of failure the smallest case and the fastest stay. These are minima of total
//!   orders ([`failure`]) over all failures ever seen, including those of parts that were replaced.
//! * Everything else is derived from that and never read back: sums over parts, and counts of
//!   failures. For this reason parts are kept apart: when a longer copy of a part arrives, the
//!   contribution of the shorter one has to be taken out again.
//!
//! The key of a soak is its seed, its shard *and when it began*. Two soaks of one seed and shard on
//! two machines make the same rounds, but with other interleavings and other times, so neither
//! contains the other. Both count, and a note says so. (If a journal was copied and both copies
//! were *continued*, they have the same key: the longer one counts, and the failures of both are
//! kept.)
//!
//! Parts that do not belong together are refused by name ([`Belonging`]). Each part states facts,
//! and no fact may have two values. Whether one has is a property of the set of all parts. A part
//! states the same facts as the longer copy that replaces it, so a refusal does not depend on the
//! order either.
//!
//! Sums add counts in histograms with the same bounds, which loses nothing
//! ([`crate::evidence::Sum`]): percentiles are those of all operations together, not averages of
//! percentiles. How a heap ages shows in consecutive rounds, so each soak judges that for itself,
//! and its judgement is kept.

mod belonging;
pub mod failure;
mod gather;
mod html;
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

pub use belonging::{Belonging, Disagreement};
pub use failure::{FailureKind, KeptFailure, Occurrence};
pub use gather::{Gathering, of_run};
pub use html::html;
pub use markdown::markdown;
pub use page::page;
pub use part::{How, LaneKey, LaneSum, Lost, Part, PartKey};
pub use total::{Total, Totals};

use crate::evidence::{Room, Sum};
use failure::Extremes;

/// The version of the file format.
pub const SCHEMA: u32 = 1;
/// The `kind` that tells these files from others.
pub const KIND: &str = "merged";

/// A set of parts, and the failures that were seen in any of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    parts: BTreeMap<PartKey, Part>,
    failures: BTreeMap<FailureKind, Extremes>,
}

impl Merged {
    /// The parts, in the order of their keys.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.values()
    }

    /// The smallest and the fastest failure of each kind.
    pub fn failures(&self) -> impl Iterator<Item = (&FailureKind, &Extremes)> {
        self.failures.iter()
    }

    /// The join of both. They must belong together, which [`Belonging::admit`] checks.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        for (_, part) in other.parts {
            self.add_part(part);
        }
        for (kind, extremes) in other.failures {
            self.add_occurrence(kind.clone(), extremes.smallest);
            self.add_occurrence(kind, extremes.fastest);
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

    pub(super) fn add_occurrence(&mut self, kind: FailureKind, occurrence: Occurrence) {
        match self.failures.get_mut(&kind) {
            Some(extremes) => extremes.add(occurrence),
            None => {
                self.failures.insert(kind, Extremes::of(occurrence));
            }
        }
    }

    /// All parts added together.
    ///
    /// # Errors
    ///
    /// A histogram in one of them cannot be read.
    pub fn totals(&self) -> Result<Totals, String> {
        Totals::of(self)
    }

    /// The contents of the file: the parts, and the totals for programs that do not add up parts.
    pub fn document<'m>(&'m self, totals: &'m Totals) -> Document<'m> {
        Document {
            schema: SCHEMA,
            kind: KIND,
            verdict: totals.verdict().name(),
            lanes: &totals.lanes,
            notes: &totals.notes,
            failures: self.failures.iter().map(KeptFailure::of).collect(),
            parts: self.parts().collect(),
        }
    }

    /// Reads what [`Self::document`] wrote.
    ///
    /// # Errors
    ///
    /// The text is something else or of another version, or a histogram in it cannot be read; with
    /// the line, if it is known.
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
            merged.add_occurrence(failure.kind.clone(), failure.smallest);
            merged.add_occurrence(failure.kind, failure.fastest);
        }
        Ok(merged)
    }
}

/// The contents of the file.
#[derive(Debug, Serialize)]
pub struct Document<'m> {
    schema: u32,
    kind: &'static str,
    verdict: &'static str,
    lanes: &'m [Total],
    notes: &'m [String],
    failures: Vec<KeptFailure>,
    parts: Vec<&'m Part>,
}

/// The fields that are read back.
#[derive(Deserialize)]
struct Stored {
    schema: u32,
    kind: String,
    failures: Vec<KeptFailure>,
    parts: Vec<Part>,
}
