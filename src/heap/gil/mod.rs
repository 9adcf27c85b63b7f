//! A global lock: it makes a heap for threads of any single-threaded collector.
//!
//! A mutator holds the lock from `attach` until it is dropped, except while it is
//! [idle](super::Mutator::idle) and while it lets others run at a safepoint. So the collector underneath is
//! used by one thread at a time, which is all that it asks for. Each mutator's registers are a
//! range of the collector's one register file.
//!
//! The lock (`lock`) knows nothing of heaps; the ranges (`ranges`) know nothing of locks; the
//! mutator (`mutator`) is a translation of slot numbers. What is unsafe is here alone: whoever
//! holds the lock, and nobody else, may touch what it guards.

#![expect(
    unsafe_code,
    reason = "the lock guards a cell that the compiler cannot see it guard"
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
    Belief, Caps, Cause, Census, Collection, Collector, Defect, Faultless, Faults, Gauge, Heap,
    Pauses, Seat, Slot, Stats,
};
use crate::clock::Clock;
use crate::sync::Mutex;
use lock::{Holder, Lock, Patience, Taken};
pub use mutator::GilMutator;
use ranges::Ranges;

/// How long `stats` waits for the lock before it tells what it knew last.
const STATS_PATIENCE: Patience = Patience::Intervals(2);

/// How many registers a mutator that leaves clears before it looks whether others want to run.
const CLEARED_AT_ONCE: u32 = 4096;

/// A single-threaded collector behind a global lock.
pub struct Gil<C, F: Faults = Faultless> {
    lock: Lock<F>,
    guarded: UnsafeCell<Guarded<C>>,
    caps: Caps,
    pauses: Arc<Pauses>,
    /// What the collector counted when it was last asked.
    known: Mutex<Stats>,
    /// What it told when the lock was last offered to others.
    shown: Shown,
}

/// What the lock's holder shows to whoever looks, so that nobody need take the lock for that. Relaxed
/// throughout: each is a number by itself.
#[derive(Debug, Default)]
struct Shown {
    live: AtomicU64,
    collections: AtomicU64,
    /// It is newer than the last look.
    is_fresh: AtomicBool,
}

/// What only the lock's holder may touch.
struct Guarded<C> {
    collector: C,
    ranges: Ranges,
}

// SAFETY: `guarded` is touched only by the one thread that holds the lock, and the lock orders one
// holder's accesses before the next one's; so the collector is only ever sent, not shared.
unsafe impl<C: Send, F: Faults> Sync for Gil<C, F> {}

impl<C: Collector> Gil<C> {
    /// A heap of `collector`, whose waiters ask for the lock after `switch_interval`. Waits are
    /// recorded in `pauses`.
    pub fn new(collector: C, switch_interval: Duration, pauses: Arc<Pauses>) -> Self {
        Self::with_faults(collector, switch_interval, pauses, Faultless)
    }
}

impl<C: Collector, F: Faults> Gil<C, F> {
    /// The same, with faults in the lock.
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

    /// Takes the lock for a call of the harness's own.
    fn visit(&self) -> Visit<'_, C, F> {
        let me = self.lock.name();
        self.lock.take(me, Patience::Endless);
        Visit { gil: self }
    }

    fn try_visit(&self) -> Option<Visit<'_, C, F>> {
        let me = self.lock.name();
        (self.lock.take(me, STATS_PATIENCE) != Taken::Not).then_some(Visit { gil: self })
    }

    /// Takes the lock for a mutator, and records the wait.
    fn enter(&self, me: Holder) {
        let wait = self.pauses.hold(Cause::GilWait);
        if self.lock.take(me, Patience::Endless) != Taken::AfterWaiting {
            wait.dismiss();
        }
    }

    /// Lets others have the lock that asked for it.
    #[cold]
    #[inline(never)]
    fn offer(&self, me: Holder) {
        self.show();
        let wait = self.pauses.hold(Cause::GilWait);
        if self.lock.offer(me) != Taken::AfterWaiting {
            wait.dismiss();
        }
    }

    /// Shows how things stand. Only for the lock's holder.
    fn show(&self) {
        // SAFETY: only the lock's holder calls this, and the reference ends here.
        let guarded = unsafe { &*self.guarded.get() };
        let gauge = guarded.collector.gauge();
        if let Some(live) = gauge.live {
            self.shown.live.store(live, Relaxed);
            self.shown.collections.store(gauge.collections, Relaxed);
            self.shown.is_fresh.store(true, Relaxed);
        }
    }

    /// Makes room for a mutator. Only for the lock's holder.
    fn seat(&self, seat: Seat) -> Result<Range<u32>, Defect> {
        // SAFETY: only the lock's holder calls this, and the reference ends here.
        let guarded = unsafe { &mut *self.guarded.get() };
        let range = guarded
            .ranges
            .take(seat.slots)
            .ok_or_else(|| Defect::Other {
                message: format!("failed to seat a mutator with {} registers", seat.slots),
            })?;
        guarded.collector.reserve_slots(guarded.ranges.end());
        Ok(range)
    }

    /// Empties some of a leaving mutator's registers. Only for the lock's holder.
    fn clear(&self, registers: Range<u32>) {
        // SAFETY: only the lock's holder calls this, and the reference ends here.
        let guarded = unsafe { &mut *self.guarded.get() };
        for slot in registers {
            guarded.collector.clear(Slot(slot));
        }
    }

    /// Takes a leaving mutator's registers back, which are empty. Only for the lock's holder.
    fn unseat(&self, range: Range<u32>) {
        // SAFETY: only the lock's holder calls this, and the reference ends here.
        let guarded = unsafe { &mut *self.guarded.get() };
        guarded.ranges.give(range);
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
        let me = self.lock.name();
        self.enter(me);
        match self.seat(seat) {
            Ok(range) => Ok(GilMutator::new(self, me, range)),
            Err(defect) => {
                self.lock.let_go();
                Err(defect)
            }
        }
    }

    fn collect(&self) -> Result<Collection, Defect> {
        Ok(self.visit().collector().collect_now())
    }

    fn settle(&self) -> Result<(), Defect> {
        self.visit().collector().settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.visit().collector().census(visit)
    }

    fn stats(&self) -> Stats {
        let fresh = self.try_visit().map(|mut visit| visit.collector().stats());
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

    /// What was shown at the last offer; if there was none since the last look, the holder is asked to
    /// look whether somebody waits, which shows it for the next.
    fn gauge(&self) -> Gauge {
        let is_fresh = self.shown.is_fresh.swap(false, Relaxed);
        if !is_fresh {
            self.lock.request();
        }
        Gauge {
            live: is_fresh.then(|| self.shown.live.load(Relaxed)),
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

/// The lock, held for a call of the harness's own.
struct Visit<'h, C: Collector, F: Faults> {
    gil: &'h Gil<C, F>,
}

impl<C: Collector, F: Faults> Visit<'_, C, F> {
    fn collector(&mut self) -> &mut C {
        // SAFETY: a visit exists only while it holds the lock, and `&mut self` makes it the only
        // reference through this visit.
        let guarded = unsafe { &mut *self.gil.guarded.get() };
        &mut guarded.collector
    }
}

impl<C: Collector, F: Faults> Drop for Visit<'_, C, F> {
    fn drop(&mut self) {
        self.gil.lock.let_go();
    }
}
