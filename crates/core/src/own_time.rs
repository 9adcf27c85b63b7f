//! How much of the time that goes by belongs to a process: all of it except what the machine took.
//!
//! A limit on time is meant for a program that makes no progress. On a machine with other work,
//! time also passes because a thread that could run has to wait for a processor, because the
//! process was stopped (`SIGSTOP`, a suspended virtual machine), or because whoever measures did
//! not run. None of that is the fault of the process, so none of it counts. Time in which its
//! threads wait for each other counts in full: a deadlock reaches its limit as an endless loop
//! does.
//!
//! The scheduler says of each thread how long it ran and how long it waited for a processor
//! (`/proc/PID/task/TID/schedstat`). Of a moment of length *m* in which the threads ran for *r*
//! together, and the one that waited longest did so for *w*, what counts is `max(m - w, r)`, and
//! never more than *m*:
//!
//! | the process | r | w | counts |
//! | --- | --- | --- | --- |
//! | is blocked for ever | 0 | 0 | m |
//! | loops for ever, on an idle machine | ≥ m | any | m |
//! | has one thread, which gets a tenth of a processor | m/10 | 9m/10 | m/10 |
//! | sleeps and wakes on an idle machine | little | little | about m |
//!
//! It is the longest wait and not their sum: the many short waits of threads that only poll would
//! add up to the whole moment, and a process that is blocked would be taken for one that is kept
//! from running. The harness's own [`PROBE`] polls a thousand times a second and does nothing else,
//! so it is left out.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crate::clock::{Clock, Stamp};

/// The name of the thread that measures how late the machine wakes threads. The system keeps 15
/// bytes of a name, which this has.
pub const PROBE: &str = "gcstorm-hiccups";

/// See the module. It is brought up to date by [`spent`](Self::spent), which is to be called at
/// least once a moment.
#[derive(Debug)]
pub struct OwnTime {
    pid: u32,
    /// How many threads share the work without waiting for each other.
    jobs: u32,
    moment: Duration,
    /// When the last moment ended.
    last: Stamp,
    /// What the system said of each thread then, by its number.
    threads: HashMap<i32, Scheduled>,
    spent: Duration,
}

/// How long a thread ran, and waited for a processor, since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Scheduled {
    ran: Duration,
    waited: Duration,
    is_runnable: bool,
}

/// The threads of a process at one time.
struct Threads {
    threads: HashMap<i32, Scheduled>,
    is_stopped: bool,
}

impl OwnTime {
    /// Of a process, from now on, measured in moments of this length.
    pub fn of(pid: u32, moment: Duration) -> Self {
        Self {
            pid,
            jobs: 1,
            moment,
            last: Clock::get().now(),
            threads: look(pid).map(|look| look.threads).unwrap_or_default(),
            spent: Duration::ZERO,
        }
    }

    /// Of this process, whose work is shared by so many threads: what they ran together is divided
    /// by that.
    pub fn of_jobs(jobs: usize, moment: Duration) -> Self {
        Self {
            jobs: u32::try_from(jobs).unwrap_or(u32::MAX).max(1),
            ..Self::of(std::process::id(), moment)
        }
    }

    /// What has counted so far.
    pub fn spent(&mut self) -> Duration {
        let clock = Clock::get();
        let moment = clock.since(self.last);
        if moment >= self.moment {
            // Whoever measures was kept from running, or stopped, if this is much longer than
            // planned.
            let counted = self.counted(moment).min(2 * self.moment);
            self.spent += counted;
            self.last = clock.now();
        }
        self.spent
    }

    /// What counts of the moment that ends now.
    fn counted(&mut self, moment: Duration) -> Duration {
        // Where the system says nothing, time is all there is.
        let Some(now) = look(self.pid) else {
            return moment;
        };
        let before = std::mem::replace(&mut self.threads, now.threads);
        if now.is_stopped {
            return Duration::ZERO;
        }
        let deltas = self.threads.iter().map(|(number, thread)| {
            let before = before.get(number).copied().unwrap_or_default();
            thread.since(before, moment)
        });
        own(moment, self.jobs, deltas)
    }
}

impl Scheduled {
    /// How long it ran and waited in a moment that began with `before`.
    fn since(self, before: Self, moment: Duration) -> Self {
        let ran = self.ran.saturating_sub(before.ran);
        let waited = self.waited.saturating_sub(before.waited);
        let still_waits = self.is_runnable && before.is_runnable;
        Self {
            ran,
            // The system adds a wait only when it is over.
            waited: match still_waits {
                true => waited.max(moment.saturating_sub(ran)),
                false => waited,
            },
            ..self
        }
    }
}

/// What counts of a moment, by what each thread did in it. See the module.
fn own(moment: Duration, jobs: u32, threads: impl Iterator<Item = Scheduled>) -> Duration {
    let (ran, waited) = threads.fold((Duration::ZERO, Duration::ZERO), |(ran, waited), thread| {
        (ran + thread.ran, waited.max(thread.waited))
    });
    let ran = (ran / jobs).min(moment);
    moment.saturating_sub(waited).max(ran)
}

