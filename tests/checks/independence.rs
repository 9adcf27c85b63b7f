//! The oracle's inputs are free of anything that the heap's collector computed.
//!
//! A heap that lies about everything it says of itself (what it counted, how many cells it holds,
//! what is left over) or says nothing at all is judged as it would be without that: by what its
//! operations did. Not so, and meant so: stored counts are compared with what the walk finds, free
//! cells and leftovers are what `poison` and `collector-state` look at, and `budget` holds the heap
//! to what it says that its work cost.

use std::sync::Arc;

use gcstorm::check::{self, Judgement, Verdict};
use gcstorm::heap::counted::open_gil_with;
use gcstorm::heap::{Belief, Caps, Census, Defect, Fault, Heap, HeapConfig, Pauses, Seat, Stats};
use gcstorm::plan::Plan;
use gcstorm::run::{Budget, Options, Timing, Unobserved, run};
use gcstorm::workload::Workload;

/// What a heap says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// As it is.
    True,
    /// That it is clean and has done more than enough.
    False,
    /// Nothing.
    None,
}

/// A heap whose collector's word is not to be relied on.
struct Teller<H> {
    heap: H,
    word: Word,
}

impl<H: Heap> Heap for Teller<H> {
    type Mutator<'h>
        = H::Mutator<'h>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.heap.caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.heap.attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        self.heap.settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let census = self.heap.census(visit)?;
        match self.word {
            Word::True => Some(census),
            Word::False => Some(Census {
                living: 0,
                ..census
            }),
            Word::None => None,
        }
    }

    fn stats(&self) -> Stats {
        let stats = self.heap.stats();
        match self.word {
            Word::True => stats,
            // A defect that the heap admits counts against it, whatever else it says.
            Word::False => Stats {
                collections: Some(1_000_000),
                full_collections: Some(1_000_000),
                cycles_freed: Some(1_000_000),
                defects: stats.defects,
                ..Stats::default()
            },
            Word::None => Stats {
                defects: stats.defects,
                ..Stats::default()
            },
        }
    }
}

fn judged(plan: &Plan, fault: Option<Fault>, word: Word) -> Vec<Judgement> {
    let pauses = Arc::new(Pauses::default());
    let config = HeapConfig {
        globals: plan.globals,
        pauses: Arc::clone(&pauses),
        ..HeapConfig::with_capacity(plan.live_limit)
    };
    let heap = Teller {
        heap: open_gil_with(&config, fault),
        word,
    };
    let options = Options {
        budget: Budget::Ops(20_000),
        timing: Timing::Off,
        ..Options::default()
    };
    let evidence = run("teller", &heap, &pauses, plan, &options, &Unobserved);
    check::judge(plan, &evidence)
}

/// One mutator, so that nothing depends on the schedule and two runs can be compared word for word.
fn plan(workload: &str) -> Plan {
    let workload = Workload::named(workload).expect("it is there");
    let one = [("threads".to_owned(), "1".to_owned())];
    workload.plan(&one, 5).expect("it takes one thread")
}

/// Faults of the collector itself, whose own view is consistent and wrong, and none.
const FAULTS: [Option<Fault>; 6] = [
    None,
    Some(Fault::RootSkipped),
    Some(Fault::EdgesCountedOnce),
    Some(Fault::LivenessOneLevel),
    Some(Fault::ExternalChildReleasedTwice),
    Some(Fault::CollectorNeverRuns),
];

/// Checks that look at what the heap stores or says, and no others.
const OF_THE_HEAP: [&str; 4] = ["refcounts", "poison", "collector-state", "budget"];

/// Goal: whatever the collector says of its work, the verdicts are the same, word for word.
#[test]
fn a_lie_changes_nothing() {
    for fault in FAULTS {
        let plan = plan("tangles");
        let all = |word| {
            let mut judged = judged(&plan, fault, word);
            judged.retain(|judgement| judgement.name != "budget");
            judged
        };
        assert_eq!(all(Word::True), all(Word::False), "{fault:?}");
    }
}

/// Goal: a heap that says nothing of itself is judged by all that its operations did.
#[test]
fn silence_changes_nothing() {
    for fault in FAULTS {
        let plan = plan("tangles");
        let others = |word| {
            let mut judged = judged(&plan, fault, word);
            judged.retain(|judgement| !OF_THE_HEAP.contains(&judgement.name.as_str()));
            judged
        };
        assert_eq!(others(Word::True), others(Word::None), "{fault:?}");
    }
}

/// Goal: a collector that misses a root, and is consistent in that, is caught even if it says
/// nothing: by a mutator that follows the reference, and by nobody's list of what is alive.
#[test]
fn a_skipped_root_is_caught_without_the_heaps_word() {
    let judged = judged(&plan("tangles"), Some(Fault::RootSkipped), Word::None);
    let violated = |name: &str| {
        let mut judged = judged.iter();
        judged.any(|check| check.name == name && check.verdict == Verdict::Violated)
    };
    assert!(violated("dangling") || violated("premature"), "{judged:#?}");
}
