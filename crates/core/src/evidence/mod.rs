//! What happened in a run, as plain, versioned data that survives a round trip through JSON.
//!
//! Evidence comes from three witnesses, none of which is the heap's collector: the *operations*
//! (what each mutator did and was answered: [`Tally`]), the *tags* (which objects were born and
//! which died: [`ledger`]), and a *walk* through the mutators' own interface while all of them are
//! stopped ([`Survey`]). What the heap believes is recorded beside them, to be judged. Evidence
//! holds no verdicts.

mod crash;
pub mod history;
pub mod interpreter;
pub mod latency;
pub mod ledger;
pub mod mmu;
mod packed;
mod picture;
mod race;
mod rate;
pub mod stalls;
mod sum;
mod survey;
mod tally;
pub mod timeline;
mod trace;

pub use crash::{Crash, CrashDump, CrashFrame};
pub use history::{Recorded, RootSamples};
pub use interpreter::InterpreterFacts;
pub use latency::Latency;
pub use packed::{Packed, Room};
pub use picture::{Contents, Name, Picture, Place};
pub use race::{Race, Span};
pub use rate::{ACHIEVED_MIN, Load, Rate};
pub use stalls::{MmuPoint, Slow, SlowOp, Stall, Stalls, Stop, Stopped};
pub use sum::Sum;
pub(crate) use sum::{index_of, time_of};
pub use survey::{Anomalies, CounterFacts, ListFacts, Moment, ProducerFacts, Survey};
pub use tally::{AnswerTally, CounterTally, ListTally, PeekTally, Share, Tally, WeakTally};
pub use timeline::{Sample, Timeline};
pub use trace::{Answer, Broke, Emptied, Happening, ObjectEvent, Seen, Settled, Trace, TraceStep};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, ClockFacts};
use crate::heap::{Caps, Defect, Stats};

/// What one run left behind.
///
/// In JSON it is a part of `result.json`. Fields that `result.json` has at its
/// top are read here, as older results have them in both places, but are not written again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The heap's name in the registry.
    #[serde(default, skip_serializing)]
    pub heap: String,
    /// The fault that was planted in it on purpose, if any.
    #[serde(default, skip_serializing)]
    pub fault: Option<String>,
    /// What the heap said it can do.
    pub caps: Caps,
    /// When the mutators started together, in milliseconds since 1970; 0 if unknown, or if they
    /// never did.
    #[serde(default)]
    pub started_unix_ms: u64,
    /// From the common start to the end of the last mutator, in nanoseconds.
    pub elapsed_ns: u64,
    /// Why the run ended.
    pub ended: Ended,
    /// What each mutator did, by number.
    pub mutators: Vec<MutatorEvidence>,
    /// Allocations of shared objects that were refused on purpose, before any mutator started.
    #[serde(default)]
    pub refused_in_setup: u64,
    /// The surveys: the last few made at pauses, one at the end, one after everything was released.
    pub surveys: Vec<Survey>,
    /// How many surveys were made in all.
    pub surveys_made: u64,
    /// The calls on shared objects and their answers, if a history was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Recorded>,
    /// What was seen of shared roots in samples of the run.
    #[serde(default)]
    pub roots: RootSamples,
    /// What the heap counted of its own work.
    pub stats: Stats,
    /// The most objects that were seen alive at once, by their tags; the mutators are not held up
    /// for that. Looked at some times a second, if that takes no more than a hundredth of the time,
    /// and before each survey, when it is exact. So it is never too high, and may be too low by what
    /// came and went in between.
    #[serde(default)]
    pub live_peak: u64,
    /// Service times by operation, over all mutators; empty where nothing was timed.
    #[serde(default, skip_serializing)]
    pub service: BTreeMap<String, Latency>,
    /// Response times by operation, over all mutators that have a rate, measured from the scheduled
    /// start of each operation; empty if no mutator has a rate, and if the run was saturated.
    #[serde(default, skip_serializing)]
    pub response: BTreeMap<String, Latency>,
    /// How long the heap held mutators up, by cause.
    #[serde(default, skip_serializing)]
    pub pauses: BTreeMap<String, Latency>,
    /// Gauges and counts over time.
    #[serde(default)]
    pub timeline: Timeline,
    /// When the heap held mutators up.
    #[serde(default)]
    pub stalls: Stalls,
    /// How many times the heap began to hold a mutator up, and never said that it had ended. If there
    /// are any, `pauses`, `stalls` and `mmu` are empty, since nothing of them would be right.
    #[serde(default)]
    pub unended_holds: u64,
    /// The operations that were slow, and why.
    #[serde(default)]
    pub slow: Slow,
    /// Minimum mutator utilization, by the length of the window.
    #[serde(default, skip_serializing)]
    pub mmu: Vec<MmuPoint>,
    /// How late a thread woke up that only slept: the delays that the machine causes. `None` if
    /// nothing was timed.
    #[serde(default)]
    pub hiccups: Option<Latency>,
    /// The times for which the process was stopped.
    #[serde(default)]
    pub stopped: Stopped,
    /// The time from when an object was truncated, or dead and put aside, until its memory could be
    /// used again, if the heap reports it. Garbage cycles that are not found yet do not count.
    #[serde(default)]
    pub reclaim_lag: Option<Latency>,
    /// The clock that measured all this.
    pub clock: ClockFacts,
    /// The peak resident memory seen, in bytes; 0 if the system does not report it.
    pub rss_bytes_peak: u64,
    /// How much of it the times of operations take, in bytes.
    #[serde(default)]
    pub timing_bytes: u64,
    /// The last report of the run's process, if that was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<LastReport>,
    /// The interpreter that ran the plan, if it was one.
    #[serde(default, skip_serializing)]
    pub interpreter: Option<InterpreterFacts>,
    /// Where it crashed, if a signal ended it and the process could say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
    /// The stacks of the threads of a process that was lost: as a debugger found them if it hung, or as
    /// the process itself wrote them if the heap is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacks: Option<String>,
}

