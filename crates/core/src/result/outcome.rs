//! The verdict of a run as a whole: from its checks, how it ended and what was required of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Caveat, figures};
use crate::check::{self, Judgement, Shortfall, Verdict};
use crate::evidence::{Ended, Evidence, Moment};
use crate::plan::Plan;

/// The verdict of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Held,
    /// A check was violated.
    Violated,
    /// It ran, but did not do what was required of it.
    Vacuous,
    /// The heap panicked, ended the process, or ran out of memory.
    Crashed,
    /// The run did not come to an end.
    Hung,
    /// It was interrupted, and everything held until then.
    Interrupted,
}

impl Outcome {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Violated => "violated",
            Self::Vacuous => "vacuous",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the heap is wrong or broke down, so that it counts for nothing how fast it was.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Violated | Self::Crashed | Self::Hung)
    }
}

/// What should have been examined and was not, in words.
fn gaps(evidence: &Evidence, checks: &[Judgement]) -> Vec<String> {
    let mut gaps = Vec::new();
    if checks.iter().all(|check| check.verdict != Verdict::Held) {
        gaps.push("no check had anything to examine".to_owned());
    }
    if evidence.last_survey(Moment::End).is_none() {
        gaps.push("the heap was never looked at after the last operation".to_owned());
    }
    // A check that rightly had nothing to examine is `skipped`, not vacuous.
    let vacuous = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Vacuous);
    gaps.extend(vacuous.map(|check| match &check.detail {
        Some(why) if check.examined > 0 => format!("{}: {why}", check.name),
        _ => format!("{} had nothing to examine", check.name),
    }));
    let incomplete = evidence.surveys.iter().find_map(|s| s.incomplete.as_ref());
    if let Some(why) = incomplete {
        gaps.push(format!("not all of the heap was looked at: {why}"));
    }
    gaps
}

/// What is known of a run whose process was lost, as the end of a sentence.
fn heard(evidence: &Evidence) -> String {
    evidence.heard.map_or_else(String::new, |heard| {
        let ops = figures::several(heard.ops, "operation", "operations");
        let elapsed = figures::nanos(heard.elapsed_ns);
        let settling = match heard.settling_ns {
            None => String::new(),
            // It was told when that began, and never again.
            Some(0) => ", and the heap was settling: it hangs in that, or is slow".to_owned(),
            Some(nanos) => {
                let lasted = figures::nanos(nanos);
                format!(
                    ", and the heap had been settling for {lasted}: it hangs in that, or is slow"
                )
            }
        };
        format!("; by its last report it had done {ops} in {elapsed}{settling}")
    })
}

