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
    /// By a model that takes every schedule, and some of them by a random program whose every answer is
    /// known; in a workload the window is too narrow to be met, or what is wrong too little to be seen.
    ModelOnly,
    /// By a soak, from the memory of a heap that grows old: too little for any run to see, and beside
    /// everything that the checks look at.
    SoakOnly,
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
    /// Whether threads are to be held up within operations.
    pub delays: bool,
    /// How many operations of a thread are to lie between two forced collections of its own.
    pub collect_every: Option<u64>,
    /// How many operations of a thread on shared objects are to be written down and judged.
    pub history: Option<u64>,
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
        if let Some(ops) = self.collect_every {
            line += &format!(" --collect-every {ops}");
        }
        if let Some(events) = self.history {
            line += &format!(" --history {events}");
        }
        if self.delays {
            line += " --delays";
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
    certain(Flaw::GetWithoutIncrement, &["premature"], &[CHURN]),
    certain(Flaw::CopyWithoutIncrement, UNCOUNTED, &[TANGLES]),
    certain(
        Flaw::UpgradeWithoutIncrement,
        UNCOUNTED,
        &[on_both("weakrefs", 20_000)],
    ),
    certain(Flaw::SetKeepsOld, LEAK, &[CHURN]),
    certain(Flaw::StoreKeepsOld, LEAK, &[on_both("graph", 100_000)]),
    certain(Flaw::StoreDropsValue, LEAK, &[on_gil("tangles", 20_000)]),
    certain(Flaw::PopKeepsReference, LEAK, &[CHURN]),
    certain(
        Flaw::AppendCountsTwice,
        &["refcounts"],
        &[on_gil("churn", 20_000)],
    ),
    certain(Flaw::AppendLost, &["conservation", "order"], &[LIST]),
    certain(Flaw::AppendOutOfOrder, &["order"], &[LIST]),
    certain(Flaw::LenOffByOne, &["length"], &[CHURN]),
    certain(Flaw::PopTakesSecond, &["linearizable"], &[RECORDED]),
    certain(Flaw::TruncateOffByOne, &["conservation"], &[LIST]),
    certain(
        Flaw::AdditionLost,
        &["counter"],
        &[on_gil("counter", 20_000)],
    ),
    certain(
        Flaw::WeakNotCleared,
        &["weak"],
        &[on_gil("weakrefs", 20_000)],
    ),
    certain(Flaw::WeakAfterFinalizer, &["weak"], &[FINALIZERS]),
    certain(Flaw::FinalizerSkipped, &["finalizers"], &[FINALIZERS]),
    certain(Flaw::FinalizerRunTwice, &["finalizers"], &[FINALIZERS]),
    known(
        certain(Flaw::ResurrectedFreedAnyway, UNCOUNTED, &[FINALIZERS]),
        "rust-gc, issue 124",
        "https://github.com/Manishearth/rust-gc/issues/124",
    ),
    dangerous(
        Danger::Crash,
        certain(Flaw::RecursiveRelease, &[], &[on_both("chain", 2_000_001)]),
    ),
    certain(
        Flaw::WorklistOverwritten,
        LEAK,
        &[on_both("tangles", 20_000)],
    ),
    certain(Flaw::WriteAfterFree, &["poison"], &[CHURN]),
    certain(Flaw::FreedTwice, &["double-free"], &[CYCLES]),
    certain(
        Flaw::CellLost,
        &["collector-state"],
        &[on_gil("cycles", 200_000)],
    ),
    certain(Flaw::PageLost, &["collector-state"], &[FINALIZERS]),
    certain(Flaw::EdgesCountedOnce, LEAK, &[on_both("tangles", 20_000)]),
    known(
        certain(Flaw::LivenessOneLevel, &["dangling"], &[TANGLES]),
        "gcmodule 0.1.1",
        "https://docs.rs/crate/gcmodule/0.1.1",
    ),
    known(
        certain(Flaw::ExternalChildReleasedTwice, UNCOUNTED, &[TANGLES]),
        "bacon-rajan-cc, issue 30",
        "https://github.com/fitzgen/bacon-rajan-cc/issues/30",
    ),
    certain(
        Flaw::YoungSubtractsOld,
        UNCOUNTED,
        &[on_gil("tangles", 200_000)],
    ),
    known(
        certain(Flaw::ThresholdIgnored, &["budget"], &[LARGE_HEAP]),
        "CPython before 2.7",
        "https://mail.python.org/pipermail/python-dev/2008-June/080579.html",
    ),
    certain(Flaw::CollectorNeverRuns, &["completeness"], &[CYCLES]),
    certain(Flaw::RootSkipped, UNCOUNTED, &[TANGLES]),
    certain(
        Flaw::SurvivorsForgotten,
        &["completeness", "collector-state"],
        &[on_gil("tangles", 200_000)],
    ),
    certain(
        Flaw::MarkLeftBehind,
        &["collector-state"],
        &[on_gil("tangles", 200_000)],
    ),
    known(
        dangerous(
            Danger::Hang,
            certain(Flaw::DropRequestKept, &[], &[on_gil("churn", 2_000_000)]),
        ),
        "CPython, gh-96387",
        "https://github.com/python/cpython/issues/96387",
    ),
    certain(Flaw::NoForcedSwitch, &["progress"], &[BUSY_PAIR]),
    usually(
        Flaw::SwitchInsideTruncate,
        &["conservation"],
        &[SHORT_ROUNDS],
    ),
    usually(
        Flaw::SwitchInsideAppend,
        &["order", "conservation"],
        &[TWO_APPENDERS],
    ),
    certain(Flaw::ObjectKept, LEAK, &[on_both("churn", 4_000_000)]),
    Planted {
        rate: Rate::SoakOnly,
        ..certain(Flaw::MemoryKept, &[], &[])
    },
    certain(
        Flaw::RegistersKept,
        LEAK,
        &[on_both("thread-churn", 20_000)],
    ),
    certain(
        Flaw::WalkSkipsRoot,
        &["refcounts", "premature", "completeness"],
        &[CHURN],
    ),
    certain(Flaw::WalkSkipsEdge, LEAK, &[on_both("graph", 100_000)]),
    certain(Flaw::DeathsForgotten, &["conservation"], &[CHURN]),
    dangerous(
        Danger::Hang,
        usually(Flaw::SetReleasesOnRetry, UNCOUNTED, &[SETS]),
    ),
    usually(Flaw::IncrementFromZero, UNCOUNTED, &[DELAYED]),
    usually(Flaw::ReleaseBeforePublish, UNCOUNTED, &[CUTS]),
    usually(Flaw::FreeAtOnce, UNCOUNTED, &[CUTS]),
    usually(
        Flaw::ReaderWithoutPin,
        UNCOUNTED,
        &[on_lock_free("churn", 4_000_000)],
    ),
    usually(
        Flaw::CandidatesDropped,
        LEAK,
        &[on_lock_free("cycles", 200_000)],
    ),
    usually(Flaw::StalledPin, &["budget"], &[STALLED]),
    Planted {
        rate: Rate::Never,
        ..certain(Flaw::MissingFence, &[], &[DELAYED])
    },
    usually(
        Flaw::TrustHint,
        &["conservation", "completeness"],
        &[LOCK_FREE_CHURN],
    ),
    usually(
        Flaw::FastOnAnyStamp,
        &["conservation", "completeness"],
        &[LOCK_FREE_CHURN],
    ),
    model_only(Flaw::LookBelowFirst),
    dangerous(Danger::Hang, model_only(Flaw::LocalStamps)),
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
    model_only(Flaw::FinalizedTwice),
    model_only(Flaw::NoSecondLook),
    model_only(Flaw::PublishOneByOne),
    model_only(Flaw::PardonFirst),
    model_only(Flaw::SoleUnfinalized),
    model_only(Flaw::PopWithoutTouch),
    model_only(Flaw::CountWhileReading),
    model_only(Flaw::TouchBeforeMove),
    model_only(Flaw::AdmitDead),
    dangerous(Danger::Crash, model_only(Flaw::RangeThroughCell)),
    model_only(Flaw::UncountedContainer),
];