/// The last report of a process that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReport {
    /// When it reported, in nanoseconds since the common start of its mutators.
    pub elapsed_ns: u64,
    /// How many operations were done by then; it lags a little.
    pub ops: u64,
    /// For how long the heap had been settling, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling_ns: Option<u64>,
}

/// What one mutator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutatorEvidence {
    /// The thread group's name and a number.
    pub name: String,
    /// From the common start to its last operation, in nanoseconds.
    pub elapsed_ns: u64,
    /// Its offered load, if it has a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Full rounds of its program.
    pub rounds: u64,
    /// Operations that the other mutators did while it ran.
    #[serde(default)]
    pub others_ops: u64,
    /// How often the others did something between two of its batches; never too high. `None` if it
    /// was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interleavings: Option<u64>,
    /// The largest gap: the maximum number of operations that the others did between two of its
    /// batches, other than during a stall of its program.
    #[serde(default)]
    pub gap_ops_max: u64,
    /// How long the gap took, in nanoseconds.
    #[serde(default)]
    pub gap_ns: u64,
    /// For how much of the gap it was ready to run while the machine ran something else.
    #[serde(default)]
    pub gap_starved_ns: u64,
    /// The processor time of the other mutators in the gap, all together; of each of them it may be
    /// late by a few milliseconds or a batch. `None` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_ran_ns: Option<u64>,
    /// Collections that it was forced to run, besides those of its program.
    #[serde(default)]
    pub forced_collections: u64,
    /// Allocations that were refused on purpose.
    #[serde(default)]
    pub refused: u64,
    /// What it counted.
    pub tally: Tally,
}

impl MutatorEvidence {
    /// The number of operations of all kinds since the common start, without those of the setup.
    pub fn ops_since_start(&self) -> u64 {
        let Tally { ops, setup_ops, .. } = &self.tally;
        let (all, setup) = (ops.values().sum::<u64>(), setup_ops.values().sum());
        all.saturating_sub(setup)
    }
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Ended {
    /// It did what it was asked to do.
    Done,
    /// It was interrupted.
    Interrupted,
    /// A survey at a pause found something; going on would only blur the picture.
    Violated,
    /// The heap recognised that it is broken.
    #[serde(rename = "fault")]
    Defect {
        /// Which mutator met it.
        mutator: String,
        /// What it met.
        #[serde(rename = "fault")]
        defect: Defect,
    },
    /// The heap had no room for another object.
    OutOfMemory {
        /// Which mutator asked for one.
        mutator: String,
    },
    /// The heap ended the process, for example by a signal.
    Died {
        /// How.
        how: String,
    },
    /// The process did not come to an end.
    Hung {
        /// How long it was waited for, in nanoseconds.
        after_ns: u64,
    },
    /// The heap panicked under a mutator.
    Panicked {
        /// Which one.
        mutator: String,
        /// With what message.
        message: String,
    },
}

impl Evidence {
    /// The evidence of a run whose process was lost: only how it ended.
    pub fn of_lost(heap: &str, caps: Caps, fault: Option<String>, ended: Ended) -> Self {
        Self {
            heap: heap.to_owned(),
            fault,
            caps,
            started_unix_ms: 0,
            elapsed_ns: 0,
            ended,
            mutators: Vec::new(),
            refused_in_setup: 0,
            surveys: Vec::new(),
            surveys_made: 0,
            history: None,
            roots: RootSamples::default(),
            stats: Stats::default(),
            live_peak: 0,
            service: BTreeMap::new(),
            response: BTreeMap::new(),
            pauses: BTreeMap::new(),
            timeline: Timeline::default(),
            stalls: Stalls::default(),
            unended_holds: 0,
            slow: Slow::default(),
            mmu: Vec::new(),
            hiccups: None,
            stopped: Stopped::default(),
            reclaim_lag: None,
            clock: Clock::get().facts().clone(),
            rss_bytes_peak: 0,
            timing_bytes: 0,
            heard: None,
            interpreter: None,
            crash: None,
            stacks: None,
        }
    }

    /// The number of operations of one kind, over all mutators.
    pub fn ops(&self, kind: &str) -> u64 {
        self.mutators
            .iter()
            .filter_map(|mutator| mutator.tally.ops.get(kind))
            .sum()
    }

    /// The number of operations of all kinds.
    pub fn ops_done(&self) -> u64 {
        let mutators = self.mutators.iter();
        let counts = mutators.flat_map(|mutator| mutator.tally.ops.values());
        counts.sum()
    }

    /// The number of operations of all kinds since the common start, without those of the setup:
    /// what was done in [`elapsed_ns`](Self::elapsed_ns).
    pub fn ops_since_start(&self) -> u64 {
        let mutators = self.mutators.iter();
        mutators.map(MutatorEvidence::ops_since_start).sum()
    }

    /// The last survey of one kind of moment.
    pub fn last_survey(&self, moment: Moment) -> Option<&Survey> {
        self.surveys
            .iter()
            .rev()
            .find(|survey| survey.moment == moment)
    }

    /// Objects born in the whole run.
    pub fn allocated(&self) -> u64 {
        self.surveys.last().map_or(0, |survey| survey.born)
    }
}
