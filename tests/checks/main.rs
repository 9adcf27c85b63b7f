//! Goal: every check can fail. Each fault below, and no other reason, makes its check say so; the
//! same heap without a fault passes everything.

mod bad_heap;
mod departures;
mod determinism;
mod independence;
mod open_loop;
mod panics;
mod planted;
mod recorder;
mod room;
mod stalls;
mod windows;

use std::ops::ControlFlow;
use std::sync::Arc;

use bad_heap::{BadHeap, Fault};
use gcstorm::check::{self, Verdict};
use gcstorm::evidence::{Ended, Evidence, Moment, Survey};
use gcstorm::heap::{Caps, HeapConfig, Pauses};
use gcstorm::plan::Plan;
use gcstorm::result::{Outcome, RunResult, Tool};
use gcstorm::run::{Budget, Observer, Options, Timing, Verify, run};
use gcstorm::workload::Workload;

/// A list under two threads, one counter, objects in registers while they are truncated.
const MIXED: &str = r#"
summary = "a bit of everything, for checks to look at"
mailboxes = ["risen"]
[objects]
list = "list"
stack = "list"
total = "counter"
[limits]
live_objects = 20_000
[[threads]]
name = "writer"
loop = [
  { op = "append-new", list = "list", shape = "node", times = 60 },
  { op = "len", list = "list", times = 3 },
  { op = "get", dst = "held", list = "list", index = 3 },
  { op = "truncate-front", list = "list", leave = 30 },
  { op = "append-new", list = "stack", shape = "leaf", times = 3 },
  { op = "pop", list = "stack", dst = "popped", times = 2 },
  { op = "add", counter = "total", by = 2, times = 7 },
  { op = "ring", size = 3 },
  { op = "alloc", dst = "target", shape = "node" },
  { op = "downgrade", dst = "weak", src = "target" },
  { op = "upgrade", dst = "again", weak = "weak" },
  { op = "clear", slot = "again" },
  { op = "clear", slot = "target" },
  { op = "upgrade", dst = "again", weak = "weak" },
  { op = "alloc", dst = "kept", shape = "leaf" },
  { op = "downgrade", dst = "kept-weak", src = "kept" },
  { op = "alloc-finalized", dst = "dying", shape = "node", mailbox = "risen" },
  { op = "downgrade", dst = "dying-weak", src = "dying" },
  { op = "clear", slot = "dying" },
  { op = "upgrade", dst = "again", weak = "dying-weak" },
  { op = "fetch", dst = "risen", mailbox = "risen" },
  { op = "clear", slot = "risen" },
  { op = "alloc-finalized", dst = "first", shape = "node", mailbox = "risen" },
  { op = "alloc-finalized", dst = "second", shape = "node" },
  { op = "copy", dst = "third", src = "first" },
  { op = "store", obj = "second", field = 0, val = "third" },
  { op = "store", obj = "first", field = 0, val = "second" },
  { op = "clear", slot = "first" },
]
[[threads]]
name = "reader"
loop = [
  { op = "reload", object = "list" },
  { op = "len", list = "list", times = 50 },
  { op = "get", dst = "seen", list = "list", index = { uniform = [0, 40] }, times = 50 },
]
"#;

fn plan(seed: u64) -> Plan {
    plan_of(MIXED, seed)
}

fn plan_of(text: &str, seed: u64) -> Plan {
    let workload = Workload::parse("test.toml", text).unwrap_or_else(|error| panic!("{error}"));
    workload
        .plan(&[], seed)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Stops at the first bad survey, as the command does.
struct Strict<'p>(&'p Plan, Caps);

