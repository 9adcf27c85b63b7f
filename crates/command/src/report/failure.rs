//! A run that failed, as a case: the turns that each mutator did, if they are known and are all
//! there was.
//!
//! What a mutator did is a function of the plan, the seed and its number, and how far it came is in
//! the evidence; so nothing need be recorded during a run. The order between mutators is not known,
//! as they ran in parallel. Their turns are interleaved evenly, and the schedule is `free`.
//!
//! Where the turns are not known, or are not all that was done, the case is a
//! [recipe](Case::is_recipe).

use crate::check::Verdict;
use crate::evidence::Ended;
use crate::heap::Fault;
use crate::plan::case::{
    ALL_REGISTERS_MAX, CAPACITY_MAX, CaseMutator, MUTATORS_MAX, REGISTERS_MAX, Schedule, Shared,
    Turn,
};
use crate::plan::{Case, Op, OpSource, Plan, ProgramPart};
use crate::run::{Budget, Options, Verify};

use crate::result::{Outcome, RunResult};

/// The maximum number of turns that are written: some four megabytes. Larger cases would take too
/// long to read and to shrink.
pub const TURNS_MAX: u64 = 200_000;
/// How many turns in a row the busiest mutator has.
const CHUNK: u64 = 8;

/// The case of a run, and `again`, the command that it came from; `None` if it did not fail.
pub fn failure(
    plan: &Plan,
    options: &Options,
    result: &RunResult,
    again: Vec<String>,
) -> Option<Case> {
    match result.verdict {
        Outcome::Violated | Outcome::Crashed | Outcome::Hung => {}
        Outcome::Held | Outcome::Vacuous | Outcome::Interrupted => return None,
    }
    let mut checks = result.checks.iter();
    let fault = result.fault.as_deref().and_then(Fault::named);
    let mut case = Case {
        check: checks
            .find(|check| check.verdict == Verdict::Violated)
            .map(|check| check.name.clone()),
        ..recipe(&result.heap, fault, plan.seed, again)
    };
    if let Some(done) = turns_done(plan, result).filter(|_| is_plain(options) && can_be_said(plan))
    {
        program(&mut case, plan, options, &done);
    }
    Some(case)
}

/// A case that says how to repeat a run, and not what it does: the arguments `again` of its command.
pub fn recipe(heap: &str, fault: Option<Fault>, seed: u64, again: Vec<String>) -> Case {
    Case {
        heap: Some(heap.to_owned()),
        fault,
        schedule: Schedule::Free,
        seed,
        again,
        ..Case::of_mutators(0, 0, 0, 0)
    }
}

/// Whether the run had no options that change what is done and that a case cannot express.
fn is_plain(options: &Options) -> bool {
    let plain = Options::default();
    options.delays.is_none()
        && options.fail_alloc.is_none()
        && options.slow_collection.is_none()
        && options.collect_every.is_none()
        && options.verify == Verify::End
        && options.switch_interval == plain.switch_interval
}

/// Whether a case can express the plan.
fn can_be_said(plan: &Plan) -> bool {
    let registers = || plan.mutators.iter().map(|mutator| mutator.registers);
    let all_registers: u64 = registers().map(u64::from).sum();
    !plan.mutators.is_empty()
        && plan.mutators.iter().all(|mutator| mutator.pace.is_none())
        && plan.mutators.len() <= MUTATORS_MAX as usize
        && registers().all(|registers| registers <= REGISTERS_MAX)
        && all_registers <= ALL_REGISTERS_MAX.into()
        && (1..=CAPACITY_MAX).contains(&plan.live_limit)
        && plan.objects.len() <= usize::from(plan.globals)
}

/// How many operations each mutator did, by number; `None` if the count of one was lost, or if
/// there are too many.
fn turns_done(plan: &Plan, result: &RunResult) -> Option<Vec<u64>> {
    let evidence = &result.evidence;
    if evidence.mutators.len() != plan.mutators.len() {
        return None;
    }
    // The operation under way when the run broke off is not counted, but may be what broke the
    // heap.
    let broken = match &evidence.ended {
        Ended::Defect { mutator, .. } | Ended::OutOfMemory { mutator } => Some(mutator),
        _ => None,
    };
    let mut done = Vec::new();
    for (number, mutator) in plan.mutators.iter().enumerate() {
        let own = (evidence.mutators.get(number)).filter(|own| own.name == mutator.name)?;
        let counted: u64 = own.tally.ops.values().sum();
        done.push(counted + u64::from(broken == Some(&mutator.name)));
    }
    (done.iter().sum::<u64>() <= TURNS_MAX).then_some(done)
}

/// Writes the part of the plan's program that was done into the case.
fn program(case: &mut Case, plan: &Plan, options: &Options, done: &[u64]) {
    case.capacity = plan.live_limit;
    case.roots = plan.globals;
    for object in &plan.objects {
        let name = case.free_name(&object.name);
        let shape = object.shape;
        case.shared.push(Shared { name, shape });
    }
    for mutator in &plan.mutators {
        let name = case.free_name(&mutator.name);
        case.mutators.push(CaseMutator {
            name,
            registers: mutator.registers,
            held: mutator.held.clone(),
        });
    }
    let mut rounds = Vec::new();
    for (number, &done) in (0..).zip(done) {
        let (setup, own) = operations(plan, options, number, done);
        case.setup.extend(setup.into_iter().map(|op| Turn {
            mutator: number,
            op,
        }));
        rounds.push(own);
    }
    case.turns = evenly(&rounds);
}

