//! How long a heap held its mutators up, when, and why.
//!
//! A heap says so with one call on its slow paths: [`Pauses::hold`] when it begins to wait, to collect
//! or to clean up, and the end of what that returns when it is done. Two looks at the clock, and notes
//! that are the thread's own: nothing is shared until the mutator leaves, so a lock-free heap stays so.
//! What is short should not be held at all; where that shows only in time, as with the release of what
//! may be one object or a million, the heap counts first and holds what is left.
//!
//! Only a thread that was [seated](Pauses::seat) is listened to: a run seats its mutators from the
//! common start to their last operation, and what happens before and after is nobody's latency. For
//! all others a hold costs a look at a thread-local word.
//!
//! **Holds nest**: a collection that runs finalizers, which release a million objects. A histogram
//! counts each hold whole, as what it is. Wherever times are added up, the *innermost* cause has the
//! time, so that no nanosecond counts twice; and where time that a mutator lost is looked at, only the
//! outermost holds matter, which never overlap on one thread.
//!
//! Memory is bounded. The histograms are exact whatever happens. Of the intervals, each thread keeps
//! so many; when there are more, the shorter half goes, and is counted (`log`).

mod lag;
mod log;

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Stamp};
use lag::Lags;
use log::Log;
pub use log::{Interval, Kept};

/// The longest pause that is told apart from longer ones, in nanoseconds: one hour.
pub const PAUSE_NS_MAX: u64 = 3_600_000_000_000;

/// Why a mutator did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It waited for the global lock.
    GilWait,
    /// It ran, or waited for, a collection, or put the collector's books in order.
    Collect,
    /// It released many objects at once.
    ReleaseCascade,
    /// It waited for others to let go of what they may be looking at, or did what had waited for that.
    Epoch,
    /// It looked for memory for another object.
    AllocateSlow,
    /// It ran the finalizers of what a collection had found.
    Finalizer,
}

/// How many causes there are.
pub const CAUSES: usize = Cause::ALL.len();

impl Cause {
    /// Every cause, in the order in which reports show them.
    pub const ALL: [Self; 6] = [
        Self::GilWait,
        Self::Collect,
        Self::ReleaseCascade,
        Self::Epoch,
        Self::AllocateSlow,
        Self::Finalizer,
    ];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::GilWait => "gil_wait",
            Self::Collect => "collect",
            Self::ReleaseCascade => "release_cascade",
            Self::Epoch => "epoch",
            Self::AllocateSlow => "allocate_slow",
            Self::Finalizer => "finalizer",
        }
    }
}

/// Nanoseconds by cause, in the order of [`Cause::ALL`].
pub type ByCause = [u64; CAUSES];

thread_local! {
    /// What this thread notes, while it is seated.
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// The pauses of one heap.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Of those that have left their seats.
    logs: Mutex<Vec<Log>>,
    /// What a thread of the heap's own did, which writes to it alone.
    aside: Mutex<Option<Log>>,
    lags: Lags,
}

impl Pauses {
    /// Another run begins: what was noted before is forgotten. Nobody is seated.
    pub fn begin(&self) {
        self.logs().clear();
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.lags.clear();
    }

