//! What is kept of a round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::Verdict;
use crate::evidence::Packed;
use crate::result::{Outcome, RunResult};

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "kebab-case")]
pub enum Came {
    /// Its result says so.
    Judged {
        /// The verdict.
        outcome: Outcome,
    },
    /// Its process ended without a result.
    Crashed {
        /// How it ended.
        how: String,
    },
    /// Its process did not come to an end, and was ended.
    Hung {
        /// After so many milliseconds.
        after_ms: u64,
    },
    /// Its process had more memory than it was allowed, and was ended.
    OutOfMemory {
        /// How much it had, in bytes.
        rss_bytes: u64,
    },
}

impl Came {
    /// The verdict, where there is no result that of a process which was lost.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Judged { outcome } => *outcome,
            Self::Crashed { .. } | Self::OutOfMemory { .. } => Outcome::Crashed,
            Self::Hung { .. } => Outcome::Hung,
        }
    }

    /// One word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OutOfMemory { .. } => "out of memory",
            came => came.outcome().name(),
        }
    }
}

/// How far a round is, or was when it was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Since its common start, in milliseconds.
    pub elapsed_ms: u64,
    /// Operations done, over all mutators; a little behind.
    pub ops: u64,
    /// Objects that the heap has, where it tells.
    pub live: Option<u64>,
    /// Of these, those that only wait to be freed, where it tells.
    pub unreclaimed: Option<u64>,
    /// Resident memory of the process, in bytes; 0 where the system does not tell.
    pub rss_bytes: u64,
}

/// What is kept of a result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The checks that were violated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<String>,
    /// What its result says of a failure besides; empty if nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Operations done.
    pub ops: u64,
    /// For how long the mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
    /// The slowest kind of operation's 99.9th percentile, in nanoseconds; `None` where nothing was timed
    /// often enough.
    pub p99_9_ns: Option<u64>,
    /// Objects that were alive at the end.
    pub live_at_end: u64,
    /// The most that were dead and not yet reclaimed, where the heap knows.
    pub unreclaimed_peak: Option<u64>,
    /// The most resident memory of its process, in bytes.
    pub rss_bytes_peak: u64,
    /// Resident memory of its process when it was over and everything in the heap was dead, in bytes; 0
    /// if unknown.
    pub rss_bytes_after: u64,
    /// Bytes that its process had allocated and not freed then, since it began to count, if it does; what
    /// the heap had reserved once for all among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_after: Option<i64>,
    /// How many turns the case of its failure has, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// Service times by operation, over all mutators.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<String, Packed>,
}

impl Found {
    /// What is kept of this one. `turns` is the length of its case, if it failed and there is one.
    pub fn of(result: &RunResult, turns: Option<u64>) -> Self {
        let counter = |name: &str| result.counters.get(name).copied();
        let latencies = result.ops.values().filter_map(|op| op.service.as_ref());
        let violated = result.checks.iter();
        let service = result.evidence.service.iter();
        let packed = |(kind, latency): (&String, &_)| Some((kind.clone(), Packed::of(latency)?));
        Self {
            violated: violated
                .filter(|check| check.verdict == Verdict::Violated)
                .map(|check| check.name.clone())
                .collect(),
            note: match (result.verdict, result.caveats.first()) {
                (Outcome::Held, _) | (_, None) => String::new(),
                (_, Some(caveat)) => caveat.text.clone(),
            },
            ops: result.threads.iter().map(|thread| thread.ops).sum(),
            elapsed_ns: result.elapsed_ns,
            p99_9_ns: latencies
                .filter_map(|latency| latency.quantile(0.999))
                .max(),
            live_at_end: counter("live_at_end").unwrap_or(0),
            unreclaimed_peak: counter("unreclaimed_peak"),
            rss_bytes_peak: result.evidence.rss_bytes_peak,
            rss_bytes_after: 0,
            allocated_after: None,
            turns,
            service: service.filter_map(packed).collect(),
        }
    }

    /// Operations a second; `None` if it has none to show.
    pub fn throughput(&self) -> Option<f64> {
        (self.ops > 0 && self.elapsed_ns > 0)
            .then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }
}

/// One round, as the journal has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The round's number.
    pub round: u64,
    /// Which lane of the header.
    pub lane: usize,
    /// From which seed.
    pub seed: u64,
    /// The first round that was made by the same process on the same heap: those in between made it old.
    pub since: u64,
    /// When it ended, in milliseconds since 1970.
    pub ended_unix_ms: u64,
    /// How long it took with everything around it, in milliseconds.
    pub took_ms: u64,
    /// What it came to.
    #[serde(flatten)]
    pub came: Came,
    /// How far it was when it was lost, if it was and that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Beat>,
    /// What its result says; nothing if it was lost.
    #[serde(default)]
    pub found: Found,
    /// A line that does the round again.
    pub reproduce: String,
}

impl Record {
    /// Whether a soak should stop at it.
    pub fn is_failure(&self) -> bool {
        !matches!(
            self.came.outcome(),
            Outcome::Held | Outcome::Vacuous | Outcome::Interrupted
        )
    }
}
