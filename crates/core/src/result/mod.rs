//! Results: what one workload on one heap with one seed came to.
//!
//! A [`RunResult`] is the evidence, the verdicts, and where it happened. It is what `result.json`
//! holds, and all that a report may use. [`figures`] writes numbers the way people read them.

mod caveat;
pub mod figures;
mod outcome;
mod seed;
mod stories;

pub use caveat::Caveat;
pub use outcome::Outcome;
pub use seed::Seed;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use caveat::{noise, notes, saturated, stopped, unended};
use outcome::outcome;
use stories::stories;

use crate::check::{self, Judgement};
use crate::evidence::{Evidence, InterpreterFacts, Latency, MmuPoint, Rate, Tally, stalls};
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

/// The profile that a run was asked for with: options that were not typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRef {
    /// Its name.
    pub name: String,
    /// The file that it stands in, as it was reached from the working directory; `None` if it came
    /// with the program.
    pub file: Option<String>,
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
    /// The number of operations that it did, including its setup.
    pub ops: u64,
    /// From the common start to its last operation.
    pub elapsed_ns: u64,
}

/// One kind of operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpSummary {
    /// How many were done by all mutators, including their setups.
    pub count: u64,
    /// How many were done in a second since the common start, without those of setups.
    pub per_second: f64,
    /// The mean service time; `None` if nothing was timed.
    pub mean_ns: Option<f64>,
    /// Service times: end minus start.
    pub service: Option<Latency>,
    /// Response times: end minus intended start, under a rate only, and only if that was achieved.
    pub response: Option<Latency>,
}

/// One workload on one heap with one seed: what `result.json` holds.
///
/// In memory the evidence is complete, and the other fields are computed from it. In JSON, values
/// that would be in both places are written at the top only, and reading puts them back into the
/// evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RunResult {
    /// The version of the form, [`SCHEMA`].
    pub schema: u32,
    /// The program that made it.
    pub tool: Tool,
    /// The machine that it was made on.
    pub host: HostFacts,
    /// The workload.
    pub workload: WorkloadRef,
    /// The heap's name.
    pub heap: String,
    /// The fault that was planted in it on purpose, if any.
    #[serde(default)]
    pub fault: Option<String>,
    /// The interpreter that ran it, if the heap is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<InterpreterFacts>,
    /// The seed.
    pub seed: u64,
    /// The seed in decimal digits, for JSON readers that round numbers above 2^53.
    #[serde(default)]
    pub seed_text: String,
    /// Which part of a sharded run: (number, of how many).
    pub shard: Option<(u32, u32)>,
    /// Which run of its command it was, counted from 1; 0 if that is not known. Reports show results in
    /// this order.
    #[serde(default)]
    pub number: usize,
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
    /// The minimum mutator utilization, by the length of the window.
    #[serde(default)]
    pub mmu: Vec<MmuPoint>,
    /// Whether the machine delayed the run so much that its times are in doubt; if so a caveat says
    /// why. `None` if that was not measured.
    #[serde(default)]
    pub noisy: Option<bool>,
    /// How long the process was stopped or the machine suspended, in nanoseconds. This time is not
    /// part of other times; a caveat says so.
    #[serde(default)]
    pub stopped_ns: u64,
    /// Every counter.
    pub counters: BTreeMap<String, u64>,
    /// What was required of the run.
    pub require: Vec<Requirement>,
    /// What the checks say.
    pub checks: Vec<Judgement>,
    /// What a reader should know.
    pub caveats: Vec<Caveat>,
    /// The verdict of the run.
    pub verdict: Outcome,
    /// A command that repeats the run.
    pub reproduce: String,
    /// A command that replays the case that was kept of it, where that is known.
    #[serde(skip)]
    pub replay: Option<String>,
    /// The profile that completed the command line, if one did. The command above has all that it set.
    #[serde(default)]
    pub profile: Option<ProfileRef>,
    /// The evidence, from which the run can be judged again.
    pub evidence: Evidence,
}

impl RunResult {
    /// Judges a run. `reproduce` is the command that repeats it, and `tool` the program that made
    /// it.
    pub fn new(plan: &Plan, evidence: Evidence, tool: Tool, reproduce: String) -> Self {
        let checks = check::judge(plan, &evidence);
        let counters = check::counters(&evidence);
        let mut caveats = notes(plan, &checks);
        caveats.extend(stories(&evidence, &checks));
        let (hiccups, elapsed_ns) = (evidence.hiccups.as_ref(), evidence.elapsed_ns);
        let noisy = hiccups.and_then(|hiccups| stalls::is_noisy(hiccups, elapsed_ns));
        let verdict = outcome(plan, &evidence, &checks, &counters, &mut caveats);
        let rate = evidence.rate();
        caveats.extend(rate.as_ref().and_then(saturated));
        caveats.extend(unended(evidence.unended_holds));
        // Last: where only one note is shown it is the reason for the verdict.
        if noisy == Some(true) {
            caveats.extend(hiccups.map(|hiccups| noise(hiccups, elapsed_ns)));
        }
        caveats.extend(stopped(&evidence.stopped));
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
            interpreter: evidence.interpreter.clone(),
            seed: plan.seed,
            seed_text: plan.seed.to_string(),
            shard: None,
            number: 0,
            threads: threads(&evidence),
            elapsed_ns: evidence.elapsed_ns,
            rate,
            ops: ops(&evidence),
            pauses: evidence.pauses.clone(),
            mmu: evidence.mmu.clone(),
            noisy,
            stopped_ns: evidence.stopped.ns,
            counters,
            require: plan.require.clone(),
            checks,
            caveats,
            verdict,
            reproduce,
            replay: None,
            profile: None,
            evidence,
        }
    }

    /// The commands that repeat it.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.reproduce.as_str()).chain(self.replay.as_deref())
    }

    /// The same run, judged again by its plan: verdicts and figures come from the evidence, while
    /// the machine, the program and the shard stay as they are.
    #[must_use]
    pub fn judged_again(self, plan: &Plan) -> Self {
        let (host, shard, profile) = (self.host, self.shard, self.profile);
        let (number, replay) = (self.number, self.replay);
        Self {
            host,
            replay,
            shard,
            number,
            profile,
            ..Self::new(plan, self.evidence, self.tool, self.reproduce)
        }
    }

    /// The heap, and the fault planted in it.
    pub fn subject(&self) -> String {
        subject(&self.heap, self.fault.as_deref())
    }
}

