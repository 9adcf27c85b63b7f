//! Time for which the process was stopped (`SIGSTOP`), or the machine was suspended. It passes on
//! the clock although nobody does anything, and must not count as a pause of the heap.
//!
//! The [probe](super::hiccups) notices it: it wakes up far too late, although meanwhile hardly any
//! thread of the process ran. Time that the probe waited for a processor is not part of the stop,
//! and neither is what the other threads ran in that time, which is at most that long on each
//! processor: on an overloaded machine this is all that there is. A suspended machine is also
//! noticed if the system's own clock stood still while the clock of the run went on. A stop counts
//! from the beginning to the end of the nap that it fell into, so it is too long by up to a
//! millisecond and by what the probe waited.
//!
//! Times are recorded as they come, and stops are subtracted when the run is over. For this, each
//! operation and each hold that is long enough to contain a stop is kept one by one
//! ([`LONG_NS`](crate::heap::pause::LONG_NS)). The slowest operation of a timeline's interval is
//! not: all stops that it could contain are subtracted from it, so the timeline shows it too short
//! if they were in another operation.
//!
//! Response times, and the lag from unlinking to freeing, keep the stops, and the note on the run
//! says so. A response time counts from when an operation was due, and operations go on falling due
//! while the process is stopped. Whoever waits for the answer waits that long; to leave such waits
//! out would be the coordinated omission that these times are there to avoid. And an object that
//! was unlinked before a stop and freed after it did take up memory meanwhile.
//!
//! With `--timing off` nobody looks for stops. Such a run has no times for a stop to spoil, only a
//! rate, and the option promises that no thread of the harness wakes up a thousand times a second
//! beside the mutators. A stop is part of the time that such a run took; the help of the option
//! says so.

use crate::clock::{Clock, Stamp};
use crate::evidence::{Latency, Stop, Stopped, Timeline};
use crate::heap::pause::LONG_NS;

/// How long the probe asks to sleep.
pub(super) const NAP_NS: u64 = 1_000_000;
/// How many stops are listed: the longest.
const TOLD_MAX: usize = 200;
/// In a nap with a stop, threads may have run for a quarter of the time: the moments before and
/// after the stop are part of the nap.
const SHARE: u64 = 4;

/// One sleep of the probe, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nap {
    /// How long it was by the clock of the run.
    pub(super) slept_ns: u64,
    /// The same by the clock of the system.
    pub(super) by_system_ns: u64,
    /// How long all threads of the process ran meanwhile.
    pub(super) ran_ns: u64,
    /// How long the probe was ready to run, and did not.
    pub(super) waited_ns: u64,
    /// How many threads can run at once.
    pub(super) processors: u64,
}

impl Nap {
    /// How much longer than asked it was.
    fn late_ns(self) -> u64 {
        self.slept_ns.saturating_sub(NAP_NS)
    }

    /// Whether the process or the machine was stopped in it.
    pub(super) fn is_stop(self) -> bool {
        let late_ns = self.late_ns();
        let asleep_ns = late_ns.saturating_sub(self.waited_ns);
        let ran_ns = (self.ran_ns).saturating_sub(self.waited_ns.saturating_mul(self.processors));
        let is_idle = asleep_ns >= LONG_NS && ran_ns < asleep_ns / SHARE;
        let stood_still_ns = self.slept_ns.saturating_sub(self.by_system_ns);
        is_idle || (late_ns >= LONG_NS && stood_still_ns > late_ns / 2)
    }
}

/// The stops of a run.
#[derive(Debug, Default)]
pub(super) struct Stops(Vec<Known>);

/// One stop, in nanoseconds since the common start.
#[derive(Debug, Clone, Copy)]
struct Known {
    from: u64,
    to: u64,
    /// How long all earlier stops took.
    before: u64,
}

impl Stops {
    /// The stops of a run that started then, given in the order of time.
    pub(super) fn new(stops: &[(Stamp, Stamp)], started: Stamp) -> Self {
        let since = |stamp| Clock::get().nanos(started, stamp);
        Self::of(stops.iter().map(|&(from, to)| (since(from), since(to))))
    }

    fn of(stops: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut before = 0;
        let known = |(from, to): (u64, u64)| {
            let known = Known { from, to, before };
            before += to - from;
            known
        };
        Self(stops.map(known).collect())
    }

    /// How long the process was stopped before this time.
    fn before(&self, at_ns: u64) -> u64 {
        let after = self.0.partition_point(|stop| stop.from < at_ns);
        let last = after.checked_sub(1).map(|last| self.0[last]);
        last.map_or(0, |stop| stop.before + at_ns.min(stop.to) - stop.from)
    }

    /// How long the process was stopped between two times.
    pub(super) fn within(&self, from: u64, to: u64) -> u64 {
        self.before(to).saturating_sub(self.before(from))
    }

