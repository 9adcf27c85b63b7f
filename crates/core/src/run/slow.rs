//! The operations of one mutator that took long, each with what held it up.
//!
//! All holds that the heap noted on this thread since the operation began lie within it, so nothing
//! has to be guessed. The machine is asked as well: for how long this thread was ready to run while
//! the system ran something else. That is known only for the time since the last look, which may
//! lie before the operation; but a thread that was kept waiting long enough to make an earlier
//! operation slow looked then. So the machine is charged with no more time than the heap's causes
//! leave, and only where every operation is timed.

use std::collections::BTreeMap;

use crate::clock::{Clock, Stamp};
use crate::evidence::stalls::{MACHINE, SLOW_KEPT};
use crate::evidence::{Latency, Slow, SlowOp};
use crate::heap::pause::{self, ByCause, Cause, LONG_NS};
use crate::plan::OpKind;

use super::host;
use super::stops::Stops;

/// An operation that takes at least this many nanoseconds is slow: that is some thousand times what
/// an operation takes that nothing holds up, and well above the time to wake a thread. For shorter
/// operations, the short waits that heaps do not report would be a noticeable share.
const SLOW_NS: u64 = 100_000;
/// How many [long](LONG_NS) operations a mutator keeps: together they take at least ten minutes.
const LONG_MAX: usize = 1 << 16;

/// The slow operations of one mutator.
#[derive(Debug)]
pub(super) struct SlowOps {
    /// The slowest operation since [`take_slowest`](Self::take_slowest) was last called.
    slowest_ns: u64,
    count: u64,
    total_ns: u64,
    by_cause: ByCause,
    machine_ns: u64,
    /// The thread's waiting time by the system at the last look; `None` where only some operations
    /// are timed, and the system is not asked.
    starved_ns: Option<u64>,
    longest: Vec<Slowest>,
    /// All operations so long that the process may have been stopped meanwhile.
    long: Vec<Slowest>,
}

#[derive(Debug, Clone, Copy)]
struct Slowest {
    start: Stamp,
    nanos: u64,
    kind: OpKind,
    by_cause: ByCause,
    machine_ns: u64,
}

impl Slowest {
    /// The same without the time for which the process was stopped, which is subtracted from
    /// whatever took longest.
    fn without(mut self, stopped_ns: u64) -> Self {
        let mut left = stopped_ns;
        while left > 0 {
            let unattributed_ns = self.unattributed_ns();
            let causes = self.by_cause.iter_mut();
            let taken = match causes.max_by_key(|nanos| **nanos) {
                Some(most) if *most > unattributed_ns => {
                    let taken = left.min(*most);
                    *most -= taken;
                    taken
                }
                _ => left.min(unattributed_ns),
            };
            if taken == 0 {
                break;
            }
            self.nanos -= taken;
            left -= taken;
        }
        self
    }

    fn unattributed_ns(&self) -> u64 {
        let attributed_ns = self.by_cause.iter().sum::<u64>() + self.machine_ns;
        self.nanos.saturating_sub(attributed_ns)
    }
}

impl SlowOps {
    /// `is_every` says whether every operation is timed.
    pub(super) fn new(is_every: bool) -> Self {
        Self {
            slowest_ns: 0,
            count: 0,
            total_ns: 0,
            by_cause: ByCause::default(),
            machine_ns: 0,
            starved_ns: is_every.then(host::starved_ns),
            longest: Vec::new(),
            long: Vec::new(),
        }
    }

    /// Takes everything out, and leaves this empty.
    pub(super) fn take(&mut self) -> Self {
        let is_every = self.starved_ns.is_some();
        std::mem::replace(self, Self::new(is_every))
    }

    /// Looks at an operation that was not very short. Returns whether it was slow; the look itself
    /// then took a while.
    pub(super) fn look(&mut self, kind: OpKind, start: Stamp, end: Stamp) -> bool {
        // A stall is long because the program asks for it.
        if kind == OpKind::Stall {
            return false;
        }
        let nanos = Clock::get().nanos(start, end);
        self.slowest_ns = self.slowest_ns.max(nanos);
        if nanos < SLOW_NS {
            return false;
        }
        let by_cause = pause::held(start, end);
        let starved_ns = self.starved_since();
        self.note(kind, start, nanos, by_cause, starved_ns);
        true
    }

    fn starved_since(&mut self) -> u64 {
        let Some(last) = &mut self.starved_ns else {
            return 0;
        };
        let now = host::starved_ns();
        now.saturating_sub(std::mem::replace(last, now))
    }