/// What says that something is in use and nobody knows. A heap that compares incarnations says so
/// itself as soon as it follows such a reference, and `dangling` tells what it said.
const UNCOUNTED: &[&str] = &["refcounts", "premature", "dangling"];
/// What says that something is kept and nobody knows why.
const LEAK: &[&str] = &["completeness", "refcounts"];

const CHURN: Show = on_both("churn", 20_000);
/// What lists answer while they are changed is written down.
const RECORDED: Show = Show {
    history: Some(500),
    ..on_gil("churn", 20_000)
};
const LIST: Show = on_gil("shared-list", 400_000);
const CYCLES: Show = on_both("cycles", 200_000);
const FINALIZERS: Show = on_gil("finalizers", 20_000);
/// Often enough for collections to meet what is in the mailbox, whatever makes them run.
const TANGLES: Show = Show {
    collect_every: Some(500),
    ..on_both("tangles", 100_000)
};
const TWO_APPENDERS: Show = Show {
    parameters: &[("threads", "4")],
    ..on_gil("shared-list", 1_000_000)
};
/// The list is cut often, and never by more than there is.
const SHORT_ROUNDS: Show = Show {
    parameters: &[("threads", "4"), ("batch", "1000")],
    ..on_gil("shared-list", 600_000)
};
/// Long enough after the heap has stopped growing for what its collector does then to weigh more
/// than what it did before.
const LARGE_HEAP: Show = Show {
    parameters: &[("live", "1000000")],
    ..on_gil("live-heap", 60_000_000)
};
/// Two threads that do nothing but work, for long enough to see that one of them does not.
const BUSY_PAIR: Show = on_gil("counter", 800_000_000);
const LOCK_FREE_CHURN: Show = on_lock_free("churn", 2_000_000);
/// Threads must meet while one of them is in the midst of an operation.
const DELAYED: Show = Show {
    delays: true,
    ..on_lock_free("churn", 1_000_000)
};
const SETS: Show = Show {
    parameters: &[("set", "1000")],
    ..on_lock_free("churn", 3_000_000)
};
/// Elements must be cut off while somebody reads them.
const CUTS: Show = Show {
    parameters: &[("length", "20"), ("truncate", "200"), ("get", "1000")],
    delays: true,
    ..on_lock_free("churn", 2_000_000)
};
/// All memory there is waits for one mutator, and must have been used up to show it.
const STALLED: Show = Show {
    parameters: &[("batch", "50000"), ("unreclaimed", "1600000")],
    ..on_lock_free("churn", 10_000_000)
};

