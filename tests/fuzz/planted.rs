//! A hunt finds what single steps can show, shrinks it, and finds nothing where nothing is wrong.

use std::time::Duration;

use gcstorm::fuzz::{Bag, Hunt, HuntBudget, HuntWatch, by_steps, programs};
use gcstorm::heap::Fault;
use gcstorm::plan::Case;
use gcstorm::run::Registry;

struct Quiet;

impl HuntWatch for Quiet {}

fn hunt(heap: &str, fault: Option<Fault>, cases: u64) -> Bag {
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("the heap is there");
    let attempt = |case: &Case| by_steps(entry, fault, case).expect("the heap opens").1;
    let hunt = Hunt {
        programs: programs().for_caps(entry.caps()).that_endure(),
        seed: 20_261_124,
        budget: HuntBudget::Cases(cases),
        shrink_budget: Duration::from_secs(60),
        failures_max: 1,
        jobs: 2,
        patience: Duration::from_secs(60),
        tries: 1,
        retries: 0,
    };
    hunt.run(&attempt, &mut Quiet)
}

/// Faults that show soon, each with the maximum number of turns that it should take.
const SOON: &[(&str, Fault, usize)] = &[
    ("gil", Fault::GetWithoutIncrement, 5),
    ("gil", Fault::SetKeepsOld, 7),
    ("gil", Fault::LenOffByOne, 3),
    ("gil", Fault::WeakNotCleared, 6),
    ("gil", Fault::FinalizerRunTwice, 3),
    ("gil", Fault::ResurrectedFreedAnyway, 4),
    ("gil", Fault::EdgesCountedOnce, 8),
    ("gil", Fault::LivenessOneLevel, 14),
    ("gil", Fault::PassedIsFinal, 5),
    ("gil", Fault::SecondReferenceForgotten, 8),
    ("gil", Fault::ReferencesSubtractedTwice, 3),
    ("gil", Fault::SearchStopsEarly, 2),
    ("gil", Fault::WriteAfterFree, 3),
    ("gil", Fault::WalkSkipsEdge, 6),
    ("lock-free", Fault::CopyWithoutIncrement, 3),
    ("lock-free", Fault::PopKeepsReference, 6),
    ("lock-free", Fault::FreedTwice, 3),
    ("lock-free", Fault::TrustHint, 10),
    ("lock-free", Fault::ExternalChildReleasedTwice, 9),
    ("lock-free", Fault::CandidatesDropped, 10),
    ("lock-free", Fault::RegistersKept, 3),
];

/// Goal: planted faults are found without a hint of where to look, and little is left of the
/// program.
#[test]
fn faults_are_found_and_shrunk() {
    for &(heap, fault, most) in SOON {
        let bag = hunt(heap, Some(fault), 20_000);
        let [failure] = &bag.failures[..] else {
            panic!("{fault} in {heap} was not found in {} programs", bag.cases);
        };
        let turns = failure.case.turns.len();
        assert!(
            turns <= most,
            "{fault} in {heap}: {turns} turns\n{}",
            failure.case
        );
        assert!(!failure.is_cut_short);
    }
}

/// Goal: some of the programs are long, make large lists, and find what only shows there; they find
/// nothing in what is sound.
#[test]
fn long_programs_meet_large_lists() {
    let programs = programs().that_endure();
    let drawn = (0..100_000).map(|seed| programs.draw(seed));
    let long: Vec<Case> = drawn
        .filter(|case| case.turns.len() > 2000)
        .take(3)
        .collect();
    assert_eq!(long.len(), 3);
    let registry = Registry::builtin();
    for heap in ["gil", "lock-free"] {
        let entry = registry.get(heap).expect("the heap is there");
        let finds = |fault, case: &Case| {
            let tried = by_steps(entry, fault, case).expect("the heap opens");
            tried.1.is_some()
        };
        let planted = Some(Fault::PopBeyondPage);
        assert!(long.iter().any(|case| finds(planted, case)), "{heap}");
        assert!(!long.iter().any(|case| finds(None, case)), "{heap}");
    }
}

/// Goal: where nothing is planted, nothing is found.
#[test]
fn nothing_is_found_in_what_is_sound() {
    for heap in ["gil", "lock-free"] {
        let bag = hunt(heap, None, 5000);
        assert!(bag.failures.is_empty(), "{:?}", bag.failures);
        assert_eq!(bag.cases, 5000);
        assert!(
            bag.ops.len() >= 23,
            "not all operations were met: {:?}",
            bag.ops
        );
    }
}
