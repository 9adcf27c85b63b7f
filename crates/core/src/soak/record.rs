//! What the journal keeps of a round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::Verdict;
use crate::evidence::Packed;
use crate::result::{Outcome, RunResult};

use super::{Era, Header};

/// The largest number of a round that is accepted: far more than any soak reaches, and far from
/// where sums overflow.
const ROUND_MAX: u64 = 1 << 53;
/// The last millisecond of the year 9999.
const UNIX_MS_MAX: u64 = 253_402_300_799_999;

/// The outcome of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "kebab-case")]
pub enum Came {
    /// It has a result.
    Judged {
        /// The verdict.
        outcome: Outcome,
    },
    /// Its process ended without a result.
    Crashed {
        /// How it ended.
        how: String,
    },
    /// Its process did not end in time, and was killed.
    Hung {
        /// After how many milliseconds.
        after_ms: u64,
    },
    /// Its process took more memory than allowed, and was killed.
    OutOfMemory {
        /// How much it had, in bytes.
        rss_bytes: u64,
    },
}

impl Came {
    /// The verdict of its result, or the one that stands for the loss of its process.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Judged { outcome } => *outcome,
            Self::Crashed { .. } | Self::OutOfMemory { .. } => Outcome::Crashed,
            Self::Hung { .. } => Outcome::Hung,
        }
    }

    /// The outcome in a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OutOfMemory { .. } => "out of memory",
            came => came.outcome().name(),
        }
    }
}

/// The progress of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// The time since its mutators started together, in milliseconds.
    pub elapsed_ms: u64,
    /// Operations done by all mutators; it lags a little.
    pub ops: u64,
    /// Objects that were made and have not died, by their tags.
    pub live: Option<u64>,
    /// Objects that are unlinked and wait to be freed, if the heap reports it.
    pub unreclaimed: Option<u64>,
    /// Resident memory of the process, in bytes; 0 if the system does not report it.
    pub rss_bytes: u64,
}

/// What is kept of a result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The checks that were violated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<String>,
    /// The first note of its result, if it did not hold; empty if there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Operations done since the common start, without those of setups.
    pub ops: u64,
    /// How long the mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
    /// The 99.9th percentile of the slowest kind of operation, in nanoseconds; `None` if none was
    /// timed often enough.
    pub p99_9_ns: Option<u64>,
    /// Objects that were alive at the end.
    pub live_at_end: u64,
    /// The maximum number of objects that were dead and not yet reclaimed, if the heap reports it.
    pub unreclaimed_peak: Option<u64>,
    /// The peak resident memory of its process, in bytes.
    pub rss_bytes_peak: u64,
    /// Resident memory of its process after the round, when everything in the heap was dead, in
    /// bytes; 0 if unknown.
    pub rss_bytes_after: u64,
    /// Bytes that its process had allocated and not freed by then, including what the heap reserves
    /// once; `None` if it does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_after: Option<i64>,
    /// The length of the case of its failure in turns, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// Histograms of service times by operation, over all mutators.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<String, Packed>,
}

impl Found {
    /// What is kept of this result. `turns` is the length of its case, if it failed and there is
    /// one.
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
            ops: result.evidence.ops_since_start(),
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

    /// Operations a second; `None` if none were done.
    pub fn throughput(&self) -> Option<f64> {
        (self.ops > 0 && self.elapsed_ns > 0)
            .then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }
}

/// One round in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The round's number.
    pub round: u64,
    /// The number of its lane in the header.
    pub lane: usize,
    /// The seed of its run.
    pub seed: u64,
    /// The first round that the same process made on the same heap. Their difference is the age of
    /// the heap.
    pub since: u64,
    /// Its era, unless that is the first, whose stints have the length that the header says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
    /// When it ended, in milliseconds since 1970.
    pub ended_unix_ms: u64,
    /// How long it took, including its judging, in milliseconds.
    pub took_ms: u64,
    /// Its outcome.
    #[serde(flatten)]
    pub came: Came,
    /// The last progress that it reported, if it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Beat>,
    /// What is kept of its result; empty if it was lost.
    #[serde(default)]
    pub found: Found,
    /// A command line that reproduces the round; empty if it held.
    pub reproduce: String,
}

impl Record {
    /// Checks a record that was read, since it may not have been written by a soak. `next_round` is
    /// the least number that it may have.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn check(&self, header: &Header, next_round: u64) -> Result<(), String> {
        if self.lane >= header.lanes.len() {
            return Err(format!("there is no lane {}", self.lane));
        }
        if self.round < next_round {
            return Err(format!("round {} comes after a later one", self.round));
        }
        if self.round > ROUND_MAX {
            return Err(format!("no soak has a round {}", self.round));
        }
        if self.since > self.round {
            let what = format!("round {} is older than its heap", self.round);
            return Err(what);
        }
        if self.era.is_some_and(|era| {
            era.from > self.round || era.stints_before > ROUND_MAX || era.stint == 0
        }) {
            return Err(format!("no era has a round {}", self.round));
        }
        if self.ended_unix_ms > UNIX_MS_MAX {
            return Err(format!("round {} ended after the year 9999", self.round));
        }
        Ok(())
    }

    /// Whether it counts as a failure of the soak.
    pub fn is_failure(&self) -> bool {
        !matches!(
            self.came.outcome(),
            Outcome::Held | Outcome::Vacuous | Outcome::Interrupted
        )
    }
}
