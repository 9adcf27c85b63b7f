//! What one thread notes of its holds: a histogram for each cause, the time by cause of the last
//! few outermost holds, and the intervals of all outermost holds.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use super::{ByCause, CAUSES, Cause, LONG_NS, PAUSE_NS_MAX};
use crate::clock::{Clock, Stamp};

/// How many outermost holds are remembered with their time by cause, so that an operation that took
/// long can ask what held it up. Most operations have one or two.
const RECENT: usize = 64;
/// How many intervals a thread keeps: 6 MiB of them. A heap that is held up 2,000 times a second
/// has two minutes until the first of them, the shortest, are dropped.
const KEPT_MAX: usize = 1 << 18;
/// How many long holds a thread keeps: together they take at least ten minutes.
const LONG_MAX: usize = 1 << 16;
/// How many holds may lie within each other. More than that were begun and forgotten.
const NESTED_MAX: usize = 1 << 10;

/// A stretch of time for which a thread was held up: one outermost hold, whatever holds lay within
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Its beginning.
    pub start: Stamp,
    /// Its end.
    pub end: Stamp,
    /// Why; the outermost cause where one lay within another.
    pub cause: Cause,
}

impl Interval {
    /// How long it took, in nanoseconds.
    pub fn nanos(&self) -> u64 {
        Clock::get().nanos(self.start, self.end)
    }
}

/// What was kept of one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which mutator it was; `None` for a thread of the heap's own.
    pub mutator: Option<u32>,
    /// When it took its seat.
    pub from: Stamp,
    /// When it left it.
    pub to: Stamp,
    /// When it was held up: in the order of time, none within another.
    pub intervals: Vec<Interval>,
    /// How many intervals were not kept. Each was shorter than all that were kept at that time.
    pub omitted: u64,
    /// How long the intervals that were not kept took together, in nanoseconds.
    pub omitted_ns: u64,
    /// How many holds had not ended when the thread left its seat. A panic ends them all; else the heap
    /// has forgotten them.
    pub unended: u64,
}

/// A hold that has not ended.
#[derive(Debug, Clone, Copy)]
struct Open {
    cause: Cause,
    start: Stamp,
    /// The time of the holds within it, in nanoseconds.
    inner_ns: u64,
}

/// An outermost hold that has ended, with the time of each cause; time belongs to the innermost
/// hold.
#[derive(Debug, Clone, Copy)]
struct Ended {
    interval: Interval,
    by_cause: ByCause,
}

/// The notes of one thread.
#[derive(Debug)]
pub(super) struct Log {
    /// The address of the [`Pauses`](super::Pauses) that it belongs to.
    owner: usize,
    histograms: [Option<Histogram<u64>>; CAUSES],
    open: Vec<Open>,
    /// The time by cause of the holds that have ended within the outermost open hold.
    by_cause: ByCause,
    recent: VecDeque<Ended>,
    /// Long holds, also those within others.
    long: Vec<Interval>,
    kept: Kept,
    kept_max: usize,
    /// Intervals shorter than this are not kept any more; in nanoseconds.
    floor_ns: u64,
}

impl Log {
    pub(super) fn new(owner: usize, mutator: Option<u32>, now: Stamp) -> Self {
        Self {
            owner,
            histograms: [const { None }; CAUSES],
            open: Vec::new(),
            by_cause: [0; CAUSES],
            recent: VecDeque::with_capacity(RECENT),
            long: Vec::new(),
            kept: Kept {
                mutator,
                from: now,
                to: now,
                intervals: Vec::new(),
                omitted: 0,
                omitted_ns: 0,
                unended: 0,
            },
            kept_max: KEPT_MAX,
            floor_ns: 0,
        }
    }

    pub(super) fn owner(&self) -> usize {
        self.owner
    }

    pub(super) fn open(&mut self, cause: Cause, start: Stamp) {
        if self.open.len() == NESTED_MAX {
            self.open.remove(0);
            self.kept.unended += 1;
        }
        self.open.push(Open {
            cause,
            start,
            inner_ns: 0,
        });
    }

