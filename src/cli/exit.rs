//! How the program ends, and which ending wins where several apply.

use std::process::ExitCode;

use crate::result::Outcome;

/// The exit codes, in the order in which they win: where several apply, the first of them.
///
/// A bug in gcstorm is a panic, which exits with 101 before any of these could.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// 5: the heap under test panicked, ended the process, hung, could not be opened, or ran out of
    /// memory.
    Crashed,
    /// 1: a check was violated.
    Violated,
    /// 6: a replay did not reproduce.
    NotReproduced,
    /// 130: interrupted; what there was until then is judged and written.
    Interrupted,
    /// 4: something became worse by more than is allowed.
    Regressed,
    /// 3: it ran, but did not do what was required of it.
    Vacuous,
    /// 2: a usage error, an unreadable workload, or results that could not be written.
    Usage,
    /// 0: it ran, and every check held.
    Held,
}

/// The part of `--help` about exit codes.
pub(super) const HELP: &str = "\
Exit codes:
  0    ran, and every check held
  1    a check was violated
  2    usage error, unreadable workload, or results that cannot be written
  3    vacuous: it ran, but did not do what was required of it
  5    the heap under test crashed, hung or ran out of memory
  6    a replay did not reproduce
  101  a bug in gcstorm
  130  interrupted; what there was is judged and written
Where several apply the first of 101, 5, 1, 6, 130, 3, 2 wins.";

/// The part of `selftest --help` about exit codes.
pub(super) const SELFTEST_HELP: &str = "\
Exit codes:
  0    every fault was caught as it should be, and nothing was raised without one
  1    not so; the rows are named
  2    usage error, or results that cannot be written
  101  a bug in gcstorm
  130  interrupted; what there was is shown and written";

/// The part of `report --help` about exit codes.
pub(super) const REPORT_HELP: &str = "\
Exit codes:
  0    every check held
  1    a check was violated
  2    usage error, a result that cannot be read, or a report that cannot be written
  3    vacuous: it ran, but did not do what was required of it
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  a run was interrupted
Where several apply the first of 101, 5, 1, 130, 3, 2 wins.";

/// The part of `fuzz --help` about exit codes.
pub(super) const FUZZ_HELP: &str = "\
Exit codes:
  0    no program failed
  1    one failed; it was shrunk and kept
  2    usage error, or cases that cannot be kept
  5    the heap under test panicked or hung
  101  a bug in gcstorm
  130  interrupted; what was found until then is kept
Where several apply the first of 101, 5, 1, 130, 2 wins.";

/// The part of `soak --help` about exit codes.
pub(super) const SOAK_HELP: &str = "\
Exit codes:
  0    every check held in every round
  1    a check was violated
  2    usage error, or a journal that cannot be read or written
  3    vacuous: a round did not do what was required of it
  4    a heap goes on taking memory as it grows old
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted; the round under way was brought to its end
Where several apply the first of 101, 5, 1, 130, 4, 3, 2 wins.";

/// The part of `merge --help` about exit codes.
pub(super) const MERGE_HELP: &str = "\
Exit codes:
  0    every check held, in all that was merged
  1    a check was violated
  2    usage error, what cannot be read or does not belong together, or a sum that cannot be written
  3    vacuous: some of it did not do what was required of it, or there is nothing in it
  4    a soak found that a heap leaks
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  a run was interrupted
Where several apply the first of 101, 5, 1, 130, 4, 3, 2 wins.";

/// The part of `replay --help` about exit codes.
pub(super) const REPLAY_HELP: &str = "\
Exit codes:
  0    no check is violated, and the case does not say that one should be
  1    a check is violated
  2    usage error, or a case that cannot be read
  5    the heap under test panicked
  6    the case says that a check is violated, and none was: it did not reproduce
  101  a bug in gcstorm
Where several apply the first of 101, 5, 1, 6, 2 wins.";

/// The part of `compare --help` about exit codes.
pub(super) const COMPARE_HELP: &str = "\
Exit codes:
  0    nothing is shown to be worse by more than is allowed
  2    usage error, or results that cannot be read or do not belong together
  4    a regression; it is named
  101  a bug in gcstorm";

impl Exit {
    /// The number the system sees.
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

    /// What two endings come to together.
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

    /// Goal: the worst news wins, whichever came first.
    #[test]
    fn the_worst_wins() {
        let ranked = [5, 1, 6, 130, 4, 3, 2, 0];
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
