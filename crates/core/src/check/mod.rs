//! Judges evidence: one invariant a file, each a pure function of the plan and the evidence.
//!
//! Most checks are *conservative*: where threads race, many outcomes are right, and a check asserts
//! only what holds in all of them. Nothing reachable is dead, nothing unreachable stays alive, and
//! what was put into an object is still there or was taken out. Some checks are *exact* where they
//! can be: if one mutator alone changes a list, its length is compared with a model of that
//! mutator's operations, and if a history was recorded, `linearizable` judges each answer.
//!
//! A check that had nothing to examine is `vacuous` or `skipped`, and says why; it is never `held`.

pub mod agreement;
mod answers;
mod budget;
mod capacity;
mod collector_state;
mod completeness;
mod conservation;
mod counter;
mod dangling;
mod double_free;
mod finalizers;
mod length;
pub mod linearizable;
mod order;
mod poison;
mod premature;
mod progress;
mod refcounts;
mod require;
mod weak;

pub use require::{Shortfall, counters, is_counted, is_of_a_kind, unmet};

use serde::{Deserialize, Serialize};

use crate::evidence::{Anomalies, Ended, Evidence, PeekTally, Survey};
use crate::heap::{Caps, Census, DefectCounts, Shape};
use crate::plan::{ListUsage, Plan};

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything examined was in order.
    Held,
    /// Something examined was wrong.
    Violated,
    /// There should have been something to examine, but there was not.
    Vacuous,
    /// The check does not apply to this run.
    Skipped,
}

impl Verdict {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Violated => "violated",
            Self::Vacuous => "vacuous",
            Self::Skipped => "skipped",
        }
    }
}

/// One check's verdict on one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The check's name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// How many things it examined; each check has its own unit.
    pub examined: u64,
    /// What it found wrong, or why it examined nothing.
    pub detail: Option<String>,
}

impl Judgement {
    /// Whether the run ended before there was anything for this check.
    pub fn is_cut_short(&self) -> bool {
        self.verdict == Verdict::Skipped && self.detail.as_deref() == Some(CUT_SHORT)
    }
}

/// What a check is given.
#[derive(Debug, Clone, Copy)]
pub struct Exhibit<'a> {
    /// The plan of the run.
    pub plan: &'a Plan,
    /// What the heap can do.
    pub caps: Caps,
    /// The surveys to judge.
    pub surveys: &'a [Survey],
    /// The whole of the evidence, once the run is over.
    pub evidence: Option<&'a Evidence>,
}

impl<'a> Exhibit<'a> {
    /// All of a finished run.
    pub fn whole(plan: &'a Plan, evidence: &'a Evidence) -> Self {
        Self {
            plan,
            caps: evidence.caps,
            surveys: &evidence.surveys,
            evidence: Some(evidence),
        }
    }

    /// The defects that the heap reported of itself; none while the run lasts.
    fn defects(&self) -> DefectCounts {
        self.evidence
            .map(|evidence| evidence.stats.defects.clone())
            .unwrap_or_default()
    }

    /// Texts of those among the first defects that `select` picks.
    fn defect_texts(&self, select: impl Fn(&crate::heap::Defect) -> bool) -> Vec<String> {
        let first = self.defects().first;
        first
            .iter()
            .filter(|defect| select(defect))
            .map(ToString::to_string)
            .collect()
    }

    /// The censuses that the heap showed.
    fn censuses(&self) -> impl Iterator<Item = &'a Census> + use<'a> {
        self.surveys
            .iter()
            .filter_map(|survey| survey.census.as_ref())
    }

    /// The opinion of a check that found nothing in a census to judge. `lists_nothing` is the reason
    /// if there is a census.
    fn without_census(&self, lists_nothing: &str) -> Opinion {
        Opinion::skipped(match (self.surveys, self.censuses().next()) {
            // There is one at the end of every run.
            ([], _) => CUT_SHORT,
            (_, None) => "the heap has no census",
            (_, Some(_)) => lists_nothing,
        })
    }

