//! The workloads that come with the program.

use std::collections::BTreeSet;

use gcstorm::check;
use gcstorm::evidence::{Ended, Evidence};
use gcstorm::heap::{Caps, Stats};
use gcstorm::plan::{OpSource, ProgramPart};
use gcstorm::workload::{COUNTERS, Counter, FORMS, Presence, Workload, embedded};

/// Goal: every workload that comes with the program can be planned as it is, under its own name.
#[test]
fn all_can_be_planned() {
    for file in embedded() {
        let workload = Workload::parse(file.path, file.text).unwrap();
        assert_eq!(workload.name, file.name);
        assert!(!workload.summary.is_empty());
        let plan = workload.plan(&[], 7).unwrap();
        assert!(plan.mutators.iter().any(|mutator| !mutator.background));
        assert!(!plan.require.is_empty(), "{} can be vacuous", file.name);
        for (number, mutator) in (0..).zip(&plan.mutators) {
            let mut setup = OpSource::new(mutator, 7, number, ProgramPart::Setup, None);
            while setup.next_batch().is_some() {}
            let mut rounds = OpSource::new(mutator, 7, number, ProgramPart::Rounds, Some(3));
            while rounds.next_batch().is_some() {}
            assert_eq!(rounds.rounds_done(), 3);
        }
    }
}

/// Goal: the page that explains the language lists every operation with its keys, and every counter,
/// as they are.
#[test]
fn every_operation_is_explained() {
    let page = include_str!("../../workloads/README.md");
    for form in FORMS {
        let keys = form.keys.iter().map(|key| match key.presence {
            Presence::Needed => format!("`{}`", key.name),
            Presence::Optional => format!("`[{}]`", key.name),
        });
        let keys = keys.collect::<Vec<_>>().join(" ");
        let row = format!("| `{}` | {keys} | {} |", form.name, form.about);
        assert!(page.contains(&row.replace("|  |", "| |")), "{row}");
    }
    for Counter { name, unit, about } in COUNTERS {
        let row = format!("| `{name}` | {unit} {about} |");
        assert!(page.contains(&row), "{row}");
    }
    assert_eq!(
        page.matches("\n| `").count(),
        FORMS.len() + COUNTERS.len() + SECTIONS_AND_KEYS
    );
}

/// Rows of the page's other tables.
const SECTIONS_AND_KEYS: usize = 20;

/// Goal: the example that the page begins with is a workload.
#[test]
fn the_example_works() {
    let page = include_str!("../../workloads/README.md");
    let example = page.split("```toml").nth(1).unwrap();
    Workload::parse("example.toml", example.split("```").next().unwrap()).unwrap();
}

/// Goal: what notes may name is what there is, so that none waits for a check that nobody makes.
#[test]
fn notes_name_the_checks_there_are() {
    let known = check::ALL.map(|check| check.name);
    assert_eq!(gcstorm::workload::CHECKS, known);
}

/// Goal: what can be required is what runs count, except for what is left at the end and resident
/// memory, which are no measure of stress.
#[test]
fn counters_are_those_of_runs() {
    let ended = Ended::Done;
    let mut evidence = Evidence::of_lost("heap", Caps::NONE, None, ended);
    evidence.stats = Stats {
        unreclaimed_peak: Some(0),
        collections: Some(0),
        full_collections: Some(0),
        examined: Some(0),
        cycles_freed: Some(0),
        local_collections: Some(0),
        local_cycles_freed: Some(0),
        contended: Some(0),
        switches: Some(0),
        retries: Some(0),
        epochs: Some(0),
        truncations_met_append: Some(0),
        ..Stats::default()
    };
    let counted: BTreeSet<String> = check::counters(&evidence).into_keys().collect();
    let known = COUNTERS.map(|counter| counter.name);
    let known = known.into_iter().chain(["live_at_end", "rss_bytes_peak"]);
    assert_eq!(counted, known.map(str::to_owned).collect());
}

/// Goal: a chain's run that is over before the first chain is whole counts if that chain was long,
/// since it dies all the same.
#[test]
fn half_a_chain_is_enough() {
    let plan = |length: &str| {
        let length = ("length".to_owned(), length.to_owned());
        let chain = Workload::embedded("chain").unwrap().unwrap();
        chain.plan(&[length], 1).unwrap()
    };
    for (length, linked, vacuous) in [
        ("1_000_000", 100_000, false),
        ("1_000_000", 99_999, true),
        ("1000", 999, false),
        ("1000", 998, true),
    ] {
        let counters = [("store".to_owned(), linked)].into();
        let plan = plan(length);
        let unmet = check::unmet(&counters, &plan.require);
        assert_eq!(!unmet.is_empty(), vacuous, "{length}: {unmet:?}");
    }
}
