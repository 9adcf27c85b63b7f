//! `result.json`: one workload on one heap with one seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures;
use crate::check::{self, Judgement, Verdict};
use crate::evidence::{ACHIEVED_MIN, Ended, Evidence, Latency, MmuPoint, Moment, Rate, stalls};
use crate::plan::{Plan, Requirement};
use crate::run::HostFacts;

/// The version of the result's form. Fields are only ever added to one version.
pub const SCHEMA: u32 = 1;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Held,
    /// A check was violated.
    Violated,
    /// It ran, but did not do what was required of it.
    Vacuous,
    /// The heap panicked, ended the process, or ran out of memory.
    Crashed,
    /// The run did not come to an end.
    Hung,
    /// It was interrupted; what there was held.
    Interrupted,
}

impl Outcome {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Violated => "violated",
            Self::Vacuous => "vacuous",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::Interrupted => "interrupted",
        }
    }
}

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

/// Something a reader should know about a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// The check it is about; empty if it is about the run.
    pub check: String,
    /// A sentence or two.
    pub text: String,
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

/// That the rate was not achieved, if it was not.
fn saturated(rate: &Rate) -> Option<Caveat> {
    rate.saturated.then(|| Caveat {
        check: String::new(),
        text: format!(
            "saturated: {} operations a second were offered and {} achieved, less than {:.0} %. The \
             queue grew as long as the run lasted, so response times are not shown",
            figures::short(rate.offered_per_second),
            figures::short(rate.achieved_per_second),
            ACHIEVED_MIN * 100.0,
        ),
    })
}

/// What the machine did to everybody, in words.
fn noise(hiccups: &Latency) -> Caveat {
    let shown = |nanos| figures::nanos(nanos);
    Caveat {
        check: String::new(),
        text: format!(
            "the machine was noisy: a thread that only slept, a millisecond at a time, woke up {} too \
             late in one of a hundred cases, and {} at worst. That much of any time may be the \
             machine's, not the heap's",
            hiccups
                .quantile(0.99)
                .map_or_else(|| "much".to_owned(), shown),
            shown(hiccups.max()),
        ),
    }
}

/// The workload's own notes about verdicts that came out.
fn notes(plan: &Plan, checks: &[Judgement]) -> Vec<Caveat> {
    let came_out = |note: &&crate::plan::Note| {
        checks
            .iter()
            .any(|check| check.name == note.check && check.verdict.name() == note.verdict)
    };
    let notes = plan.notes.iter().filter(came_out);
    notes
        .map(|note| Caveat {
            check: note.check.clone(),
            text: note.text.clone(),
        })
        .collect()
}

/// What was not looked at although it should have been, in words.
fn gaps(evidence: &Evidence, checks: &[Judgement]) -> Vec<String> {
    let mut gaps = Vec::new();
    if checks.iter().all(|check| check.verdict != Verdict::Held) {
        gaps.push("no check had anything to examine".to_owned());
    }
    if evidence.last_survey(Moment::End).is_none() {
        gaps.push("the heap was never looked at after the last operation".to_owned());
    }
    // Where there need not be anything to look at, a check says `skipped`.
    let vacuous = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Vacuous);
    gaps.extend(vacuous.map(|check| format!("{} had nothing to examine", check.name)));
    let incomplete = evidence.surveys.iter().find_map(|s| s.incomplete.as_ref());
    if let Some(why) = incomplete {
        gaps.push(format!("not all of the heap was looked at: {why}"));
    }
    gaps
}

fn outcome(
    plan: &Plan,
    evidence: &Evidence,
    checks: &[Judgement],
    counters: &BTreeMap<String, u64>,
    caveats: &mut Vec<Caveat>,
) -> Outcome {
    let mut caveat = |text: String| {
        caveats.push(Caveat {
            check: String::new(),
            text,
        })
    };
    let violated = checks
        .iter()
        .any(|check| check.verdict == Verdict::Violated);
    match &evidence.ended {
        Ended::Panicked { mutator, message } => {
            caveat(format!("the heap panicked under {mutator}: {message}"));
            return Outcome::Crashed;
        }
        Ended::Died { how } => {
            caveat(format!("the process of the run died: {how}"));
            return Outcome::Crashed;
        }
        Ended::Hung { after_ns } => {
            let after = std::time::Duration::from_nanos(*after_ns);
            caveat(format!(
                "the run was not over after {after:.0?}, and was ended"
            ));
            return Outcome::Hung;
        }
        Ended::OutOfMemory { mutator } => {
            caveat(format!(
                "the heap had no room for another object when {mutator} asked for one \
                 (it was opened for {} live objects)",
                plan.live_limit
            ));
            return if violated {
                Outcome::Violated
            } else {
                Outcome::Crashed
            };
        }
        Ended::Defect { mutator, defect } => {
            let elapsed = figures::nanos(evidence.elapsed_ns);
            caveat(format!(
                "ended after {elapsed}: {mutator} reported: {defect}"
            ));
            // A defect that no check has a name for is the heap's own admission all the same.
            return Outcome::Violated;
        }
        Ended::Violated => {
            caveat("ended at the first survey that found something".to_owned());
            return Outcome::Violated;
        }
        Ended::Interrupted if !violated => return Outcome::Interrupted,
        Ended::Interrupted | Ended::Done => {}
    }
    if violated {
        return Outcome::Violated;
    }
    let unmet = check::unmet(counters, &plan.require);
    let gaps = gaps(evidence, checks);
    for text in unmet.iter().map(ToString::to_string).chain(gaps.clone()) {
        caveat(text);
    }
    if !gaps.is_empty() || unmet.iter().any(check::Shortfall::is_vacuous) {
        Outcome::Vacuous
    } else {
        Outcome::Held
    }
}