/// The first `done` operations of a mutator: those of its setup, and those after the common start.
fn operations(plan: &Plan, options: &Options, number: u32, done: u64) -> (Vec<Op>, Vec<Op>) {
    let mutator = &plan.mutators[number as usize];
    let asked = match options.budget {
        Budget::Rounds(rounds) if !mutator.background => Some(rounds),
        _ => None,
    };
    let mut left = usize::try_from(done).unwrap_or(usize::MAX);
    let mut first = |part, rounds| {
        let mut source = OpSource::new(mutator, plan.seed, number, part, rounds);
        let mut ops = Vec::new();
        while ops.len() < left
            && let Some(batch) = source.next_batch()
        {
            for _ in 0..batch.times {
                ops.extend_from_slice(batch.ops);
            }
        }
        ops.truncate(left);
        left -= ops.len();
        ops
    };
    (
        first(ProgramPart::Setup, None),
        first(ProgramPart::Rounds, asked),
    )
}

/// All mutators' operations interleaved, in portions such that all end together.
fn evenly(rounds: &[Vec<Op>]) -> Vec<Turn> {
    let most = rounds.iter().map(Vec::len).max().unwrap_or(0) as u64;
    let portions = usize::try_from(most.div_ceil(CHUNK)).unwrap_or(1).max(1);
    let mut turns = Vec::new();
    for portion in 0..portions {
        for (mutator, ops) in (0..).zip(rounds) {
            let from = ops.len() * portion / portions;
            let to = ops.len() * (portion + 1) / portions;
            turns.extend(ops[from..to].iter().map(|&op| Turn { mutator, op }));
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evidence::Evidence;
    use crate::result::Tool;
    use crate::run::{Registry, Unobserved};
    use crate::workload::{Workload, embedded};

    fn options(ops: u64) -> Options {
        Options {
            budget: Budget::Ops(ops),
            ..Options::default()
        }
    }

    /// A run on `gil`, as if a check had been violated.
    fn violated(plan: &Plan, options: &Options) -> RunResult {
        let registry = Registry::builtin();
        let heap = registry.get("gil").expect("it is there");
        let evidence = heap.run(plan, options, &Unobserved).expect("it opens");
        result(plan, evidence)
    }

    fn result(plan: &Plan, evidence: Evidence) -> RunResult {
        let tool = Tool {
            name: "gcstorm".to_owned(),
            version: String::new(),
            commit: String::new(),
            dirty: None,
        };
        RunResult {
            verdict: Outcome::Violated,
            ..RunResult::new(plan, evidence, tool, String::new())
        }
    }

    /// Goal: the turns are what each mutator did, operation by operation as it counted them, in
    /// every workload, and the case is one that can be read.
    #[test]
    fn turns_are_what_was_done() {
        for workload in embedded() {
            let workload = Workload::named(workload.name).expect("it is there");
            let plan = workload.plan(&[], 5).expect("it can be planned");
            let options = options(2000);
            let result = violated(&plan, &options);
            let case = failure(&plan, &options, &result, vec!["run".to_owned()]);
            let case = case.expect("it failed");
            let total: u64 = result.threads.iter().map(|thread| thread.ops).sum();
            // When turns were to be done is in no case.
            let is_paced = plan.mutators.iter().any(|mutator| mutator.pace.is_some());
            if total > TURNS_MAX || is_paced {
                assert!(case.is_recipe(), "{}", workload.name);
                continue;
            }
            for (number, mutator) in (0..).zip(&result.evidence.mutators) {
                let mut counted = BTreeMap::<String, u64>::new();
                for turn in case.all_turns().filter(|turn| turn.mutator == number) {
                    *counted.entry(turn.op.kind().name().to_owned()).or_default() += 1;
                }
                assert_eq!(
                    counted, mutator.tally.ops,
                    "{} of {}",
                    mutator.name, workload.name
                );
            }
            let read = Case::parse("case", &case.to_string());
            assert_eq!(read.expect("it is in order"), case, "{}", workload.name);
        }
    }

    /// Goal: an operation that broke off is there, and a mutator that was lost makes a recipe.
    #[test]
    fn what_broke_off_is_there() {
        let workload = Workload::named("counter").expect("it is there");
        let plan = workload.plan(&[], 5).expect("it can be planned");
        let options = options(100);
        let mut evidence = violated(&plan, &options).evidence;
        let mutator = evidence.mutators[0].name.clone();
        let turns = |evidence: &Evidence| {
            let result = result(&plan, evidence.clone());
            let case = failure(&plan, &options, &result, vec!["run".to_owned()]);
            case.expect("it failed").all_turns().count()
        };
        let before = turns(&evidence);
        evidence.ended = Ended::OutOfMemory { mutator };
        assert_eq!(turns(&evidence), before + 1);
        evidence.mutators.pop();
        assert_eq!(turns(&evidence), 0);
        let held = RunResult {
            verdict: Outcome::Held,
            ..result(&plan, evidence)
        };
        assert_eq!(failure(&plan, &options, &held, Vec::new()), None);
    }
}
