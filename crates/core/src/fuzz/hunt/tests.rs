//! Tests of hunts.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::*;
use crate::fuzz::programs;
use crate::plan::OpKind;

struct Quiet;

impl HuntWatch for Quiet {}

struct Impatient;

impl HuntWatch for Impatient {
    fn progress(&mut self, _: HuntProgress) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// Releases the case that hangs as soon as it is reported.
struct Rescuer(Option<std::sync::mpsc::Sender<()>>, Option<Case>);

impl HuntWatch for Rescuer {
    fn hung(&mut self, case: &Case) {
        self.0 = None;
        self.1.get_or_insert(case.clone());
    }
}

fn hunt(budget: HuntBudget) -> Hunt {
    Hunt {
        programs: programs(),
        seed: 7,
        budget,
        shrink_budget: Duration::from_secs(60),
        failures_max: 1,
        jobs: 2,
        patience: Duration::from_secs(60),
        tries: 1,
        retries: 0,
    }
}

fn pops(case: &Case) -> Option<Finding> {
    let pops = case.turns.iter().any(|turn| turn.op.kind() == OpKind::Pop);
    pops.then(|| Finding {
        check: "order",
        turn: None,
        text: "it pops".to_owned(),
    })
}

/// Goal: a hunt finds the same failure, shrunk to the same case, however many threads hunt.
#[test]
fn finds_the_same_with_any_number_of_threads() {
    let found = [1, 2, 4].map(|jobs| {
        let hunt = Hunt {
            jobs,
            ..hunt(HuntBudget::Cases(1000))
        };
        let bag = hunt.run(&pops, &mut Quiet);
        let [failure] = &bag.failures[..] else {
            panic!("{bag:?}");
        };
        assert_eq!(failure.case.turns.len(), 1);
        (failure.number, failure.case.to_string())
    });
    assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
}

/// Goal: what was shrunk counts apart from the search, also of failures that were met again: a rate is of
/// the search alone.
#[test]
fn shrinking_is_no_search() {
    let alone = Hunt {
        jobs: 1,
        failures_max: usize::MAX,
        ..hunt(HuntBudget::Cases(300))
    };
    let bag = alone.run(&pops, &mut Quiet);
    assert!(bag.failures.iter().any(|failure| failure.again > 0));
    let told: u64 = bag.failures.iter().map(|failure| failure.shrink_ns).sum();
    assert!(
        0 < told && told < bag.shrink_ns,
        "{told} of {}",
        bag.shrink_ns
    );
    assert!(0 < bag.search_ns && bag.search_ns + bag.shrink_ns <= bag.elapsed_ns);
    let rate = bag.cases as f64 * 1e9 / bag.search_ns as f64;
    assert!((bag.per_second() / rate - 1.0).abs() < 1e-9);
    let clean = hunt(HuntBudget::Cases(300)).run(&|_| None, &mut Quiet);
    assert_eq!(clean.shrink_ns, 0);
}

/// Goal: without a failure the whole budget is used, and the watcher can end the hunt before.
#[test]
fn stops_when_it_should() {
    let quiet = |_: &Case| None;
    let all = hunt(HuntBudget::Cases(500)).run(&quiet, &mut Quiet);
    assert_eq!((all.cases, all.failures.len()), (500, 0));
    assert_eq!(all.ops.values().sum::<u64>(), all.turns);
    let endless = hunt(HuntBudget::Duration(Duration::MAX));
    endless.run(&quiet, &mut Impatient);
}

/// Goal: a panic of what tries cases ends the hunt, whose other threads stop, and is passed on.
#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_panic_is_passed_on() {
    let panics = |case: &Case| pops(case).map(|_| panic!("on purpose"));
    hunt(HuntBudget::Duration(Duration::MAX)).run(&panics, &mut Quiet);
}

/// Goal: cases that shrink to the same failure are counted, and the failure is kept once.
#[test]
fn the_same_is_kept_once() {
    let hunt = Hunt {
        failures_max: 2,
        ..hunt(HuntBudget::Cases(300))
    };
    let bag = hunt.run(&pops, &mut Quiet);
    let [failure] = &bag.failures[..] else {
        panic!("{bag:?}");
    };
    assert!(failure.again > 10, "{failure:?}");
}