    fn note(&mut self, kind: OpKind, start: Stamp, nanos: u64, by_cause: ByCause, starved_ns: u64) {
        let left = nanos.saturating_sub(by_cause.iter().sum());
        let machine_ns = starved_ns.min(left);
        let slowest = Slowest {
            start,
            nanos,
            kind,
            by_cause,
            machine_ns,
        };
        if nanos >= LONG_NS && self.long.len() < LONG_MAX {
            self.long.push(slowest);
        }
        self.add(slowest);
    }

    fn add(&mut self, slowest: Slowest) {
        self.count += 1;
        self.total_ns += slowest.nanos;
        self.machine_ns += slowest.machine_ns;
        for (sum, nanos) in std::iter::zip(&mut self.by_cause, slowest.by_cause) {
            *sum += nanos;
        }
        if self.longest.len() < SLOW_KEPT {
            self.longest.push(slowest);
        } else if let Some(least) = self.longest.iter_mut().min_by_key(|slow| slow.nanos)
            && least.nanos < slowest.nanos
        {
            *least = slowest;
        }
    }

    fn remove(&mut self, slowest: &Slowest) {
        self.count -= 1;
        self.total_ns -= slowest.nanos;
        self.machine_ns -= slowest.machine_ns;
        for (sum, nanos) in std::iter::zip(&mut self.by_cause, slowest.by_cause) {
            *sum -= nanos;
        }
        self.longest.retain(|kept| kept.start != slowest.start);
    }

    /// Subtracts the time for which the process was stopped, here and in the times of all
    /// operations, by the names of their kinds.
    pub(super) fn take_out(
        &mut self,
        stops: &Stops,
        started: Stamp,
        latencies: &mut BTreeMap<String, Latency>,
    ) {
        for long in std::mem::take(&mut self.long) {
            let from = Clock::get().nanos(started, long.start);
            let stopped_ns = stops.within(from, from + long.nanos);
            if stopped_ns == 0 {
                continue;
            }
            let rest = long.without(stopped_ns);
            self.remove(&long);
            if rest.nanos >= SLOW_NS {
                self.add(rest);
            }
            if let Some(latency) = latencies.get_mut(long.kind.name()) {
                stops.shorten(latency, from, long.nanos);
            }
        }
    }

    /// How long the slowest operation since the last call took, in nanoseconds.
    pub(super) fn take_slowest(&mut self) -> u64 {
        std::mem::take(&mut self.slowest_ns)
    }

    /// Adds up the slow operations of all mutators, each given with its number. Times are since
    /// `started`, without `stops`.
    pub(super) fn sum(all: &[(u32, Self)], started: Stamp, stops: &Stops) -> Slow {
        let mut slow = Slow {
            threshold_ns: SLOW_NS,
            ..Slow::default()
        };
        let mut by_cause = ByCause::default();
        let mut machine_ns = 0;
        for (mutator, ops) in all {
            slow.count += ops.count;
            slow.total_ns += ops.total_ns;
            machine_ns += ops.machine_ns;
            for (sum, nanos) in std::iter::zip(&mut by_cause, ops.by_cause) {
                *sum += nanos;
            }
            slow.longest.extend(ops.longest.iter().map(|op| SlowOp {
                at_ns: stops.own(Clock::get().nanos(started, op.start)),
                ns: op.nanos,
                kind: op.kind.name().to_owned(),
                mutator: *mutator,
                by_cause: named(op.by_cause, op.machine_ns),
            }));
        }
        slow.by_cause = named(by_cause, machine_ns);
        slow.unattributed_ns = slow.total_ns.saturating_sub(slow.by_cause.values().sum());
        slow.longest.sort_by_key(|op| std::cmp::Reverse(op.ns));
        slow.longest.truncate(SLOW_KEPT);
        slow.longest.sort_by_key(|op| op.at_ns);
        slow
    }
}

