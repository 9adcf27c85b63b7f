//! What a reader should know about a verdict or about the run: the workload's own notes, a rate
//! that was not achieved, a noisy machine, a process that was stopped.

use serde::{Deserialize, Serialize};

use super::figures;
use crate::check::Judgement;
use crate::evidence::{ACHIEVED_MIN, Latency, Rate, Stopped, stalls};
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
pub(super) fn noise(hiccups: &Latency, elapsed_ns: u64) -> Caveat {
    let max = figures::nanos(hiccups.max());
    let late = match hiccups.quantile(0.99) {
        Some(late) => format!(
            "woke up {} too late in one of a hundred cases",
            figures::nanos(late)
        ),
        None => {
            let late = figures::nanos(stalls::tenth(hiccups));
            format!(
                "woke up {} times in {}, {late} too late in one of ten cases",
                figures::count(hiccups.count()),
                figures::nanos(elapsed_ns)
            )
        }
    };
    Caveat {
        check: String::new(),
        text: format!(
            "the machine was noisy: a thread that only slept, a millisecond at a time, {late}, and {max} \
             at worst. That much of any time may be the machine's, not the heap's"
        ),
    }
}

/// The caveat that the process was stopped, if it was.
pub(super) fn stopped(stopped: &Stopped) -> Option<Caveat> {
    let Stopped { count, ns, .. } = *stopped;
    (count > 0).then(|| Caveat {
        check: String::new(),
        text: format!(
            "the process was stopped, or the machine suspended, {}, for {} in all. This time is in no \
             figure but response times and the lag of reclamation, which really were that long",
            figures::several(count, "time", "times"),
            figures::nanos(ns),
        ),
    })
}

/// The caveat that the heap does not say when it has held a thread up for long enough.
pub(super) fn unended(holds: u64) -> Option<Caveat> {
    (holds > 0).then(|| Caveat {
        check: String::new(),
        text: format!(
            "{} the heap said that it begins to hold a thread up, and never that this had ended (`hold` \
             without `release`). No figure of pauses would be right, so there is none",
            figures::several(holds, "time", "times"),
        ),
    })
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
