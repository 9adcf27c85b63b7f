//! The lock under a controlled scheduler: `RUSTFLAGS="--cfg shuttle" cargo test --release gil::`.
//!
//! Each property is explored with random schedules and with probabilistic concurrency testing
//! (PCT), which find different bugs. A lost wake-up shows as a deadlock, which fails the test by
//! itself.

use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use shuttle::{Config, Runner, thread};

use super::lock::{Holder, Lock, Patience, Taken};

const SCHEDULES: usize = 3000;
/// How many scheduling decisions matter: one more than the preemptions in the bugs looked for.
const PCT_DEPTH: usize = 4;
/// The model has no time, so the interval does not matter.
const INTERVAL: Duration = Duration::from_millis(5);

fn explore(program: fn()) {
    Runner::new(RandomScheduler::new(SCHEDULES), Config::new()).run(program);
    Runner::new(PctScheduler::new(PCT_DEPTH, SCHEDULES), Config::new()).run(program);
}

/// A lock, and whether a thread is in the section that it protects.
#[derive(Clone)]
struct Guarded {
    lock: Arc<Lock>,
    within: Arc<AtomicBool>,
}

impl Guarded {
    fn new() -> Self {
        Self {
            lock: Arc::new(Lock::new(INTERVAL)),
            within: Arc::new(AtomicBool::new(false)),
        }
    }

    /// What a holder does between safepoints.
    fn run(&self) {
        assert!(!self.within.swap(true, SeqCst), "two hold the lock");
        thread::yield_now();
        self.within.store(false, SeqCst);
    }

    /// A safepoint: if the lock was given up, somebody else must have had it.
    fn safepoint(&self, me: Holder) {
        if self.lock.is_requested() {
            let before = self.lock.traffic().switches;
            if self.lock.offer(me) == Taken::AfterWaiting {
                let had = self.lock.traffic().switches - before;
                // To another thread and back; less only if the thread that asked gave up.
                assert_ne!(had, 1, "the lock did not come back");
            }
        }
    }
}

/// Goal: at most one thread holds the lock, and every thread that asks for it gets it.
#[test]
fn one_at_a_time_and_everyone_in_turn() {
    explore(|| {
        let guarded = Guarded::new();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let guarded = guarded.clone();
                thread::spawn(move || {
                    let me = guarded.lock.name();
                    for _ in 0..2 {
                        assert_ne!(guarded.lock.take(me, Patience::Endless), Taken::Not);
                        guarded.run();
                        guarded.safepoint(me);
                        guarded.run();
                        guarded.lock.let_go();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
    });
}

/// Goal: a holder that lets go only at its safepoints cannot keep the lock from others.
#[test]
fn a_busy_holder_is_made_to_share() {
    explore(|| {
        let guarded = Guarded::new();
        let served = Arc::new(AtomicU32::new(0));
        let me = guarded.lock.name();
        assert_eq!(guarded.lock.take(me, Patience::Endless), Taken::AtOnce);
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (guarded, served) = (guarded.clone(), Arc::clone(&served));
                thread::spawn(move || {
                    let me = guarded.lock.name();
                    guarded.lock.take(me, Patience::Endless);
                    served.fetch_add(1, SeqCst);
                    guarded.run();
                    guarded.lock.let_go();
                })
            })
            .collect();
        // A wait may be one without a timeout; then nobody raises the request.
        for _ in 0..20 {
            guarded.run();
            let (asked, before) = (guarded.lock.is_requested(), served.load(SeqCst));
            guarded.safepoint(me);
            if asked {
                assert!(served.load(SeqCst) > before, "the lock went straight back");
            }
        }
        guarded.lock.let_go();
        for waiter in waiters {
            waiter.join().expect("no panic");
        }
    });
}

/// Goal: a holder does not wait for ever for a thread that asked for the lock and gave up
/// (gh-96387).
#[test]
fn who_gives_up_is_not_waited_for() {
    explore(|| {
        let guarded = Guarded::new();
        let me = guarded.lock.name();
        guarded.lock.take(me, Patience::Endless);
        let visitors: Vec<_> = (1..3)
            .map(|patience| {
                let guarded = guarded.clone();
                thread::spawn(move || {
                    let visitor = guarded.lock.name();
                    let patience = Patience::Intervals(patience);
                    if guarded.lock.take(visitor, patience) != Taken::Not {
                        guarded.run();
                        guarded.lock.let_go();
                    }
                })
            })
            .collect();
        for _ in 0..5 {
            guarded.run();
            guarded.safepoint(me);
        }
        guarded.lock.let_go();
        for visitor in visitors {
            visitor.join().expect("no panic");
        }
    });
}
