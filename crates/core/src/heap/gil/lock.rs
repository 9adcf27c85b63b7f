//! The lock itself, as CPython's `ceval_gil.c` has it since 3.2.
//!
//! * A thread that wants the lock waits on a condition variable. When a *switch interval* has
//!   passed and the lock has not changed hands meanwhile, the waiter raises the *drop request*.
//! * The holder looks at the request at its safepoints, which is one relaxed load. If it is raised,
//!   the holder lets go, and may compete for the lock again only after another thread has taken it
//!   (*forced switching*). Otherwise the thread that is running would nearly always win.
//! * Whoever takes the lock clears the request. Others that still wait will raise it again.
//!
//! A request may outlast the waiter that raised it; a holder that then waited for a taker would
//! wait for ever (CPython's gh-96387). Here, the number of waiters is kept under the same mutex as
//! everything else; a holder offers the lock only if there is a waiter; and waiters give up only
//! while the lock is held. So an offer always finds a taker.

use std::time::Duration;

use crate::heap::{Fault, Faultless, Faults};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Who holds the lock, or held it last. 0 is nobody.
pub(super) type Holder = u64;

/// The global lock.
#[derive(Debug)]
pub(super) struct Lock<F: Faults = Faultless> {
    state: Mutex<State>,
    /// The lock was let go.
    available: Condvar,
    /// The lock was taken.
    taken: Condvar,
    /// Somebody has waited for too long. A hint: it is read relaxed and pairs with nothing, since
    /// whatever follows from it happens under the mutex.
    drop_request: AtomicBool,
    #[cfg_attr(any(shuttle, loom), expect(dead_code, reason = "a model has no time"))]
    interval: Duration,
    faults: F,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    last: Holder,
    /// How many names were given out so far; the last of them is this number.
    named: Holder,
    /// How many threads wait for the lock to be let go. If none does, nobody is notified of it.
    waiting: u32,
    /// How many threads have let it go and wait for another to take it. If none does, nobody is
    /// notified when it is taken.
    offering: u32,
    switches: u64,
    contended: u64,
}

/// How long a thread is willing to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Endless,
    /// This many switch intervals.
    Intervals(u32),
}

/// How the lock was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    AtOnce,
    AfterWaiting,
    /// It was not obtained: patience ran out.
    Not,
}

/// What the lock counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) switches: u64,
    pub(super) contended: u64,
}

#[cfg(all(test, shuttle))]
impl Lock {
    /// A lock whose waiters ask the holder to let go after `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self::with_faults(interval, Faultless)
    }
}

impl<F: Faults> Lock<F> {
    /// A lock whose waiters ask the holder to let go after `interval`, with planted faults.
    pub(super) fn with_faults(interval: Duration, faults: F) -> Self {
        Self {
            faults,
            state: Mutex::new(State::default()),
            available: Condvar::new(),
            taken: Condvar::new(),
            drop_request: AtomicBool::new(false),
            // With an interval of 0, waiters would spin.
            interval: interval.max(Duration::from_micros(1)),
        }
    }

    /// Whether this fault was planted here.
    #[inline]
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// A name that nobody else has, for a thread that will hold the lock.
    pub(super) fn name(&self) -> Holder {
        let mut state = self.state();
        state.named += 1;
        state.named
    }

    /// Takes the lock, waiting for it if necessary.
    pub(super) fn take(&self, me: Holder, patience: Patience) -> Taken {
        let mut state = self.state();
        if !state.held {
            self.hand_to(&mut state, me);
            return Taken::AtOnce;
        }
        if patience == Patience::Intervals(0) {
            return Taken::Not;
        }
        state.contended += 1;
        state.waiting += 1;
        let mut waits = 0;
        while state.held {
            let seen = state.switches;
            let timed_out;
            (state, timed_out) = self.wait_an_interval(state);
            if !timed_out || !state.held {
                continue;
            }
            waits += 1;
            if patience == Patience::Intervals(waits) {
                state.waiting -= 1;
                return Taken::Not;
            }
            if state.switches == seen {
                self.drop_request.store(true, Ordering::Relaxed);
            }
        }
        state.waiting -= 1;
        self.hand_to(&mut state, me);
        Taken::AfterWaiting
    }

