//! The queue under a controlled scheduler:
//! `RUSTFLAGS="--cfg shuttle" cargo test --release owned::`.
//!
//! A lost wake-up shows as a deadlock, which fails the test by itself. Two bugs were planted by
//! hand and found: a bell that looks for a sleeper before it rings, and a worker that lets the lock
//! go between finding the queue empty and saying that it sleeps.

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicU32, Ordering::SeqCst};
use shuttle::{Config, Runner, thread};

use super::queue::Queue;

const SCHEDULES: usize = 3000;
/// How many scheduling decisions matter: one more than the preemptions in the bugs looked for.
const PCT_DEPTH: usize = 4;
const WAITERS: u32 = 2;
const JOBS: u32 = 2;

/// Goal: every job is done once, before whoever handed it in goes on, and nobody waits for ever.
#[test]
fn no_job_and_no_wake_up_is_lost() {
    let program = || {
        let queue = Arc::new(Queue::default());
        let turns = Arc::new(AtomicU32::new(0));
        let worker = {
            let (queue, turns) = (Arc::clone(&queue), Arc::clone(&turns));
            thread::spawn(move || {
                while let Some((done, bell)) = queue.next() {
                    let done: Arc<AtomicU32> = done;
                    turns.fetch_add(1, SeqCst);
                    done.fetch_add(1, SeqCst);
                    bell.ring();
                }
            })
        };
        let waiters: Vec<_> = (0..WAITERS)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    let (done, bell) = (Arc::new(AtomicU32::new(0)), Arc::default());
                    for nth in 1..=JOBS {
                        queue.have_done(Arc::clone(&done), &bell);
                        assert_eq!(done.load(SeqCst), nth, "done once, before it goes on");
                    }
                })
            })
            .collect();
        for waiter in waiters {
            waiter.join().expect("no panic");
        }
        queue.close();
        worker.join().expect("no panic");
        assert_eq!(turns.load(SeqCst), WAITERS * JOBS);
    };
    Runner::new(RandomScheduler::new(SCHEDULES), Config::new()).run(program);
    Runner::new(PctScheduler::new(PCT_DEPTH, SCHEDULES), Config::new()).run(program);
}