    /// What each mutator found in its registers, with its name; nothing while the run lasts.
    fn peeks(&self) -> impl Iterator<Item = (&'a str, &'a PeekTally)> {
        let mutators = self.evidence.into_iter().flat_map(|it| &it.mutators);
        mutators.flat_map(|mutator| {
            let tally = &mutator.tally;
            [&tally.peeks, &tally.answers.looks].map(|peeks| (mutator.name.as_str(), peeks))
        })
    }

    fn object_name(&self, object: usize) -> &'a str {
        self.plan
            .objects
            .get(object)
            .map_or("?", |object| &object.name)
    }

    /// How the programs use this shared object; `None` if the plan has no such object, as when
    /// stored evidence is judged by the plan of a workload that has changed since.
    fn usage(&self, object: usize) -> Option<&'a ListUsage> {
        self.plan.objects.get(object).map(|object| &object.usage)
    }

    /// Whether the mutators' tallies hold every change of this shared object.
    fn is_tallied(&self, object: usize) -> bool {
        let object = self.plan.objects.get(object);
        object.is_some_and(|object| !object.usage.aliased)
    }

    fn has(&self, shape: Shape) -> bool {
        self.plan.objects.iter().any(|object| object.shape == shape)
    }
}

/// One invariant.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name, which never changes between releases.
    pub name: &'static str,
    /// The invariant in one line, for `gcstorm list`.
    pub about: &'static str,
    judge: fn(&Exhibit<'_>) -> Opinion,
}

/// Every check, in the order in which reports show them.
pub const ALL: [Check; 18] = [
    refcounts::CHECK,
    dangling::CHECK,
    premature::CHECK,
    completeness::CHECK,
    double_free::CHECK,
    conservation::CHECK,
    order::CHECK,
    counter::CHECK,
    length::CHECK,
    answers::CHECK,
    linearizable::CHECK,
    poison::CHECK,
    weak::CHECK,
    finalizers::CHECK,
    collector_state::CHECK,
    progress::CHECK,
    budget::CHECK,
    capacity::CHECK,
];

/// Why a check was skipped that might have had something to examine later.
pub const CUT_SHORT: &str = "the run was cut short";

/// Judges a finished run by every check. Where the heap broke it off, a check that had nothing to
/// examine is not to blame for that, and neither is the workload.
pub fn judge(plan: &Plan, evidence: &Evidence) -> Vec<Judgement> {
    let mut judgements = judge_by(&ALL, &Exhibit::whole(plan, evidence));
    if !matches!(evidence.ended, Ended::Done | Ended::Interrupted) {
        let checks = judgements.iter_mut();
        for check in checks.filter(|check| check.verdict == Verdict::Vacuous) {
            check.verdict = Verdict::Skipped;
            check.detail = Some(CUT_SHORT.to_owned());
        }
    }
    judgements
}

/// Judges by some of the checks.
pub fn judge_by(checks: &[Check], exhibit: &Exhibit<'_>) -> Vec<Judgement> {
    checks
        .iter()
        .map(|check| (check.judge)(exhibit).signed(check.name))
        .collect()
}

/// Whether any check finds something wrong with one survey, while the run lasts.
pub fn survey_violates(plan: &Plan, caps: Caps, survey: &Survey) -> bool {
    violating(plan, caps, survey).next().is_some()
}

/// The checks that find something wrong with one survey, by name.
pub fn violated_at(plan: &Plan, caps: Caps, survey: &Survey) -> Vec<&'static str> {
    violating(plan, caps, survey).collect()
}

fn violating<'a>(
    plan: &'a Plan,
    caps: Caps,
    survey: &'a Survey,
) -> impl Iterator<Item = &'static str> + use<'a> {
    let exhibit = Exhibit {
        plan,
        caps,
        surveys: std::slice::from_ref(survey),
        evidence: None,
    };
    let violated = ALL
        .iter()
        .filter(move |check| (check.judge)(&exhibit).is_violated());
    violated.map(|check| check.name)
}