// `remote = "Self"` makes serde derive associated functions instead of the traits; these
// implementations wrap them.
impl Serialize for RunResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for RunResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut result = Self::deserialize(deserializer)?;
        result.make_whole();
        Ok(result)
    }
}

impl RunResult {
    /// Puts back into the evidence what JSON has at the top only. Results of earlier versions have
    /// it in the evidence as well, and keep that.
    fn make_whole(&mut self) {
        // A program that rounds numbers may have written the file again; the text survives that.
        match self.seed_text.parse() {
            Ok(seed) => self.seed = seed,
            Err(_) => self.seed_text = self.seed.to_string(),
        }
        let evidence = &mut self.evidence;
        if !evidence.heap.is_empty() {
            return;
        }
        evidence.heap.clone_from(&self.heap);
        evidence.fault.clone_from(&self.fault);
        evidence.interpreter.clone_from(&self.interpreter);
        evidence.pauses.clone_from(&self.pauses);
        evidence.mmu.clone_from(&self.mmu);
        for (kind, op) in &self.ops {
            let times = [
                (&mut evidence.service, &op.service),
                (&mut evidence.response, &op.response),
            ];
            for (of_kind, latency) in times {
                of_kind.extend(latency.clone().map(|latency| (kind.clone(), latency)));
            }
        }
    }
}

/// A heap and the fault planted in it. Every report names a heap like this, so that one with a
/// planted fault is not taken for a sound one.
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
    let mut of_setups = BTreeMap::<&str, u64>::new();
    for Tally { ops, setup_ops, .. } in evidence.mutators.iter().map(|mutator| &mutator.tally) {
        for (sums, ops) in [(&mut counts, ops), (&mut of_setups, setup_ops)] {
            for (kind, count) in ops {
                *sums.entry(kind).or_default() += count;
            }
        }
    }
    // Every kind of operation that has times needs a summary, since the times are written only
    // there.
    for kind in evidence.service.keys().chain(evidence.response.keys()) {
        counts.entry(kind).or_default();
    }
    let summary = |(kind, count): (&str, u64)| {
        let service = evidence.service.get(kind).cloned();
        let since_start = count.saturating_sub(of_setups.get(kind).copied().unwrap_or(0));
        let summary = OpSummary {
            count,
            per_second: if seconds > 0.0 {
                since_start as f64 / seconds
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// A result with times, pauses and a planted fault.
    fn whole() -> RunResult {
        let mut result = sample::result("gil");
        (result.evidence.fault, result.fault) = (Some("no".to_owned()), Some("no".to_owned()));
        let mmu = MmuPoint {
            window_ms: 1,
            utilization: 0.5,
            each: None,
        };
        (result.evidence.mmu, result.mmu) = (vec![mmu], vec![mmu]);
        result
    }

    /// Goal: a result survives JSON, and no histogram is written twice.
    #[test]
    fn survives_json_and_says_nothing_twice() {
        let result = whole();
        let text = serde_json::to_string(&result).expect("it serializes");
        let back: RunResult = serde_json::from_str(&text).expect("it parses");
        assert_eq!(back, result);
        let latencies = result.evidence.service.len() + result.pauses.len();
        assert_eq!(text.matches("\"hdr\":").count(), latencies);
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for field in ["heap", "fault", "service", "response", "pauses", "mmu"] {
            assert!(json["evidence"].get(field).is_none(), "{field}");
        }
    }

    /// Goal: results of earlier versions, in which the evidence is whole and the seed a number
    /// only, are read as before.
    #[test]
    fn reads_earlier_results() {
        let result = whole();
        let mut json = serde_json::to_value(&result).expect("it serializes");
        let of = |value: &BTreeMap<String, Latency>| serde_json::to_value(value).expect("JSON");
        json["evidence"]["heap"] = "gil".into();
        json["evidence"]["fault"] = "no".into();
        json["evidence"]["service"] = of(&result.evidence.service);
        json["evidence"]["pauses"] = of(&result.pauses);
        json["evidence"]["mmu"] = json["mmu"].clone();
        json.as_object_mut().expect("an object").remove("seed_text");
        let back: RunResult = serde_json::from_value(json).expect("it parses");
        assert_eq!(back, result);
    }

    /// Goal: a seed that a JSON reader rounded comes back as it was.
    #[test]
    fn seeds_are_not_rounded() {
        let mut result = whole();
        (result.seed, result.seed_text) = (u64::MAX - 1, (u64::MAX - 1).to_string());
        let mut json = serde_json::to_value(&result).expect("it serializes");
        assert_eq!(json["seed_text"], "18446744073709551614");
        json["seed"] = 18_446_744_073_709_550_000_u64.into();
        let back: RunResult = serde_json::from_value(json).expect("it parses");
        assert_eq!(back.seed, u64::MAX - 1);
    }
}
