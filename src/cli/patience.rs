//! How long a process may take before it counts as hung.
//!
//! Where a machine has other work, a process gets a part of a processor, and the time in which it waits for
//! more is not its own. So what counts of a moment is how long the process ran in it, on all processors
//! together and up to the whole; and the whole also if it did not run at all, as one that waits for what
//! never comes. Who makes no end comes to the limit either way, and who is merely slow does not come there
//! for want of a processor.

use std::time::Duration;

use procfs::process::Process;

use crate::clock::{Clock, Stamp};

/// How long a moment is at the most. The system counts in hundredths of a second.
const MOMENT_MAX: Duration = Duration::from_secs(1);
const MOMENT_MIN: Duration = Duration::from_millis(100);
/// Who runs for less than this part of a moment did not run.
const HARDLY: u32 = 50;

/// See the module.
#[derive(Debug)]
pub(super) struct Patience {
    pid: u32,
    limit: Duration,
    moment: Duration,
    /// When the last moment ended, and how long the process had run then; `None` where the system does not
    /// tell.
    last: (Stamp, Option<Duration>),
    /// What counts so far.
    counted: Duration,
}

impl Patience {
    /// With a process that has just begun something.
    pub(super) fn with(pid: u32, limit: Duration) -> Self {
        Self {
            pid,
            limit,
            moment: (limit / 8).clamp(MOMENT_MIN, MOMENT_MAX),
            last: (Clock::get().now(), ran(pid)),
            counted: Duration::ZERO,
        }
    }

    /// Whether it has come to an end. To be asked many times a second.
    pub(super) fn is_over(&mut self) -> bool {
        let clock = Clock::get();
        let (since, before) = self.last;
        let moment = clock.since(since);
        if moment >= self.moment {
            let now = ran(self.pid);
            let ran = before
                .zip(now)
                .map(|(before, now)| now.saturating_sub(before));
            self.counted += counts(moment, ran);
            self.last = (clock.now(), now);
        }
        self.counted >= self.limit
    }
}

/// What counts of a moment in which a process ran for so long.
fn counts(moment: Duration, ran: Option<Duration>) -> Duration {
    match ran {
        Some(ran) if ran >= moment / HARDLY => ran.min(moment),
        _ => moment,
    }
}

/// How long a process has run on processors.
fn ran(pid: u32) -> Option<Duration> {
    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let ticks = Duration::from_secs(1) / u32::try_from(procfs::ticks_per_second()).ok()?;
    Some(ticks * u32::try_from(stat.utime + stat.stime).ok()?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Goal: who gets half of a processor has twice the time, who has several has no less than one, and
    /// who waits for what never comes is not waited for any longer.
    #[test]
    fn what_it_ran_counts() {
        let ms = Duration::from_millis;
        for (ran, counted) in [
            (Some(500), 500),
            (Some(1_000), 1_000),
            (Some(1_900), 1_000),
            (Some(20), 20),
            (Some(19), 1_000),
            (Some(0), 1_000),
            (None, 1_000),
        ] {
            assert_eq!(counts(ms(1_000), ran.map(ms)), ms(counted), "{ran:?}");
        }
    }

    /// Goal: one that waits for ever and one that runs for ever both come to the limit, and not before.
    #[test]
    fn both_ways_to_make_no_end_come_to_it() {
        for endless in ["sleep 1000", "while :; do :; done"] {
            let mut child = Command::new("sh")
                .args(["-c", &format!("exec 2>&- >&-; {endless}")])
                .spawn()
                .expect("a shell");
            let limit = Duration::from_millis(300);
            let start = Clock::get().now();
            let mut patience = Patience::with(child.id(), limit);
            while !patience.is_over() {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(Clock::get().since(start) >= limit, "{endless}");
            child.kill().expect("it is there");
            child.wait().expect("it has ended");
        }
    }
}
