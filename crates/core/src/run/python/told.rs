//! What the program reports: one JSON object a line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::calls::Noted;
use crate::evidence::history::Element;
use crate::evidence::{Anomalies, Latency, Moment, ProducerFacts};
use crate::heap::Caps;

/// What CPython can do. The rules of finalizers are its own (PEP 442), but what dies by its count is
/// finalized before weak references to it are cleared. After two collections no garbage is left.
pub(crate) const CAPS: Caps = Caps {
    weak_survives: true,
    ..Caps::ALL
};

/// One line of a report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Interpreter(IgnoredAny),
    Started(u64),
    Progress(ToldProgress),
    Survey(Box<ToldSurvey>),
    Panicked(ToldPanic),
    OutOfMemory(ToldPanic),
    Done(Box<ToldDone>),
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldProgress {
    pub(super) elapsed_ns: u64,
    pub(super) ops: u64,
    pub(super) rss_bytes: u64,
    pub(super) collections: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldPanic {
    pub(super) mutator: String,
    #[serde(default)]
    pub(super) message: String,
}

/// What a mutator hands over: its next number, how often it ran each region, what it counted, and what
/// it knows of the lengths of lists.
pub(super) type HandedOver = (u64, Vec<u64>, Vec<i64>, BTreeMap<String, Value>);

/// Times, and how often each was measured.
#[derive(Debug, Deserialize)]
pub(super) struct ToldTimes(Vec<u64>, Vec<u64>);

impl From<ToldTimes> for Latency {
    fn from(ToldTimes(times, counts): ToldTimes) -> Self {
        let mut latency = Self::default();
        for (time, count) in times.into_iter().zip(counts) {
            latency.record_many(time, count);
        }
        latency
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldSurvey {
    pub(super) moment: Moment,
    pub(super) elapsed_ns: u64,
    pub(super) unsettled: Option<u64>,
    pub(super) living: u64,
    pub(super) reachable: u64,
    pub(super) references: u64,
    pub(super) unreachable: Anomalies,
    pub(super) premature: Anomalies,
    pub(super) miscounted: Anomalies,
    pub(super) undercounted: Anomalies,
    pub(super) counts_compared: u64,
    pub(super) finalized: u64,
    pub(super) stray_finalizations: Anomalies,
    /// Objects with a finalizer that live, and those of them whose finalizer has run.
    pub(super) finalizable: u64,
    pub(super) finalizable_ran: u64,
    pub(super) weak_tried: u64,
    pub(super) miscleared: Anomalies,
    pub(super) mutators: Vec<HandedOver>,
    pub(super) lists: Vec<ToldList>,
    pub(super) counters: Vec<ToldCounter>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldList {
    pub(super) object: usize,
    pub(super) len: u64,
    pub(super) elements: u64,
    pub(super) producers: Vec<ProducerFacts>,
    pub(super) contents: Option<Vec<Option<Element>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldCounter {
    pub(super) object: usize,
    pub(super) value: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldDone {
    pub(super) interrupted: bool,
    pub(super) elapsed_ns: u64,
    pub(super) surveys_made: u64,
    pub(super) collections: u64,
    pub(super) full_collections: u64,
    pub(super) cycles_freed: u64,
    pub(super) rss_bytes_peak: u64,
    pub(super) service: BTreeMap<String, ToldTimes>,
    pub(super) response: BTreeMap<String, ToldTimes>,
    /// How late a thread was that wanted to run once in a millisecond.
    pub(super) late: Option<ToldTimes>,
    /// How long collections took, if `gc.callbacks` were used.
    pub(super) pauses: Option<ToldTimes>,
    pub(super) clock_overhead_ns: f64,
    pub(super) history: Option<Vec<Noted>>,
    pub(super) mutators: Vec<ToldMutator>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldMutator {
    pub(super) elapsed_ns: u64,
    pub(super) rounds: u64,
    pub(super) state: HandedOver,
    pub(super) forced: u64,
    /// Upgrades that went the wrong way, by what the mutator itself held.
    pub(super) weak_wrong: Anomalies,
    pub(super) others_ops: u64,
    pub(super) interleavings: u64,
    pub(super) gap_ops: u64,
    pub(super) gap_ns: u64,
    pub(super) gap_ran_ns: u64,
    pub(super) gap_starved_ns: u64,
}
