//! Histories are written down all over a run, of everything that threads share.

use gcstorm::check::{self, Verdict};
use gcstorm::evidence::Evidence;
use gcstorm::plan::Plan;
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

/// Events of a mutator, and the least number of its operations between two windows.
const EVENTS: u64 = 400;
const GAP: u64 = 16 * EVENTS;
const HEAPS: [&str; 2] = ["gil", "lock-free"];

fn recorded(heap: &str, workload: &str, set: &[(&str, &str)], ops: u64) -> (Plan, Evidence) {
    let workload = Workload::named(workload).expect("it comes with the program");
    let text = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    let set: Vec<_> = set.iter().map(text).collect();
    let plan = workload.plan(&set, 7).expect("its parameters are there");
    let options = Options {
        budget: Budget::Ops(ops),
        timing: Timing::Off,
        history: Some(EVENTS),
        ..Options::default()
    };
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("a heap that is built in");
    let evidence = entry.run(&plan, &options, &Unobserved).expect("it opens");
    (plan, evidence)
}

fn is_linearizable(plan: &Plan, evidence: &Evidence) -> bool {
    let judged = check::judge(plan, evidence);
    let mut judged = judged.iter().filter(|one| one.name == "linearizable");
    judged.any(|one| one.verdict == Verdict::Held && one.examined > 0)
}

/// Goal: windows lie further and further apart, each begins with a survey that says what the lists
/// were, and all of it has an order.
#[test]
fn windows_are_spread_over_the_run() {
    for heap in HEAPS {
        let (plan, evidence) = recorded(heap, "churn", &[], 100_000);
        let later = &evidence.history.as_ref().expect("one was asked for").later;
        assert!(later.len() >= 3, "{heap}: {}", later.len());
        let mut last_ops = 0;
        for window in later {
            let mut surveys = evidence.surveys.iter();
            let survey = surveys.find(|survey| survey.opens == Some(window.number));
            let survey = survey.expect("it begins with one");
            assert!(survey.ops >= last_ops + GAP, "{heap}");
            last_ops = survey.ops;
            assert!(survey.lists.iter().all(|list| list.contents.is_some()));
            let events = window.objects.iter().map(|history| history.events.len());
            // The last one may begin when nothing is left to do.
            let is_last = window.number == later.len() as u64;
            assert!(is_last || events.sum::<usize>() > 0, "{heap}: {last_ops}");
        }
        assert!(is_linearizable(&plan, &evidence), "{heap}");
    }
}

/// Goal: shared roots and the fields of nodes have histories, whatever workload uses them.
#[test]
fn places_have_histories() {
    for heap in HEAPS {
        // Few nodes, so that threads meet at their fields.
        for (workload, set) in [
            ("handoff", &[][..]),
            ("graph", &[("nodes", "64")]),
            ("tangles", &[]),
        ] {
            let (plan, evidence) = recorded(heap, workload, set, 60_000);
            let recorded = evidence.history.as_ref().expect("one was asked for");
            let is_root = |place: &str| place.starts_with("shared root");
            let mut places = recorded.places.iter();
            let has_root = places.any(|history| is_root(&history.place));
            assert_eq!(has_root, workload != "graph", "{workload} on {heap}");
            let mut places = recorded.places.iter();
            let has_field = places.any(|history| history.place.starts_with("field"));
            assert!(has_field || workload != "graph", "{workload} on {heap}");
            assert!(
                is_linearizable(&plan, &evidence),
                "{workload} on {heap} {:?}",
                check::judge(&plan, &evidence)
                    .into_iter()
                    .filter(|j| j.name == "linearizable")
                    .collect::<Vec<_>>()
            );
        }
    }
}