    fn hand_to(&self, state: &mut State, me: Holder) {
        state.held = true;
        if state.last != me {
            state.last = me;
            state.switches += 1;
        }
        if !self.faults.has(Fault::DropRequestKept) {
            self.drop_request.store(false, Ordering::Relaxed);
        }
        // A notification is a system call even if nobody waits.
        if state.offering > 0 {
            self.taken.notify_all();
        }
    }

    /// Lets the lock go.
    pub(super) fn let_go(&self) {
        let mut state = self.state();
        state.held = false;
        let is_awaited = state.waiting > 0;
        drop(state);
        // If nobody waited while the mutex was held, a thread that came later finds the lock free
        // and needs no notification.
        if is_awaited {
            self.available.notify_one();
        }
    }

    /// Whether a waiter has asked the holder to let go.
    #[inline]
    pub(super) fn is_requested(&self) -> bool {
        self.drop_request.load(Ordering::Relaxed)
    }

    /// Asks the holder to offer the lock at its next safepoint, even if nobody waits.
    pub(super) fn request(&self) {
        // A holder with this fault does not check whether somebody waits; after this request it
        // would wait for ever for a taker that does not exist.
        if !self.faults.has(Fault::DropRequestKept) {
            self.drop_request.store(true, Ordering::Relaxed);
        }
    }

    /// Lets the lock go because somebody asked for it, waits until somebody has it, and takes it
    /// back. Returns at once if nobody waits any more.
    pub(super) fn offer(&self, me: Holder) -> Taken {
        let mut state = self.state();
        if state.waiting == 0 && !self.faults.has(Fault::DropRequestKept) {
            self.drop_request.store(false, Ordering::Relaxed);
            return Taken::AtOnce;
        }
        state.held = false;
        self.available.notify_one();
        if self.faults.has(Fault::NoForcedSwitch) {
            // The mutex is not released in between: otherwise the thread that was just notified
            // might take the lock first, which would hide the fault.
            self.hand_to(&mut state, me);
            return Taken::AtOnce;
        }
        let seen = state.switches;
        state.offering += 1;
        while state.switches == seen {
            state = self
                .taken
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.offering -= 1;
        drop(state);
        match self.take(me, Patience::Endless) {
            // Another thread has had it, even if it is back already.
            Taken::AtOnce => Taken::AfterWaiting,
            taken => taken,
        }
    }

    /// What was counted so far.
    pub(super) fn traffic(&self) -> Traffic {
        let state = self.state();
        Traffic {
            switches: state.switches,
            contended: state.contended,
        }
    }

    /// No code panics while it holds the mutex, so the state is sound even if the mutex is
    /// poisoned.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until the lock is let go, for at most one interval; true if the interval passed.
    #[cfg(not(any(shuttle, loom)))]
    fn wait_an_interval<'s>(&self, state: MutexGuard<'s, State>) -> (MutexGuard<'s, State>, bool) {
        let (state, timeout) = self
            .available
            .wait_timeout(state, self.interval)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        (state, timeout.timed_out())
    }

    /// A model has no time. A wait that times out is one during which other threads run; whether a
    /// wait times out is chosen by the model checker.
    #[cfg(shuttle)]
    fn wait_an_interval<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
    ) -> (MutexGuard<'s, State>, bool) {
        use shuttle::rand::Rng;
        if shuttle::rand::thread_rng().r#gen::<bool>() {
            drop(state);
            shuttle::thread::yield_now();
            return (self.state(), true);
        }
        let state = self
            .available
            .wait(state)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        (state, false)
    }

    /// As with shuttle, a model has no time; but loom offers no choice of timeouts, so no wait
    /// times out.
    #[cfg(loom)]
    fn wait_an_interval<'s>(&self, state: MutexGuard<'s, State>) -> (MutexGuard<'s, State>, bool) {
        let state = self
            .available
            .wait(state)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        (state, false)
    }
}
