//! A global lock, which makes any single-threaded collector a heap for several threads.
//!
//! A mutator holds the lock from `attach` until it is dropped, except while it is
//! [idle](super::Mutator::idle) and while it lets others run at a safepoint. So the collector
//! underneath is used by one thread at a time, which is all that it asks for. Each mutator's
//! registers are a range of the collector's one register file.
//!
//! The lock (`lock`) knows nothing of heaps; the ranges (`ranges`) know nothing of locks; the
//! mutator (`mutator`) translates slot numbers. What the lock guards is reached through a `Turn`
//! only: there is one while its owner holds the lock, and it cannot be copied.

#![expect(
    unsafe_code,
    reason = "a lock guards the cell, which the compiler cannot check"
)]

mod lock;
#[cfg(all(test, shuttle))]
mod modelled;
mod mutator;
mod ranges;

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{
    Belief, Caps, Cause, Census, Collector, Defect, Faultless, Faults, Gauge, Heap, Pauses, Seat,
    Stats,
};
use crate::clock::Clock;
use crate::sync::Mutex;
use lock::{Holder, Lock, Patience, Taken};
pub use mutator::GilMutator;
use ranges::Ranges;

/// How long `stats` waits for the lock before it returns what it knew last.
const STATS_PATIENCE: Patience = Patience::Intervals(2);

/// A single-threaded collector behind a global lock.
pub struct Gil<C, F: Faults = Faultless> {
    lock: Lock<F>,
    guarded: UnsafeCell<Guarded<C>>,
    caps: Caps,
    pauses: Arc<Pauses>,
    /// What the collector had counted when it was last asked.
    known: Mutex<Stats>,
    /// What the collector reported when the lock was last offered to others.
    shown: Shown,
}

/// What the holder of the lock shows to everybody, so that nobody has to take the lock to look at
/// it. Relaxed throughout: each is a number by itself.
#[derive(Debug, Default)]
struct Shown {
    collections: AtomicU64,
    /// Set when the values are newer than the last call of [`Heap::gauge`].
    is_fresh: AtomicBool,
}

/// What only the holder of the lock may touch.
struct Guarded<C> {
    collector: C,
    ranges: Ranges,
}

// SAFETY: `guarded` is reached through a `Turn` only, which exists only while its owner holds the
// lock, and the lock orders one holder's accesses before the next one's; so the collector is only
// ever sent, not shared.
unsafe impl<C: Send, F: Faults> Sync for Gil<C, F> {}

impl<C: Collector> Gil<C> {
    /// A heap of `collector`, whose waiters ask for the lock after `switch_interval`. Waits are
    /// recorded in `pauses`.
    pub fn new(collector: C, switch_interval: Duration, pauses: Arc<Pauses>) -> Self {
        Self::with_faults(collector, switch_interval, pauses, Faultless)
    }
}

impl<C: Collector, F: Faults> Gil<C, F> {
    /// A heap as [`new`](Self::new) makes it, with planted faults in the lock.
    pub(super) fn with_faults(
        collector: C,
        switch_interval: Duration,
        pauses: Arc<Pauses>,
        faults: F,
    ) -> Self {
        // The clock calibrates itself at the first call, which should not be within a pause.
        Clock::get();
        Self {
            lock: Lock::with_faults(switch_interval, faults),
            caps: Caps {
                threads: true,
                ..collector.caps()
            },
            guarded: UnsafeCell::new(Guarded {
                collector,
                ranges: Ranges::default(),
            }),
            pauses,
            known: Mutex::new(Stats::default()),
            shown: Shown::default(),
        }
    }

    /// Takes the lock for a call by the harness.
    fn visit(&self) -> Turn<'_, C, F> {
        let me = self.lock.name();
        self.lock.take(me, Patience::Endless);
        Turn { gil: self, me }
    }

    fn try_visit(&self) -> Option<Turn<'_, C, F>> {
        let me = self.lock.name();
        let taken = self.lock.take(me, STATS_PATIENCE);
        (taken != Taken::Not).then_some(Turn { gil: self, me })
    }

    /// Takes the lock for a mutator, and records the wait.
    fn enter(&self, me: Holder) -> Turn<'_, C, F> {
        let wait = self.pauses.hold(Cause::GilWait);
        if self.lock.take(me, Patience::Endless) != Taken::AfterWaiting {
            wait.dismiss();
        }
        Turn { gil: self, me }
    }
}

