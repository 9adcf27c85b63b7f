//! What a reader should know of a run on an interpreter: what its lock protects and what it does not,
//! with the figures of this run.

use super::{Caveat, figures};
use crate::check::{Judgement, Verdict};
use crate::evidence::{Evidence, InterpreterFacts, Moment};

/// A heap is large if a look at all of it takes milliseconds.
const LARGE: u64 = 100_000;
/// The cause of pauses that are collections.
const COLLECT: &str = "collect";
/// The cause of pauses of a thread that only sleeps.
const WAKE_UP: &str = "wake_up";

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
    let told = [
        lost.flatten(),
        longer_than_it_can_be(evidence),
        full_collections(evidence),
    ];
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
            "the watcher found the list longer than it can be {} in {} looks, up to {} elements. The \
             watcher's bound is wrong, and the list is sound: each round leaves half of what it appended, so \
             the list grows.",
            figures::several(noted, "time", "times"),
            figures::count(reads),
            figures::count(most)
        ),
    })
}

/// How long a full collection stops everybody beside a large heap.
fn full_collections(evidence: &Evidence) -> Option<Caveat> {
    if evidence.live_peak < LARGE {
        return None;
    }
    let alive = figures::count(evidence.live_peak);
    let text = match (evidence.pauses.get(COLLECT), evidence.pauses.get(WAKE_UP)) {
        (Some(collect), _) => format!(
            "beside up to {alive} live objects the longest of {} collections stopped the program for {}: a \
             full collection looks at all of them, so it takes longer the larger the heap is",
            figures::count(collect.count()),
            figures::nanos(collect.max()),
        ),
        (None, Some(late)) => format!(
            "beside up to {alive} live objects a thread of the interpreter that only slept was held up for \
             {} at worst: by the lock, the machine, and full collections, which look at all of them; \
             --gc-callbacks measures these alone",
            figures::nanos(late.max()),
        ),
        (None, None) => return None,
    };
    Some(Caveat {
        check: String::new(),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::CounterFacts;
    use crate::sample;

    /// Goal: a run that lost updates says how many, and why this interpreter could lose them; one on
    /// another heap, or with a fault, tells no such story.
    #[test]
    fn lost_updates_are_explained() {
        let mut evidence = sample::result("gil").evidence;
        let mut survey = crate::evidence::Survey::new(Moment::End, 200);
        survey.counters = vec![CounterFacts {
            object: 0,
            value: 150,
            additions: 200,
            sum: 200,
        }];
        evidence.surveys = vec![survey];
        let checks = [Judgement {
            name: "counter".to_owned(),
            verdict: Verdict::Violated,
            examined: 200,
            detail: None,
        }];
        assert_eq!(stories(&evidence, &checks), []);
        for (version, gil_enabled, why) in [
            ("3.9.18 (main)", true, "any two bytecodes"),
            ("3.12.1 (main)", true, "at calls and at the ends of loops"),
            ("3.13.5 (main)", false, "without its lock"),
        ] {
            evidence.interpreter = Some(InterpreterFacts {
                version: version.to_owned(),
                gil_enabled,
                ..InterpreterFacts::default()
            });
            let told = stories(&evidence, &checks);
            let text = &told.first().expect("a story").text;
            assert!(
                text.starts_with("50 of 200 increments were lost (25.00 %)"),
                "{text}"
            );
            assert!(text.contains(why), "{text}");
        }
        evidence.fault = Some("addition-lost".to_owned());
        assert_eq!(stories(&evidence, &checks), []);
    }
}
