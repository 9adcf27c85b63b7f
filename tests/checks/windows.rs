//! Histories are written down all over a run, of everything that threads share.

use gcstorm::check::{self, Judgement, Verdict};
use gcstorm::evidence::Evidence;
use gcstorm::plan::Plan;
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

/// Events of a mutator, and the least number of its operations between two windows.
const EVENTS: u64 = 400;
const GAP: u64 = 16 * EVENTS;
const HEAPS: [&str; 2] = ["gil", "lock-free"];

fn recorded(heap: &str, workload: &str, set: &[(&str, &str)], ops: u64) -> (Plan, Evidence) {
    let history = Some(EVENTS);
    let budget = Budget::Ops(ops);
    ran(
        heap,
        workload,
        set,
        Options {
            budget,
            history,
            ..Options::default()
        },
    )
}

fn ran(heap: &str, workload: &str, set: &[(&str, &str)], options: Options) -> (Plan, Evidence) {
    let workload = Workload::named(workload).expect("it comes with the program");
    let text = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    let set: Vec<_> = set.iter().map(text).collect();
    let plan = workload.plan(&set, 7).expect("its parameters are there");
    let options = Options {
        timing: Timing::Off,
        ..options
    };
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("a heap that is built in");
    let evidence = entry.run(&plan, &options, &Unobserved).expect("it opens");
    (plan, evidence)
}

fn linearizable(plan: &Plan, evidence: &Evidence) -> Judgement {
    let judged = check::judge(plan, evidence);
    let mut judged = judged.into_iter();
    let named = judged.find(|one| one.name == "linearizable");
    named.expect("there is such a check")
}

fn is_linearizable(plan: &Plan, evidence: &Evidence) -> bool {
    let judged = linearizable(plan, evidence);
    judged.verdict == Verdict::Held && judged.examined > 0
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
            ("weakrefs", &[]),
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
            let judged = linearizable(&plan, &evidence);
            assert!(judged.examined > 0, "{workload} on {heap}");
            assert_eq!(judged.verdict, Verdict::Held, "{judged:?}");
        }
    }
}

/// Goal: what shared roots answer is judged in every run, wherever no object gets into one twice.
/// Where there are no such roots, there is nothing to judge, and that is no fault of the run.
#[test]
fn roots_are_sampled_in_every_run() {
    for heap in HEAPS {
        for (workload, has_roots) in [
            ("handoff", true),
            ("tangles", true),
            ("thread-churn", true),
            ("weakrefs", true),
            ("finalizers", false),
            ("churn", false),
        ] {
            let options = |fail_alloc| Options {
                budget: Budget::Ops(30_000),
                fail_alloc,
                ..Options::default()
            };
            let (plan, evidence) = ran(heap, workload, &[], options(None));
            let judged = linearizable(&plan, &evidence);
            assert_eq!(
                judged.examined, evidence.roots.judged,
                "{workload} on {heap}"
            );
            assert_eq!(judged.examined > 0, has_roots, "{workload} on {heap}");
            let expected = if has_roots {
                Verdict::Held
            } else {
                Verdict::Skipped
            };
            assert_eq!(judged.verdict, expected, "{workload} on {heap}: {judged:?}");
            // A program that goes on after a refused allocation may publish an object again.
            let (_, evidence) = ran(heap, workload, &[], options(Some(u64::MAX)));
            assert_eq!(evidence.roots.judged, 0, "{workload} on {heap}");
        }
    }
}
