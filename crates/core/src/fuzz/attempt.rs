//! Runs one case on one heap and judges the result.
//!
//! On one thread there is one order, and the [model](super::model) says exactly what the result
//! must be. Where threads race, many results are right, and the [checks](crate::check) say what
//! must hold in all of them.

use proptest::test_runner::TestCaseError;

#[cfg(shuttle)]
use super::model::judge_race;
use super::model::{CRASHED, Finding, judge};
use super::sighting::Sighting;
use crate::check;
#[cfg(shuttle)]
use crate::evidence::Race;
use crate::evidence::Trace;
use crate::heap::Caps;
use crate::heap::{Defect, Fault, Heap, HeapConfig};
use crate::plan::{Case, Needs};
#[cfg(shuttle)]
use crate::run::Exploration;
use crate::run::{Budget, Entry, Options, Timing, Unobserved, config_for, step_through};

/// Steps through a case on the heap that `open` opens, and fails if the heap does not follow the
/// model. What opens a heap for [`Registry::with`](crate::run::Registry::with) does so here.
///
/// # Errors
///
/// The heap cannot be opened; or what is wrong, the check that says so, and after which turn.
pub fn check_steps<H: Heap + Sync>(
    open: impl FnOnce(&HeapConfig) -> Result<H, Defect>,
    case: &Case,
) -> Result<(), TestCaseError> {
    let heap = open(&config_for(case));
    let heap = heap.map_err(|defect| TestCaseError::fail(format!("it does not open: {defect}")))?;
    let trace = step_through(heap, case, None);
    match judge(case, &trace) {
        None => Ok(()),
        Some(finding) => Err(TestCaseError::fail(format!("{finding}\n{case}"))),
    }
}

/// Steps through a case on a heap, with a planted fault if one is given.
///
/// # Errors
///
/// The heap cannot be opened, or cannot have that fault.
pub fn by_steps(
    heap: &Entry,
    fault: Option<Fault>,
    case: &Case,
) -> Result<(Trace, Option<Finding>), Defect> {
    let trace = heap.step(case, fault)?;
    let finding = judge(case, &trace);
    Ok((trace, finding))
}

/// What a case under the model checker came to.
#[cfg(shuttle)]
#[derive(Debug)]
pub struct Raced {
    /// How many schedules were tried.
    pub schedules: u64,
    /// The race that failed, and its schedule in one word. If a kept schedule was replayed, the
    /// race under that schedule, whether it failed or not.
    pub race: Option<(Race, String)>,
    /// What is wrong with that race.
    pub finding: Option<Finding>,
    /// Whether the kept schedule does not fit the case or this build.
    pub has_diverged: bool,
}

/// Explores schedules of a case on a heap, with a planted fault if one is given, until one fails.
///
/// # Errors
///
/// The heap cannot be opened or cannot have that fault, or the kept schedule is malformed.
#[cfg(shuttle)]
pub fn by_schedules(
    heap: &Entry,
    fault: Option<Fault>,
    how: Exploration<'_>,
    case: &Case,
) -> Result<Raced, Defect> {
    let judge = |case: &Case, race: &Race| judge_race(case, race).is_some();
    let explored = heap.explore(case, fault, how, judge)?;
    let race = explored.race.as_ref();
    Ok(Raced {
        schedules: explored.schedules,
        finding: race.and_then(|(race, _)| judge_race(case, race)),
        has_diverged: explored.has_diverged,
        race: explored.race,
    })
}

/// What a case needs that a heap with these abilities lacks, in words; empty if it can be run there.
/// Cycles are not among it: random programs close them by chance, so a heap that does not reclaim
/// cycles runs them as well, and is then not judged by what is left alive. Nor is anything else where
/// the heap could not be opened, and reports no abilities: running the case shows why.
pub fn lacking(caps: &Caps, case: &Case) -> Vec<&'static str> {
    if *caps == Caps::NONE {
        return Vec::new();
    }
    let needs = Needs {
        cycles: false,
        ..case.plan().needs()
    };
    needs.missing_from(caps)
}

/// Runs a case with a thread for each mutator on a heap, with a planted fault if one is given, unless
/// the heap is [lacking](lacking) something that it needs.
///
/// # Errors
///
/// The heap cannot be opened, or cannot have that fault.
pub fn on_threads(
    heap: &Entry,
    fault: Option<Fault>,
    case: &Case,
) -> Result<Option<Finding>, Defect> {
    if !lacking(&heap.caps(), case).is_empty() {
        return Ok(None);
    }
    let plan = case.plan();
    let options = Options {
        budget: Budget::Workload,
        timing: Timing::Off,
        fault,
        ..Options::default()
    };
    let mut evidence = heap.run(&plan, &options, &Unobserved)?;
    evidence.caps.certifies_death &= heap.caps().cycles || !case.may_leave_cycles();
    let sighting = Sighting::of(&plan, &evidence);
    if let Some(name) = sighting.first.first() {
        let judgements = check::judge(&plan, &evidence);
        let detail = judgements
            .into_iter()
            .find(|judgement| judgement.name == *name);
        let check = check::ALL.iter().find(|check| check.name == name);
        let finding = Finding {
            check: check.map_or(CRASHED, |check| check.name),
            turn: None,
            text: detail.and_then(|it| it.detail).unwrap_or_default(),
        };
        return Ok(Some(finding.with_makers(case)));
    }
    Ok(sighting.broke.map(|text| Finding {
        check: CRASHED,
        turn: None,
        text,
    }))
}