/// A check's opinion before it is signed with its name.
#[derive(Debug, Default)]
struct Opinion {
    examined: u64,
    wrong: u64,
    /// What is wrong, in words, and how many of the `wrong` things each sentence covers.
    texts: Vec<(u64, String)>,
    /// The verdict if nothing is wrong, and the reason for it, where it is not `held`.
    nothing: Option<(Verdict, String)>,
}

impl Opinion {
    fn skipped(why: &str) -> Self {
        Self {
            nothing: Some((Verdict::Skipped, why.to_owned())),
            ..Self::default()
        }
    }

    /// Adds to the number of things examined.
    fn examine(&mut self, count: u64) {
        self.examined += count;
    }

    /// Adds the wrong things of a finding; each of its texts covers one.
    fn find(&mut self, finding: &Anomalies) {
        self.accuse(finding.count, finding.first.iter().cloned());
    }

    /// Adds `count` wrong things; each of the texts covers one.
    fn accuse(&mut self, count: u64, texts: impl IntoIterator<Item = String>) {
        self.wrong += count;
        self.texts.extend(texts.into_iter().map(|text| (1, text)));
    }

    /// Adds `count` wrong things; the one text covers all of them.
    fn blame(&mut self, count: u64, text: String) {
        self.wrong += count;
        self.texts.push((count, text));
    }

    /// Examines one more thing, which is wrong unless `right` is true.
    fn expect(&mut self, right: bool, describe: impl FnOnce() -> String) {
        self.examined += 1;
        if !right {
            self.blame(1, describe());
        }
    }

    fn is_violated(&self) -> bool {
        self.wrong > 0
    }

    fn signed(self, name: &str) -> Judgement {
        let (verdict, detail) = if self.wrong > 0 {
            (Verdict::Violated, Some(summary(self.wrong, &self.texts)))
        } else if let Some((verdict, why)) = self.nothing {
            (verdict, Some(why))
        } else if self.examined == 0 {
            (
                Verdict::Vacuous,
                Some("there was nothing to examine".to_owned()),
            )
        } else {
            (Verdict::Held, None)
        };
        Judgement {
            name: name.to_owned(),
            verdict,
            examined: self.examined,
            detail,
        }
    }
}

/// For tests: what a check says of one survey of a heap with these caps.
#[cfg(test)]
fn judge_survey(check: Check, caps: Caps, survey: Survey) -> Judgement {
    let plan = crate::plan::Case::of_mutators(1, 1, 1, 8).plan();
    let exhibit = Exhibit {
        plan: &plan,
        caps,
        surveys: &[survey],
        evidence: None,
    };
    judge_by(&[check], &exhibit).remove(0)
}

/// The first three texts, and how many wrong things they do not cover.
fn summary(wrong: u64, texts: &[(u64, String)]) -> String {
    const SHOWN: usize = 3;
    let shown = &texts[..texts.len().min(SHOWN)];
    let told: u64 = shown.iter().map(|(count, _)| count).sum();
    let words = shown
        .iter()
        .map(|(_, text)| text.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    match (words.is_empty(), wrong.saturating_sub(told)) {
        (true, _) => format!("{wrong} found"),
        (false, 0) => words,
        (false, rest) => format!("{words}; and {rest} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Caps;

    /// Goal: of a run whose process was lost no check is vacuous, and of one that came to its end with
    /// the same evidence some are.
    #[test]
    fn a_lost_run_makes_no_check_vacuous() {
        let workload = crate::workload::Workload::named("churn").expect("it is there");
        let plan = workload.plan(&[], 1).expect("it can be planned");
        let died = Ended::Died { how: String::new() };
        let of = |ended, verdict: Verdict| {
            let evidence = Evidence::of_lost("gil", Caps::NONE, None, ended);
            let judgements = judge(&plan, &evidence).into_iter();
            judgements
                .filter(|check| check.verdict == verdict)
                .collect::<Vec<_>>()
        };
        assert!(!of(Ended::Done, Verdict::Vacuous).is_empty());
        assert_eq!(of(died.clone(), Verdict::Vacuous), []);
        let skipped = of(died, Verdict::Skipped);
        assert!(
            skipped
                .iter()
                .any(|check| check.detail.as_deref() == Some(CUT_SHORT))
        );
    }
}
