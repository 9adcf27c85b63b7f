//! Results: what one workload on one heap with one seed came to.
//!
//! A [`RunResult`] is the evidence, the verdicts, and where it happened. It is what `result.json`
//! holds, and all that a report may use. [`figures`] writes numbers the way people read them.

mod caveat;
pub mod figures;
mod outcome;
#[cfg(test)]
pub(crate) mod sample;

pub use caveat::Caveat;
pub use outcome::Outcome;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use caveat::{noise, notes, saturated};
use outcome::outcome;

use crate::check::{self, Judgement};
use crate::evidence::{Evidence, Latency, MmuPoint, Rate, stalls};
use crate::plan::{Plan, Requirement};
use crate::run::HostFacts;

/// The version of the result's form. Fields are only ever added to one version.
pub const SCHEMA: u32 = 1;

/// The program that made a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `gcstorm`, or the name of the program that embeds it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit it was built from; empty if unknown.
    pub commit: String,
    /// Whether the work tree differed from that commit; `None` if unknown.
    pub dirty: Option<bool>,
}

/// The workload of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRef {
    /// Its name.
    pub name: String,
    /// A digest of its text.
    pub hash: String,
    /// The value of every parameter.
    pub parameters: BTreeMap<String, String>,
}

/// One mutator in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSummary {
    /// The thread group's name and a number.
    pub name: String,
    /// Operations done.
    pub ops: u64,
    /// From the common start to its last operation.
    pub elapsed_ns: u64,
}

/// One kind of operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpSummary {
    /// How many were done, over all mutators.
    pub count: u64,
    /// How many a second of the run.
    pub per_second: f64,
    /// The mean service time; `None` if nothing was timed.
    pub mean_ns: Option<f64>,
    /// Service times: end minus start.
    pub service: Option<Latency>,
    /// Response times: end minus intended start, under a rate only, and only if that was achieved.
    pub response: Option<Latency>,
}

/// One workload on one heap with one seed: what `result.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`SCHEMA`]
    pub schema: u32,
    /// What made it.
    pub tool: Tool,
    /// Where it was made.
    pub host: HostFacts,
    /// Of what.
    pub workload: WorkloadRef,
    /// On which heap.
    pub heap: String,
    /// The fault that was planted in it on purpose, if any.
    #[serde(default)]
    pub fault: Option<String>,
    /// From which seed.
    pub seed: u64,
    /// Which part of a sharded run: (number, of how many).
    pub shard: Option<(u32, u32)>,
    /// The mutators.
    pub threads: Vec<ThreadSummary>,
    /// How long the mutators ran.
    pub elapsed_ns: u64,
    /// What was offered and achieved, if there was a rate.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// The operations, by kind.
    pub ops: BTreeMap<String, OpSummary>,
    /// How long the heap held mutators up, by cause.
    pub pauses: BTreeMap<String, Latency>,
    /// The least share of its time that a mutator had, over all stretches of some lengths.
    #[serde(default)]
    pub mmu: Vec<MmuPoint>,
    /// Whether the machine itself held the run up so much that its times are in doubt, and then a
    /// caveat says why; `None` if that was not measured.
    #[serde(default)]
    pub noisy: Option<bool>,
    /// Every counter.
    pub counters: BTreeMap<String, u64>,
    /// What was required of the run.
    pub require: Vec<Requirement>,
    /// What the checks say.
    pub checks: Vec<Judgement>,
    /// What a reader should know.
    pub caveats: Vec<Caveat>,
    /// What the run came to.
    pub verdict: Outcome,
    /// A line that does it again.
    pub reproduce: String,
    /// The evidence itself, so that it can be judged again.
    pub evidence: Evidence,
}

impl RunResult {
    /// Judges a run. `reproduce` is the line that does it again; `tool` says who asks.
    pub fn new(plan: &Plan, evidence: Evidence, tool: Tool, reproduce: String) -> Self {
        let checks = check::judge(plan, &evidence);
        let counters = check::counters(&evidence);
        let mut caveats = notes(plan, &checks);
        let noisy = evidence.hiccups.as_ref().and_then(stalls::is_noisy);
        if noisy == Some(true) {
            caveats.extend(evidence.hiccups.as_ref().map(noise));
        }
        let verdict = outcome(plan, &evidence, &checks, &counters, &mut caveats);
        let rate = evidence.rate();
        caveats.extend(rate.as_ref().and_then(saturated));
        Self {
            schema: SCHEMA,
            tool,
            host: HostFacts::here(),
            workload: WorkloadRef {
                name: plan.workload.clone(),
                hash: plan.workload_hash.clone(),
                parameters: plan.parameters.clone(),
            },
            heap: evidence.heap.clone(),
            fault: evidence.fault.clone(),
            seed: plan.seed,
            shard: None,
            threads: threads(&evidence),
            elapsed_ns: evidence.elapsed_ns,
            rate,
            ops: ops(&evidence),
            pauses: evidence.pauses.clone(),
            mmu: evidence.mmu.clone(),
            noisy,
            counters,
            require: plan.require.clone(),
            checks,
            caveats,
            verdict,
            reproduce,
            evidence,
        }
    }

    /// The same run, judged anew by its plan: verdicts and figures come from the evidence, and where
    /// it was made, by what and from which part of what stays as it is.
    #[must_use]
    pub fn judged_again(self, plan: &Plan) -> Self {
        let (host, shard) = (self.host, self.shard);
        Self {
            host,
            shard,
            ..Self::new(plan, self.evidence, self.tool, self.reproduce)
        }
    }

    /// The heap, and what was planted in it.
    pub fn subject(&self) -> String {
        subject(&self.heap, self.fault.as_deref())
    }

    /// How much of the evidence the checks looked at, all together.
    pub fn examined(&self) -> u64 {
        self.checks.iter().map(|check| check.examined).sum()
    }
}

/// A heap, and what was planted in it, in words. Nobody is to take a heap with a fault for a sound
/// one, so every report names it so.
pub fn subject(heap: &str, fault: Option<&str>) -> String {
    match fault {
        None => heap.to_owned(),
        Some(fault) => format!("{heap} WITH PLANTED FAULT {fault}"),
    }
}

fn threads(evidence: &Evidence) -> Vec<ThreadSummary> {
    let mutators = evidence.mutators.iter();
    mutators
        .map(|mutator| ThreadSummary {
            name: mutator.name.clone(),
            ops: mutator.tally.ops.values().sum(),
            elapsed_ns: mutator.elapsed_ns,
        })
        .collect()
}

fn ops(evidence: &Evidence) -> BTreeMap<String, OpSummary> {
    let seconds = evidence.elapsed_ns as f64 / 1e9;
    let mut counts = BTreeMap::<&str, u64>::new();
    for (kind, count) in evidence
        .mutators
        .iter()
        .flat_map(|mutator| &mutator.tally.ops)
    {
        *counts.entry(kind).or_default() += count;
    }
    let summary = |(kind, count): (&str, u64)| {
        let service = evidence.service.get(kind).cloned();
        let summary = OpSummary {
            count,
            per_second: if seconds > 0.0 {
                count as f64 / seconds
            } else {
                0.0
            },
            mean_ns: service.as_ref().map(Latency::mean),
            service,
            response: evidence.response.get(kind).cloned(),
        };
        (kind.to_owned(), summary)
    };
    counts.into_iter().map(summary).collect()
}
