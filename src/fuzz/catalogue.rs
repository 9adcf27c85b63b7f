//! What should catch each planted fault, where it shows, and how surely: data, and nothing else.
//!
//! Which heaps can have a fault is theirs to say (`Entry::flaws`); what changes is said beside the
//! fault's name ([`Flaw::change`]).

use crate::heap::Flaw;

/// One fault, and what is expected of it.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// Which.
    pub flaw: Flaw,
    /// The checks that should catch it. One of them is enough.
    pub caught_by: &'static [&'static str],
    /// How surely.
    pub rate: Rate,
    /// Runs that show it.
    pub shows: &'static [Show],
    /// What it may do to the process, which must then be one of its own.
    pub danger: Option<Danger>,
    /// The published bug that it reproduces.
    pub history: Option<History>,
}

/// How surely a fault is caught by the runs that show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Every time: nothing depends on the schedule.
    Certain,
    /// Nearly every time, by chance of the schedule.
    Usually,
    /// By a model that takes every schedule; on a machine the window is too narrow to be met.
    ModelOnly,
    /// By nothing here: the negative control.
    Never,
}

/// What a fault may do to the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// End it.
    Crash,
    /// Keep it from ending.
    Hang,
}

/// A bug that was published.
#[derive(Debug, Clone, Copy)]
pub struct History {
    /// Whose, in a few words.
    pub what: &'static str,
    /// Where to read about it.
    pub link: &'static str,
}

/// A run that shows a fault, on whichever of these heaps can have it.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// The heaps it is meant for.
    pub heaps: &'static [&'static str],
    /// The workload.
    pub workload: &'static str,
    /// Parameters that differ from the workload's own defaults.
    pub parameters: &'static [(&'static str, &'static str)],
    /// How many operations suffice.
    pub ops: u64,
}

impl Show {
    /// The command line of it, but for the seed.
    pub fn line(&self, flaw: Flaw) -> String {
        let mut line = format!("gcstorm run {}", self.workload);
        for (key, value) in self.parameters {
            line += &format!(" -D {key}={value}");
        }
        for heap in self.heaps {
            line += &format!(" --heap {heap}");
        }
        line + &format!(" --ops {} --fault {flaw}", self.ops)
    }
}

/// What is expected of a fault.
pub fn of(flaw: Flaw) -> Option<&'static Planted> {
    ALL.iter().find(|planted| planted.flaw == flaw)
}

/// Every fault that is in the catalogue.
pub const ALL: &[Planted] = &[
    Planted {
        flaw: Flaw::TrustHint,
        caught_by: &["conservation", "completeness"],
        rate: Rate::Usually,
        shows: &[CHURN],
        ..MODEL_ONLY
    },
    Planted {
        flaw: Flaw::FastOnAnyStamp,
        caught_by: &["conservation", "completeness"],
        rate: Rate::Usually,
        shows: &[CHURN],
        ..MODEL_ONLY
    },
    model_only(Flaw::LookBelowFirst),
    model_only(Flaw::LocalStamps),
    model_only(Flaw::NoHeadLoad),
    model_only(Flaw::GetNotPassed),
    model_only(Flaw::PlainSet),
    model_only(Flaw::ClampedTruncate),
    model_only(Flaw::CompareCounts),
    model_only(Flaw::NoGrace),
    model_only(Flaw::RereadSlots),
    model_only(Flaw::SoleByCount),
    model_only(Flaw::ClearOneByOne),
    model_only(Flaw::MoveIntoItself),
    model_only(Flaw::NoVerdict),
    model_only(Flaw::ForgetSuspects),
];

const LOCK_FREE: &[&str] = &["lock-free"];

const CHURN: Show = Show {
    heaps: LOCK_FREE,
    workload: "churn",
    parameters: &[],
    ops: 2_000_000,
};

/// What only the models show.
const MODEL_ONLY: Planted = model_only(Flaw::NoHeadLoad);

const fn model_only(flaw: Flaw) -> Planted {
    Planted {
        flaw,
        caught_by: &[],
        rate: Rate::ModelOnly,
        shows: &[],
        danger: None,
        history: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, workload};

    /// Goal: the catalogue names each fault once, and no check or workload that is not there.
    #[test]
    fn names_what_there_is() {
        for &flaw in Flaw::ALL {
            let entries = ALL.iter().filter(|entry| entry.flaw == flaw).count();
            assert_eq!(entries, 1, "{flaw}");
        }
        for entry in ALL {
            for name in entry.caught_by {
                assert!(check::ALL.iter().any(|check| check.name == *name), "{name}");
            }
            for show in entry.shows {
                let mut workloads = workload::embedded().iter();
                assert!(workloads.any(|known| known.name == show.workload));
            }
            let silent = matches!(entry.rate, Rate::ModelOnly | Rate::Never);
            assert_eq!(silent, entry.shows.is_empty(), "{}", entry.flaw);
        }
    }
}