impl Observer for Strict<'_> {
    fn surveyed(&self, survey: &Survey) -> ControlFlow<()> {
        if check::survey_violates(self.0, self.1, survey) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Events of a mutator: more than any of `MIXED` does in a hundred rounds, so that its histories go
/// to the end. For that its reader has as many rounds as its writer: one in the background would,
/// on a machine where the writer waits long for a core, fill its room and end everyone's history.
const HISTORY: u64 = 20_000;

fn storm(plan: &Plan, fault: Fault, verify: Verify) -> Evidence {
    storm_for(plan, fault, verify, Budget::Rounds(100))
}

fn storm_for(plan: &Plan, fault: Fault, verify: Verify, budget: Budget) -> Evidence {
    let pauses = Arc::new(Pauses::default());
    let config = HeapConfig {
        capacity: plan.live_limit,
        globals: plan.globals,
        pauses: Arc::clone(&pauses),
        ..HeapConfig::with_capacity(plan.live_limit)
    };
    let heap = BadHeap::open(&config, fault);
    let caps = gcstorm::heap::Heap::caps(&heap);
    let options = Options {
        budget,
        history: Some(HISTORY),
        verify,
        timing: Timing::Sampled,
        ..Options::default()
    };
    run("bad", &heap, &pauses, plan, &options, &Strict(plan, caps))
}

fn violated(plan: &Plan, evidence: &Evidence) -> Vec<String> {
    check::judge(plan, evidence)
        .into_iter()
        .filter(|judgement| judgement.verdict == Verdict::Violated)
        .map(|judgement| judgement.name)
        .collect()
}

fn result(plan: &Plan, evidence: Evidence) -> RunResult {
    let tool = Tool {
        name: "test".to_owned(),
        version: String::new(),
        commit: String::new(),
        dirty: None,
    };
    RunResult::new(plan, evidence, tool, String::new())
}

/// What runs as short as these do not show. A fault for each is in `planted`.
pub(crate) const TAKES_LONGER: [&str; 2] = ["progress", "budget"];

/// Goal: a heap that forgets to say when it no longer holds a thread up is told so, and no figure is made
/// of what it said.
#[test]
fn forgotten_holds_are_told() {
    let plan = plan(1);
    for (fault, is_told) in [(Fault::None, false), (Fault::HoldsForgotten, true)] {
        let result = result(&plan, storm(&plan, fault, Verify::End));
        assert_eq!(result.verdict, Outcome::Held, "{:?}", result.caveats);
        assert_eq!(result.evidence.unended_holds > 0, is_told);
        let mut texts = result.caveats.iter().map(|caveat| &caveat.text);
        assert_eq!(
            texts.any(|text| text.contains("never that this had ended")),
            is_told
        );
        assert_eq!(result.pauses.len(), 0);
        assert_eq!(result.mmu.is_empty(), is_told);
    }
}

/// Goal: without a fault every check holds, at the end and at pauses, and looked at something.
#[test]
fn a_right_heap_passes() {
    for verify in [Verify::End, Verify::Every(500)] {
        let plan = plan(1);
        let evidence = storm(&plan, Fault::None, verify);
        assert_eq!(evidence.ended, Ended::Done);
        for judgement in check::judge(&plan, &evidence) {
            if TAKES_LONGER.contains(&judgement.name.as_str()) {
                assert_eq!(judgement.verdict, Verdict::Skipped, "{judgement:?}");
                continue;
            }
            assert_eq!(judgement.verdict, Verdict::Held, "{judgement:?}");
            assert!(judgement.examined > 0, "{judgement:?}");
        }
        let surveys_at_pauses = evidence.surveys_made - 2;
        assert_eq!(
            surveys_at_pauses > 0,
            verify != Verify::End,
            "{surveys_at_pauses}"
        );
        assert_eq!(result(&plan, evidence).verdict, Outcome::Held);
    }
}

/// Goal: a right heap is not accused where shared objects are changed through other registers than
/// their own, whether copied or read back from a list.
#[test]
fn changes_through_other_registers_are_no_losses() {
    let programs = [
        r#"{ op = "copy", dst = "alias", src = "list" },
           { op = "append-new", list = "alias", shape = "leaf", times = 10 },
           { op = "truncate-front", list = "list", leave = 30 }, { op = "len", list = "list" }"#,
        r#"{ op = "copy", dst = "x", src = "list" }, { op = "append", list = "nest", val = "x" },
           { op = "pop", dst = "alias", list = "nest" },
           { op = "append-new", list = "alias", shape = "leaf" }"#,
        r#"{ op = "copy", dst = "alias", src = "total" }, { op = "add", counter = "alias" }"#,
    ];
    for program in programs {
        let text = format!(
            "summary = \"aliases\"\n[objects]\nlist = \"list\"\nnest = \"list\"\n\
             total = \"counter\"\n[limits]\nlive_objects = 1000\n\
             [[threads]]\nname = \"only\"\nloop = [{program}]\n"
        );
        let workload = Workload::parse("alias.toml", &text).unwrap_or_else(|e| panic!("{e}"));
        let plan = workload.plan(&[], 1).unwrap_or_else(|e| panic!("{e}"));
        let evidence = storm(&plan, Fault::None, Verify::End);
        assert_eq!(violated(&plan, &evidence), [""; 0], "{program}");
    }
}

/// Goal: each fault trips the check that is meant for it, whether the run is surveyed at its end or
/// all the time.
#[test]
fn every_fault_trips_its_check() {
    let cases = [
        (Fault::CensusLies, "refcounts"),
        (Fault::TruncationFrees, "dangling"),
        (Fault::TruncationDropsTags, "premature"),
        (Fault::TruncationKeeps, "completeness"),
        (Fault::CyclesKept, "completeness"),
        (Fault::DropsTwice, "double-free"),
        (Fault::AppendLoses, "conservation"),
        (Fault::AppendSwaps, "order"),
        (Fault::AddLoses, "counter"),
        (Fault::LenLies, "length"),
        (Fault::PopSwaps, "linearizable"),
        (Fault::StoreLoses, "answers"),
        (Fault::Spoiled, "poison"),
        (Fault::MarkLeft, "collector-state"),
        (Fault::WeakKept, "weak"),
        (Fault::WeakLost, "weak"),
        (Fault::WeakClearedAtRest, "weak"),
        (Fault::WeakOutlivesFinalizer, "weak"),
        (Fault::FinalizesTwice, "finalizers"),
        (Fault::FinalizesNever, "finalizers"),
        (Fault::ResurrectsTheDead, "premature"),
        (Fault::NotesOther, "collector-state"),
        (Fault::SettleFails, "completeness"),
        (Fault::CensusOmits, "refcounts"),
        (Fault::AppendRefuses, "conservation"),
        (Fault::RootsLost, "premature"),
    ];
    for (fault, check) in cases {
        for verify in [Verify::End, Verify::Every(97)] {
            let plan = plan(2);
            let evidence = storm(&plan, fault, verify);
            let violated = violated(&plan, &evidence);
            assert!(
                violated.iter().any(|name| name == check),
                "{fault:?}: {violated:?}"
            );
            assert_eq!(result(&plan, evidence).verdict, Outcome::Violated);
        }
    }
    let known = check::ALL.iter();
    let elsewhere = |name| TAKES_LONGER.contains(&name) || name == "capacity";
    for check in known.filter(|check| !elsewhere(check.name)) {
        assert!(
            cases.iter().any(|(_, name)| *name == check.name),
            "no fault for {}",
            check.name
        );
    }
}

/// Goal: a heap that keeps more objects than it was opened for is convicted of that by their tags.
#[test]
fn what_exceeds_the_capacity_is_told() {
    let small = plan_of(&MIXED.replace("20_000", "2_000"), 2);
    for (fault, exceeds) in [(Fault::None, false), (Fault::TruncationKeeps, true)] {
        let violated = violated(&small, &storm(&small, fault, Verify::End));
        assert_eq!(
            violated.contains(&"capacity".to_owned()),
            exceeds,
            "{violated:?}"
        );
    }
}

/// Goal: what a mutator finds in its own registers is judged, though nothing is left of it at the
/// end.
#[test]
fn what_peeks_find_is_judged() {
    let text = r#"
summary = "objects that are looked at and let go of"
[limits]
live_objects = 1000
[[threads]]
name = "only"
loop = [
  { op = "alloc", dst = "held", shape = "leaf" },
  { op = "peek", slot = "held" },
  { op = "clear", slot = "held" },
]
"#;
    for (fault, checks) in [
        (Fault::None, &[][..]),
        (Fault::PeekStale, &["dangling", "premature"]),
        (Fault::PeekDead, &["premature"]),
    ] {
        let plan = plan_of(text, 1);
        let evidence = storm(&plan, fault, Verify::End);
        assert_eq!(evidence.mutators[0].tally.peeks.found, 100, "{fault:?}");
        assert_eq!(violated(&plan, &evidence), checks, "{fault:?}");
    }
}

/// Goal: faults that the operations alone can tell are told apart from each other.
#[test]
fn faults_are_told_apart() {
    for (fault, checks) in [
        (Fault::CensusLies, &["refcounts"][..]),
        (Fault::AddLoses, &["counter", "linearizable"]),
        (Fault::PopSwaps, &["answers", "linearizable"]),
        (Fault::DropsTwice, &["double-free"]),
        (Fault::Spoiled, &["poison"]),
        (Fault::MarkLeft, &["collector-state"]),
        (Fault::WeakLost, &["weak"]),
        (Fault::WeakOutlivesFinalizer, &["weak"]),
        (Fault::FinalizesTwice, &["finalizers"]),
        (Fault::FinalizesNever, &["finalizers"]),
    ] {
        let plan = plan(3);
        let evidence = storm(&plan, fault, Verify::End);
        let history = evidence.history.as_ref().expect("one is written");
        assert!(history.is_whole(), "{fault:?}: its history ends early");
        let answers: Vec<_> = evidence
            .mutators
            .iter()
            .map(|it| &it.tally.answers)
            .collect();
        assert_eq!(violated(&plan, &evidence), checks, "{fault:?}: {answers:?}");
    }
}

/// Goal: a heap that panics is the heap's failure and not ours; everyone else gets home.
#[test]
fn a_panic_is_data() {
    for verify in [Verify::End, Verify::Every(300)] {
        let plan = plan(4);
        let evidence = storm(&plan, Fault::Panics, verify);
        assert!(
            matches!(&evidence.ended, Ended::Panicked { mutator, message }
                if mutator == "writer-0" && message.contains("the planted panic")),
            "{:?}",
            evidence.ended
        );
        assert_eq!(result(&plan, evidence).verdict, Outcome::Crashed);
    }
}

/// Goal: a heap that panics while the shared objects are made is data as well.
#[test]
fn a_panic_in_the_setup_is_data() {
    let plan = plan(4);
    let evidence = storm(&plan, Fault::PanicsAtOnce, Verify::End);
    assert!(
        matches!(&evidence.ended, Ended::Panicked { mutator, .. } if mutator == "the setup"),
        "{:?}",
        evidence.ended
    );
    assert_eq!(result(&plan, evidence).verdict, Outcome::Crashed);
}

/// Goal: a run whose heap was looked at only in part is not green, whatever else held.
#[test]
fn what_was_not_looked_at_is_vacuous() {
    let plan = plan(8);
    let mut evidence = storm(&plan, Fault::None, Verify::End);
    evidence.surveys[0].incomplete = Some("the graph is too deep".to_owned());
    assert_eq!(result(&plan, evidence).verdict, Outcome::Vacuous);
}

/// Goal: a heap whose `idle` never waits is told so. It does not hang the run, and it is not accused
/// of what its mutators do before the others are ready.
#[test]
fn a_heap_that_never_waits_is_told() {
    let plan = plan(8);
    for verify in [Verify::End, Verify::Every(300)] {
        let evidence = storm(&plan, Fault::NeverWaits, verify);
        let Ended::Defect { defect, .. } = &evidence.ended else {
            panic!("{:?}", evidence.ended);
        };
        assert!(defect.to_string().contains("`idle`"), "{defect}");
        let mut surveys = evidence.surveys.iter();
        assert!(surveys.any(|survey| survey.moment == Moment::End));
        let result = result(&plan, evidence);
        assert_eq!(result.verdict, Outcome::Violated);
        let mut checks = result.checks.iter();
        let violated = checks.find(|check| check.verdict == Verdict::Violated);
        assert_eq!(violated, None);
    }
}

/// Goal: a defect that a safepoint reports ends the run and is never green, even if no check has a
/// name for it.
#[test]
fn a_fault_at_a_safepoint_ends_the_run() {
    let plan = plan(5);
    let evidence = storm(&plan, Fault::Faults, Verify::End);
    assert!(
        matches!(evidence.ended, Ended::Defect { .. }),
        "{:?}",
        evidence.ended
    );
    // The operation before that safepoint was done, so its answer is not held against the model.
    assert_eq!(violated(&plan, &evidence), [""; 0]);
    assert_eq!(result(&plan, evidence).verdict, Outcome::Violated);
}

/// Goal: a result survives JSON, and judging it again gives the same verdicts.
#[test]
fn a_result_survives_json() {
    let plan = plan(6);
    let result = result(&plan, storm(&plan, Fault::AppendLoses, Verify::Every(500)));
    let json = serde_json::to_string(&result).expect("it serializes");
    let back: RunResult = serde_json::from_str(&json).expect("it parses");
    assert_eq!(back.checks, result.checks);
    assert_eq!(check::judge(&plan, &back.evidence), result.checks);
}
