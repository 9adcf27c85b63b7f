//! The faults that can be planted in the built-in heaps, each caught by the check that the
//! catalogue names, on the runs that it names.
//!
//! Here only that it happens; how often takes many seeds to say. Each trial is a process of its
//! own, this program again: a heap that is broken on purpose may do anything, and a ring in a list
//! of free cells keeps whoever walks it for ever.

use std::io::{Read as _, Seek as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use gcstorm::check::{Judgement, Verdict};
use gcstorm::fuzz::catalogue::{self, Likelihood, Planted, Show};
use gcstorm::heap::{Fault, Points};
use gcstorm::result::{Outcome, RunResult, Tool};
use gcstorm::run::{Budget, CollectEvery, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

/// What depends on the schedule is tried so often.
const SEEDS: u64 = 8;
/// How long a trial may take before it counts as hung; most take less than a second.
const LIMIT: Duration = Duration::from_secs(120);
/// How often a trial is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Tells a process apart which trial it is: a fault, the number of one of its shows, a heap, a
/// seed.
const TRIAL: &str = "GCSTORM_TRIAL";

fn run(registry: &Registry, planted: &Planted, show: &Show, heap: &str, seed: u64) -> RunResult {
    let workload = Workload::named(show.workload).expect("the catalogue is tested");
    let text = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    let set: Vec<_> = show.parameters.iter().map(text).collect();
    let plan = workload.plan(&set, seed).expect("its parameters are there");
    let options = Options {
        budget: Budget::Ops(show.ops),
        timing: Timing::Off,
        fault: Some(planted.fault),
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

/// What a trial in a process apart came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Caught,
    Missed,
    Hung,
}

/// One trial, and what its process said where nothing was caught.
fn try_out(trial: &str) -> (Came, String) {
    // A pipe that nobody empties would hold up whoever has much to say.
    let mut said = tempfile::tempfile().expect("a file");
    let mut child = Command::new(std::env::current_exe().expect("it has a path"))
        .args(["--exact", "planted::one_trial", "--ignored", "--nocapture"])
        .env(TRIAL, trial)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said.try_clone().expect("it is open"))
        .spawn()
        .expect("it starts");
    let mut looks = LIMIT.as_millis() / LOOK_EVERY.as_millis();
    let came = loop {
        match child.try_wait().expect("it is there") {
            Some(status) if status.success() => break Came::Caught,
            Some(_) => break Came::Missed,
            None if looks == 0 => {
                child.kill().expect("it is there");
                child.wait().expect("it has ended");
                break Came::Hung;
            }
            None => {
                looks -= 1;
                std::thread::sleep(LOOK_EVERY);
            }
        }
    };
    let mut text = String::new();
    said.rewind().expect("it is open");
    said.read_to_string(&mut text).expect("it is text");
    (came, text)
}

/// Goal: each planted fault is caught by a check that should catch it, and at once if that does not
/// depend on the schedule.
#[test]
fn planted_faults_are_caught() {
    let harmless = catalogue::ALL.iter().filter(|one| one.danger.is_none());
    for planted in harmless.filter(|one| one.likelihood != Likelihood::Never) {
        let seeds = if planted.likelihood == Likelihood::Certain {
            1
        } else {
            SEEDS
        };
        for (number, show) in planted.shows.iter().enumerate() {
            for heap in show.heaps {
                let mut last = (Came::Missed, String::new());
                let caught = (1..=seeds).any(|seed| {
                    last = try_out(&format!("{} {number} {heap} {seed}", planted.fault));
                    last.0 == Came::Caught
                });
                let line = show.line(planted.fault);
                assert!(caught, "{line} ({heap}): {:?}: {}", last.0, last.1);
            }
        }
    }
}

/// A trial, which fails if the fault is not caught.
#[test]
#[ignore = "a process apart for planted_faults_are_caught"]
fn one_trial() {
    let Ok(trial) = std::env::var(TRIAL) else {
        return;
    };
    let words: Vec<&str> = trial.split(' ').collect();
    let [fault, number, heap, seed] = words[..] else {
        panic!("not a trial: {trial}");
    };
    let fault = Fault::named(fault).expect("a fault");
    let planted = catalogue::of(fault).expect("it is in the catalogue");
    let show = &planted.shows[number.parse::<usize>().expect("a number")];
    let seed = seed.parse().expect("a seed");
    let result = run(&Registry::builtin(), planted, show, heap, seed);
    let violated = |check: &&Judgement| check.verdict == Verdict::Violated;
    let found: Vec<_> = result.checks.iter().filter(violated).collect();
    assert!(is_caught(&result, planted), "{found:#?}");
}

/// Goal: what the catalogue says of a heap, the heap says of itself.
#[test]
fn heaps_can_have_what_is_shown_on_them() {
    let registry = Registry::builtin();
    for planted in catalogue::ALL {
        for heap in planted.shows.iter().flat_map(|show| show.heaps) {
            let entry = registry.get(heap).expect("a heap that is built in");
            assert!(entry.can_have(planted.fault), "{} on {heap}", planted.fault);
        }
    }
}

/// Goal: the negative control is one: nothing here sees it.
#[test]
fn nothing_sees_the_negative_control() {
    let registry = Registry::builtin();
    for planted in catalogue::ALL
        .iter()
        .filter(|one| one.likelihood == Likelihood::Never)
    {
        for show in planted.shows {
            let result = run(&registry, planted, show, show.heaps[0], 1);
            assert_ne!(result.verdict, Outcome::Violated, "{}", planted.fault);
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
