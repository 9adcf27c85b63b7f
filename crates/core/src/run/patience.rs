//! How long a child may take before it counts as hung.
//!
//! What counts is the child's own time ([`OwnTime`]), without time in which the machine did not run
//! it. Where a limit is meant for a part of the work, it begins anew with each step, so a run may
//! take long and is not hung as long as it makes progress.

use std::time::Duration;

use crate::own_time::OwnTime;

/// Own time is measured in moments of this length: short compared with the limit, long compared
/// with a look at all threads.
const MOMENT_MAX: Duration = Duration::from_millis(250);
const MOMENT_MIN: Duration = Duration::from_millis(20);

/// The time that a child has left before it counts as hung.
#[derive(Debug)]
pub struct Patience {
    own: OwnTime,
    limit: Duration,
    /// The number of steps when progress was last seen.
    steps: u64,
    /// What had been spent then.
    spent_before: Duration,
}

impl Patience {
    /// Patience with a process that has just begun its work.
    pub fn with(pid: u32, limit: Duration) -> Self {
        let moment = (limit / 8).clamp(MOMENT_MIN, MOMENT_MAX);
        Self {
            own: OwnTime::of(pid, moment),
            limit,
            steps: 0,
            spent_before: Duration::ZERO,
        }
    }

    /// Takes note of the number of steps by now. If it has changed, the limit begins anew.
    pub fn progress(&mut self, steps: u64) {
        if steps != self.steps {
            self.steps = steps;
            self.spent_before = self.own.spent();
        }
    }

    /// Makes the limit this long at most, and lets it begin anew: the child has just been asked for
    /// something, so the time before that does not count.
    pub fn shorten(&mut self, limit: Duration) {
        self.limit = self.limit.min(limit);
        self.spent_before = self.own.spent();
    }

    /// Removes the limit.
    pub fn end(&mut self) {
        self.limit = Duration::MAX;
    }

    /// Whether it is over. This must be asked many times a second.
    pub fn is_over(&mut self) -> bool {
        self.own.spent().saturating_sub(self.spent_before) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::clock::Clock;

    /// Goal: a child that goes on making steps is not hung, however long it takes; one that makes
    /// no more is.
    #[test]
    fn progress_is_waited_for() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("a child");
        let limit = Duration::from_millis(300);
        let mut patience = Patience::with(child.id(), limit);
        let mut wait = |progress: bool| {
            let clock = Clock::get();
            let start = clock.now();
            let mut steps = 0;
            while clock.since(start) < 2 * limit || (!progress && !patience.is_over()) {
                std::thread::sleep(Duration::from_millis(5));
                if progress {
                    steps += 1;
                    patience.progress(steps);
                    assert!(!patience.is_over(), "after {steps} steps");
                }
            }
        };
        wait(true);
        wait(false);
        patience.shorten(Duration::MAX);
        assert!(!patience.is_over(), "the limit begins anew");
        patience.end();
        assert!(!patience.is_over());
        child.kill().expect("it is there");
        child.wait().expect("it has ended");
    }
}
