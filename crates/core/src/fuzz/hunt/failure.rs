//! One failure of a hunt, and when two failures are the same.

use serde::Serialize;

use crate::fuzz::model::Finding;
use crate::plan::Case;

/// One failure, shrunk.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The smallest case that fails.
    #[serde(serialize_with = "as_text")]
    pub case: Case,
    /// The check that failed.
    pub check: String,
    /// What that check reported.
    pub text: String,
    /// The case's number among those of the seed, from 0.
    pub number: u64,
    /// How many turns the case had before it was shrunk.
    pub turns_found: usize,
    /// How many mutators it had before it was shrunk.
    pub mutators_found: usize,
    /// How many cases were tried to shrink it.
    pub tried: u64,
    /// How long the shrinking took, in nanoseconds.
    pub shrink_ns: u64,
    /// Whether shrinking ended because time was up.
    pub is_cut_short: bool,
    /// How often the shrunk case was tried again.
    pub retries: u32,
    /// How many of those tries failed: all of them, unless the failure is flaky.
    pub retries_failed: u32,
    /// How many other cases shrank to the same failure.
    pub again: u64,
    /// What it was shrunk from, if the shrunk case does not fail each time, and perhaps never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_found: Option<AsFound>,
}

/// A case as it was found.
#[derive(Debug, Clone, Serialize)]
pub struct AsFound {
    /// The case.
    #[serde(serialize_with = "as_text")]
    pub case: Case,
    /// How often it was tried again.
    pub retries: u32,
    /// How many of those tries failed.
    pub retries_failed: u32,
}

impl AsFound {
    /// `retries` are how often it was tried again, and how many of those tries failed.
    pub(super) fn new(case: Case, finding: &Finding, retries: (u32, u32)) -> Self {
        Self {
            case: Case {
                check: Some(finding.check.to_owned()),
                ..case
            },
            retries: retries.0,
            retries_failed: retries.1,
        }
    }
}

fn as_text<S: serde::Serializer>(case: &Case, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(case)
}

impl Failure {
    /// A case that did not fail again in so many retries, in so many nanoseconds.
    pub(super) fn unshrunk(
        case: Case,
        finding: &Finding,
        number: u64,
        (retries, shrink_ns): (u32, u64),
    ) -> Self {
        Self {
            check: finding.check.to_owned(),
            text: finding.to_string(),
            number,
            turns_found: case.all_turns().count(),
            mutators_found: case.mutators.len(),
            tried: 0,
            shrink_ns,
            is_cut_short: false,
            retries,
            retries_failed: 0,
            again: 0,
            as_found: None,
            case: Case {
                check: Some(finding.check.to_owned()),
                ..case
            },
        }
    }

    /// Whether it was left as it is, since it did not fail again.
    pub fn is_unshrunk(&self) -> bool {
        self.tried == 0 && self.retries > 0 && self.retries_failed == 0
    }

    /// The kinds of the case's operations, in order: equal for cases of the same failure.
    pub fn shape(&self) -> String {
        let kinds = self.case.all_turns().map(|turn| turn.op.kind().name());
        kinds.collect::<Vec<_>>().join(" ")
    }

    /// Whether some of the retries did not fail.
    pub fn is_flaky(&self) -> bool {
        self.retries_failed < self.retries
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.check == other.check && self.shape() == other.shape()
    }
}