    /// Ends the innermost hold.
    pub(super) fn close(&mut self, end: Stamp) {
        let Some(Open {
            cause,
            start,
            inner_ns,
        }) = self.open.pop()
        else {
            return;
        };
        let nanos = Clock::get().nanos(start, end);
        let histogram = self.histograms[cause as usize].get_or_insert_with(empty);
        histogram.saturating_record(nanos);
        self.by_cause[cause as usize] += nanos.saturating_sub(inner_ns);
        if nanos >= LONG_NS && self.long.len() < LONG_MAX {
            self.long.push(Interval { start, end, cause });
        }
        match self.open.last_mut() {
            Some(around) => around.inner_ns += nanos,
            None => self.end(Interval { start, end, cause }),
        }
    }

    /// Withdraws the innermost hold. Holds within it count as being within the next one outwards.
    pub(super) fn dismiss(&mut self) {
        let Some(none) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(around) => around.inner_ns += none.inner_ns,
            // It was the outermost hold, but the holds within it count. They become one interval,
            // which may be a little longer than they were, under the cause that took most of the
            // time.
            None if none.inner_ns > 0 => {
                let (mut cause, mut most) = (none.cause, 0);
                for (of, &nanos) in std::iter::zip(Cause::ALL, &self.by_cause) {
                    if nanos > most {
                        (cause, most) = (of, nanos);
                    }
                }
                let (start, end) = (none.start, Clock::get().now());
                self.end(Interval { start, end, cause });
            }
            None => {}
        }
    }

    /// Notes that an outermost hold has ended.
    fn end(&mut self, interval: Interval) {
        let by_cause = std::mem::take(&mut self.by_cause);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Ended { interval, by_cause });
        self.keep(interval);
    }

    fn keep(&mut self, interval: Interval) {
        let nanos = interval.nanos();
        if nanos < self.floor_ns {
            self.kept.omitted += 1;
            self.kept.omitted_ns += nanos;
            return;
        }
        if self.kept.intervals.len() == self.kept_max {
            self.raise_floor();
        }
        self.kept.intervals.push(interval);
    }

    /// Drops the shorter half of what was kept.
    #[cold]
    fn raise_floor(&mut self) {
        let intervals = &mut self.kept.intervals;
        let mut lengths: Vec<u64> = intervals.iter().map(Interval::nanos).collect();
        let middle = lengths.len() / 2;
        let (_, &mut median, _) = lengths.select_nth_unstable(middle);
        self.floor_ns = median + 1;
        intervals.retain(|interval| {
            let nanos = interval.nanos();
            let is_kept = nanos >= self.floor_ns;
            if !is_kept {
                self.kept.omitted += 1;
                self.kept.omitted_ns += nanos;
            }
            is_kept
        });
    }

    pub(super) fn leave(&mut self, now: Stamp) {
        self.kept.to = now;
        self.kept.unended += self.open.len() as u64;
        // They end with the seat.
        while !self.open.is_empty() {
            self.close(now);
        }
        self.recent = VecDeque::new();
    }

    /// For how long each cause held the thread up between two stamps.
    pub(super) fn held(&self, start: Stamp, end: Stamp) -> ByCause {
        let mut sum = [0; CAUSES];
        let overlapping = self.recent.iter().rev();
        let overlapping = overlapping.take_while(|ended| ended.interval.end > start);
        for Ended { interval, by_cause } in overlapping {
            if interval.start >= start && interval.end <= end {
                for (sum, nanos) in std::iter::zip(&mut sum, by_cause) {
                    *sum += nanos;
                }
            } else {
                // Only a part of the hold lies in between. Which of the holds within it that part
                // contains is not known, so it counts as the outermost cause.
                let within = (interval.start.max(start), interval.end.min(end));
                sum[interval.cause as usize] += Clock::get().nanos(within.0, within.1);
            }
        }
        sum
    }

    pub(super) fn add_to(&self, sum: &mut Histogram<u64>, cause: Cause) {
        if let Some(histogram) = &self.histograms[cause as usize] {
            sum.add(histogram).expect("histograms share their bounds");
        }
    }

    pub(super) fn long(&self) -> &[Interval] {
        &self.long
    }

    pub(super) fn kept(&self) -> Kept {
        self.kept.clone()
    }
}

