//! A hunt tries random cases one after another, and shrinks those that fail.
//!
//! A case is a function of the hunt's seed and the case's number, so the first case that fails is
//! the same however many threads hunt. The thread that finds a failure shrinks it, within a time
//! budget for each failure. Two failures are the same if they shrink to the same check and the same
//! sequence of operations; the one with the lower number is kept, and the other is only counted.

mod shrink;
mod sweep;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::{CRASHED, Finding, HUNG};
use super::programs::Programs;
use crate::clock::{Clock, Stamp};
use crate::own_time::OwnTime;
use crate::plan::{Case, OpKind};
pub use shrink::HangLimit;
use shrink::{ShrinkTrial, shrink};
use sweep::SHARE;
pub use sweep::{SWEEP_MAX, Sweep, Swept};

/// The interval between reports of progress.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest interval over which this process's own time is measured.
const MOMENT_MAX: Duration = Duration::from_millis(250);

/// Which cases to try, and for how long.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Hunt {
    /// The strategy that draws cases.
    pub programs: Programs,
    /// The seed of all cases.
    pub seed: u64,
    /// When to stop, unless `failures_max` ends the hunt sooner.
    pub budget: HuntBudget,
    /// How long the shrinking of one failure may take.
    pub shrink_budget: Duration,
    /// The hunt stops after this many different failures.
    pub failures_max: usize,
    /// How many threads hunt.
    pub jobs: usize,
    /// How much time one case may take before it counts as hung. Time that the machine gave to
    /// other processes does not count.
    pub patience: Duration,
    /// How often a smaller case is tried before it counts as one that does not fail. Once is enough
    /// if cases are deterministic.
    pub tries: u32,
    /// How often a failure is tried again, both as it was found and when it is shrunk, to measure
    /// how reliably it fails.
    pub retries: u32,
}

/// When a hunt stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HuntBudget {
    /// After this many cases.
    Cases(u64),
    /// After this much time, including shrinking.
    Duration(Duration),
}

/// One failure, shrunk.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The smallest case that fails.
    #[serde(serialize_with = "as_text")]
    pub case: Case,
    /// The check that failed.
    pub check: String,
    /// What that check reported.
    pub text: String,
    /// The case's number among those of the seed, from 0.
    pub number: u64,
    /// How many turns the case had before it was shrunk.
    pub turns_found: usize,
    /// How many mutators it had before it was shrunk.
    pub mutators_found: usize,
    /// How many cases were tried to shrink it.
    pub tried: u64,
    /// How long the shrinking took, in nanoseconds.
    pub shrink_ns: u64,
    /// Whether shrinking ended because time was up.
    pub is_cut_short: bool,
    /// How often the shrunk case was tried again.
    pub retries: u32,
    /// How many of those tries failed: all of them, unless the failure is flaky.
    pub retries_failed: u32,
    /// How many other cases shrank to the same failure.
    pub again: u64,
}

fn as_text<S: serde::Serializer>(case: &Case, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(case)
}

/// What a hunt came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Bag {
    /// Cases that were drawn and tried, not counting those tried in shrinking.
    pub cases: u64,
    /// The turns of those cases.
    pub turns: u64,
    /// Those turns by kind of operation.
    pub ops: BTreeMap<&'static str, u64>,
    /// How many of those cases ended their process or made the heap panic.
    pub crashed: u64,
    /// How many of those cases did not come to an end.
    pub hung: u64,
    /// How long it took, in nanoseconds.
    pub elapsed_ns: u64,
    /// Different failures, in the order of their numbers.
    pub failures: Vec<Failure>,
}

/// How far a hunt is.
#[derive(Debug, Clone, Copy, Default)]
pub struct HuntProgress {
    /// The time since the hunt began.
    pub elapsed: Duration,
    /// Cases tried.
    pub cases: u64,
    /// Different failures found.
    pub failures: usize,
}

