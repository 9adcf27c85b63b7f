//! The operations of one mutator that took long, each with what held it up.
//!
//! Whatever the heap noted of itself on this thread since the operation began lay within it, so there
//! is nothing to guess. The machine is asked as well: for how long this thread was ready to run while
//! the system ran something else. That is known only since the last look, which may lie before the
//! operation; but a thread that was kept waiting for as long as makes an operation slow had a look then.
//! So the machine is given no more than what the heap has not claimed, and only where every operation
//! is timed.

use crate::clock::{Clock, Stamp};
use crate::evidence::stalls::{MACHINE, SLOW_KEPT};
use crate::evidence::{Slow, SlowOp};
use crate::heap::pause::{self, ByCause, Cause};
use crate::plan::OpKind;

use super::host;

/// From how many nanoseconds on an operation is slow: some thousand times what one takes that nothing
/// holds up, and well above what it takes to wake a thread. Below, what heaps do not time because it is
/// short would be a share of it that shows.
const SLOW_NS: u64 = 100_000;

/// See the module.
#[derive(Debug)]
pub(super) struct SlowOps {
    /// Since it was last taken.
    slowest_ns: u64,
    count: u64,
    total_ns: u64,
    by_cause: ByCause,
    machine_ns: u64,
    /// What the system had said at the last look; none is had where only some operations are timed.
    starved_ns: Option<u64>,
    longest: Vec<Slowest>,
}

#[derive(Debug, Clone, Copy)]
struct Slowest {
    start: Stamp,
    nanos: u64,
    kind: OpKind,
    by_cause: ByCause,
    machine_ns: u64,
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
        }
    }

    /// All of it; what is left knows nothing.
    pub(super) fn take(&mut self) -> Self {
        let is_every = self.starved_ns.is_some();
        std::mem::replace(self, Self::new(is_every))
    }

    /// Looks at an operation that did not take next to nothing. Says whether it was slow, and this took
    /// a while.
    pub(super) fn look(&mut self, kind: OpKind, start: Stamp, end: Stamp) -> bool {
        // To stall is what the program asked for.
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
        self.count += 1;
        self.total_ns += nanos;
        self.machine_ns += machine_ns;
        for (sum, nanos) in std::iter::zip(&mut self.by_cause, by_cause) {
            *sum += nanos;
        }
        let slowest = Slowest {
            start,
            nanos,
            kind,
            by_cause,
            machine_ns,
        };
        if self.longest.len() < SLOW_KEPT {
            self.longest.push(slowest);
        } else if let Some(least) = self.longest.iter_mut().min_by_key(|slow| slow.nanos)
            && least.nanos < nanos
        {
            *least = slowest;
        }
    }

    /// The slowest since this was last asked, in nanoseconds.
    pub(super) fn take_slowest(&mut self) -> u64 {
        std::mem::take(&mut self.slowest_ns)
    }

    /// All of them, by the number of their mutator, in times since `started`.
    pub(super) fn sum(all: &[(u32, Self)], started: Stamp) -> Slow {
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
                at_ns: Clock::get().nanos(started, op.start),
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

fn named(by_cause: ByCause, machine_ns: u64) -> std::collections::BTreeMap<String, u64> {
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
        let slow = SlowOps::sum(&[(1, ops)], now);
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

    /// Goal: an operation that the heap held up for most of its time is told of with that cause; one
    /// that asked to stall is not, nor one that was quick.
    #[test]
    fn slow_operations_find_their_cause() {
        let clock = Clock::get();
        let pauses = Pauses::default();
        let seated = pauses.seat(2);
        let mut ops = SlowOps::new(false);
        let start = clock.now();
        let hold = pauses.hold(Cause::GilWait);
        while clock.nanos(start, clock.now()) < 3 * SLOW_NS {
            std::hint::spin_loop();
        }
        drop(hold);
        let end = clock.now();
        assert!(!ops.look(OpKind::Stall, start, end));
        assert!(!ops.look(OpKind::Append, end, clock.now().max(end)));
        assert!(ops.look(OpKind::Append, start, end));
        assert!(ops.take_slowest() >= 3 * SLOW_NS && ops.take_slowest() == 0);
        drop(seated);
        let slow = SlowOps::sum(&[(2, ops)], start);
        assert_eq!((slow.count, slow.longest[0].at_ns), (1, 0));
        assert_eq!(slow.by_cause.keys().collect::<Vec<_>>(), ["gil_wait"]);
        assert_eq!(
            slow.by_cause["gil_wait"] + slow.unattributed_ns,
            slow.total_ns
        );
        assert!(slow.attributed() > Some(0.5), "{slow:?}");
    }
}
