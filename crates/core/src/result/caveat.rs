//! What a reader should know about a verdict or about the run: the workload's own notes, a rate
//! that was not achieved, a noisy machine.

use serde::{Deserialize, Serialize};

use super::figures;
use crate::check::Judgement;
use crate::evidence::{ACHIEVED_MIN, Latency, Rate};
use crate::plan::{Note, Plan};

/// Something a reader should know about a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// The check it is about; empty if it is about the run.
    pub check: String,
    /// A sentence or two.
    pub text: String,
}

/// The caveat that the rate was not achieved, if it was not.
pub(super) fn saturated(rate: &Rate) -> Option<Caveat> {
    rate.saturated.then(|| Caveat {
        check: String::new(),
        text: format!(
            "saturated: {} operations a second were offered and {} achieved, less than {:.0} %. The \
             queue grew as long as the run lasted, so response times are not shown",
            figures::short(rate.offered_per_second),
            figures::short(rate.achieved_per_second),
            ACHIEVED_MIN * 100.0,
        ),
    })
}

/// The caveat that the machine itself delayed threads.
pub(super) fn noise(hiccups: &Latency) -> Caveat {
    let shown = |nanos| figures::nanos(nanos);
    Caveat {
        check: String::new(),
        text: format!(
            "the machine was noisy: a thread that only slept, a millisecond at a time, woke up {} too \
             late in one of a hundred cases, and {} at worst. That much of any time may be the \
             machine's, not the heap's",
            hiccups
                .quantile(0.99)
                .map_or_else(|| "much".to_owned(), shown),
            shown(hiccups.max()),
        ),
    }
}

/// The workload's own notes on verdicts that were reached.
pub(super) fn notes(plan: &Plan, checks: &[Judgement]) -> Vec<Caveat> {
    let came_out = |note: &&Note| {
        checks
            .iter()
            .any(|check| check.name == note.check && check.verdict.name() == note.verdict)
    };
    let notes = plan.notes.iter().filter(came_out);
    notes
        .map(|note| Caveat {
            check: note.check.clone(),
            text: note.text.clone(),
        })
        .collect()
}
