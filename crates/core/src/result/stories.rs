//! What a reader should know of a run on an interpreter: what its lock protects and what it does not,
//! with the figures of this run.

use super::{Caveat, figures};
use crate::check::{Judgement, Verdict};
use crate::evidence::{Evidence, InterpreterFacts, Moment};

/// The stories that this run tells.
pub(super) fn stories(evidence: &Evidence, checks: &[Judgement]) -> Vec<Caveat> {
    let Some(interpreter) = &evidence.interpreter else {
        return Vec::new();
    };
    let is_violated = |name: &str| {
        let mut checks = checks.iter();
        checks.any(|check| check.name == name && check.verdict == Verdict::Violated)
    };
    let lost = is_violated("counter").then(|| lost_updates(evidence, interpreter));
    let told = [lost.flatten(), longer_than_it_can_be(evidence)];
    told.into_iter().flatten().collect()
}

/// How many increments were lost, and why.
fn lost_updates(evidence: &Evidence, interpreter: &InterpreterFacts) -> Option<Caveat> {
    // Whoever planted a fault knows why.
    if evidence.fault.is_some() {
        return None;
    }
    let survey = evidence.last_survey(Moment::End)?;
    let counters = survey.counters.iter();
    let worst = counters.max_by_key(|counter| counter.sum.abs_diff(counter.value))?;
    let (lost, of) = (worst.sum.abs_diff(worst.value), worst.additions);
    let why = match (interpreter.gil_enabled, interpreter.minor()) {
        (false, _) => {
            "without its lock, two threads read the same value, and both wrote back that value plus one. \
             The interpreter keeps its own objects whole; what belongs together in a program it cannot know"
        }
        (true, Some(..10)) => {
            "before 3.10 an interpreter may hand its lock to another thread between any two bytecodes, also \
             between the read and the write of `n += 1`"
        }
        (true, _) => {
            "an interpreter may hand its lock to another thread at calls and at the ends of loops, and one \
             of these lies between the read and the write"
        }
    };
    let share = 100.0 * lost as f64 / (of.max(1)) as f64;
    Some(Caveat {
        check: "counter".to_owned(),
        text: format!(
            "{} of {} increments were lost ({share:.2} %): {why}.",
            figures::count(lost),
            figures::count(of)
        ),
    })
}

/// What the watcher of the seed story complains about: the list is longer than the program's own
/// arithmetic allows.
fn longer_than_it_can_be(evidence: &Evidence) -> Option<Caveat> {
    let mutators = evidence.mutators.iter();
    let lists = || {
        mutators
            .clone()
            .flat_map(|mutator| mutator.tally.lists.values())
    };
    let noted: u64 = lists().map(|list| list.noted).sum();
    let reads: u64 = lists().map(|list| list.len_reads).sum();
    let most = lists().map(|list| list.len_max).max().unwrap_or(0);
    (noted > 0).then(|| Caveat {
        check: "length".to_owned(),
        text: format!(
            "the watcher found the list longer than it can be {} in {} looks, up to {} elements. It is \
             wrong, and the list is sound: each round leaves half of what it appended, so the list grows.",
            figures::several(noted, "time", "times"),
            figures::count(reads),
            figures::count(most)
        ),
    })
}