    /// The time since the common start, without stops.
    pub(super) fn own(&self, at_ns: u64) -> u64 {
        at_ns - self.before(at_ns)
    }

    /// Subtracts the stops from one of the times in `latency`: that of `nanos`, which began at
    /// `from`.
    pub(super) fn shorten(&self, latency: &mut Latency, from: u64, nanos: u64) {
        let stopped_ns = self.within(from, from + nanos);
        if stopped_ns > 0 {
            latency.shorten(nanos, nanos - stopped_ns);
        }
    }

    /// Subtracts the stops from a timeline.
    pub(super) fn take_out_of(&self, timeline: &mut Timeline) {
        let interval_ns = timeline.interval_ns;
        let mut last = 0_u64;
        for sample in &mut timeline.samples {
            let at_ns = sample.at_ns;
            sample.at_ns = self.own(at_ns);
            // A slow operation may be reported one interval late.
            let from = last.saturating_sub(sample.slowest_ns + interval_ns);
            let stopped_ns = self.within(from, at_ns);
            sample.slowest_ns = sample.slowest_ns.saturating_sub(stopped_ns);
            last = at_ns;
        }
    }

    /// The stops as evidence.
    pub(super) fn told(&self) -> Stopped {
        let stop = |known: &Known| Stop {
            at_ns: self.own(known.from),
            ns: known.to - known.from,
        };
        let mut longest: Vec<Stop> = self.0.iter().map(stop).collect();
        let ns = longest.iter().map(|stop| stop.ns).sum();
        longest.sort_by_key(|stop| std::cmp::Reverse(stop.ns));
        longest.truncate(TOLD_MAX);
        longest.sort_by_key(|stop| stop.at_ns);
        Stopped {
            count: self.0.len() as u64,
            ns,
            longest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Sample;

    const MS: u64 = 1_000_000;

    /// Goal: a stop is recognised; an overloaded machine, a nap that is a little too long, and a
    /// process that ran meanwhile are not taken for one.
    #[test]
    fn stops_are_told_from_noise() {
        for (slept, by_system, ran, waited, is_stop) in [
            (1200, 1200, 0, 0, true),
            (1200, 1200, 40, 40, true),
            // The machine was suspended: the system's clock stood still.
            (1200, 2, 0, 0, true),
            (1200, 2, 1200, 0, true),
            // Other threads ran: the machine woke the probe too late.
            (1200, 1200, 1200, 0, false),
            (1200, 1200, 400, 0, false),
            // All threads waited for a processor.
            (1200, 1200, 10, 1190, false),
            // Eight threads shared two processors before and after a stop.
            (90, 90, 66, 30, true),
            // They did so all the time.
            (90, 90, 170, 85, false),
            (9, 9, 0, 0, false),
            (1, 1, 0, 0, false),
        ] {
            let nap = Nap {
                slept_ns: slept * MS,
                by_system_ns: by_system * MS,
                ran_ns: ran * MS,
                waited_ns: waited * MS,
                processors: 2,
            };
            assert_eq!(nap.is_stop(), is_stop, "{nap:?}");
        }
    }

    /// Goal: the time without stops goes on after each stop where it was before.
    #[test]
    fn time_goes_on_without_stops() {
        let stops = Stops::of([(100, 150), (200, 230)].into_iter());
        for (at, own) in [
            (0, 0),
            (100, 100),
            (120, 100),
            (150, 100),
            (180, 130),
            (200, 150),
            (215, 150),
            (230, 150),
            (1000, 920),
        ] {
            assert_eq!(stops.own(at), own, "{at}");
        }
        assert_eq!(stops.within(0, 1000), 80);
        assert_eq!(stops.within(120, 210), 40);
        assert_eq!(stops.within(150, 200), 0);
        assert_eq!((stops.told().count, stops.told().ns), (2, 80));
        assert_eq!(stops.told().longest[1].at_ns, 150);
        assert_eq!(Stops::default().own(7), 7);
    }

    /// Goal: an operation that was slow only because of a stop is not slow in the timeline, also if
    /// it is reported one interval late.
    #[test]
    fn a_stop_is_in_no_sample() {
        let mut timeline = Timeline::new(50);
        for (at_ns, slowest_ns) in [(50, 3), (1100, 5), (1150, 1003), (1200, 4), (1300, 60)] {
            timeline.push(Sample {
                at_ns,
                slowest_ns,
                ..Sample::default()
            });
        }
        let stops = Stops::of([(60, 1060)].into_iter());
        stops.take_out_of(&mut timeline);
        let told = timeline.samples.iter();
        let told: Vec<_> = told
            .map(|sample| (sample.at_ns, sample.slowest_ns))
            .collect();
        assert_eq!(told, [(50, 3), (100, 0), (150, 3), (200, 4), (300, 60)]);
    }
}