/// Goal: a failure that occurs only sometimes is shrunk as well, if smaller cases are tried
/// often enough.
#[test]
fn what_fails_now_and_then_is_shrunk() {
    let left = [1, 200].map(|tries| {
        let calls = AtomicU64::new(0);
        let flaky = |case: &Case| {
            let call = calls.fetch_add(1, Relaxed);
            pops(case).filter(|_| call.is_multiple_of(97))
        };
        let hunt = Hunt {
            jobs: 1,
            tries,
            ..hunt(HuntBudget::Cases(1000))
        };
        let bag = hunt.run(&flaky, &mut Quiet);
        bag.failures[0].case.turns.len()
    });
    assert!(left[0] > 1 && left[1] == 1, "{left:?}");
}

/// Goal: if retries show that a failure is flaky, it is shrunk with many tries for each case,
/// and reported as flaky with its rate; a failure that always recurs is not.
#[test]
fn what_does_not_always_fail_is_called_flaky() {
    for (every, flaky) in [(1, false), (3, true)] {
        let calls = AtomicU64::new(0);
        let sometimes = |case: &Case| {
            let finding = pops(case)?;
            let call = calls.fetch_add(1, Relaxed);
            call.is_multiple_of(every).then_some(finding)
        };
        let hunt = Hunt {
            jobs: 1,
            retries: 12,
            ..hunt(HuntBudget::Cases(1000))
        };
        let bag = hunt.run(&sometimes, &mut Quiet);
        let failure = &bag.failures[0];
        assert_eq!(failure.is_flaky(), flaky, "{failure:?}");
        assert_eq!(u64::from(failure.retries_failed), 12 / every);
        assert_eq!((failure.retries, failure.case.turns.len()), (12, 1));
        let as_found = failure.as_found.as_ref();
        assert_eq!(as_found.is_some(), flaky, "it is kept as it was found");
        assert!(as_found.is_none_or(|it| it.case.turns.len() > 1 && it.retries == 12));
    }
}

/// Goal: a deterministic case that fails only after others is left as it was found, and nothing smaller is
/// tried; one on threads is shrunk all the same.
#[test]
fn what_never_fails_again_is_not_shrunk() {
    for (tries, is_unshrunk) in [(1, true), (20, false)] {
        let failed = AtomicU64::new(0);
        let once = |case: &Case| pops(case).filter(|_| failed.fetch_add(1, Relaxed) == 0);
        let hunt = Hunt {
            jobs: 1,
            retries: 12,
            tries,
            ..hunt(HuntBudget::Cases(1000))
        };
        let failure = hunt.run(&once, &mut Quiet).failures.remove(0);
        assert_eq!(failure.is_unshrunk(), is_unshrunk, "{failure:?}");
        assert_eq!(failure.tried == 0, is_unshrunk);
        assert_eq!((failure.retries, failure.retries_failed), (12, 0));
        assert_eq!(failure.case.all_turns().count(), failure.turns_found);
    }
}

/// Goal: the watcher is told of exactly the failures that are kept, even if threads find others
/// first.
#[test]
fn what_is_told_is_what_counts() {
    struct Scribe(Vec<u64>);
    impl HuntWatch for Scribe {
        fn found(&mut self, failure: &Failure) {
            self.0.push(failure.number);
        }
    }
    // These shrink to several different failures.
    let all = |case: &Case| {
        let finding = pops(case);
        finding.filter(|_| case.seed.is_multiple_of(3) || case.turns.len() > 5)
    };
    for jobs in [1, 4] {
        for failures_max in [1, 3] {
            let hunt = Hunt {
                jobs,
                failures_max,
                ..hunt(HuntBudget::Cases(2000))
            };
            let mut scribe = Scribe(Vec::new());
            let bag = hunt.run(&all, &mut scribe);
            let numbers: Vec<u64> = bag.failures.iter().map(|it| it.number).collect();
            assert!(!numbers.is_empty() && numbers.len() <= failures_max);
            assert_eq!(scribe.0, numbers, "{jobs} threads");
        }
    }
}

/// Goal: a case that hangs is noticed, and reported to the watcher.
#[test]
fn a_case_that_hangs_is_named() {
    let (give_up, given_up) = std::sync::mpsc::channel::<()>();
    let given_up = Mutex::new(given_up);
    let hangs = |case: &Case| {
        let finding = pops(case);
        if finding.is_some() {
            // Hangs until the watcher drops its end of the channel.
            let _ = given_up.lock().expect("nobody panics").recv();
        }
        None
    };
    let hunt = Hunt {
        jobs: 1,
        patience: Duration::from_millis(20),
        ..hunt(HuntBudget::Cases(300))
    };
    let mut rescuer = Rescuer(Some(give_up), None);
    hunt.run(&hangs, &mut rescuer);
    let hung = rescuer.1.expect("one hangs");
    assert!(pops(&hung).is_some());
}
