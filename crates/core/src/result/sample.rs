//! A made-up result for tests of the formats, which is always the same.

use std::collections::BTreeMap;

use super::{Outcome, RunResult, Tool};
use crate::check::{Judgement, Verdict};
use crate::evidence::{Ended, Evidence, Latency, MutatorEvidence, Tally};
use crate::heap::Caps;
use crate::workload::Workload;

/// A run of `shared-list` for two seconds that held: appends of 20 ns to 2 ms, `len` faster.
pub fn result(heap: &str) -> RunResult {
    let workload = Workload::embedded("shared-list").expect("it comes with the program");
    let plan = workload.and_then(|workload| workload.plan(&[], 7));
    let plan = plan.expect("it can be planned");
    let mut evidence = Evidence::of_lost(heap, Caps::NONE, None, Ended::Done);
    evidence.elapsed_ns = 2_000_000_000;
    evidence.started_unix_ms = 1_764_236_096_000;
    evidence.rss_bytes_peak = 140 << 20;
    for (name, step) in [("append", 20), ("len", 9)] {
        let latency = ramp(step);
        let tally = Tally {
            ops: BTreeMap::from([(name.to_owned(), latency.count())]),
            ..Tally::default()
        };
        evidence
            .mutators
            .push(MutatorEvidence::sample(&format!("{name}er-0"), tally));
        evidence.service.insert(name.to_owned(), latency);
    }
    evidence.pauses.insert("collect".to_owned(), ramp(1000));
    let tool = Tool {
        name: "gcstorm".to_owned(),
        version: "0.1.0".to_owned(),
        commit: "0123abcd".to_owned(),
        dirty: Some(false),
    };
    let reproduce = format!("gcstorm run shared-list --heap {heap} --seed 7");
    RunResult {
        checks: vec![
            judgement("completeness", Verdict::Held, 1000, None),
            judgement("counter", Verdict::Skipped, 0, Some("no shared counter")),
        ],
        caveats: Vec::new(),
        verdict: Outcome::Held,
        ..RunResult::new(&plan, evidence, tool, reproduce)
    }
}

/// The same result with a violated check, whose detail has characters that every format must
/// escape.
pub fn violated(heap: &str) -> RunResult {
    let detail = "object <0> & \"1\" | `2`\nis ]]> gone \u{1b}[31m\u{7}";
    let mut result = result(heap);
    let violated = judgement("premature", Verdict::Violated, 5, Some(detail));
    result.checks.insert(0, violated);
    result.verdict = Outcome::Violated;
    result
}

pub fn judgement(name: &str, verdict: Verdict, examined: u64, detail: Option<&str>) -> Judgement {
    Judgement {
        name: name.to_owned(),
        verdict,
        examined,
        detail: detail.map(str::to_owned),
    }
}

/// A hundred thousand values of which each tenth is ten times the others.
fn ramp(step: u64) -> Latency {
    let mut latency = Latency::default();
    for (times, count) in [
        (1, 90_000),
        (10, 9_000),
        (100, 900),
        (1000, 90),
        (10_000, 10),
    ] {
        latency.record_many(step * times, count);
    }
    latency
}