pub(super) fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, PAUSE_NS_MAX, 3).expect("constant bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stamp this many microseconds after a fixed one.
    fn at(micros: u64) -> Stamp {
        // The length of a clock count depends on the machine.
        let in_a_second = Clock::get().nanos(Stamp::of_counts(0), Stamp::of_counts(1 << 32));
        let counts = u128::from(micros) * 1000 * (1 << 32) / u128::from(in_a_second);
        Stamp::of_counts(u64::try_from(counts).expect("a short time") + (1 << 40))
    }

    fn log() -> Log {
        Log::new(0, Some(0), at(0))
    }

    /// Whether the two lengths are equal, apart from rounding.
    fn is_about(nanos: u64, micros: u64) -> bool {
        nanos.abs_diff(micros * 1000) <= 10
    }

    /// Goal: of nested holds each nanosecond belongs to the innermost, the histograms have each of
    /// them whole, and the interval is the outermost.
    #[test]
    fn nested_holds_count_once() {
        let mut log = log();
        log.open(Cause::Collect, at(100));
        log.open(Cause::Finalizer, at(110));
        log.open(Cause::ReleaseCascade, at(120));
        log.close(at(150));
        log.close(at(160));
        log.open(Cause::Finalizer, at(170));
        log.close(at(175));
        log.close(at(200));
        let held = log.held(at(90), at(210));
        for (cause, micros) in [
            (Cause::Collect, 45),
            (Cause::Finalizer, 25),
            (Cause::ReleaseCascade, 30),
            (Cause::GilWait, 0),
        ] {
            assert!(is_about(held[cause as usize], micros), "{cause:?} {held:?}");
        }
        assert!(is_about(held.iter().sum(), 100));
        assert_eq!(log.kept().intervals.len(), 1);
        let collect = log.histograms[Cause::Collect as usize].as_ref();
        assert!(collect.is_some_and(|it| it.max() >= 99_000));
        let finalizer = log.histograms[Cause::Finalizer as usize].as_ref();
        assert_eq!(finalizer.map(Histogram::len), Some(2));
    }

    /// Goal: an answer contains only time between the two stamps, also where a hold lies between
    /// them only in part.
    #[test]
    fn only_the_overlap_is_told() {
        let mut log = log();
        for (cause, from, to) in [
            (Cause::Collect, 10, 20),
            (Cause::GilWait, 30, 50),
            (Cause::Collect, 60, 70),
        ] {
            log.open(cause, at(from));
            log.close(at(to));
        }
        for (from, to, collect, wait) in [
            (0, 100, 20, 20),
            (20, 60, 0, 20),
            (35, 65, 5, 15),
            (40, 45, 0, 5),
            (70, 90, 0, 0),
        ] {
            let held = log.held(at(from), at(to));
            assert!(is_about(held[Cause::Collect as usize], collect), "{held:?}");
            assert!(is_about(held[Cause::GilWait as usize], wait), "{held:?}");
        }
    }

    /// Goal: however many there are, memory is bounded, the longest stay, and what goes is counted.
    #[test]
    fn the_shortest_are_dropped_and_counted() {
        let mut log = log();
        log.kept_max = 100;
        let mut total_ns = 0;
        for number in 0..5000 {
            log.open(Cause::Collect, at(number * 1000));
            let long = if number % 500 == 0 { 900 } else { number % 50 };
            log.close(at(number * 1000 + long));
            total_ns += Clock::get().nanos(at(number * 1000), at(number * 1000 + long));
        }
        let kept = log.kept();
        assert!(kept.intervals.len() <= 100);
        let long = kept.intervals.iter().filter(|it| it.nanos() > 800_000);
        assert_eq!(long.count(), 10);
        assert_eq!(kept.intervals.len() as u64 + kept.omitted, 5000);
        let kept_ns: u64 = kept.intervals.iter().map(Interval::nanos).sum();
        assert_eq!(kept_ns + kept.omitted_ns, total_ns);
        let all = log.histograms[Cause::Collect as usize].as_ref();
        assert_eq!(all.map(Histogram::len), Some(5000));
    }

    /// Goal: for a stretch with more holds than are remembered, the answer has only the time of
    /// those remembered.
    #[test]
    fn what_is_forgotten_is_not_made_up() {
        let mut log = log();
        let all = 3 * RECENT as u64;
        // Each is rounded by itself, so the sum is not that of so many whole microseconds.
        let mut remembered_ns = 0;
        for number in 0..all {
            let (start, end) = (at(number * 10), at(number * 10 + 1));
            log.open(Cause::Epoch, start);
            log.close(end);
            if number >= all - RECENT as u64 {
                remembered_ns += Clock::get().nanos(start, end);
            }
        }
        let held = log.held(at(0), at(100_000));
        assert_eq!(held[Cause::Epoch as usize], remembered_ns);
    }
}
