//! How long a heap held its mutators up, when, and why.
//!
//! A heap reports that with one call on each of its slow paths: [`Pauses::hold`] when it begins to
//! wait, to collect or to clean up. The hold ends when the returned value is dropped. That costs
//! two readings of the clock, and writes to thread-local memory only: nothing is shared until the
//! mutator leaves, so measuring a lock-free heap puts no lock into it. A heap should not report
//! what is always short. Where the length is known only afterwards, as with a release that may free
//! one object or a million, the heap counts first, and begins a hold when it has counted many.
//!
//! Only threads that were [seated](Pauses::seat) are recorded. A run seats its mutators from the
//! common start to their last operation; what happens before and after is not part of their
//! latency. On any other thread, a hold costs one read of a thread-local variable.
//!
//! **Holds nest**: a collection may run finalizers, and these may release a million objects. A
//! histogram counts each hold in full. Where times are added up, time belongs to the *innermost*
//! hold, so that no nanosecond counts twice. Where the question is how much time a mutator lost,
//! only the outermost holds matter; on one thread they never overlap.
//!
//! Memory is bounded. The histograms are always exact. Each thread keeps a limited number of
//! intervals; when there are more, the shorter half is dropped and counted (`log`).

mod lag;
mod log;

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Stamp};
use lag::Lags;
use log::Log;
pub use log::{Interval, Kept};

/// The longest pause that histograms distinguish from longer ones, in nanoseconds: one hour.
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
    /// It waited for a grace period, after which no other thread can still read what was unlinked,
    /// or did work that had been deferred until one had passed.
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

/// A hold that takes at least this many nanoseconds is long: the whole process may have been
/// stopped meanwhile. Long holds are kept one by one, so that this time can be subtracted
/// afterwards. It is ten times the precision with which a stop is recognised.
pub const LONG_NS: u64 = 10_000_000;

/// Nanoseconds by cause, in the order of [`Cause::ALL`].
pub type ByCause = [u64; CAUSES];

thread_local! {
    /// The log of this thread, while it is seated.
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// The pauses of one heap.
#[derive(Debug, Default)]
pub struct Pauses {
    /// The logs of mutators that have left their seats.
    logs: Mutex<Vec<Log>>,
    /// What the heap's own thread did. Only that thread writes to it.
    aside: Mutex<Option<Log>>,
    lags: Lags,
}

impl Pauses {
    /// Forgets what was noted before, at the beginning of another run. No thread may be seated.
    pub fn begin(&self) {
        self.logs().clear();
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.lags.clear();
    }

    /// Notes that the heap begins to hold the calling thread up. The hold ends when the returned
    /// value is dropped.
    #[inline]
    pub fn hold(&self, cause: Cause) -> Hold<'_> {
        let is_noted = self.on_log(|log| log.open(cause, Clock::get().now()));
        Hold {
            pauses: self,
            is_noted: is_noted.is_some(),
        }
    }

    /// The calling thread's innermost hold, which was [left open](Hold::leave_open).
    pub(super) fn left_open(&self) -> Hold<'_> {
        Hold {
            pauses: self,
            is_noted: true,
        }
    }

    /// Notes what a thread of the heap's own has done since `start`. That does not hold up any
    /// mutator, so it is in no histogram; reports show it beside the pauses of mutators.
    pub fn aside(&self, cause: Cause, start: Stamp) {
        let end = Clock::get().now();
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let log = aside.get_or_insert_with(|| Log::new(0, None, start));
        log.open(cause, start);
        log.close(end);
    }

    /// Notes that `objects` objects have just been freed, which were unlinked at `since` or shortly
    /// before.
    pub fn reclaimed(&self, since: Stamp, objects: u64) {
        let clock = Clock::get();
        self.lags.add(clock.nanos(since, clock.now()), objects);
    }

    /// How long objects waited between being unlinked and being free: each length in nanoseconds,
    /// with the number of objects that waited for so long.
    pub fn lags(&self) -> Vec<(u64, u64)> {
        self.lags.counts()
    }

    /// Records the pauses of the calling thread, as those of the mutator with this number, until
    /// the returned value is dropped.
    pub fn seat(&self, mutator: u32) -> Seated<'_> {
        let owner = std::ptr::from_ref(self).addr();
        let log = Log::new(owner, Some(mutator), Clock::get().now());
        LOG.set(Some(log));
        Seated { pauses: self }
    }

    /// The histogram of one cause, in nanoseconds, over all mutators that have left their seats.
    pub fn histogram(&self, cause: Cause) -> Histogram<u64> {
        let mut sum = log::empty();
        for log in &*self.logs() {
            log.add_to(&mut sum, cause);
        }
        sum
    }

    /// The [long](LONG_NS) holds of all mutators that have left their seats, also those that lay
    /// within others.
    pub fn long(&self) -> Vec<Interval> {
        let logs = self.logs();
        logs.iter().flat_map(Log::long).copied().collect()
    }

    /// The intervals for which each mutator that has left its seat was held up, as far as they were
    /// kept, and those in which a thread of the heap's own worked.
    pub fn kept(&self) -> Vec<Kept> {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let logs = self.logs();
        logs.iter().chain(&*aside).map(Log::kept).collect()
    }

    fn logs(&self) -> std::sync::MutexGuard<'_, Vec<Log>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with the log of the calling thread, if that thread is seated at this heap.
    #[inline]
    fn on_log<R>(&self, f: impl FnOnce(&mut Log) -> R) -> Option<R> {
        LOG.with_borrow_mut(|log| {
            let log = log.as_mut()?;
            (log.owner() == std::ptr::from_ref(self).addr()).then(|| f(log))
        })
    }
}

/// For how long each cause held the calling thread up between two stamps. Only the last few dozen
/// holds are remembered.
pub fn held(start: Stamp, end: Stamp) -> ByCause {
    LOG.with_borrow(|log| log.as_ref().map_or([0; CAUSES], |log| log.held(start, end)))
}

/// The heap holds the thread up for as long as this lives.
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub struct Hold<'p> {
    pauses: &'p Pauses,
    is_noted: bool,
}

impl Hold<'_> {
    /// Withdraws the hold, because there was nothing to wait for or to do. Holds within it still
    /// count.
    pub fn dismiss(mut self) {
        if std::mem::take(&mut self.is_noted) {
            self.pauses.on_log(Log::dismiss);
        }
    }
}

impl Hold<'_> {
    /// Leaves the hold open, for a caller that cannot keep it. Answers whether there is anything to end:
    /// then [`Pauses::left_open`] must take it up again, on this thread.
    pub(super) fn leave_open(self) -> bool {
        ManuallyDrop::new(self).is_noted
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

/// The thread's pauses are recorded for as long as this lives.
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

    /// Goal: only threads that are seated, and seated at this heap, are recorded.
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

    /// Goal: a hold that is withdrawn does not count, and holds within it still do.
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
