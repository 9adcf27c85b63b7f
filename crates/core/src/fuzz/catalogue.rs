//! For each fault that can be planted: which checks should catch it, in which runs, and how
//! reliably. This is data only.
//!
//! Each heap says which faults it can have (`Entry::faults`). [`Fault::change`] says what a fault
//! changes.

use serde::{Deserialize, Serialize};

use crate::heap::Fault;

/// One fault, and what is expected of it.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// The fault.
    pub fault: Fault,
    /// The checks that should catch it. One of them is enough.
    pub caught_by: &'static [&'static str],
    /// How reliably they catch it.
    pub likelihood: Likelihood,
    /// The runs that show it.
    pub shows: &'static [Show],
    /// What it may do to the process, if anything; then each trial needs its own process.
    pub danger: Option<Danger>,
    /// The published bug that it reproduces.
    pub bug: Option<PublishedBug>,
}

/// How reliably the runs that show a fault catch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likelihood {
    /// Every time: it does not depend on the schedule.
    Certain,
    /// Nearly every time: it depends on the schedule.
    Usually,
    /// By no workload, since the race window is too narrow or the effect too small. Only a model
    /// that explores schedules catches it, or a random program in which every answer is checked.
    ModelOnly,
    /// Only by a soak, from the memory that a heap uses over a long time. In a single run the
    /// effect is too small, and no check covers it.
    SoakOnly,
    /// Never: the fault is a negative control.
    Never,
}

/// What a fault may do to the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// The process may die.
    Crash,
    /// The process may hang.
    Hang,
}

/// A published bug.
#[derive(Debug, Clone, Copy)]
pub struct PublishedBug {
    /// The program and the issue, in a few words.
    pub what: &'static str,
    /// Where to read about it.
    pub link: &'static str,
}

/// A run that shows a fault.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// The heaps on which it shows the fault, if they can have it. Heaps that no run names are tried by
    /// all runs that show a fault of theirs.
    pub heaps: &'static [&'static str],
    /// The workload.
    pub workload: &'static str,
    /// Parameters that differ from the workload's own defaults.
    pub parameters: &'static [(&'static str, &'static str)],
    /// How many operations suffice.
    pub ops: u64,
    /// Whether threads are delayed at random within operations.
    pub delays: bool,
    /// If set, each thread is made to collect after this many of its operations.
    pub collect_every: Option<u64>,
    /// If set, this many operations of each thread on shared objects are recorded and judged.
    pub history: Option<u64>,
}

impl Show {
    /// The command that makes this run, without the seed.
    pub fn line(&self, fault: Fault) -> String {
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
        line + &format!(" --ops {} --fault {fault}", self.ops)
    }
}

/// The entry of a fault.
pub fn of(fault: Fault) -> Option<&'static Planted> {
    ALL.iter().find(|planted| planted.fault == fault)
}

