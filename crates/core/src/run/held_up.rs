//! Turns what a heap noted of the times when it held mutators up into evidence: times since the
//! common start, the longest stalls, and the curve of utilization.

use std::collections::BTreeMap;

use super::stops::Stops;
use crate::clock::{Clock, Stamp};
use crate::evidence::mmu::{self, MutatorTime};
use crate::evidence::stalls::STALLS_KEPT;
use crate::evidence::{Latency, MmuPoint, Stall, Stalls};
use crate::heap::pause::{Cause, Interval, Kept, Pauses};

/// How long the heap held mutators up, by cause, without `stops`.
pub(super) fn by_cause(
    pauses: &Pauses,
    started: Stamp,
    stops: &Stops,
) -> BTreeMap<String, Latency> {
    let long = pauses.long();
    let latency = |cause| {
        let mut latency = Latency::from(pauses.histogram(cause));
        for hold in long.iter().filter(|hold| hold.cause == cause) {
            let from = Clock::get().nanos(started, hold.start);
            stops.shorten(&mut latency, from, hold.nanos());
        }
        latency
    };
    let causes = Cause::ALL.into_iter();
    causes
        .map(|cause| (cause, latency(cause)))
        .filter(|(_, latency)| latency.count() > 0)
        .map(|(cause, latency)| (cause.name().to_owned(), latency))
        .collect()
}

/// The beginning of an interval, since the common start, and its length, in nanoseconds without
/// `stops`.
fn own_span(interval: &Interval, started: Stamp, stops: &Stops) -> (u64, u64) {
    let from = Clock::get().nanos(started, interval.start);
    let nanos = interval.nanos();
    (stops.own(from), nanos - stops.within(from, from + nanos))
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
pub(super) fn stalls(kept: &[Kept], started: Stamp, stops: &Stops) -> Stalls {
    let mut stalls = Stalls::default();
    let mut longest = Vec::new();
    for of in kept {
        // The heap's own thread may also have worked before the start.
        let counts = of.intervals.iter().filter(|it| it.start >= started);
        longest.extend(counts.map(|interval| {
            let (start_ns, ns) = own_span(interval, started, stops);
            Stall {
                cause: interval.cause.name().to_owned(),
                mutator: of.mutator,
                start_ns,
                ns,
            }
        }));
        if of.mutator.is_some() {
            stalls.count += of.intervals.len() as u64 + of.omitted;
            let own_ns = |interval: &Interval| own_span(interval, started, stops).1;
            let kept_ns: u64 = of.intervals.iter().map(own_ns).sum();
            stalls.total_ns += kept_ns + of.omitted_ns;
            stalls.omitted += of.omitted;
            stalls.omitted_ns += of.omitted_ns;
        }
    }
    longest.sort_by_key(|stall| std::cmp::Reverse(stall.ns));
    longest.truncate(STALLS_KEPT);
    longest.sort_by_key(|stall| stall.start_ns);
    stalls.longest = longest;
    stalls
}

/// The curve of minimum mutator utilization.
pub(super) fn utilization(
    kept: &[Kept],
    started: Stamp,
    stops: &Stops,
    has_global_lock: bool,
) -> Vec<MmuPoint> {
    let clock = Clock::get();
    let since = |stamp| stops.own(clock.nanos(started, stamp));
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
    use crate::heap::pause::LONG_NS;

    /// Goal: time for which the process was stopped is in no pause.
    #[test]
    fn stops_are_in_no_pause() {
        let (pauses, clock) = (Pauses::default(), Clock::get());
        let started = clock.now();
        let seated = pauses.seat(0);
        let hold = pauses.hold(Cause::GilWait);
        let stopped = clock.now();
        while clock.since(stopped).as_nanos() < 2 * u128::from(LONG_NS) {
            std::hint::spin_loop();
        }
        let stops = [(stopped, clock.now())];
        drop(hold);
        drop(seated);
        let of = |stops: &Stops| {
            let kept = pauses.kept();
            let longest = by_cause(&pauses, started, stops)["gil_wait"].max();
            let stalls = stalls(&kept, started, stops);
            let least = utilization(&kept, started, stops, false);
            (longest, stalls.longest[0].ns, stalls.total_ns, least)
        };
        let (longest, stall, total, least) = of(&Stops::default());
        assert!(longest.min(stall).min(total) >= 2 * LONG_NS);
        assert!(least[0].utilization <= 0.0);
        let (longest, stall, total, _) = of(&Stops::new(&stops, started));
        let stopped_ns = Stops::new(&stops, started).told().ns;
        assert!(
            longest.max(stall).max(total) < stopped_ns,
            "{longest} {stall} {total}"
        );
    }

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
        let stops = Stops::default();
        let stalls = stalls(&kept, started, &stops);
        let shown: Vec<_> = stalls
            .longest
            .iter()
            .map(|stall| (stall.mutator, stall.cause.as_str()))
            .collect();
        assert_eq!(shown, [(Some(4), "epoch"), (None, "collect")]);
        assert_eq!((stalls.count, stalls.omitted), (1, 0));
        assert_eq!(stalls.total_ns, stalls.longest[0].ns);
        let by_cause = by_cause(&pauses, started, &stops);
        assert_eq!(by_cause.keys().collect::<Vec<_>>(), ["epoch"]);
        let curve = utilization(&kept, started, &stops, false);
        assert_eq!(curve[0].window_ms, 1);
        assert!(curve[0].utilization <= 0.0);
    }
}
