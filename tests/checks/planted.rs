//! The faults that can be planted in the built-in heaps, each caught by the check that the catalogue
//! names, on the runs that it names.
//!
//! Here only that it happens: how often is for many seeds to tell. What may end the process or keep
//! it from ending is run by the command, which gives it a process of its own.

use gcstorm::check::{Judgement, Verdict};
use gcstorm::fuzz::catalogue::{self, Planted, Rate, Show};
use gcstorm::heap::Points;
use gcstorm::report::{Outcome, RunResult, Tool};
use gcstorm::run::{Budget, CollectEvery, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

/// What depends on the schedule is tried so often.
const SEEDS: u64 = 8;

fn run(registry: &Registry, planted: &Planted, show: &Show, heap: &str, seed: u64) -> RunResult {
    let workload = Workload::named(show.workload).expect("the catalogue is tested");
    let text = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    let set: Vec<_> = show.parameters.iter().map(text).collect();
    let plan = workload.plan(&set, seed).expect("its parameters are there");
    let options = Options {
        budget: Budget::Ops(show.ops),
        timing: Timing::Off,
        fault: Some(planted.flaw),
        delays: show.delays.then_some(Points::ALL),
        collect_every: show.collect_every.map(|ops| CollectEvery {
            least: ops,
            most: ops,
        }),
        history: show.history,
        ..Options::default()
    };
    let entry = registry.get(heap).expect("a heap that is built in");
    let evidence = entry.run(&plan, &options, &Unobserved).expect("it opens");
    let tool = Tool {
        name: String::new(),
        version: String::new(),
        commit: String::new(),
        dirty: None,
    };
    RunResult::new(&plan, evidence, tool, String::new())
}

fn is_caught(result: &RunResult, planted: &Planted) -> bool {
    let names = |check: &Judgement| planted.caught_by.contains(&check.name.as_str());
    let mut violated = result.checks.iter();
    violated.any(|check| check.verdict == Verdict::Violated && names(check))
}

/// Goal: each planted fault is caught by a check that should catch it, and at once if nothing hangs on
/// the schedule.
#[test]
fn planted_faults_are_caught() {
    let registry = Registry::builtin();
    let harmless = catalogue::ALL.iter().filter(|one| one.danger.is_none());
    for planted in harmless.filter(|one| one.rate != Rate::Never) {
        let seeds = if planted.rate == Rate::Certain {
            1
        } else {
            SEEDS
        };
        for show in planted.shows {
            for heap in show.heaps {
                let mut found = Vec::new();
                let caught = (1..=seeds).any(|seed| {
                    let result = run(&registry, planted, show, heap, seed);
                    found = result.checks.clone();
                    is_caught(&result, planted)
                });
                let line = show.line(planted.flaw);
                found.retain(|check| check.verdict == Verdict::Violated);
                assert!(caught, "{line} ({heap}): {found:#?}");
            }
        }
    }
}

/// Goal: what the catalogue says of a heap, the heap says of itself.
#[test]
fn heaps_can_have_what_is_shown_on_them() {
    let registry = Registry::builtin();
    for planted in catalogue::ALL {
        for heap in planted.shows.iter().flat_map(|show| show.heaps) {
            let entry = registry.get(heap).expect("a heap that is built in");
            assert!(entry.can_have(planted.flaw), "{} on {heap}", planted.flaw);
        }
    }
}

/// Goal: the negative control is one: nothing here sees it.
#[test]
fn nothing_sees_the_negative_control() {
    let registry = Registry::builtin();
    for planted in catalogue::ALL.iter().filter(|one| one.rate == Rate::Never) {
        for show in planted.shows {
            let result = run(&registry, planted, show, show.heaps[0], 1);
            assert_ne!(result.verdict, Outcome::Violated, "{}", planted.flaw);
        }
    }
}

/// Goal: each check is there for something: some planted fault is caught by it.
#[test]
fn each_check_has_its_fault() {
    for check in gcstorm::check::ALL {
        let catches = |one: &Planted| one.caught_by.contains(&check.name);
        assert!(catalogue::ALL.iter().any(catches), "{}", check.name);
    }
}