const fn on_both(workload: &'static str, ops: u64) -> Show {
    Show {
        heaps: &["gil", "lock-free"],
        workload,
        parameters: &[],
        ops,
        delays: false,
        collect_every: None,
        history: None,
    }
}

const fn on_gil(workload: &'static str, ops: u64) -> Show {
    Show {
        heaps: &["gil"],
        ..on_both(workload, ops)
    }
}

const fn on_lock_free(workload: &'static str, ops: u64) -> Show {
    Show {
        heaps: &["lock-free"],
        ..on_both(workload, ops)
    }
}

const fn known(planted: Planted, what: &'static str, link: &'static str) -> Planted {
    Planted {
        history: Some(History { what, link }),
        ..planted
    }
}

const fn dangerous(danger: Danger, planted: Planted) -> Planted {
    Planted {
        danger: Some(danger),
        ..planted
    }
}

const fn certain(
    flaw: Flaw,
    caught_by: &'static [&'static str],
    shows: &'static [Show],
) -> Planted {
    Planted {
        flaw,
        caught_by,
        rate: Rate::Certain,
        shows,
        danger: None,
        history: None,
    }
}

const fn usually(
    flaw: Flaw,
    caught_by: &'static [&'static str],
    shows: &'static [Show],
) -> Planted {
    Planted {
        rate: Rate::Usually,
        ..certain(flaw, caught_by, shows)
    }
}

/// What only the models show.
const fn model_only(flaw: Flaw) -> Planted {
    Planted {
        rate: Rate::ModelOnly,
        ..certain(flaw, &[], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, workload};

    /// Goal: no check can go unmissed: for each there is a fault that it alone must catch.
    #[test]
    fn every_check_is_needed() {
        for check in &check::ALL {
            let alone = |entry: &&Planted| entry.caught_by == [check.name];
            assert!(ALL.iter().any(|entry| alone(&entry)), "{}", check.name);
        }
    }

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
            let is_silent = matches!(entry.rate, Rate::ModelOnly | Rate::SoakOnly);
            assert_eq!(is_silent, entry.shows.is_empty(), "{}", entry.flaw);
        }
    }
}
