//! What each thread of a hunt is doing, for the thread that watches them, and which of them hangs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::plan::Case;

/// What one thread is doing, for the watching thread to read.
#[derive(Default)]
pub(super) struct Desk {
    /// Counts the attempts that it has finished, including those of shrinking. The count of a
    /// thread that hangs does not change.
    pub(super) tried: AtomicU64,
    /// Counts the cases that it has tried, without those of shrinking.
    pub(super) cases: AtomicU64,
    /// How long it has shrunk what failed, in nanoseconds.
    pub(super) shrink_ns: AtomicU64,
    /// The number of its current case; `u64::MAX` once the thread has ended. A number that is seen
    /// late only delays a report.
    pub(super) number: AtomicU64,
    /// The current case.
    pub(super) at: Mutex<Doing>,
}

/// What a thread is trying.
#[derive(Default)]
pub(super) enum Doing {
    /// Nothing.
    #[default]
    Nothing,
    /// The case of this number.
    Number(u64),
    /// A case that was proposed by shrinking.
    Case(Box<Case>),
}

/// When the attempts of a thread were last seen to advance.
#[derive(Default)]
pub(super) struct Look {
    /// How many attempts it had finished by then.
    tried: u64,
    /// The time that this process had spent by then.
    spent: Duration,
}

impl Look {
    /// Whether a thread has finished no attempt while this process spent more than `patience`.
    pub(super) fn finds_hung(&mut self, desk: &Desk, spent: Duration, patience: Duration) -> bool {
        let tried = desk.tried.load(Relaxed);
        if tried != self.tried {
            *self = Self { tried, spent };
        }
        spent.saturating_sub(self.spent) > patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: only time that this process spent counts towards a hang, however busy the machine is.
    #[test]
    fn only_time_that_was_spent_counts() {
        let ms = Duration::from_millis;
        let (desk, mut look) = (Desk::default(), Look::default());
        for (spent, tried, is_hung) in [
            (10, 0, false),
            (11, 0, true),
            (11, 1, false),
            (21, 1, false),
            (22, 1, true),
        ] {
            desk.tried.store(tried, Relaxed);
            assert_eq!(
                look.finds_hung(&desk, ms(spent), ms(10)),
                is_hung,
                "{spent}"
            );
        }
    }
}
