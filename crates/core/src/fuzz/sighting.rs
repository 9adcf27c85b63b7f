//! A summary of a run: which checks it violated, which of them first, and after how many
//! operations.
//!
//! Only violated checks count. A defect that the heap reports of itself counts through the check
//! that covers it.

use serde::{Deserialize, Serialize};

use super::catalogue::Danger;
use crate::check::{self, Verdict};
use crate::evidence::{Ended, Evidence, Moment};
use crate::heap::Defect;
use crate::plan::Plan;

/// When a run's first violation was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// While the mutators ran: the heap reported a defect at a safepoint.
    Once,
    /// At a pause of all mutators.
    Pause,
    /// When the run was over.
    End,
}

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The checks that were violated, in the order in which reports show checks.
    pub fired: Vec<String>,
    /// Those of them that were violated first.
    pub first: Vec<String>,
    /// When the first violation was seen.
    pub at: At,
    /// Why the run ended early, if it did: the heap panicked or was full.
    pub broke: Option<String>,
    /// What became of the heap's own process, if that was lost.
    #[serde(default)]
    pub lost: Option<Danger>,
    /// How many things all checks examined together.
    pub examined: u64,
    /// Operations done until the run ended.
    pub ops: u64,
    /// How long the mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
}

impl Sighting {
    /// Judges and summarizes a run.
    pub fn of(plan: &Plan, evidence: &Evidence) -> Self {
        let judgements = check::judge(plan, evidence);
        let violated = judgements
            .iter()
            .filter(|judgement| judgement.verdict == Verdict::Violated);
        let fired: Vec<String> = violated.map(|judgement| judgement.name.clone()).collect();
        let (first, at) = first(plan, evidence, &fired);
        Self {
            first,
            at,
            fired,
            broke: broke(&evidence.ended),
            lost: match &evidence.ended {
                Ended::Died { .. } => Some(Danger::Crash),
                Ended::Hung { .. } => Some(Danger::Hang),
                _ => None,
            },
            examined: judgements.iter().map(|judgement| judgement.examined).sum(),
            ops: evidence.ops_done(),
            elapsed_ns: evidence.elapsed_ns,
        }
    }

    /// The same run, judged as if this check did not exist.
    #[must_use]
    pub fn without(mut self, check: &str) -> Self {
        self.fired.retain(|name| name != check);
        self.first.retain(|name| name != check);
        self
    }
}

/// The checks that were violated first, and when. That is the check for the defect that ended the
/// run; otherwise the checks that the first wrong survey violates; otherwise all checks that the
/// evidence as a whole violates.
fn first(plan: &Plan, evidence: &Evidence, fired: &[String]) -> (Vec<String>, At) {
    if let Ended::Defect { defect, .. } = &evidence.ended {
        return (vec![taken_up_by(defect).to_owned()], At::Once);
    }
    for survey in &evidence.surveys {
        let names = check::violated_at(plan, evidence.caps, survey);
        if !names.is_empty() {
            let at = match survey.moment {
                Moment::Pause => At::Pause,
                Moment::End | Moment::Teardown => At::End,
            };
            return (names.into_iter().map(str::to_owned).collect(), at);
        }
    }
    (fired.to_vec(), At::End)
}

/// The check that covers this kind of defect.
pub(super) fn taken_up_by(defect: &Defect) -> &'static str {
    match defect {
        Defect::Stale { .. } => "dangling",
        Defect::Underflow { .. } => "refcounts",
        Defect::Spoiled { .. } => "poison",
        Defect::InUse { .. } | Defect::Panicked { .. } | Defect::Other { .. } => "collector-state",
    }
}

fn broke(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Panicked { mutator, message } => {
            Some(format!("panicked under {mutator}: {message}"))
        }
        Ended::OutOfMemory { mutator } => Some(format!("was full when {mutator} allocated")),
        Ended::Died { how } => Some(format!("died: {how}")),
        Ended::Hung { .. } => Some("did not come to an end".to_owned()),
        Ended::Done | Ended::Interrupted | Ended::Violated | Ended::Defect { .. } => None,
    }
}