/// Is told of a hunt's progress and findings, on the thread that called [`Hunt::run`], which tries
/// no cases itself.
pub trait HuntWatch {
    /// Called several times a second; may end the hunt.
    fn progress(&mut self, progress: HuntProgress) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// Called once for each failure that is in the [`Bag`], in the order of their numbers: as soon
    /// as the failure is shrunk and no earlier case is still running.
    fn found(&mut self, failure: &Failure) {
        let _ = failure;
    }

    /// Called for a case that hangs, and again as long as it does. Its thread cannot be stopped, so
    /// the hunt will not end either; whatever must still be done must be done here.
    fn hung(&mut self, case: &Case) {
        let _ = case;
    }
}

/// Tries a case, and returns what went wrong, if anything did.
pub type Attempt<'a> = dyn Fn(&Case) -> Option<Finding> + Sync + 'a;

/// How cases are tried many at a time, in other processes. What is tried may take as long as it
/// likes: no case is called hung but by this.
pub struct Elsewhere<'a> {
    /// Tries many.
    pub sweep: &'a Sweep<'a>,
    /// Tries one, to shrink it.
    pub attempt: &'a (dyn Fn(&Case, HangLimit) -> Option<Finding> + Sync),
    /// Whether cases are tried no longer, so that what was asked last may not have been tried.
    pub is_off: &'a (dyn Fn() -> bool + Sync),
}

impl fmt::Debug for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").finish_non_exhaustive()
    }
}

impl Hunt {
    /// Case number `number`.
    pub fn case(&self, number: u64) -> Case {
        // A Weyl sequence: the factor is odd, so different numbers give different seeds.
        let seed = number
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(self.seed);
        self.programs.draw(seed)
    }

    /// Runs the hunt. `attempt` tries a case.
    pub fn run(&self, attempt: &Attempt<'_>, watch: &mut dyn HuntWatch) -> Bag {
        self.chase(Attempts::Here(attempt), watch)
    }

    /// Runs the hunt where many cases are tried at a time.
    pub fn run_swept(&self, elsewhere: &Elsewhere<'_>, watch: &mut dyn HuntWatch) -> Bag {
        let patience = Duration::MAX;
        Self { patience, ..*self }.chase(Attempts::Elsewhere(elsewhere), watch)
    }

    fn chase(&self, attempts: Attempts<'_>, watch: &mut dyn HuntWatch) -> Bag {
        let chase = Chase {
            hunt: self,
            attempts,
            start: Clock::get().now(),
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            called_off: AtomicBool::new(false),
            found: AtomicUsize::new(0),
            desks: (0..self.jobs).map(|_| Desk::default()).collect(),
            bag: Mutex::new(Bag::default()),
            at_work: Mutex::new(self.jobs),
            returned: Condvar::new(),
        };
        chase.run(watch)
    }

    /// The number of the case after the last.
    fn end(&self) -> u64 {
        match self.budget {
            HuntBudget::Cases(most) => most,
            HuntBudget::Duration(_) => u64::MAX,
        }
    }

    fn is_late(&self, start: Stamp) -> bool {
        match self.budget {
            HuntBudget::Cases(_) => false,
            HuntBudget::Duration(most) => Clock::get().since(start) >= most,
        }
    }
}

/// Where cases are tried.
enum Attempts<'a> {
    /// One by one in this process.
    Here(&'a Attempt<'a>),
    Elsewhere(&'a Elsewhere<'a>),
}

/// What the threads of a hunt share. All atomics are relaxed: they only number cases and say when
/// to stop. Results are handed over under the lock of the bag.
struct Chase<'a> {
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

/// What one thread is doing, for the watching thread to read.
#[derive(Default)]
struct Desk {
    /// Counts the attempts that it has finished, including those of shrinking. The count of a
    /// thread that hangs does not change.
    tried: AtomicU64,
    /// Counts the cases that it has tried, without those of shrinking.
    cases: AtomicU64,
    /// The number of its current case; `u64::MAX` once the thread has ended. A number that is seen
    /// late only delays a report.
    number: AtomicU64,
    /// The current case.
    at: Mutex<Doing>,
}

