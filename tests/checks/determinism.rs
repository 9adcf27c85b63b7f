//! Goal: what mutators are asked to do is a function of the workload and the seed alone.

use std::sync::{Arc, Mutex};

use gcstorm::heap::counted::{open_gil, open_racy};
use gcstorm::heap::{Heap, HeapConfig, Pauses};
use gcstorm::plan::Plan;
use gcstorm::run::{Budget, Options, Unobserved, run};
use gcstorm::workload::{Workload, embedded};

use crate::bad_heap::{BadHeap, Fault};
use crate::recorder::{Call, Recorder};

fn config(plan: &Plan) -> HeapConfig {
    HeapConfig {
        globals: plan.globals,
        ..HeapConfig::with_capacity(plan.live_limit)
    }
}

fn streams<H: Heap + Sync>(plan: &Plan, heap: H) -> Vec<Vec<Call>> {
    let log = Mutex::new(Vec::new());
    let options = Options {
        budget: Budget::Ops(20_000),
        ..Options::default()
    };
    let recorder = Recorder { heap, log: &log };
    let evidence = run(
        "recorded",
        &recorder,
        &Pauses::default(),
        plan,
        &options,
        &Unobserved,
    );
    let mut streams = log.into_inner().expect("nobody panicked");
    // The last seat is the setup's. What follows a program is the survey's walk, and depends on
    // where the program ended; every operation that is written down is at least one call.
    streams.truncate(plan.mutators.len());
    let programs = plan.mutators.iter().zip(&evidence.mutators);
    for (stream, (program, mutator)) in streams.iter_mut().zip(programs) {
        // Where the harness looks at something on the way, it uses registers of its own.
        stream.retain(|(_, slot, ..)| *slot < program.registers);
        let ops = &mutator.tally.ops;
        let silent = ["safepoint", "rejoin", "stall", "peek"];
        let silent: u64 = silent.iter().filter_map(|kind| ops.get(*kind)).sum();
        let calls = ops.values().sum::<u64>() - silent;
        stream.truncate(usize::try_from(calls).expect("it is small"));
    }
    streams
}

/// Asserts that two logs agree as far as both go: `racy` may have ended at its first fault.
fn assert_agree(workload: &str, ours: &[Vec<Call>], theirs: &[Vec<Call>]) {
    for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let both = ours.len().min(theirs.len());
        let differ = (0..both).find(|&at| ours[at] != theirs[at]);
        assert_eq!(
            differ, None,
            "{workload}: mutator {number} was asked something else"
        );
    }
}

/// Goal: the same seed asks the same of every heap; another seed asks something else wherever
/// anything is drawn.
#[test]
fn streams_do_not_depend_on_the_heap() {
    for workload in embedded() {
        let text = Workload::parse(workload.path, workload.text);
        let text = text.unwrap_or_else(|error| panic!("{error}"));
        let mut plan = text.plan(&[], 7).unwrap_or_else(|error| panic!("{error}"));
        // A thread in the background may end before its first operation; here each has its quota.
        plan.mutators
            .iter_mut()
            .for_each(|mutator| mutator.background = false);
        let gil = streams(&plan, open_gil(&config(&plan)));
        let asked: usize = gil.iter().map(Vec::len).sum();
        assert!(asked > 1000, "{}: {asked} calls", workload.name);
        assert_agree(
            workload.name,
            &gil,
            &streams(&plan, open_gil(&config(&plan))),
        );
        assert_agree(
            workload.name,
            &gil,
            &streams(&plan, open_racy(&config(&plan))),
        );
        if workload.name != "chain" {
            // The simple heap looks at every object in every cascade; a million links are too many.
            assert_agree(
                workload.name,
                &gil,
                &streams(&plan, BadHeap::open(&config(&plan), Fault::None)),
            );
        }
    }
    let churn = Workload::embedded("churn")
        .expect("it ships")
        .expect("it is right");
    let plan = |seed| {
        churn
            .plan(&[], seed)
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let (seven, eight) = (plan(7), plan(8));
    let seven = streams(&seven, open_gil(&config(&seven)));
    assert_ne!(seven, streams(&eight, open_gil(&config(&eight))));
}

/// Goal: a quota of operations is met exactly, so that a log can be cut where it should be.
#[test]
fn a_quota_is_met_exactly() {
    let counter = Workload::embedded("counter")
        .expect("it ships")
        .expect("it is right");
    let plan = counter
        .plan(&[], 7)
        .unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        budget: Budget::Ops(10_001),
        ..Options::default()
    };
    let pauses = Arc::new(Pauses::default());
    let evidence = run(
        "gil",
        &open_gil(&config(&plan)),
        &pauses,
        &plan,
        &options,
        &Unobserved,
    );
    assert_eq!(evidence.ops("add"), 10_001);
}
