//! A run summed up: which checks it violated, which of them first, and after how many operations.
//!
//! Only checks count. What a heap reports of itself counts if a check takes it into account.

use serde::{Deserialize, Serialize};

use crate::check::{self, Verdict};
use crate::evidence::{Ended, Evidence, Moment};
use crate::heap::Defect;
use crate::plan::Plan;

/// When a run's first violation was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// While the mutators ran: the heap met it at a safepoint.
    Once,
    /// At a pause of all mutators.
    Pause,
    /// When the run was over.
    End,
}

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The checks that were violated, in the order of reports.
    pub fired: Vec<String>,
    /// Those of them that were violated first.
    pub first: Vec<String>,
    /// When that was.
    pub at: At,
    /// Why the run ended early, if it did: the heap panicked or was full.
    pub broke: Option<String>,
    /// How much of the evidence the checks looked at.
    pub examined: u64,
    /// Operations done until the run ended.
    pub ops: u64,
    /// How long the mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
}

impl Sighting {
    /// Judges a run.
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
            examined: judgements.iter().map(|judgement| judgement.examined).sum(),
            ops: evidence.ops_done(),
            elapsed_ns: evidence.elapsed_ns,
        }
    }

    /// The same run as it would be judged without this check.
    #[must_use]
    pub fn without(mut self, check: &str) -> Self {
        self.fired.retain(|name| name != check);
        self.first.retain(|name| name != check);
        self
    }
}

/// The checks that were violated first, and when: what ended the run, or else the first survey that
/// shows something, or else what only the whole of the evidence does.
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

/// The check that takes this kind of defect into account.
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
        Ended::OutOfMemory { mutator } => Some(format!("had no room when {mutator} asked for it")),
        Ended::Died { how } => Some(format!("died: {how}")),
        Ended::Hung { .. } => Some("did not come to an end".to_owned()),
        Ended::Done | Ended::Interrupted | Ended::Violated | Ended::Defect { .. } => None,
    }
}
