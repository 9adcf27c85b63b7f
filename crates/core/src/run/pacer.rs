//! Waits for the moment at which an operation is meant to start.
//!
//! The times come from a [`Timetable`] and never depend on what happens, which avoids coordinated
//! omission. A mutator that is early waits; one that is late goes on at once, and its stopwatch
//! learns how late it was. A mutator that waits is idle to the heap: it has let go of a global lock
//! and has no epoch pinned. The time that the heap then takes to let it in again is part of the
//! operation, since the start is stamped before that.
//!
//! A sleeping thread wakes some 50 µs after it was meant to (the slack of the system's timers, and
//! a processor that has to be woken), so it sleeps until [`WAKE_EARLY`] before its time and then
//! spins. An operation starts within a microsecond after it was due if a processor is free. That
//! costs a waiting thread up to 100 µs of a processor for each operation, and all of one above some
//! 10,000 operations a second. A spinning thread does not yield its processor: if the machine has
//! other work, the thread would get it back only milliseconds later. It yields only where there are
//! more mutators than processors, since those that wait would otherwise keep those that work from
//! running. Operations then start late, by as long as the others run; that is part of the response
//! times, as it would be in a real program.

use std::time::Duration;

use super::Timing;
use super::stopwatch::{SAMPLE_EVERY, Start};
use crate::clock::{Clock, Stamp};
use crate::evidence::Load;
use crate::heap::Mutator;
use crate::plan::{Pace, Plan, Timetable};

/// How long before an operation is due its thread is to wake up: twice what timers are usually late
/// by.
const WAKE_EARLY: Duration = Duration::from_micros(100);
/// The longest sleep, after which the thread checks whether the run is over.
const NAP: Duration = Duration::from_millis(5);
/// How many arrivals are drawn one by one at the end of a run that fell far behind, which takes
/// some milliseconds. The number of arrivals after these follows from the rate, within a
/// thousandth.
const COUNTED_MAX: u64 = 1 << 20;

/// One mutator's starts.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: &'static Clock,
    pace: Pace,
    table: Timetable,
    /// The common start.
    origin: Stamp,
    /// When the next operation is due, in nanoseconds since then.
    next_ns: u64,
    taken: u64,
    timing: Timing,
    /// There are more mutators than processors.
    is_crowded: bool,
}

impl Pacer {
    /// The pacer of mutator `number` of a plan, if that has a rate. Nothing is due before `origin`,
    /// the common start.
    pub(super) fn new(plan: &Plan, number: usize, timing: Timing, origin: Stamp) -> Option<Self> {
        let pace = plan.mutators[number].pace?;
        let seat = u32::try_from(number).unwrap_or(u32::MAX);
        let mut table = Timetable::new(pace, plan.seed, seat);
        Some(Self {
            clock: Clock::get(),
            pace,
            next_ns: table.draw(),
            table,
            origin,
            taken: 0,
            timing,
            is_crowded: std::thread::available_parallelism()
                .is_ok_and(|processors| plan.mutators.len() > processors.get()),
        })
    }

    /// Waits until the next operation is due; `None` if `is_over` becomes true before. The caller
    /// must do the operation whose start is returned.
    pub(super) fn wait(
        &mut self,
        mutator: &mut dyn Mutator,
        is_over: impl Fn() -> bool,
    ) -> Option<Start> {
        if is_over() {
            return None;
        }
        let mut at = Some(self.clock.now()).filter(|&now| self.left(now).is_zero());
        if at.is_none() {
            mutator.idle(&mut || at = self.sleep(&is_over));
        }
        let at = at?;
        let late_ns = self.clock.nanos(self.origin, at) - self.next_ns;
        self.next_ns = self.table.draw();
        self.taken += 1;
        Some(Start { at, late_ns })
    }

    /// Whether the operation that was started last is one to be timed.
    pub(super) fn is_timed(&self) -> bool {
        match self.timing {
            Timing::Every => true,
            Timing::Sampled => self.taken.is_multiple_of(SAMPLE_EVERY.into()),
            Timing::Off => false,
        }
    }

    fn left(&self, now: Stamp) -> Duration {
        Duration::from_nanos(
            self.next_ns
                .saturating_sub(self.clock.nanos(self.origin, now)),
        )
    }

    fn sleep(&self, is_over: &impl Fn() -> bool) -> Option<Stamp> {
        loop {
            let now = self.clock.now();
            let left = self.left(now);
            if left.is_zero() {
                return Some(now);
            }
            if is_over() {
                return None;
            }
            match left.checked_sub(WAKE_EARLY).filter(|span| !span.is_zero()) {
                Some(span) => std::thread::sleep(span.min(NAP)),
                None if self.is_crowded => std::thread::yield_now(),
                None => std::hint::spin_loop(),
            }
        }
    }

    /// How many operations were done, and how many should have started within `elapsed_ns` of the
    /// common start. Of those that were not done, as many as may be due at the same moment do not
    /// count: they would have been next.
    pub(super) fn load(mut self, elapsed_ns: u64) -> Load {
        let mut waiting = 0;
        while self.next_ns <= elapsed_ns && waiting < COUNTED_MAX {
            self.next_ns = self.table.draw();
            waiting += 1;
        }
        let left_ns = elapsed_ns.saturating_sub(self.next_ns);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and a run comes to less than 2^64 operations"
        )]
        let beyond = (left_ns as f64 / 1e9 * self.pace.per_second) as u64;
        Load {
            due: self.taken + (waiting + beyond).saturating_sub(self.pace.at_once()),
            done: self.taken,
        }
    }
}