/// The catalogue: one entry for each fault.
pub const ALL: &[Planted] = &[
    certain(Fault::GetWithoutIncrement, &["premature"], &[CHURN]),
    certain(Fault::CopyWithoutIncrement, UNCOUNTED, &[TANGLES]),
    certain(
        Fault::UpgradeWithoutIncrement,
        UNCOUNTED,
        &[on_both("weakrefs", 20_000)],
    ),
    certain(Fault::SetKeepsOld, LEAK, &[CHURN]),
    certain(Fault::StoreKeepsOld, LEAK, &[on_both("graph", 100_000)]),
    usually(
        Fault::StoreLost,
        &["answers"],
        &[on_both("tangles", 30_000_000)],
    ),
    certain(
        Fault::LoadOtherField,
        &["answers"],
        &[on_both("tangles", 6_000_000)],
    ),
    certain(Fault::GetNeighbour, &["answers"], &[SOLE_WRITER]),
    // So many that one of them is wrong on every seed: with 20,000, one seed in twenty had none.
    certain(
        Fault::PeekStale,
        &["dangling", "premature"],
        &[on_both("churn", 400_000)],
    ),
    certain(
        Fault::PeekDead,
        &["premature"],
        &[on_both("churn", 400_000)],
    ),
    certain(Fault::StoreDropsValue, LEAK, &[on_gil("tangles", 20_000)]),
    certain(Fault::PopKeepsReference, LEAK, &[CHURN]),
    certain(
        Fault::AppendCountsTwice,
        &["refcounts"],
        &[on_gil("churn", 20_000)],
    ),
    certain(Fault::AppendLost, &["conservation", "order"], &[LIST]),
    certain(Fault::AppendOutOfOrder, &["order"], &[LIST]),
    certain(Fault::LenOffByOne, &["length"], &[CHURN]),
    usually(Fault::PopLeaves, &["conservation"], &[LONG_CHURN]),
    certain(Fault::RootLags, &["linearizable"], &[RECORDED_ROOTS, ROOTS]),
    certain(Fault::PopBeyondPage, &["linearizable"], &[RECORDED_LATE]),
    certain(Fault::LenLags, &["length"], &[EXACT]),
    certain(
        Fault::PopTakesSecond,
        &["answers", "linearizable"],
        &[EXACT, RECORDED],
    ),
    certain(Fault::TruncateOffByOne, &["conservation"], &[LIST]),
    certain(
        Fault::AdditionLost,
        &["counter"],
        &[on_gil("counter", 20_000)],
    ),
    certain(
        Fault::WeakNotCleared,
        &["weak"],
        &[on_gil("weakrefs", 20_000)],
    ),
    certain(Fault::WeakAfterFinalizer, &["weak"], &[FINALIZERS]),
    certain(Fault::FinalizerSkipped, &["finalizers"], &[FINALIZERS]),
    certain(Fault::FinalizerRunTwice, &["finalizers"], &[FINALIZERS]),
    known(
        certain(Fault::ResurrectedFreedAnyway, UNCOUNTED, &[FINALIZERS]),
        "rust-gc, issue 124",
        "https://github.com/Manishearth/rust-gc/issues/124",
    ),
    dangerous(
        Danger::Crash,
        certain(Fault::RecursiveRelease, &[], &[on_both("chain", 2_000_001)]),
    ),
    certain(
        Fault::WorklistOverwritten,
        LEAK,
        &[on_both("tangles", 20_000)],
    ),
    certain(Fault::WriteAfterFree, &["poison"], &[CHURN]),
    certain(Fault::FreedTwice, &["double-free"], &[CYCLES]),
    certain(
        Fault::CellLost,
        &["collector-state"],
        &[on_gil("cycles", 200_000)],
    ),
    certain(Fault::PageLost, &["collector-state"], &[FINALIZERS]),
    certain(Fault::EdgesCountedOnce, LEAK, &[on_both("tangles", 20_000)]),
    known(
        certain(Fault::LivenessOneLevel, &["dangling"], &[TANGLES]),
        "gcmodule 0.1.1",
        "https://docs.rs/crate/gcmodule/0.1.1",
    ),
    certain(Fault::PassedIsFinal, UNCOUNTED, &[COLLECTED_TANGLES]),
    certain(
        Fault::SecondReferenceForgotten,
        UNCOUNTED,
        &[COLLECTED_TANGLES],
    ),
    certain(
        Fault::ReferencesSubtractedTwice,
        UNCOUNTED,
        &[COLLECTED_TANGLES],
    ),
    known(
        certain(Fault::ExternalChildReleasedTwice, UNCOUNTED, &[TANGLES]),
        "bacon-rajan-cc, issue 30",
        "https://github.com/fitzgen/bacon-rajan-cc/issues/30",
    ),
    certain(
        Fault::YoungSubtractsOld,
        UNCOUNTED,
        &[on_gil("tangles", 200_000)],
    ),
    known(
        certain(Fault::ThresholdIgnored, &["budget"], &[LARGE_HEAP]),
        "CPython before 2.7",
        "https://mail.python.org/pipermail/python-dev/2008-June/080579.html",
    ),
    certain(Fault::CollectorNeverRuns, &["completeness"], &[CYCLES]),
    certain(Fault::CollectorWaits, &["capacity"], &[SHORT_STAYS]),
    certain(Fault::RootSkipped, UNCOUNTED, &[TANGLES]),
    certain(
        Fault::SurvivorsForgotten,
        &["completeness", "collector-state"],
        &[on_gil("tangles", 200_000)],
    ),
    certain(
        Fault::MarkLeftBehind,
        &["collector-state"],
        &[on_gil("tangles", 200_000)],
    ),
    known(
        dangerous(
            Danger::Hang,
            certain(Fault::DropRequestKept, &[], &[SLOW_PAIR]),
        ),
        "CPython, gh-96387",
        "https://github.com/python/cpython/issues/96387",
    ),
    certain(Fault::NoForcedSwitch, &["progress"], &[BUSY_PAIR]),
    usually(
        Fault::SwitchInsideTruncate,
        &["conservation"],
        &[SHORT_ROUNDS],
    ),
    usually(
        Fault::SwitchInsideAppend,
        &["order", "conservation"],
        &[TWO_APPENDERS],
    ),
    certain(Fault::ObjectKept, LEAK, &[on_both("churn", 4_000_000)]),
    Planted {
        likelihood: Likelihood::SoakOnly,
        ..certain(Fault::MemoryKept, &[], &[])
    },
    certain(
        Fault::ReferenceKept,
        LEAK,
        &[on_others("shared-list", 400_000)],
    ),
    certain(
        Fault::ExtraReference,
        LEAK,
        &[on_others("shared-list", 400_000)],
    ),
    certain(
        Fault::WeakCleared,
        &["weak"],
        &[on_others("weakrefs", 20_000)],
    ),
    dangerous(
        Danger::Crash,
        certain(
            Fault::InterpreterKilled,
            &[],
            &[on_others("counter", 20_000)],
        ),
    ),
    dangerous(
        Danger::Hang,
        certain(Fault::InterpreterHung, &[], &[on_others("counter", 20_000)]),
    ),
    certain(
        Fault::RegistersKept,
        LEAK,
        &[on_both("thread-churn", 20_000)],
    ),
    // What is in the mailbox is held by nothing else, so every heap shows this, also without a census.
    certain(Fault::WalkSkipsRoot, LEAK, &[on_both("handoff", 20_000)]),
    certain(Fault::WalkSkipsEdge, LEAK, &[on_both("graph", 100_000)]),
    certain(Fault::DeathsForgotten, &["conservation"], &[CHURN]),
    dangerous(
        Danger::Hang,
        usually(Fault::SetReleasesOnRetry, UNCOUNTED, &[SETS]),
    ),
    usually(Fault::IncrementFromZero, UNCOUNTED, &[DELAYED]),
    usually(Fault::ReleaseBeforePublish, UNCOUNTED, &[CUTS]),
    // A reader that comes too late takes an element back to life, which then is kept by nothing, or
    // counts a reference to whatever has its cell by then.
    usually(
        Fault::FreeAtOnce,
        &["refcounts", "premature", "dangling", "completeness"],
        &[CUTS],
    ),
    usually(
        Fault::ReaderWithoutPin,
        UNCOUNTED,
        &[on_lock_free("churn", 4_000_000)],
    ),
    usually(
        Fault::CandidatesDropped,
        LEAK,
        &[on_lock_free("cycles", 200_000)],
    ),
    usually(Fault::StalledPin, &["budget"], &[STALLED]),
    Planted {
        likelihood: Likelihood::Never,
        ..certain(Fault::MissingFence, &[], &[DELAYED])
    },
    usually(
        Fault::TrustHint,
        &["linearizable", "length", "conservation", "completeness"],
        &[RECORDED_STACK],
    ),
    usually(
        Fault::FastOnAnyStamp,
        &["conservation", "completeness"],
        &[LOCK_FREE_CHURN],
    ),
    model_only(Fault::LookBelowFirst),
    dangerous(Danger::Hang, model_only(Fault::LocalStamps)),
    model_only(Fault::NoHeadLoad),
    model_only(Fault::GetNotPassed),
    model_only(Fault::PlainSet),
    model_only(Fault::ClampedTruncate),
    model_only(Fault::CompareCounts),
    model_only(Fault::NoGrace),
    model_only(Fault::RereadSlots),
    model_only(Fault::SoleByCount),
    model_only(Fault::ClearOneByOne),
    model_only(Fault::MoveIntoItself),
    model_only(Fault::NoVerdict),
    model_only(Fault::ForgetSuspects),
    // In a workload a later collection finds what is left. Any random program shows it.
    model_only(Fault::SearchStopsEarly),
    model_only(Fault::FinalizedTwice),
    model_only(Fault::NoSecondLook),
    model_only(Fault::PublishOneByOne),
    model_only(Fault::PardonFirst),
    model_only(Fault::SoleUnfinalized),
    model_only(Fault::PopWithoutTouch),
    model_only(Fault::CountWhileReading),
    model_only(Fault::TouchBeforeMove),
    model_only(Fault::AdmitDead),
    model_only(Fault::SuspectWithoutLooking),
    model_only(Fault::NewestFirst),
    model_only(Fault::ForgetBudget),
    model_only(Fault::VerdictUnchecked),
    model_only(Fault::ReuseAtOnce),
    dangerous(Danger::Crash, model_only(Fault::RangeThroughCell)),
    model_only(Fault::StuckAsEmpty),
    dangerous(Danger::Crash, model_only(Fault::ClaimUncounted)),
    dangerous(Danger::Crash, model_only(Fault::PagesAtOnce)),
    dangerous(Danger::Crash, model_only(Fault::CursorUnchecked)),
    model_only(Fault::AnswerFirst),
    model_only(Fault::TakingUnseen),
    model_only(Fault::BirthsUnseen),
    model_only(Fault::QuietFirst),
    usually(Fault::EscapeShallow, UNCOUNTED, &[SHARED_BRANCHES]),
    usually(Fault::StoredUnescaped, UNCOUNTED, &[SHARED_BRANCHES]),
    certain(
        Fault::OutsideSubtracted,
        UNCOUNTED,
        &[on_lock_free("tangles", 100_000)],
    ),
    certain(Fault::SurvivorsMarked, LEAK, &[OWN_CYCLES]),
    certain(Fault::TrialNeverRuns, LEAK, &[OWN_CYCLES]),
    usually(Fault::CellsAtOnce, UNCOUNTED, &[CACHE]),
    model_only(Fault::BrandKept),
    model_only(Fault::BrandsUnswept),
    model_only(Fault::SecondLookByCount),
    model_only(Fault::GarbageAtOnce),
    model_only(Fault::WinnerLeft),
    model_only(Fault::LookFirst),
    model_only(Fault::UncountedContainer),
];

