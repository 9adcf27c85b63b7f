//! The threads of a hunt: each takes cases by their numbers, tries them, and shrinks what fails; one
//! more watches.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::desk::{Desk, Doing, Look};
use super::shrink::{HangLimit, ShrinkTrial, shrink};
use super::sweep::{SHARE, Swept};
use super::{Attempt, Bag, Elsewhere, Failure, Hunt, HuntProgress, HuntWatch};
use crate::clock::{Clock, Stamp};
use crate::fuzz::model::{CRASHED, Finding, HUNG};
use crate::own_time::OwnTime;
use crate::plan::{Case, OpKind};

/// The interval between reports of progress.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest interval over which this process's own time is measured.
const MOMENT_MAX: Duration = Duration::from_millis(250);

/// Where cases are tried.
pub(super) enum Attempts<'a> {
    /// One by one in this process.
    Here(&'a Attempt<'a>),
    Elsewhere(&'a Elsewhere<'a>),
}

/// What the threads of a hunt share. All atomics are relaxed: they only number cases and say when
/// to stop. Results are handed over under the lock of the bag.
pub(super) struct Chase<'a> {
    hunt: &'a Hunt,
    attempts: Attempts<'a>,
    start: Stamp,
    /// The number of the next case that no thread has taken.
    next: AtomicU64,
    stop: AtomicBool,
    /// Set when the watcher ended the hunt, so that shrinking stops as well.
    called_off: AtomicBool,
    /// The number of different failures so far.
    found: AtomicUsize,
    desks: Vec<Desk>,
    bag: Mutex<Bag>,
    at_work: Mutex<usize>,
    returned: Condvar,
}

/// A thread's place among those at work, which it leaves however it ends: nobody waits for one that
/// panicked, so that the panic is passed on.
struct Post<'a> {
    chase: &'a Chase<'a>,
    desk: &'a Desk,
}

impl Post<'_> {
    fn work(self) {
        self.chase.work(self.desk);
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.chase.called_off.store(true, Relaxed);
            self.chase.stop.store(true, Relaxed);
        }
        self.desk.number.store(u64::MAX, Relaxed);
        *locked(&self.chase.at_work) -= 1;
        self.chase.returned.notify_all();
    }
}

impl<'a> Chase<'a> {
    pub(super) fn of(hunt: &'a Hunt, attempts: Attempts<'a>) -> Self {
        Self {
            hunt,
            attempts,
            start: Clock::get().now(),
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            called_off: AtomicBool::new(false),
            found: AtomicUsize::new(0),
            desks: (0..hunt.jobs).map(|_| Desk::default()).collect(),
            bag: Mutex::new(Bag::default()),
            at_work: Mutex::new(hunt.jobs),
            returned: Condvar::new(),
        }
    }

