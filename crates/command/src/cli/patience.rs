//! How long a child may take before it counts as hung.
//!
//! Only the child's own time counts ([`OwnTime`]), not the time that the machine took from it. And
//! the limit begins anew whenever the child reports that it has done operations: a long run is not
//! hung as long as it does operations.

use std::time::Duration;

use crate::own_time::OwnTime;

/// How long a moment is in which own time is measured: short against the limit, and long against
/// what it takes to look at each thread.
const MOMENT_MAX: Duration = Duration::from_millis(250);
const MOMENT_MIN: Duration = Duration::from_millis(20);

/// The time that a child has left before it counts as hung.
#[derive(Debug)]
pub(super) struct Patience {
    own: OwnTime,
    limit: Duration,
    /// Operations done when progress was last seen.
    ops: u64,
    /// What had been spent then.
    spent_before: Duration,
}

impl Patience {
    /// Patience with a process that has just begun its work.
    pub(super) fn with(pid: u32, limit: Duration) -> Self {
        let moment = (limit / 8).clamp(MOMENT_MIN, MOMENT_MAX);
        Self {
            own: OwnTime::of(pid, moment),
            limit,
            ops: 0,
            spent_before: Duration::ZERO,
        }
    }

    /// Takes note of how many operations are done by now. If these are more than before, the limit
    /// begins anew.
    pub(super) fn progress(&mut self, ops: u64) {
        if ops > self.ops {
            self.ops = ops;
            self.spent_before = self.own.spent();
        }
    }

    /// Whether it is over. This must be asked many times a second.
    pub(super) fn is_over(&mut self) -> bool {
        self.own.spent().saturating_sub(self.spent_before) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::clock::Clock;

    /// Goal: a child that goes on doing operations is not hung, however long it takes; one that
    /// does no more is.
    #[test]
    fn progress_is_waited_for() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("a child");
        let limit = Duration::from_millis(300);
        let mut patience = Patience::with(child.id(), limit);
        let mut wait = |progress: bool| {
            let clock = Clock::get();
            let start = clock.now();
            let mut ops = 0;
            while clock.since(start) < 2 * limit || (!progress && !patience.is_over()) {
                std::thread::sleep(Duration::from_millis(5));
                if progress {
                    ops += 1;
                    patience.progress(ops);
                    assert!(!patience.is_over(), "after {ops} operations");
                }
            }
        };
        wait(true);
        wait(false);
        child.kill().expect("it is there");
        child.wait().expect("it has ended");
    }
}