/// Proof that its owner holds the lock, under the name `me`, and may use what the lock guards. It
/// is made only by code that has just taken the lock, and dropping it lets the lock go.
struct Turn<'h, C: Collector, F: Faults> {
    gil: &'h Gil<C, F>,
    me: Holder,
}

impl<C: Collector, F: Faults> Turn<'_, C, F> {
    #[inline]
    fn guarded(&mut self) -> &mut Guarded<C> {
        // SAFETY: this turn's owner holds the lock, so no other turn exists; and `&mut self` makes
        // this the only reference through this one.
        unsafe { &mut *self.gil.guarded.get() }
    }

    #[inline]
    fn collector(&mut self) -> &mut C {
        &mut self.guarded().collector
    }

    /// Lets a thread that asked for the lock have it, and takes it back.
    #[cold]
    #[inline(never)]
    fn offer(&mut self) {
        self.show();
        let wait = self.gil.pauses.hold(Cause::GilWait);
        if self.gil.lock.offer(self.me) != Taken::AfterWaiting {
            wait.dismiss();
        }
    }

    /// Publishes the collector's present counts for [`Heap::gauge`].
    fn show(&mut self) {
        let gauge = self.collector().gauge();
        let shown = &self.gil.shown;
        shown.collections.store(gauge.collections, Relaxed);
        shown.is_fresh.store(true, Relaxed);
    }

    /// Makes room for a mutator.
    fn seat(&mut self, seat: Seat) -> Result<Range<u32>, Defect> {
        let guarded = self.guarded();
        let range = guarded
            .ranges
            .take(seat.slots)
            .ok_or_else(|| Defect::Other {
                message: format!("failed to seat a mutator with {} registers", seat.slots),
            })?;
        guarded.collector.reserve_slots(guarded.ranges.end());
        Ok(range)
    }

    /// Takes back the registers of a mutator that leaves; they are empty.
    fn unseat(&mut self, range: Range<u32>) {
        self.guarded().ranges.give(range);
    }
}

impl<C: Collector, F: Faults> Drop for Turn<'_, C, F> {
    fn drop(&mut self) {
        self.gil.lock.let_go();
    }
}

impl<C: Collector, F: Faults> fmt::Debug for Turn<'_, C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

impl<C: Collector, F: Faults> Heap for Gil<C, F> {
    type Mutator<'h>
        = GilMutator<'h, C, F>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.caps
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        let mut turn = self.enter(self.lock.name());
        let range = turn.seat(seat)?;
        Ok(GilMutator::new(turn, range))
    }

    fn settle(&self) -> Result<(), Defect> {
        self.visit().collector().settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.visit().collector().census(visit)
    }

    fn stats(&self) -> Stats {
        let fresh = self.try_visit().map(|mut turn| turn.collector().stats());
        let traffic = self.lock.traffic();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fresh) = fresh {
            *known = fresh;
        }
        Stats {
            contended: Some(traffic.contended),
            switches: Some(traffic.switches),
            ..known.clone()
        }
    }

    /// What was shown when the lock was last offered. If it was not offered since the last call,
    /// the holder is asked to offer it, so that the next call finds something new.
    fn gauge(&self) -> Gauge {
        let is_fresh = self.shown.is_fresh.swap(false, Relaxed);
        if !is_fresh {
            self.lock.request();
        }
        Gauge {
            unreclaimed: None,
            collections: self.shown.collections.load(Relaxed),
        }
    }
}

impl<C: fmt::Debug, F: Faults> fmt::Debug for Gil<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gil")
            .field("lock", &self.lock)
            .finish_non_exhaustive()
    }
}
