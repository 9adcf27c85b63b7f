//! Made-up results, soaks and trials, always the same, for tests of checks and formats.
//!
//! Nothing but tests uses this. It is part of the library, and hidden there, because the tests of
//! the crate with the formats use it too, which cannot see what is compiled only for this crate's
//! own tests. Everything of that kind is here, and nothing of it anywhere else.

use std::collections::BTreeMap;

use crate::check::{Judgement, Verdict};
use crate::evidence::{Ended, Evidence, Latency, MutatorEvidence, Tally};
use crate::fuzz::catalogue::{Likelihood, Planted, Show};
use crate::fuzz::matrix::Ending;
use crate::fuzz::{At, Sighting};
use crate::heap::{Caps, Fault};
use crate::result::{Outcome, RunResult, Tool};
use crate::soak::{Header, Lane, Shard};
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
            .push(mutator(&format!("{name}er-0"), tally));
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

/// What a check came to.
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

/// A mutator's evidence of a run of two seconds.
pub fn mutator(name: &str, tally: Tally) -> MutatorEvidence {
    MutatorEvidence {
        name: name.to_owned(),
        elapsed_ns: 2_000_000_000,
        rounds: 1,
        others_ops: 0,
        interleavings: None,
        gap_ops_max: 0,
        gap_ns: 0,
        gap_starved_ns: 0,
        gap_ran_ns: None,
        forced_collections: 0,
        refused: 0,
        load: None,
        tally,
    }
}

/// The header of a soak with these lanes.
pub fn header(lanes: Vec<Lane>) -> Header {
    Header {
        version: "0.1.0".to_owned(),
        commit: "abc".to_owned(),
        seed: 7,
        lanes,
        shard: Shard::WHOLE,
        round_ms: 5000,
        stint: 12,
        stint_grows: true,
        options: vec!["--timing".to_owned(), "off".to_owned()],
        profile: None,
    }
}

/// `churn` on `gil`.
pub fn lane(weight: u32) -> Lane {
    Lane {
        workload: "churn".to_owned(),
        hash: "abc".to_owned(),
        heap: "gil".to_owned(),
        fault: None,
        weight,
    }
}

const SHOW: Show = Show {
    heaps: &["gil"],
    workload: "counter",
    parameters: &[],
    ops: 1000,
    delays: false,
    collect_every: None,
    history: None,
};

/// One fault of each rate but `SoakOnly`.
pub const CATALOGUE: &[Planted] = &[
    planted(Likelihood::Certain),
    planted(Likelihood::Usually),
    planted(Likelihood::Never),
    planted(Likelihood::ModelOnly),
];

const fn planted(likelihood: Likelihood) -> Planted {
    Planted {
        fault: Fault::TrustHint,
        caught_by: &["weak"],
        likelihood,
        shows: &[SHOW],
        danger: None,
        bug: None,
    }
}

/// A trial in which this check fired.
pub fn caught(check: &str) -> Ending {
    let fired = vec![check.to_owned()];
    Ending::Judged(Sighting {
        first: fired.clone(),
        fired,
        ..quiet()
    })
}

/// A trial in which no check fired.
pub fn missed() -> Ending {
    Ending::Judged(quiet())
}

fn quiet() -> Sighting {
    Sighting {
        fired: Vec::new(),
        first: Vec::new(),
        at: At::End,
        broke: None,
        lost: None,
        examined: 1,
        ops: 1000,
        elapsed_ns: 5,
    }
}
