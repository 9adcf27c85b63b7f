//! A part: the results of one soak or one run, as sums by lane.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::Packed;
use crate::result::{Outcome, Seed, subject};

/// The name of the fact whether soaks or runs were merged.
pub(super) const MAKER: &str = "what made it";
/// The name of the fact which build of the program wrote a part.
pub(super) const PROGRAM: &str = "the program";

/// How the name of the fact begins which rounds a soak has.
pub(super) const ROUNDS: &str = "which rounds";

/// Which soak or run a part comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "made_by", rename_all = "kebab-case")]
pub enum PartKey {
    /// A soak.
    Soak {
        /// Its seed.
        #[serde(flatten)]
        seed: Seed,
        /// The number of the shard, from 0.
        index: u32,
        /// The number of shards.
        of: u32,
        /// A digest of its first round, including when that ended, which tells it from other soaks
        /// of its seed; empty before the first round.
        began: String,
    },
    /// A run.
    Run {
        /// Its seed.
        #[serde(flatten)]
        seed: Seed,
        /// A digest of its result.
        digest: String,
    },
}

impl fmt::Display for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Soak {
                seed, index, of, ..
            } => write!(f, "shard {index}/{of} of seed {seed}"),
            Self::Run { seed, .. } => write!(f, "the run of seed {seed}"),
        }
    }
}

/// A workload on a heap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LaneKey {
    /// The workload: for a soak, as it was named on the command line; for a run, its own name.
    pub workload: String,
    /// A digest of its text.
    pub hash: String,
    /// The value of every parameter; for a soak, of those that were set.
    pub parameters: BTreeMap<String, String>,
    /// The heap's name.
    pub heap: String,
    /// The fault that is planted in it, if any.
    pub fault: Option<String>,
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = subject(&self.heap, self.fault.as_deref());
        write!(f, "{} on {subject}", self.workload)
    }
}

/// The kind of a round's failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lost {
    /// A check was violated.
    Violated,
    /// The heap panicked, or its process died.
    Crashed,
    /// It hung.
    Hung,
    /// It exceeded its memory limit.
    OutOfMemory,
}

impl Lost {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutOfMemory => "out of memory",
            lost => lost.outcome().name(),
        }
    }

    /// The outcome that it counts as.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Violated => Outcome::Violated,
            Self::Crashed | Self::OutOfMemory => Outcome::Crashed,
            Self::Hung => Outcome::Hung,
        }
    }
}

/// How a round failed, whichever lane it was on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct How {
    /// The kind of failure.
    pub lost: Lost,
    /// The checks that were violated.
    pub violated: Vec<String>,
}

/// One lane of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneSum {
    /// The lane.
    pub lane: LaneKey,
    /// The number of finished rounds.
    pub rounds: u64,
    /// Rounds in which every check held.
    pub held: u64,
    /// Rounds that did not do what was required of them.
    pub vacuous: u64,
    /// Rounds that were interrupted, and held until then.
    pub interrupted: u64,
    /// Rounds that failed, by how they did.
    pub failed: Vec<(How, u64)>,
    /// Operations in all rounds.
    pub ops: u64,
    /// How long mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
    /// The greatest 99.9th percentile of any round, in nanoseconds.
    pub p99_9_ns_max: Option<u64>,
    /// The largest resident memory, in bytes.
    pub rss_bytes_peak: u64,
    /// Service times by operation, over all rounds.
    pub service: BTreeMap<String, Packed>,
}

/// The results of one soak or one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which soak or run it is.
    pub key: PartKey,
    /// The version of the program that made the rounds.
    pub version: String,
    /// The commit that it was built from; empty if unknown.
    pub commit: String,
    /// The options with which the rounds were made: their length, which operations were timed, and
    /// so on.
    pub options: Vec<String>,
    /// A digest of which rounds come when; empty for a run.
    pub agenda: String,
    /// The heaps whose memory grows with their age, according to the soak's own analysis.
    pub leaks: Vec<String>,
    /// The sums, once for each lane.
    pub lanes: Vec<LaneSum>,
}

impl Part {
    /// The number of finished rounds on all lanes.
    pub fn rounds(&self) -> u64 {
        let rounds = self.lanes.iter().map(|lane| lane.rounds);
        rounds.fold(0, u64::saturating_add)
    }

    /// Whether this part replaces the other one of the same key. This is a total order, in which
    /// only identical parts are equal.
    pub(super) fn outdoes(&self, other: &Self) -> bool {
        match self.rounds().cmp(&other.rounds()) {
            // Writing plain data as JSON cannot fail.
            std::cmp::Ordering::Equal => {
                let text = |part: &Self| serde_json::to_string(part).unwrap_or_default();
                self != other && text(self) > text(other)
            }
            order => order.is_gt(),
        }
    }

    /// The facts that this part states, each with its value. Parts that belong together agree on
    /// every fact that they share.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![(
            PROGRAM.to_owned(),
            format!("{} ({})", self.version, self.commit),
        )];
        let mut fact = |what: String, value: String| facts.push((what, value));
        let options = self.options.join(" ");
        match &self.key {
            PartKey::Soak { seed, of, .. } => {
                fact(MAKER.to_owned(), "soak".to_owned());
                fact("how rounds are made".to_owned(), options);
                fact(
                    format!("the number of shards of seed {seed}"),
                    of.to_string(),
                );
                fact(
                    format!("{ROUNDS} seed {seed} has"),
                    format!("the agenda {}", self.agenda),
                );
            }
            PartKey::Run { .. } => {
                fact(MAKER.to_owned(), "run".to_owned());
                for sum in &self.lanes {
                    fact(
                        format!("how runs of {} are made", sum.lane),
                        options.clone(),
                    );
                }
            }
        }
        for LaneSum { lane, .. } in &self.lanes {
            fact(
                format!("the text of workload {}", lane.workload),
                format!("the hash {}", lane.hash),
            );
        }
        facts
    }
}