/// What a thread is trying.
#[derive(Default)]
enum Doing {
    /// Nothing.
    #[default]
    Nothing,
    /// The case of this number.
    Number(u64),
    /// A case that was proposed by shrinking.
    Case(Box<Case>),
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

impl Chase<'_> {
    fn run(&self, watch: &mut dyn HuntWatch) -> Bag {
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
        let mut all = locked(&self.bag);
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

/// When the attempts of a thread were last seen to advance.
#[derive(Default)]
struct Look {
    /// How many attempts it had finished by then.
    tried: u64,
    /// The time that this process had spent by then.
    spent: Duration,
}

impl Look {
    /// Whether a thread has finished no attempt while this process spent more than `patience`.
    fn finds_hung(&mut self, desk: &Desk, spent: Duration, patience: Duration) -> bool {
        let tried = desk.tried.load(Relaxed);
        if tried != self.tried {
            *self = Self { tried, spent };
        }
        spent.saturating_sub(self.spent) > patience
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Failure {
    /// The kinds of the case's operations, in order: equal for cases of the same failure.
    pub fn shape(&self) -> String {
        let kinds = self.case.all_turns().map(|turn| turn.op.kind().name());
        kinds.collect::<Vec<_>>().join(" ")
    }

    /// Whether some of the retries did not fail.
    pub fn is_flaky(&self) -> bool {
        self.retries_failed < self.retries
    }

    fn is_same(&self, other: &Self) -> bool {
        self.check == other.check && self.shape() == other.shape()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::programs;

    struct Quiet;

    impl HuntWatch for Quiet {}

    struct Impatient;

    impl HuntWatch for Impatient {
        fn progress(&mut self, _: HuntProgress) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }

    /// Releases the case that hangs as soon as it is reported.
    struct Rescuer(Option<std::sync::mpsc::Sender<()>>, Option<Case>);

    impl HuntWatch for Rescuer {
        fn hung(&mut self, case: &Case) {
            self.0 = None;
            self.1.get_or_insert(case.clone());
        }
    }

    fn hunt(budget: HuntBudget) -> Hunt {
        Hunt {
            programs: programs(),
            seed: 7,
            budget,
            shrink_budget: Duration::from_secs(60),
            failures_max: 1,
            jobs: 2,
            patience: Duration::from_secs(60),
            tries: 1,
            retries: 0,
        }
    }

    fn pops(case: &Case) -> Option<Finding> {
        let pops = case.turns.iter().any(|turn| turn.op.kind() == OpKind::Pop);
        pops.then(|| Finding {
            check: "order",
            turn: None,
            text: "it pops".to_owned(),
        })
    }

    /// Goal: a hunt finds the same failure, shrunk to the same case, however many threads hunt.
    #[test]
    fn finds_the_same_with_any_number_of_threads() {
        let found = [1, 2, 4].map(|jobs| {
            let hunt = Hunt {
                jobs,
                ..hunt(HuntBudget::Cases(1000))
            };
            let bag = hunt.run(&pops, &mut Quiet);
            let [failure] = &bag.failures[..] else {
                panic!("{bag:?}");
            };
            assert_eq!(failure.case.turns.len(), 1);
            (failure.number, failure.case.to_string())
        });
        assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
    }

    /// Goal: without a failure the whole budget is used, and the watcher can end the hunt before.
    #[test]
    fn stops_when_it_should() {
        let quiet = |_: &Case| None;
        let all = hunt(HuntBudget::Cases(500)).run(&quiet, &mut Quiet);
        assert_eq!((all.cases, all.failures.len()), (500, 0));
        assert_eq!(all.ops.values().sum::<u64>(), all.turns);
        let endless = hunt(HuntBudget::Duration(Duration::MAX));
        endless.run(&quiet, &mut Impatient);
    }

    /// Goal: a panic of what tries cases ends the hunt, whose other threads stop, and is passed on.
    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_passed_on() {
        let panics = |case: &Case| pops(case).map(|_| panic!("on purpose"));
        hunt(HuntBudget::Duration(Duration::MAX)).run(&panics, &mut Quiet);
    }

    /// Goal: cases that shrink to the same failure are counted, and the failure is kept once.
    #[test]
    fn the_same_is_kept_once() {
        let hunt = Hunt {
            failures_max: 2,
            ..hunt(HuntBudget::Cases(300))
        };
        let bag = hunt.run(&pops, &mut Quiet);
        let [failure] = &bag.failures[..] else {
            panic!("{bag:?}");
        };
        assert!(failure.again > 10, "{failure:?}");
    }

    /// Goal: a failure that occurs only sometimes is shrunk as well, if smaller cases are tried
    /// often enough.
    #[test]
    fn what_fails_now_and_then_is_shrunk() {
        let left = [1, 200].map(|tries| {
            let calls = AtomicU64::new(0);
            let flaky = |case: &Case| {
                let call = calls.fetch_add(1, Relaxed);
                pops(case).filter(|_| call.is_multiple_of(97))
            };
            let hunt = Hunt {
                jobs: 1,
                tries,
                ..hunt(HuntBudget::Cases(1000))
            };
            let bag = hunt.run(&flaky, &mut Quiet);
            bag.failures[0].case.turns.len()
        });
        assert!(left[0] > 1 && left[1] == 1, "{left:?}");
    }

    /// Goal: if retries show that a failure is flaky, it is shrunk with many tries for each case,
    /// and reported as flaky with its rate; a failure that always recurs is not.
    #[test]
    fn what_does_not_always_fail_is_called_flaky() {
        for (every, flaky) in [(1, false), (3, true)] {
            let calls = AtomicU64::new(0);
            let sometimes = |case: &Case| {
                let finding = pops(case)?;
                let call = calls.fetch_add(1, Relaxed);
                call.is_multiple_of(every).then_some(finding)
            };
            let hunt = Hunt {
                jobs: 1,
                retries: 12,
                ..hunt(HuntBudget::Cases(1000))
            };
            let bag = hunt.run(&sometimes, &mut Quiet);
            let failure = &bag.failures[0];
            assert_eq!(failure.is_flaky(), flaky, "{failure:?}");
            assert_eq!(u64::from(failure.retries_failed), 12 / every);
            assert_eq!((failure.retries, failure.case.turns.len()), (12, 1));
        }
    }

    /// Goal: the watcher is told of exactly the failures that are kept, even if threads find others
    /// first.
    #[test]
    fn what_is_told_is_what_counts() {
        struct Scribe(Vec<u64>);
        impl HuntWatch for Scribe {
            fn found(&mut self, failure: &Failure) {
                self.0.push(failure.number);
            }
        }
        // These shrink to several different failures.
        let all = |case: &Case| {
            let finding = pops(case);
            finding.filter(|_| case.seed.is_multiple_of(3) || case.turns.len() > 5)
        };
        for jobs in [1, 4] {
            for failures_max in [1, 3] {
                let hunt = Hunt {
                    jobs,
                    failures_max,
                    ..hunt(HuntBudget::Cases(2000))
                };
                let mut scribe = Scribe(Vec::new());
                let bag = hunt.run(&all, &mut scribe);
                let numbers: Vec<u64> = bag.failures.iter().map(|it| it.number).collect();
                assert!(!numbers.is_empty() && numbers.len() <= failures_max);
                assert_eq!(scribe.0, numbers, "{jobs} threads");
            }
        }
    }

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

    /// Goal: a case that hangs is noticed, and reported to the watcher.
    #[test]
    fn a_case_that_hangs_is_named() {
        let (give_up, given_up) = std::sync::mpsc::channel::<()>();
        let given_up = Mutex::new(given_up);
        let hangs = |case: &Case| {
            let finding = pops(case);
            if finding.is_some() {
                // Hangs until the watcher drops its end of the channel.
                let _ = given_up.lock().expect("nobody panics").recv();
            }
            None
        };
        let hunt = Hunt {
            jobs: 1,
            patience: Duration::from_millis(20),
            ..hunt(HuntBudget::Cases(300))
        };
        let mut rescuer = Rescuer(Some(give_up), None);
        hunt.run(&hangs, &mut rescuer);
        let hung = rescuer.1.expect("one hangs");
        assert!(pops(&hung).is_some());
    }
}