fn named(by_cause: ByCause, machine_ns: u64) -> BTreeMap<String, u64> {
    let causes = Cause::ALL.into_iter().map(Cause::name);
    let all = causes.zip(by_cause).chain([(MACHINE, machine_ns)]);
    all.filter(|(_, nanos)| *nanos > 0)
        .map(|(cause, nanos)| (cause.to_owned(), nanos))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Pauses;

    /// Goal: the times by cause, the machine's and what is left add up to the whole, the heap comes
    /// first, and of many the longest are kept.
    #[test]
    fn times_add_up() {
        let now = Clock::get().now();
        let mut ops = SlowOps::new(false);
        for number in 0..3 * SLOW_KEPT as u64 {
            let mut by_cause = ByCause::default();
            by_cause[Cause::Collect as usize] = 60_000;
            ops.note(OpKind::Append, now, 100_000 + number, by_cause, 70_000);
        }
        let kept = SLOW_KEPT as u64;
        let slow = SlowOps::sum(&[(1, ops)], now, &Stops::default());
        assert_eq!(slow.count, 3 * kept);
        assert_eq!(slow.by_cause["collect"], 3 * kept * 60_000);
        assert_eq!(
            slow.by_cause[MACHINE] + slow.by_cause["collect"],
            slow.total_ns
        );
        assert_eq!(slow.unattributed_ns, 0);
        assert_eq!(slow.longest.len(), SLOW_KEPT);
        assert!(slow.longest.iter().all(|op| op.ns >= 100_000 + 2 * kept));
    }

    /// Goal: time for which the process was stopped is in no operation and no cause; an operation
    /// that was slow only because of it is not listed; and the sums add up.
    #[test]
    fn stops_are_taken_out() {
        let clock = Clock::get();
        let started = clock.now();
        let mut ops = SlowOps::new(false);
        let by_cause = |collect| {
            let mut by_cause = ByCause::default();
            by_cause[Cause::Collect as usize] = collect;
            by_cause
        };
        let second = 1_000_000_000;
        let at = |counts| Stamp::of_counts(started.counts() + counts);
        ops.note(OpKind::Append, at(1), 200_000, by_cause(150_000), 0);
        ops.note(OpKind::Len, at(2), second, ByCause::default(), 0);
        let collect = by_cause(second + 400_000);
        ops.note(OpKind::Pop, at(3), second + 500_000, collect, 50_000);
        let stop = |nanos: u64| {
            let mut end = started;
            while clock.nanos(started, end) < nanos {
                end = Stamp::of_counts(end.counts() + 1_000);
            }
            (started, end)
        };
        let stops = Stops::new(&[stop(second - 50_000)], started);
        let recorded = [
            (OpKind::Append, 200_000),
            (OpKind::Len, second),
            (OpKind::Pop, second + 500_000),
        ];
        let latencies = recorded.map(|(kind, nanos)| {
            let mut latency = Latency::default();
            latency.record(nanos);
            (kind.name().to_owned(), latency)
        });
        let mut latencies = BTreeMap::from(latencies);
        ops.take_out(&stops, started, &mut latencies);
        let stopped_ns = stops.within(0, second);
        for (kind, nanos) in recorded {
            let latency = &latencies[kind.name()];
            let own_ns = match kind {
                OpKind::Append => nanos,
                _ => nanos - stopped_ns,
            };
            // A histogram keeps three digits.
            let (count, found_ns) = (latency.count(), latency.max());
            assert!(
                count == 1 && found_ns.abs_diff(own_ns) <= own_ns / 500,
                "{kind:?}: {found_ns} ns, not {own_ns}"
            );
        }
        let slow = SlowOps::sum(&[(0, ops)], started, &stops);
        let left_ns = slow.total_ns - 200_000;
        // The operations began some counts of the clock after the stop.
        let own_ns = second + 500_000 - stopped_ns;
        assert!(left_ns.abs_diff(own_ns) < 10, "{left_ns} ns, not {own_ns}");
        assert_eq!(slow.count, 2);
        assert_eq!(slow.by_cause["collect"], 150_000 + left_ns - 100_000);
        assert_eq!(slow.unattributed_ns, 50_000 + 50_000);
        assert_eq!(slow.longest.len(), 2);
    }

    /// Goal: an operation that the heap held up is listed with that cause; a stall that the program
    /// asked for is not listed, nor is a quick operation.
    #[test]
    fn slow_operations_find_their_cause() {
        let clock = Clock::get();
        let pauses = Pauses::default();
        let seated = pauses.seat(2);
        let mut ops = SlowOps::new(false);
        let start = clock.now();
        let hold = pauses.hold(Cause::GilWait);
        let held = clock.now();
        while clock.nanos(held, clock.now()) < 3 * SLOW_NS {
            std::hint::spin_loop();
        }
        drop(hold);
        let end = clock.now();
        assert!(!ops.look(OpKind::Stall, start, end));
        assert!(!ops.look(OpKind::Append, end, end));
        assert!(ops.look(OpKind::Append, start, end));
        assert!(ops.take_slowest() >= 3 * SLOW_NS && ops.take_slowest() == 0);
        drop(seated);
        let slow = SlowOps::sum(&[(2, ops)], start, &Stops::default());
        assert_eq!((slow.count, slow.longest[0].at_ns), (1, 0));
        assert_eq!(slow.by_cause.keys().collect::<Vec<_>>(), ["gil_wait"]);
        assert_eq!(
            slow.by_cause["gil_wait"] + slow.unattributed_ns,
            slow.total_ns
        );
        assert!(slow.by_cause["gil_wait"] >= 3 * SLOW_NS, "{slow:?}");
    }
}
