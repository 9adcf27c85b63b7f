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
