//! Exit codes, and which of them wins if several apply.

use std::process::ExitCode;

use crate::result::Outcome;

/// The exit codes by rank: if several apply, the first of these wins.
///
/// A bug in gcstorm is a panic, which exits with 101 and wins over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// 5: the heap under test panicked, ended the process, hung, could not be opened, or ran out of
    /// memory.
    Crashed,
    /// 1: a check was violated.
    Violated,
    /// 6: a replay did not reproduce.
    NotReproduced,
    /// 130: interrupted; results so far are judged and written.
    Interrupted,
    /// 4: a metric is worse by more than is allowed, or a heap leaks.
    Regressed,
    /// 2: a usage error, an unreadable workload, or results that could not be written.
    Usage,
    /// 3: it ran, but did not do what was required of it.
    Vacuous,
    /// 0: it ran, and every check held.
    Held,
}

/// Exit codes of all commands, for the help of the program as a whole.
pub(super) const HELP: &str = "\
Exit codes:
  0    ran, and every check held
  1    a check was violated
  2    usage error, unreadable input, or results that cannot be written
  3    vacuous: it ran, but did not do what was required of it, or `compare` had too few runs
  4    regression: `compare` found something worse, or a soak found that a heap leaks
  5    the heap under test crashed, hung or ran out of memory
  6    a replay did not reproduce
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); results so far are judged and written
If several apply, the first of 101, 5, 1, 6, 130, 4, 2, 3 wins.";

/// Exit codes of `run`.
pub(super) const RUN_HELP: &str = "\
Exit codes:
  0    ran, and every check held
  1    a check was violated
  2    usage error, unreadable workload, or results that cannot be written
  3    vacuous: it ran, but did not do what was required of it
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); results so far are judged and written
If several apply, the first of 101, 5, 1, 130, 2, 3 wins.";

/// Exit codes of `tour`.
pub(super) const TOUR_HELP: &str = "\
Exit codes:
  0    gil and lock-free held, and racy and the planted fault were caught
  1    gil or lock-free violated a check
  2    usage error, or results that cannot be written
  3    vacuous: racy or the planted fault was not caught
  5    gil or lock-free crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP)
Without a command, gcstorm says what it is and exits with 2, since nothing was asked of it.";

/// Exit codes of `init`.
pub(super) const INIT_HELP: &str = "\
Exit codes:
  0    the crate was written
  2    usage error, or a directory that cannot be written or has such files already";

/// Exit codes of `selftest`.
pub(super) const SELFTEST_HELP: &str = "\
Exit codes:
  0    every fault was caught as expected, and no check was violated without a fault
  1    a row of the matrix failed; it is named
  2    usage error, or results that cannot be written
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); results so far are shown and written";

/// Exit codes of `report`.
pub(super) const REPORT_HELP: &str = "\
Exit codes:
  0    every check held
  1    a check was violated
  2    usage error, an unreadable result, or a report that cannot be written
  3    vacuous: a run did not do what was required of it
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  a run was interrupted
If several apply, the first of 101, 5, 1, 130, 2, 3 wins.";

/// Exit codes of `fuzz`.
pub(super) const FUZZ_HELP: &str = "\
Exit codes:
  0    no program failed
  1    a program failed; it was shrunk and kept
  2    usage error, or cases that cannot be written
  3    vacuous: no program was run
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); failures found so far are kept
If several apply, the first of 101, 5, 1, 130, 2, 3 wins.";

/// Exit codes of `soak`.
pub(super) const SOAK_HELP: &str = "\
Exit codes:
  0    every check held in every round
  1    a check was violated
  2    usage error, or a journal that cannot be read or written
  3    vacuous: a round did not do what was required of it
  4    a heap leaks: its memory grows from round to round
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); the current round was completed
If several apply, the first of 101, 5, 1, 130, 4, 2, 3 wins.";

/// Exit codes of `merge`.
pub(super) const MERGE_HELP: &str = "\
Exit codes:
  0    every check held in all that was merged
  1    a check was violated
  2    usage error, input that is unreadable or does not belong together, or a sum that cannot be written
  3    vacuous: a run did not do what was required of it, or there was nothing to merge
  4    a soak found that a heap leaks
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  a run was interrupted
If several apply, the first of 101, 5, 1, 130, 4, 2, 3 wins.";

/// Exit codes of `replay`.
pub(super) const REPLAY_HELP: &str = "\
Exit codes:
  0    no check was violated, and the case does not expect one to be
  1    a check was violated
  2    usage error, or an unreadable case
  5    the heap under test crashed, hung or ran out of memory
  6    not reproduced: the case expects a violated check, and none was
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP)
If several apply, the first of 101, 5, 1, 6, 130, 2 wins.";

/// Exit codes of `duel`.
pub(super) const DUEL_HELP: &str = "\
Exit codes:
  0    nothing was shown to be worse by more than is allowed
  1    a build violated a check; it is named, and nothing is compared
  2    usage error, also of a build, or results that cannot be written
  3    vacuous: there are too few runs to tell
  4    a regression; it is named
  5    a build crashed or hung; it is named, and nothing is compared
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); the results so far are kept";

/// Exit codes of `compare`.
pub(super) const COMPARE_HELP: &str = "\
Exit codes:
  0    nothing was shown to be worse by more than is allowed
  2    usage error, or results that are unreadable or do not belong together
  3    vacuous: there are too few runs to tell
  4    a regression; it is named
  101  a bug in gcstorm
If several apply, the first of 101, 4, 2, 3 wins.";

impl Exit {
    /// The code that the process exits with.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Crashed => 5,
            Self::Violated => 1,
            Self::NotReproduced => 6,
            Self::Interrupted => 130,
            Self::Regressed => 4,
            Self::Vacuous => 3,
            Self::Usage => 2,
            Self::Held => 0,
        }
    }

    /// The one of the two that wins.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Held => Self::Held,
            Outcome::Violated => Self::Violated,
            Outcome::Vacuous => Self::Vacuous,
            Outcome::Crashed | Outcome::Hung => Self::Crashed,
            Outcome::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the exit code of the higher rank wins, in whichever order the two came.
    #[test]
    fn the_worst_wins() {
        let ranked = [5, 1, 6, 130, 4, 2, 3, 0];
        let all = [
            Exit::Held,
            Exit::Usage,
            Exit::Vacuous,
            Exit::Interrupted,
            Exit::Violated,
            Exit::NotReproduced,
            Exit::Regressed,
            Exit::Crashed,
        ];
        let rank = |exit: Exit| ranked.iter().position(|&code| code == exit.code());
        for a in all {
            for b in all {
                assert_eq!(rank(a.and(b)), rank(a).min(rank(b)), "{a:?} and {b:?}");
            }
        }
    }
}
