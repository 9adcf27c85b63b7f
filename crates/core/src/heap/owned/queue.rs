//! The queue of jobs before a thread that does all of them.
//!
//! **Invariant**: a job that was handed in is done once, after all that were handed in before it,
//! and whoever handed it in goes on only when it was done. So at most one job of each waiter is in
//! the queue, and between two of its jobs every other waiter's gets its turn. A job takes effect
//! when it is done; its place among the others is settled when it is put into the queue, under the
//! lock.
//!
//! No wake-up is lost. The worker says under the lock that it sleeps, after it has seen an empty
//! queue, and whoever puts a job into the queue looks for that under the same lock. A [`Bell`] is
//! rung before the ringer looks whether somebody sleeps, and whoever waits says so, under the lock,
//! before looking at the bell for the last time.
//!
//! Both sides look for a while before they sleep: to wake a thread takes longer than most jobs.

use std::collections::VecDeque;
use std::sync::PoisonError;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, sized};

/// How often to look before sleeping: some microseconds, which is what it takes to wake a thread.
/// In models nobody spins.
const LOOKS: usize = sized(300, 0);

/// Jobs, in the order in which they came.
#[derive(Debug)]
pub(super) struct Queue<J> {
    waiting: Mutex<Waiting<J>>,
    /// A job came, or none will come any more.
    came: Condvar,
    /// How many jobs have come. Relaxed: only a hint to look at the queue.
    count: AtomicU64,
}

#[derive(Debug)]
struct Waiting<J> {
    jobs: VecDeque<(J, Arc<Bell>)>,
    /// The worker sleeps, or is about to.
    is_asleep: bool,
    is_closed: bool,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                jobs: VecDeque::new(),
                is_asleep: false,
                is_closed: false,
            }),
            came: Condvar::new(),
            count: AtomicU64::new(0),
        }
    }
}

impl<J> Queue<J> {
    /// Hands a job in, and returns when it was done. The bell is the caller's own.
    pub(super) fn have_done(&self, job: J, bell: &Arc<Bell>) {
        let mut waiting = self.waiting();
        waiting.jobs.push_back((job, Arc::clone(bell)));
        let is_asleep = std::mem::take(&mut waiting.is_asleep);
        drop(waiting);
        self.count.fetch_add(1, Ordering::Relaxed);
        // A notification is a system call even if nobody sleeps.
        if is_asleep {
            self.came.notify_one();
        }
        bell.wait();
    }

    /// The next job, and the bell to ring when it was done; `None` when no more will come.
    pub(super) fn next(&self) -> Option<(J, Arc<Bell>)> {
        let seen = self.count.load(Ordering::Relaxed);
        let mut waiting = self.waiting();
        if waiting.jobs.is_empty() && !waiting.is_closed {
            drop(waiting);
            look_until(|| self.count.load(Ordering::Relaxed) != seen);
            waiting = self.waiting();
        }
        loop {
            if let Some(next) = waiting.jobs.pop_front() {
                return Some(next);
            }
            if waiting.is_closed {
                return None;
            }
            waiting.is_asleep = true;
            let woken = self.came.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says that no more jobs will come.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.count.fetch_add(1, Ordering::Relaxed);
        self.came.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<J>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rings once for each wait.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_rung: AtomicBool,
    is_asleep: Mutex<bool>,
    rang: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        // Release: pairs with the load in `wait`, so that what was done is seen.
        self.is_rung.store(true, Ordering::Release);
        let is_asleep = *self.asleep();
        if is_asleep {
            self.rang.notify_one();
        }
    }

    fn wait(&self) {
        // Acquire: pairs with the store in `ring`.
        let is_rung = || self.is_rung.load(Ordering::Acquire);
        if !look_until(is_rung) {
            let mut asleep = self.asleep();
            *asleep = true;
            while !is_rung() {
                let woken = self.rang.wait(asleep);
                asleep = woken.unwrap_or_else(PoisonError::into_inner);
            }
            *asleep = false;
        }
        // Relaxed: nobody rings again before the next job was handed in under the queue's lock.
        self.is_rung.store(false, Ordering::Relaxed);
    }

    fn asleep(&self) -> MutexGuard<'_, bool> {
        self.is_asleep
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks until something is so, or it is time to sleep; returns which.
fn look_until(is_so: impl Fn() -> bool) -> bool {
    for _ in 0..LOOKS {
        if is_so() {
            return true;
        }
        std::hint::spin_loop();
    }
    is_so()
}

#[cfg(all(test, not(any(shuttle, loom))))]
mod tests {
    use super::*;

    /// Goal: jobs are done in the order in which they came, and those that came before the end are
    /// done.
    #[test]
    fn jobs_are_done_in_order() {
        let queue = Queue::default();
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for job in 0..3 {
                let queue = &queue;
                scope.spawn(move || queue.have_done(job, &Arc::default()));
                // The next one is handed in when this one is in the queue.
                while queue.waiting().jobs.len() <= job {
                    std::thread::yield_now();
                }
            }
            queue.close();
            while let Some((job, bell)) = queue.next() {
                done.lock().unwrap().push(job);
                bell.ring();
            }
        });
        assert_eq!(done.into_inner().unwrap(), [0, 1, 2]);
    }
}