/// The checks that notice an object that was freed while it was in use. A heap that compares
/// incarnations reports a defect as soon as it follows such a reference, and `dangling` counts it.
const UNCOUNTED: &[&str] = &["refcounts", "premature", "dangling"];
/// The checks that notice an object that is kept alive although nothing refers to it.
const LEAK: &[&str] = &["completeness", "refcounts"];

const CHURN: Show = on_both("churn", 20_000);
/// Two writers, each of which pops often enough for a fault that strikes few pops.
const LONG_CHURN: Show = on_both("churn", 2_000_000);
/// Lengths that are known to the last element, of a list with several writers, and elements that
/// are known one by one, of a list with one.
const EXACT: Show = on_both("exact-lists", 200_000);
/// The lists are changed by one thread and short, so it knows most of their elements by itself.
const SOLE_WRITER: Show = Show {
    parameters: &[("threads", "2"), ("length", "20"), ("get", "1000")],
    ..on_both("churn", 9_000_000)
};
/// Records what lists answer, so that `linearizable` can judge it.
const RECORDED: Show = Show {
    history: Some(500),
    ..on_both("churn", 20_000)
};
/// Lists must have grown before a window of the history shows anything.
const RECORDED_LATE: Show = Show {
    parameters: &[("length", "2000"), ("truncate", "1")],
    history: Some(500),
    ..on_both("churn", 400_000)
};
/// What several threads append to and pop from in turns. An element that was put where the list had
/// ended before is found again when the list has grown as far, so no sum shows that it was not there.
const RECORDED_STACK: Show = Show {
    history: Some(500),
    ..on_lock_free("exact-lists", 1_000_000)
};
/// The same as `RECORDED`, of shared roots, in which every thread stores and looks.
const RECORDED_ROOTS: Show = Show {
    history: Some(2000),
    ..on_both("weakrefs", 100_000)
};
/// Shared roots that are seen only in samples, as in every run.
const ROOTS: Show = on_both("tangles", 4_000_000);
const LIST: Show = on_gil("shared-list", 400_000);
const CYCLES: Show = on_both("cycles", 200_000);
/// Cycles that their makers collect.
const OWN_CYCLES: Show = on_lock_free("cycles", 200_000);
/// Several threads store into what they can all reach, and count what they find there.
const SHARED_BRANCHES: Show = Show {
    delays: true,
    ..on_lock_free("tangles", 2_000_000)
};
/// Threads are held up with a reference that is not counted yet, to what others let die meanwhile.
const CACHE: Show = Show {
    delays: true,
    ..on_lock_free("weakrefs", 400_000)
};
/// More garbage than there is room for, in a small heap.
const SHORT_STAYS: Show = Show {
    parameters: &[("threads", "1"), ("stay", "20")],
    ..on_gil("thread-churn", 1_500_000)
};
const FINALIZERS: Show = on_gil("finalizers", 20_000);
/// Forces collections often enough to meet the structures that only the mailbox keeps alive.
const TANGLES: Show = Show {
    collect_every: Some(500),
    ..on_both("tangles", 100_000)
};
/// The same, on `gil` alone.
const COLLECTED_TANGLES: Show = Show {
    heaps: &["gil"],
    ..TANGLES
};
const TWO_APPENDERS: Show = Show {
    parameters: &[("threads", "4")],
    ..on_gil("shared-list", 1_000_000)
};
/// Truncates the list often, and never by more elements than it has.
const SHORT_ROUNDS: Show = Show {
    parameters: &[("threads", "4"), ("batch", "1000")],
    ..on_gil("shared-list", 600_000)
};
/// Runs so long after the heap has stopped growing that the collector's work in that time outweighs
/// its work while the heap grew.
const LARGE_HEAP: Show = Show {
    parameters: &[("live", "1000000")],
    ..on_gil("live-heap", 60_000_000)
};
/// Every operation is followed by a collection, so few of them fill a switch interval. Whoever holds
/// the lock when it is first asked for is some operations ahead of the other, which is alone at the
/// end, however the two are scheduled.
const SLOW_PAIR: Show = Show {
    parameters: &[("live", "20000")],
    collect_every: Some(1),
    ..on_gil("live-heap", 4_000)
};
/// Runs two busy threads for long enough to see that one of them makes no progress.
const BUSY_PAIR: Show = on_gil("counter", 800_000_000);
const LOCK_FREE_CHURN: Show = on_lock_free("churn", 2_000_000);
/// Delays make it likely that threads meet in the middle of an operation.
const DELAYED: Show = Show {
    delays: true,
    ..on_lock_free("churn", 1_000_000)
};
const SETS: Show = Show {
    parameters: &[("set", "1000")],
    ..on_lock_free("churn", 3_000_000)
};
/// Truncates a short list often while other threads read it.
const CUTS: Show = Show {
    parameters: &[("length", "20"), ("truncate", "200"), ("get", "1000")],
    delays: true,
    ..on_lock_free("churn", 2_000_000)
};
/// One mutator holds up reclamation, which shows only when all memory is used up.
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