    /// The heap begins to hold the calling thread up; it ends when what is returned is dropped.
    #[inline]
    pub fn hold(&self, cause: Cause) -> Hold<'_> {
        let is_noted = self.on_log(|log| log.open(cause, Clock::get().now()));
        Hold {
            pauses: self,
            is_noted: is_noted.is_some(),
        }
    }

    /// A thread of the heap's own has done this since `start`. It held nobody up by itself, so it is in
    /// no histogram; it is shown beside what mutators did.
    pub fn aside(&self, cause: Cause, start: Stamp) {
        let end = Clock::get().now();
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let log = aside.get_or_insert_with(|| Log::new(0, None, start));
        log.open(cause, start);
        log.close(end);
    }

    /// So many objects that were unlinked at `since`, or shortly before, are free now.
    pub fn reclaimed(&self, since: Stamp, objects: u64) {
        let clock = Clock::get();
        self.lags.add(clock.nanos(since, clock.now()), objects);
    }

    /// How long objects waited from when they were unlinked until they were free: in nanoseconds, and
    /// how many.
    pub fn lags(&self) -> Vec<(u64, u64)> {
        self.lags.counts()
    }

    /// From now on the calling thread's pauses count, as those of the mutator of this number, until
    /// what is returned is dropped.
    pub fn seat(&self, mutator: u32) -> Seated<'_> {
        let owner = std::ptr::from_ref(self).addr();
        let log = Log::new(owner, Some(mutator), Clock::get().now());
        LOG.set(Some(log));
        Seated { pauses: self }
    }

    /// The histogram of one cause, in nanoseconds, over all who have left their seats.
    pub fn histogram(&self, cause: Cause) -> Histogram<u64> {
        let mut sum = log::empty();
        for log in &*self.logs() {
            log.add_to(&mut sum, cause);
        }
        sum
    }

    /// What was kept of each of them, and of a thread of the heap's own: when who was held up.
    pub fn kept(&self) -> Vec<Kept> {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let logs = self.logs();
        logs.iter().chain(&*aside).map(Log::kept).collect()
    }

    fn logs(&self) -> std::sync::MutexGuard<'_, Vec<Log>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the log of the calling thread, if it is seated here.
    #[inline]
    fn on_log<R>(&self, f: impl FnOnce(&mut Log) -> R) -> Option<R> {
        LOG.with_borrow_mut(|log| {
            let log = log.as_mut()?;
            (log.owner() == std::ptr::from_ref(self).addr()).then(|| f(log))
        })
    }
}

/// For how much of the time between two stamps which cause held the calling thread up, as far as that
/// is remembered: the last few dozen holds are.
pub fn held(start: Stamp, end: Stamp) -> ByCause {
    LOG.with_borrow(|log| log.as_ref().map_or([0; CAUSES], |log| log.held(start, end)))
}

/// While this lives the heap holds the thread up.
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub struct Hold<'p> {
    pauses: &'p Pauses,
    is_noted: bool,
}

impl Hold<'_> {
    /// It was none after all: there was nothing to wait for, or to do. What lay within it stays.
    pub fn dismiss(mut self) {
        if std::mem::take(&mut self.is_noted) {
            self.pauses.on_log(Log::dismiss);
        }
    }
}

impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.is_noted {
            self.pauses.on_log(|log| log.close(Clock::get().now()));
        }
    }
}

/// While this lives the thread's pauses count.
#[derive(Debug)]
#[must_use = "the seat is left when this is dropped"]
pub struct Seated<'p> {
    pauses: &'p Pauses,
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        if let Some(mut log) = LOG.take() {
            log.leave(Clock::get().now());
            self.pauses.logs().push(log);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: only who is seated, and at this heap, is listened to.
    #[test]
    fn others_are_not_listened_to() {
        let (pauses, other) = (Pauses::default(), Pauses::default());
        drop(pauses.hold(Cause::Collect));
        let seated = pauses.seat(3);
        drop(other.hold(Cause::Collect));
        drop(pauses.hold(Cause::Collect));
        drop(seated);
        drop(pauses.hold(Cause::Collect));
        assert_eq!(pauses.histogram(Cause::Collect).len(), 1);
        assert_eq!(other.histogram(Cause::Collect).len(), 0);
        let kept = pauses.kept();
        assert_eq!((kept.len(), kept[0].mutator), (1, Some(3)));
    }

    /// Goal: a hold that turns out to be none is not counted, and what lay within it still is.
    #[test]
    fn dismissed_holds_do_not_count() {
        let pauses = Pauses::default();
        let seated = pauses.seat(0);
        let wait = pauses.hold(Cause::GilWait);
        drop(pauses.hold(Cause::ReleaseCascade));
        wait.dismiss();
        drop(seated);
        assert_eq!(pauses.histogram(Cause::GilWait).len(), 0);
        assert_eq!(pauses.histogram(Cause::ReleaseCascade).len(), 1);
        assert_eq!(pauses.kept()[0].intervals.len(), 1);
    }
}