/// The verdict of a run; the reasons are added to the caveats.
pub(super) fn outcome(
    plan: &Plan,
    evidence: &Evidence,
    checks: &[Judgement],
    counters: &BTreeMap<String, u64>,
    caveats: &mut Vec<Caveat>,
) -> Outcome {
    let mut caveat = |text: String| {
        caveats.push(Caveat {
            check: String::new(),
            text,
        })
    };
    let violated = checks
        .iter()
        .any(|check| check.verdict == Verdict::Violated);
    match &evidence.ended {
        Ended::Panicked { mutator, message } => {
            caveat(format!("the heap panicked under {mutator}: {message}"));
            return Outcome::Crashed;
        }
        Ended::Died { how } => {
            let heard = heard(evidence);
            caveat(format!("the process of the run died: {how}{heard}"));
            return Outcome::Crashed;
        }
        Ended::Hung { after_ns } => {
            let after = figures::nanos(*after_ns);
            let heard = heard(evidence);
            let (what, did) = match evidence.heard.and_then(|heard| heard.settling_ns) {
                Some(_) => ("settling", "did not come to an end in time"),
                None => ("the run", "made no progress for too long"),
            };
            caveat(format!(
                "{what} {did}, and was ended {after} after the run's start{heard}"
            ));
            return Outcome::Hung;
        }
        Ended::OutOfMemory { mutator } => {
            // A heap may also have no room for the elements of a list, and says so at the next allocation.
            caveat(format!(
                "the heap had no room left when {mutator} asked for another object (it was opened for {} \
                 live objects, and at most {} were seen alive; lists take room too)",
                plan.live_limit, evidence.live_peak
            ));
            return if violated {
                Outcome::Violated
            } else {
                Outcome::Crashed
            };
        }
        Ended::Defect { mutator, defect } => {
            let elapsed = figures::nanos(evidence.elapsed_ns);
            caveat(format!(
                "ended after {elapsed}: {mutator} reported: {defect}"
            ));
            // A defect that the heap reports of itself is a violation, even if no check is about
            // it.
            return Outcome::Violated;
        }
        Ended::Violated => {
            caveat("ended at the first survey that found something".to_owned());
            return Outcome::Violated;
        }
        Ended::Interrupted if !violated => return Outcome::Interrupted,
        Ended::Interrupted | Ended::Done => {}
    }
    if violated {
        return Outcome::Violated;
    }
    let unmet = check::unmet(counters, &plan.require);
    let gaps = gaps(evidence, checks);
    let (short, others): (Vec<_>, Vec<_>) = unmet.into_iter().partition(Shortfall::is_vacuous);
    let is_vacuous = !gaps.is_empty() || !short.is_empty();
    let texts = short.iter().map(ToString::to_string).chain(gaps);
    texts.chain(passed_over(&others)).for_each(caveat);
    match is_vacuous {
        true => Outcome::Vacuous,
        false => Outcome::Held,
    }
}

/// One sentence on all counters that the workload requires and the heap could have, and has not.
fn passed_over(unmet: &[Shortfall<'_>]) -> Option<String> {
    let counters = unmet.iter().filter_map(|one| match one {
        Shortfall::PassedOver(requirement) => Some(requirement.counter.as_str()),
        Shortfall::Short(..) | Shortfall::Uncounted(_) => None,
    });
    let counters: Vec<&str> = counters
        .filter(|counter| !check::is_of_a_kind(counter))
        .collect();
    (!counters.is_empty()).then(|| {
        format!(
            "the heap does not count all that the workload requires: nothing is required of {} here",
            counters.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::LastReport;
    use crate::heap::Caps;
    use crate::workload::Workload;

    /// Goal: what a heap does not count is told in one note, however much it is, but for what only some
    /// kinds of heaps have.
    #[test]
    fn what_is_not_counted_is_one_note() {
        let asked = |counter: &str| crate::plan::Requirement {
            counter: counter.to_owned(),
            at_least: 1,
            asked_by: crate::plan::Asker::Workload,
        };
        let require = ["collections", "allocated", "contended", "epochs"].map(asked);
        let counters = BTreeMap::from([("allocated".to_owned(), 0)]);
        let told = passed_over(&check::unmet(&counters, &require)).expect("two are not counted");
        assert!(
            told.ends_with("required of collections, contended here"),
            "{told}"
        );
        for silent in [1, 3] {
            let unmet = check::unmet(&counters, &require[silent..=silent]);
            assert_eq!(passed_over(&unmet), None);
        }
    }

    /// Goal: what a process had reported before it was lost is told.
    #[test]
    fn a_lost_run_says_how_far_it_came() {
        let workload = Workload::named("counter").expect("it comes with the program");
        let plan = workload.plan(&[], 1).expect("it can be planned");
        let how = "it was killed by signal 6".to_owned();
        let evidence = Evidence {
            heard: Some(LastReport {
                elapsed_ns: 1_500_000_000,
                ops: 77,
                settling_ns: None,
            }),
            ..Evidence::of_lost("gil", Caps::NONE, None, Ended::Died { how })
        };
        let mut caveats = Vec::new();
        let verdict = outcome(&plan, &evidence, &[], &BTreeMap::new(), &mut caveats);
        assert_eq!(verdict, Outcome::Crashed);
        let told =
            "died: it was killed by signal 6; by its last report it had done 77 operations in";
        assert!(caveats[0].text.contains(told), "{caveats:?}");
    }
}
