//! What is kept of a round.

use serde::{Deserialize, Serialize};

use crate::check::Verdict;
use crate::report::{Outcome, RunResult};

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

/// One round, as the journal has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The round's number.
    pub round: u64,
    /// Which lane of the header.
    pub lane: usize,
    /// From which seed.
    pub seed: u64,
    /// When it ended, in milliseconds since 1970.
    pub ended_unix_ms: u64,
    /// How long it took with everything around it, in milliseconds.
    pub took_ms: u64,
    /// What it came to.
    #[serde(flatten)]
    pub came: Came,
    /// The checks that were violated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<String>,
    /// What its result says of a failure besides; empty if nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Operations done.
    #[serde(default)]
    pub ops: u64,
    /// For how long the mutators ran, in nanoseconds.
    #[serde(default)]
    pub elapsed_ns: u64,
    /// The slowest kind of operation's 99.9th percentile, in nanoseconds; `None` where nothing was timed
    /// often enough.
    #[serde(default)]
    pub p99_9_ns: Option<u64>,
    /// Objects that were alive at the end.
    #[serde(default)]
    pub live_at_end: u64,
    /// The most that were dead and not yet reclaimed, where the heap knows.
    #[serde(default)]
    pub unreclaimed_peak: Option<u64>,
    /// The most resident memory of its process, in bytes.
    #[serde(default)]
    pub rss_bytes_peak: u64,
    /// A line that does the round again.
    pub reproduce: String,
}

impl Record {
    /// Takes over what a result says.
    #[must_use]
    pub fn with(self, result: &RunResult) -> Self {
        let counter = |name: &str| result.counters.get(name).copied();
        let latencies = result.ops.values().filter_map(|op| op.service.as_ref());
        let violated = result.checks.iter();
        Self {
            came: Came::Judged {
                outcome: result.verdict,
            },
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
            rss_bytes_peak: self.rss_bytes_peak.max(result.evidence.rss_bytes_peak),
            reproduce: result.reproduce.clone(),
            ..self
        }
    }

    /// Operations a second; `None` if it has none to show.
    pub fn throughput(&self) -> Option<f64> {
        (self.ops > 0 && self.elapsed_ns > 0)
            .then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }

    /// Whether a soak should stop at it.
    pub fn is_failure(&self) -> bool {
        !matches!(
            self.came.outcome(),
            Outcome::Held | Outcome::Vacuous | Outcome::Interrupted
        )
    }
}
