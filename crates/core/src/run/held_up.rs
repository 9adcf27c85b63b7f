//! Turns what a heap noted of the times when it held mutators up into evidence: times since the
//! common start, the longest stalls, and the curve of utilization.

use std::collections::BTreeMap;

use crate::clock::{Clock, Stamp};
use crate::evidence::mmu::{self, MutatorTime};
use crate::evidence::stalls::STALLS_KEPT;
use crate::evidence::{Latency, MmuPoint, Stall, Stalls};
use crate::heap::pause::{Cause, Interval, Kept, Pauses};

/// How long the heap held mutators up, by cause.
pub(super) fn by_cause(pauses: &Pauses) -> BTreeMap<String, Latency> {
    let causes = Cause::ALL.into_iter();
    causes
        .map(|cause| (cause, Latency::from(pauses.histogram(cause))))
        .filter(|(_, latency)| latency.count() > 0)
        .map(|(cause, latency)| (cause.name().to_owned(), latency))
        .collect()
}

/// How long objects waited between being unlinked and being freed, if the heap reports it.
pub(super) fn reclaim_lag(pauses: &Pauses) -> Option<Latency> {
    let mut lag = Latency::default();
    for (nanos, objects) in pauses.lags() {
        lag.record_many(nanos, objects);
    }
    (lag.count() > 0).then_some(lag)
}

/// When the heap held mutators up, and for how long in all.
pub(super) fn stalls(kept: &[Kept], started: Stamp) -> Stalls {
    let mut stalls = Stalls::default();
    let mut longest = Vec::new();
    for of in kept {
        // The heap's own thread may also have worked before the start.
        let counts = of.intervals.iter().filter(|it| it.start >= started);
        longest.extend(counts.map(|interval| (of.mutator, *interval)));
        if of.mutator.is_some() {
            stalls.count += of.intervals.len() as u64 + of.omitted;
            let kept_ns: u64 = of.intervals.iter().map(Interval::nanos).sum();
            stalls.total_ns += kept_ns + of.omitted_ns;
            stalls.omitted += of.omitted;
            stalls.omitted_ns += of.omitted_ns;
        }
    }
    longest.sort_by_key(|(_, interval)| std::cmp::Reverse(interval.nanos()));
    longest.truncate(STALLS_KEPT);
    longest.sort_by_key(|(_, interval)| interval.start);
    let clock = Clock::get();
    let stall = |(mutator, interval): (Option<u32>, Interval)| Stall {
        cause: interval.cause.name().to_owned(),
        mutator,
        start_ns: clock.nanos(started, interval.start),
        ns: interval.nanos(),
    };
    stalls.longest = longest.into_iter().map(stall).collect();
    stalls
}

/// The curve of minimum mutator utilization.
pub(super) fn utilization(kept: &[Kept], started: Stamp, has_global_lock: bool) -> Vec<MmuPoint> {
    let clock = Clock::get();
    let since = |stamp| clock.nanos(started, stamp);
    let mutators = kept.iter().filter(|of| of.mutator.is_some());
    let lane = |of: &Kept| MutatorTime {
        from: since(of.from),
        to: since(of.to),
        lost: (of.intervals.iter())
            .map(|interval| (since(interval.start), since(interval.end)))
            .collect(),
    };
    let lanes: Vec<MutatorTime> = mutators.map(lane).collect();
    mmu::curve(&lanes, has_global_lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what the heap's own thread did is listed but is in no sum, what came before the start
    /// is not listed, and each stall names its mutator.
    #[test]
    fn the_heaps_own_thread_holds_nobody_up() {
        let pauses = Pauses::default();
        let clock = Clock::get();
        let pass = |nanos| {
            let start = clock.now();
            while clock.nanos(start, clock.now()) < nanos {
                std::hint::spin_loop();
            }
            start
        };
        pauses.aside(Cause::Collect, pass(10));
        pass(10);
        let started = clock.now();
        let seated = pauses.seat(4);
        let hold = pauses.hold(Cause::Epoch);
        pass(2_000_000);
        drop(hold);
        drop(seated);
        pauses.aside(Cause::Collect, pass(10));
        let kept = pauses.kept();
        let stalls = stalls(&kept, started);
        let shown: Vec<_> = stalls
            .longest
            .iter()
            .map(|stall| (stall.mutator, stall.cause.as_str()))
            .collect();
        assert_eq!(shown, [(Some(4), "epoch"), (None, "collect")]);
        assert_eq!((stalls.count, stalls.omitted), (1, 0));
        assert_eq!(stalls.total_ns, stalls.longest[0].ns);
        let by_cause = by_cause(&pauses);
        assert_eq!(by_cause.keys().collect::<Vec<_>>(), ["epoch"]);
        let curve = utilization(&kept, started, false);
        assert_eq!(curve[0].window_ms, 1);
        assert!(curve[0].utilization <= 0.0);
    }
}
