//! Mutators that leave and come back, and mutators that stall.

use std::time::Duration;

use gcstorm::check::{self, Judgement, Verdict};
use gcstorm::evidence::Ended;
use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{Cause, HeapConfig, Pauses};
use gcstorm::result::Outcome;
use gcstorm::run::{Budget, Options, Unobserved, Verify, run};

use crate::bad_heap::Fault;
use crate::{plan_of, result, storm, storm_for, violated};

/// Visitors that leave with full registers: of objects that others use too, of garbage, of one that
/// is finalized by it, and a weak one.
const VISITS: &str = r#"
summary = "three that come and go"
mailboxes = ["risen"]
[objects]
list = "list"
total = "counter"
[limits]
live_objects = 20_000
[[threads]]
name = "visitor"
count = 3
setup = [ { op = "rejoin" } ]
loop = [
  { op = "append-new", list = "list", times = 20 },
  { op = "get", dst = "held", list = "list", index = 2 },
  { op = "clear", slot = "held" },
  { op = "get", dst = "held", list = "list", index = 3 },
  { op = "downgrade", dst = "weak", src = "held" },
  { op = "alloc-finalized", dst = "last", shape = "leaf", mailbox = "risen" },
  { op = "upgrade", dst = "again", weak = "weak" },
  { op = "ring", size = 2, dst = "ring" },
  { op = "chain", size = 4, dst = "chain" },
  { op = "truncate-front", list = "list", leave = 10 },
  { op = "add", counter = "total" },
  { op = "rejoin" },
  { op = "len", list = "list" },
]
"#;

/// Goal: a right heap passes with mutators that come and go, surveyed at the end and at pauses; and
/// its registers are surveyed after they came back, or what they hold would be found unreachable.
#[test]
fn departures_lose_nothing() {
    for verify in [Verify::End, Verify::Every(97)] {
        let plan = plan_of(VISITS, 1);
        let evidence = storm(&plan, Fault::None, verify);
        assert_eq!(evidence.ended, Ended::Done);
        assert_eq!(evidence.ops("rejoin"), 3 + 300);
        let judgements = check::judge(&plan, &evidence).into_iter();
        let shown = |one: &Judgement| !crate::TAKES_LONGER.contains(&one.name.as_str());
        for judgement in judgements.filter(shown) {
            assert_eq!(judgement.verdict, Verdict::Held, "{judgement:?}");
        }
    }
}

/// Goal: what a departing mutator loses or releases once too often is found, and only because it
/// departs: without, the same heaps pass.
#[test]
fn bad_departures_are_found() {
    let stay = VISITS.replace(r#"{ op = "rejoin" }"#, r#"{ op = "safepoint" }"#);
    for (fault, checks) in [
        (Fault::DetachKeeps, &["completeness"][..]),
        (Fault::DetachLosesBuffer, &["completeness"]),
        // Which of them depends on whether anyone still held the object when it was freed.
        (Fault::DetachReleasesTwice, &["refcounts", "dangling"]),
    ] {
        for verify in [Verify::End, Verify::Every(97)] {
            let plan = plan_of(VISITS, 2);
            let found = violated(&plan, &storm(&plan, fault, verify));
            assert!(
                found.iter().any(|name| checks.contains(&name.as_str())),
                "{fault:?}, {verify:?}: {found:?}"
            );
        }
        if fault == Fault::DetachLosesBuffer {
            let plan = plan_of(&stay, 2);
            let found = violated(&plan, &storm(&plan, fault, Verify::Every(97)));
            assert!(found.is_empty(), "{fault:?}: {found:?}");
        }
    }
}

/// Goal: a heap that does not let a mutator back in ends the run and is never green; nobody waits
/// for the one that is out.
#[test]
fn a_refusal_ends_the_run() {
    for verify in [Verify::End, Verify::Every(97)] {
        let plan = plan_of(VISITS, 3);
        let evidence = storm(&plan, Fault::AttachFails, verify);
        assert!(
            matches!(&evidence.ended, Ended::Defect { mutator, defect }
                if mutator.starts_with("visitor") && defect.to_string().contains("refusal")),
            "{:?}",
            evidence.ended
        );
        assert_eq!(result(&plan, evidence).verdict, Outcome::Violated);
    }
}

/// Goal: a heap that panics while a mutator leaves is the heap's failure, and everyone gets home.
#[test]
fn a_panic_on_leaving_is_data() {
    for verify in [Verify::End, Verify::Every(97)] {
        let plan = plan_of(VISITS, 4);
        let evidence = storm(&plan, Fault::DetachPanics, verify);
        assert!(
            matches!(evidence.ended, Ended::Panicked { .. }),
            "{:?}",
            evidence.ended
        );
        assert_eq!(result(&plan, evidence).verdict, Outcome::Crashed);
    }
}

/// One that stalls for a minute, and one that works.
const STALLED: &str = r#"
summary = "one stalls"
[objects]
list = "list"
[limits]
live_objects = 20_000
[[threads]]
name = "worker"
loop = [
  { op = "append-new", list = "list", times = 100 },
  { op = "truncate-front", list = "list", leave = 10 },
]
[[threads]]
name = "sleeper"
background = true
loop = [
  { op = "get", dst = "held", list = "list", index = 1 },
  { op = "stall", ms = 60_000 },
  { op = "peek", slot = "held" },
]
"#;

/// Goal: the end of a run ends a stall, be the run over by the clock or by the others' rounds.
#[test]
fn a_run_does_not_wait_for_a_stall() {
    let plan = plan_of(STALLED, 5);
    for budget in [
        Budget::Duration(Duration::from_millis(50)),
        Budget::Rounds(50),
    ] {
        let evidence = storm_for(&plan, Fault::None, Verify::End, budget);
        assert_eq!(evidence.ended, Ended::Done);
        let stall = Duration::from_secs(60);
        assert!(Duration::from_nanos(evidence.elapsed_ns) < stall);
        assert_eq!(result(&plan, evidence).verdict, Outcome::Held);
    }
}

/// Goal: a stalled mutator keeps the global lock, which is what makes everyone wait; and a survey
/// waits for it.
#[test]
fn a_stalled_mutator_keeps_the_lock() {
    const STALL: Duration = Duration::from_millis(20);
    let text = STALLED
        .replace("60_000", "20")
        .replace("background = true", "rounds = 10");
    let plan = plan_of(&text, 6);
    let pauses = std::sync::Arc::new(Pauses::default());
    let config = HeapConfig {
        pauses: pauses.clone(),
        globals: plan.globals,
        switch_interval: Duration::from_micros(100),
        ..HeapConfig::with_capacity(plan.live_limit)
    };
    let options = Options {
        budget: Budget::Duration(STALL * 20),
        // Where both share a processor the worker does thousands of operations before the other
        // asks for the lock, and a survey is waited for without it.
        verify: Verify::Every(100_000),
        ..Options::default()
    };
    let heap = open_gil(&config);
    let evidence = run("gil", &heap, &pauses, &plan, &options, &Unobserved);
    assert_eq!(evidence.ended, Ended::Done);
    assert!(evidence.ops("stall") > 0);
    // The waiter came at some time during the stall; of several, one came in its first half.
    let longest = Duration::from_nanos(pauses.histogram(Cause::GilWait).max());
    assert!(
        longest > STALL / 2,
        "nobody waited for longer than {longest:?}"
    );
    assert_eq!(violated(&plan, &evidence), [""; 0]);
    assert_eq!(result(&plan, evidence).verdict, Outcome::Held);
}