/// On heaps that are not named here, if they can have the fault.
const fn on_others(workload: &'static str, ops: u64) -> Show {
    Show {
        heaps: &[],
        ..on_both(workload, ops)
    }
}

const fn known(planted: Planted, what: &'static str, link: &'static str) -> Planted {
    Planted {
        bug: Some(PublishedBug { what, link }),
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
    fault: Fault,
    caught_by: &'static [&'static str],
    shows: &'static [Show],
) -> Planted {
    Planted {
        fault,
        caught_by,
        likelihood: Likelihood::Certain,
        shows,
        danger: None,
        bug: None,
    }
}

const fn usually(
    fault: Fault,
    caught_by: &'static [&'static str],
    shows: &'static [Show],
) -> Planted {
    Planted {
        likelihood: Likelihood::Usually,
        ..certain(fault, caught_by, shows)
    }
}

/// A fault that only the models show.
const fn model_only(fault: Fault) -> Planted {
    Planted {
        likelihood: Likelihood::ModelOnly,
        ..certain(fault, &[], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, workload};

    /// Goal: each check is needed: for each there is a fault that it alone must catch.
    #[test]
    fn every_check_is_needed() {
        for check in &check::ALL {
            let alone = |entry: &&Planted| entry.caught_by == [check.name];
            assert!(ALL.iter().any(|entry| alone(&entry)), "{}", check.name);
        }
    }

    /// Goal: the catalogue names each fault once, and only checks and workloads that exist.
    #[test]
    fn names_what_there_is() {
        for &fault in Fault::ALL {
            let entries = ALL.iter().filter(|entry| entry.fault == fault).count();
            assert_eq!(entries, 1, "{fault}");
        }
        for entry in ALL {
            for name in entry.caught_by {
                assert!(check::ALL.iter().any(|check| check.name == *name), "{name}");
            }
            for show in entry.shows {
                let mut workloads = workload::embedded().iter();
                assert!(workloads.any(|known| known.name == show.workload));
            }
            let is_silent = matches!(
                entry.likelihood,
                Likelihood::ModelOnly | Likelihood::SoakOnly
            );
            assert_eq!(is_silent, entry.shows.is_empty(), "{}", entry.fault);
        }
    }
}
