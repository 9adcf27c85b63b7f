//! The verdict of a run as a whole: from its checks, how it ended and what was required of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Caveat, figures};
use crate::check::{self, Judgement, Verdict};
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
    gaps.extend(vacuous.map(|check| format!("{} had nothing to examine", check.name)));
    let incomplete = evidence.surveys.iter().find_map(|s| s.incomplete.as_ref());
    if let Some(why) = incomplete {
        gaps.push(format!("not all of the heap was looked at: {why}"));
    }
    gaps
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
            caveat(format!("the process of the run died: {how}"));
            return Outcome::Crashed;
        }
        Ended::Hung { after_ns } => {
            let after = std::time::Duration::from_nanos(*after_ns);
            caveat(format!(
                "the run was not over after {after:.0?}, and was ended"
            ));
            return Outcome::Hung;
        }
        Ended::OutOfMemory { mutator } => {
            caveat(format!(
                "the heap had no room for another object when {mutator} asked for one \
                 (it was opened for {} live objects)",
                plan.live_limit
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
    for text in unmet.iter().map(ToString::to_string).chain(gaps.clone()) {
        caveat(text);
    }
    if !gaps.is_empty() || unmet.iter().any(check::Shortfall::is_vacuous) {
        Outcome::Vacuous
    } else {
        Outcome::Held
    }
}