/// What the system says of a process; `None` if nothing. Read here and not by a library, so that
/// whoever uses this crate without its command line builds none for it.
fn look(pid: u32) -> Option<Threads> {
    let mut look = Threads {
        threads: HashMap::new(),
        is_stopped: false,
    };
    // One that ends while it is looked at is left out.
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))
        .ok()?
        .flatten()
    {
        let Some((scheduled, state)) = scheduled(&task.path()) else {
            continue;
        };
        look.is_stopped |= matches!(state, 'T' | 't');
        let number = task.file_name().to_str().and_then(|name| name.parse().ok());
        look.threads.extend(number.zip(scheduled));
    }
    (!look.threads.is_empty()).then_some(look)
}

/// What the system says of a thread, unless it is the probe, and the thread's state:
/// proc_pid_stat(5) and the kernel's Documentation/scheduler/sched-stats.
fn scheduled(task: &Path) -> Option<(Option<Scheduled>, char)> {
    let stat = std::fs::read_to_string(task.join("stat")).ok()?;
    let times = std::fs::read_to_string(task.join("schedstat")).ok()?;
    // The name is in parentheses, and may hold some of its own.
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let state = rest.trim_start().chars().next()?;
    let mut times = times.split_whitespace().map(|nanos| nanos.parse().ok());
    let scheduled = Scheduled {
        ran: Duration::from_nanos(times.next()??),
        waited: Duration::from_nanos(times.next()??),
        is_runnable: state == 'R',
    };
    Some(((name != PROBE).then_some(scheduled), state))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn thread(ran: u64, waited: u64) -> Scheduled {
        Scheduled {
            ran: ms(ran),
            waited: ms(waited),
            is_runnable: false,
        }
    }

    /// Goal: the time that other work took does not count; that in which a process waits for itself
    /// does, whatever the polling threads beside it are doing.
    #[test]
    fn what_the_machine_took_does_not_count() {
        let counts = |threads: &[Scheduled]| own(ms(1000), 1, threads.iter().copied());
        for (threads, counted) in [
            (&[][..], 1000),
            (&[thread(0, 0), thread(0, 0)][..], 1000),
            // Blocked, and beside it a thread that polls and uses a twentieth of a processor.
            (&[thread(0, 0), thread(50, 5)][..], 995),
            (&[thread(1000, 0)][..], 1000),
            (&[thread(100, 900)][..], 100),
            (&[thread(500, 500), thread(0, 0)][..], 500),
            // Sixty-four that loop on two processors.
            (&[thread(31, 969); 64][..], 1000),
        ] {
            assert_eq!(counts(threads), ms(counted), "{threads:?}");
        }
        let two_jobs = [thread(100, 900), thread(100, 900)].into_iter();
        assert_eq!(own(ms(1000), 2, two_jobs), ms(100));
    }

    /// Goal: a thread that waits for a processor all the time does so before the system has counted
    /// it.
    #[test]
    fn a_wait_counts_while_it_lasts() {
        let runnable = |ran, waited| Scheduled {
            is_runnable: true,
            ..thread(ran, waited)
        };
        let since = |now: Scheduled| now.since(runnable(5, 7), ms(100));
        assert_eq!(since(runnable(5, 7)), runnable(0, 100));
        assert_eq!(since(runnable(25, 7)), runnable(20, 80));
        assert_eq!(since(thread(25, 17)), thread(20, 10));
    }

    fn shell(script: &str) -> Child {
        let script = format!("exec 2>&- >&-; {script}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).spawn().expect("a shell")
    }

    fn signal(child: &Child, name: &str) {
        let mut kill = Command::new("kill");
        let sent = kill.args(["-s", name, &child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Goal: one that waits for ever spends its time as one that loops for ever does.
    #[test]
    fn both_ways_to_make_no_end_take_time() {
        for endless in ["exec sleep 1000", "while :; do :; done"] {
            let mut child = shell(endless);
            let mut own = OwnTime::of(child.id(), ms(20));
            while own.spent() < ms(200) {
                std::thread::sleep(ms(2));
            }
            child.kill().expect("it is there");
            child.wait().expect("it has ended");
        }
    }

    /// Goal: while a process is stopped its time stands still, however often somebody looks.
    #[test]
    fn stopped_time_is_nobodys() {
        let mut child = shell("while :; do :; done");
        let mut own = OwnTime::of(child.id(), ms(5));
        signal(&child, "STOP");
        let is_stopped = || look(child.id()).is_some_and(|look| look.is_stopped);
        while !is_stopped() {
            std::thread::yield_now();
        }
        own.spent();
        std::thread::sleep(ms(6));
        let before = own.spent();
        for _ in 0..20 {
            std::thread::sleep(ms(6));
            assert_eq!(own.spent(), before);
        }
        signal(&child, "CONT");
        while own.spent() == before {
            std::thread::sleep(ms(2));
        }
        child.kill().expect("it is there");
        child.wait().expect("it has ended");
    }

    /// Goal: a gap in which whoever measures did not run counts as a moment or two.
    #[test]
    fn a_gap_is_no_ones_time() {
        let mut own = OwnTime::of(std::process::id(), ms(1));
        std::thread::sleep(ms(50));
        assert!(own.spent() <= ms(2));
    }
}