    pub(super) fn run(&self, watch: &mut dyn HuntWatch) -> Bag {
        std::thread::scope(|scope| {
            for desk in &self.desks {
                let post = Post { chase: self, desk };
                let work = move || post.work();
                // If the system refuses another thread, the existing ones do all the work: the
                // post is dropped with the closure.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            self.watch(watch)
        })
    }

    fn watch(&self, watch: &mut dyn HuntWatch) -> Bag {
        let moment = (self.hunt.patience / 8).min(MOMENT_MAX).max(LOOK_EVERY / 2);
        let mut own = OwnTime::of_jobs(self.hunt.jobs, moment);
        let mut looks: Vec<Look> = self.desks.iter().map(|_| Look::default()).collect();
        let mut told = 0;
        let mut at_work = locked(&self.at_work);
        while *at_work > 0 {
            let waited = self.returned.wait_timeout(at_work, LOOK_EVERY);
            at_work = waited.unwrap_or_else(PoisonError::into_inner).0;
            self.tell(&mut told, watch);
            let progress = HuntProgress {
                elapsed: Clock::get().since(self.start),
                cases: self.cases(),
                failures: self.found.load(Relaxed),
            };
            if watch.progress(progress).is_break() {
                self.called_off.store(true, Relaxed);
                self.stop.store(true, Relaxed);
            }
            let spent = own.spent();
            for (desk, look) in self.desks.iter().zip(&mut looks) {
                if look.finds_hung(desk, spent, self.hunt.patience)
                    && let Some(case) = self.case_at(desk)
                {
                    watch.hung(&case);
                }
            }
        }
        self.tell(&mut told, watch);
        self.bag()
    }

    /// Reports the failures that are certain to be kept, since no thread is still working on an
    /// earlier case.
    fn tell(&self, told: &mut usize, watch: &mut dyn HuntWatch) {
        let numbers = self.desks.iter().map(|desk| desk.number.load(Relaxed));
        let settled = numbers.min().unwrap_or(u64::MAX);
        let failures = self.bag().failures;
        for failure in failures
            .iter()
            .skip(*told)
            .take_while(|it| it.number < settled)
        {
            watch.found(failure);
            *told += 1;
        }
    }

    fn case_at(&self, desk: &Desk) -> Option<Case> {
        match &*locked(&desk.at) {
            Doing::Nothing => None,
            Doing::Number(number) => Some(self.hunt.case(*number)),
            Doing::Case(case) => Some((**case).clone()),
        }
    }

    fn cases(&self) -> u64 {
        self.desks.iter().map(|desk| desk.cases.load(Relaxed)).sum()
    }

    fn bag(&self) -> Bag {
        let mut bag = locked(&self.bag).clone();
        bag.failures.sort_by_key(|failure| failure.number);
        bag.failures.truncate(self.hunt.failures_max);
        bag.elapsed_ns = Clock::get().nanos(self.start, Clock::get().now());
        bag
    }

    /// The work of one thread.
    fn work(&self, desk: &Desk) {
        let share = match self.attempts {
            Attempts::Here(_) => 1,
            Attempts::Elsewhere(_) => SHARE,
        };
        let (clock, begun) = (Clock::get(), Clock::get().now());
        let mut sum = Swept::from(0);
        while !self.stop.load(Relaxed) {
            let first = self.next.fetch_add(share, Relaxed);
            desk.number.store(first, Relaxed);
            if first >= self.hunt.end() || self.hunt.is_late(self.start) {
                break;
            }
            let end = first.saturating_add(share).min(self.hunt.end());
            self.work_off(desk, first..end, &mut sum);
        }
        let (worked, shrank) = (
            clock.nanos(begun, clock.now()),
            desk.shrink_ns.load(Relaxed),
        );
        let jobs = self.desks.len().max(1) as u64;
        let mut all = locked(&self.bag);
        all.search_ns += worked.saturating_sub(shrank) / jobs;
        all.shrink_ns += shrank;
        all.cases += sum.cases;
        all.turns += sum.turns;
        for (kind, count) in OpKind::ALL.into_iter().zip(sum.ops) {
            if count > 0 {
                *all.ops.entry(kind.name()).or_default() += count;
            }
        }
    }

    /// Tries all cases of these numbers, and adds them to what was tried.
    fn work_off(&self, desk: &Desk, mut numbers: Range<u64>, sum: &mut Swept) {
        loop {
            let swept = match self.attempts {
                Attempts::Elsewhere(elsewhere) => (elsewhere.sweep)(numbers.clone()),
                Attempts::Here(_) => Some(self.hunt.sweep(numbers.clone(), &mut |number, case| {
                    self.attempt(desk, Doing::Number(number), case, HangLimit::Whole)
                })),
            };
            let Some(swept) = swept else { return };
            desk.cases.fetch_add(swept.cases, Relaxed);
            sum.cases += swept.cases;
            sum.turns += swept.turns;
            for (sum, count) in sum.ops.iter_mut().zip(&swept.ops) {
                *sum += count;
            }
            if let Some(finding) = swept.finding {
                let number = swept.next - 1;
                self.found(desk, self.hunt.case(number), finding, number);
            }
            numbers.start = swept.next;
            if numbers.is_empty() || self.hunt.is_late(self.start) || self.is_decided(swept.next) {
                return;
            }
            desk.number.store(swept.next, Relaxed);
        }
    }

    /// Whether no case from this number on can be among those that are kept.
    fn is_decided(&self, number: u64) -> bool {
        if !self.stop.load(Relaxed) {
            return false;
        }
        let bag = locked(&self.bag);
        let before = bag.failures.iter().filter(|it| it.number < number);
        self.called_off.load(Relaxed) || before.count() >= self.hunt.failures_max
    }

    fn attempt(&self, desk: &Desk, at: Doing, case: &Case, limit: HangLimit) -> Option<Finding> {
        *locked(&desk.at) = at;
        let finding = match self.attempts {
            Attempts::Here(attempt) => attempt(case),
            Attempts::Elsewhere(elsewhere) => (elsewhere.attempt)(case, limit),
        };
        *locked(&desk.at) = Doing::Nothing;
        desk.tried.fetch_add(1, Relaxed);
        finding
    }

    /// Whether what was tried last may not have been tried at all.
    fn is_off(&self) -> bool {
        let elsewhere = match self.attempts {
            Attempts::Here(_) => false,
            Attempts::Elsewhere(elsewhere) => (elsewhere.is_off)(),
        };
        elsewhere || self.called_off.load(Relaxed)
    }

    fn found(&self, desk: &Desk, case: Case, finding: Finding, number: u64) {
        match finding.check {
            CRASHED => locked(&self.bag).crashed += 1,
            HUNG => locked(&self.bag).hung += 1,
            _ => {}
        }
        let trial = ShrinkTrial {
            attempt: &mut |case, limit| {
                self.attempt(desk, Doing::Case(Box::new(case.clone())), case, limit)
            },
            is_off: &|| self.is_off(),
            hangs: 0,
        };
        let failure = shrink(self.hunt, case, finding, number, trial);
        desk.shrink_ns.fetch_add(failure.shrink_ns, Relaxed);
        let mut bag = locked(&self.bag);
        let known = bag
            .failures
            .iter_mut()
            .find(|known| known.is_same(&failure));
        match known {
            Some(known) if known.number < failure.number => known.again += 1,
            Some(known) => {
                let again = known.again + 1;
                *known = Failure { again, ..failure };
            }
            None => bag.failures.push(failure),
        }
        let found = bag.failures.len();
        self.found.store(found, Relaxed);
        if found >= self.hunt.failures_max {
            self.stop.store(true, Relaxed);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
