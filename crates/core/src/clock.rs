//! The only reader of time: the processor's time-stamp counter, calibrated by itself.
//!
//! A stamp is a raw count. It is turned into nanoseconds only where a difference is recorded, which
//! keeps the read at the cost of the instruction. The clock measures its own cost and precision,
//! and every result shows both.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "an instruction reads the counter")
)]

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// How many times the clock's own cost is measured. A thread that is preempted loses milliseconds,
/// which would be the larger part of a mean over all reads; most batches are over before that.
const COST_BATCHES: u32 = 100;
/// How many reads a batch takes: some 10 µs, a thousand times the clock's precision.
const COST_READS: u32 = 1000;

/// A raw time stamp; only differences between two mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

impl Stamp {
    /// The raw count, for whoever keeps it apart from a clock.
    #[inline]
    pub(crate) fn counts(self) -> u64 {
        self.0
    }

    /// The stamp that [`counts`](Self::counts) took apart.
    #[inline]
    pub(crate) fn of_counts(counts: u64) -> Self {
        Self(counts)
    }
}

/// What the clock knows about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// `tsc`, or `monotonic` where the processor's counter cannot be trusted.
    pub source: String,
    /// What one reading costs where nothing comes between, in nanoseconds.
    pub cost_ns: f64,
    /// The smallest difference the clock can show, in nanoseconds, at least 1.
    pub precision_ns: u64,
}

/// The process's clock. Calibration takes some 10 ms, once.
#[derive(Debug)]
pub struct Clock {
    quanta: quanta::Clock,
    /// Nanoseconds in 2^32 counts: a multiplication and a shift convert, where quanta would also
    /// ask each time which clock it is.
    nanos_in_2_32: u64,
    origin: Stamp,
    /// Whether [`counter`] is read: quanta reads the same, but by two calls, which costs a third more.
    is_direct: bool,
    facts: ClockFacts,
}

impl Clock {
    /// The clock, calibrated at the first call.
    pub fn get() -> &'static Self {
        static CLOCK: OnceLock<Clock> = OnceLock::new();
        CLOCK.get_or_init(Self::calibrate)
    }

    fn calibrate() -> Self {
        let quanta = quanta::Clock::new();
        let mut clock = Self {
            nanos_in_2_32: quanta.delta_as_nanos(0, 1 << 32),
            origin: Stamp(quanta.raw()),
            is_direct: false,
            quanta,
            facts: ClockFacts {
                source: String::new(),
                cost_ns: 0.0,
                precision_ns: 1,
            },
        };
        clock.is_direct = HAS_COUNTER && clock.source() == "tsc";
        let mut precision_ns = u64::MAX;
        let mut last = clock.now();
        for _ in 0..COST_BATCHES * COST_READS {
            let next = clock.now();
            let step = clock.nanos(last, next);
            if step > 0 {
                precision_ns = precision_ns.min(step);
            }
            last = next;
        }
        // The loop above also converts; a second one measures the bare read.
        let cheapest = (0..COST_BATCHES).map(|_| clock.batch()).min().unwrap_or(0);
        clock.facts = ClockFacts {
            source: clock.source().to_owned(),
            cost_ns: round_tenth(cheapest as f64 / f64::from(COST_READS)),
            precision_ns: if precision_ns == u64::MAX {
                1
            } else {
                precision_ns
            },
        };
        clock
    }

    /// What a batch of reads takes, in nanoseconds.
    fn batch(&self) -> u64 {
        let start = self.now();
        let mut last = start;
        for _ in 0..COST_READS {
            last = std::hint::black_box(self.now());
        }
        self.nanos(start, last)
    }

    fn source(&self) -> &'static str {
        // quanta falls back to the system's clock by itself and does not say so; a counter does
        // not advance by nanoseconds, so a raw stamp and its scaled value differ.
        let raw = self.quanta.raw();
        if self.quanta.delta_as_nanos(0, raw) == raw {
            "monotonic"
        } else {
            "tsc"
        }
    }

    /// A stamp of now.
    #[inline]
    pub fn now(&self) -> Stamp {
        match self.is_direct {
            true => Stamp(counter()),
            false => Stamp(self.quanta.raw()),
        }
    }

    /// The time between two stamps in nanoseconds; 0 if `end` is not after `start`.
    #[inline]
    pub fn nanos(&self, start: Stamp, end: Stamp) -> u64 {
        let counts = end.0.saturating_sub(start.0);
        let nanos = (u128::from(counts) * u128::from(self.nanos_in_2_32)) >> 32;
        // Overflows after 580 years.
        #[expect(clippy::cast_possible_truncation, reason = "as the line above says")]
        let nanos = nanos as u64;
        nanos
    }

    /// The time since `start`.
    pub fn since(&self, start: Stamp) -> Duration {
        Duration::from_nanos(self.nanos(start, self.now()))
    }

    /// Nanoseconds between the clock's calibration and `stamp`.
    pub fn nanos_since_origin(&self, stamp: Stamp) -> u64 {
        self.nanos(self.origin, stamp)
    }

    /// The clock's source, cost and precision.
    pub fn facts(&self) -> &ClockFacts {
        &self.facts
    }
}

const HAS_COUNTER: bool = cfg!(target_arch = "x86_64");

/// The processor's counter.
#[cfg(target_arch = "x86_64")]
#[inline]
fn counter() -> u64 {
    // SAFETY: every processor of this architecture has the instruction, which touches no memory.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    unreachable!("see HAS_COUNTER")
}

/// Milliseconds since 1970, for names and provenance only.
pub fn unix_millis() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this module is the one that may")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn round_tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the clock's cost is that of a read, and not that of losing the processor: it is less
    /// than what most batches of reads take.
    #[test]
    fn its_cost_is_that_of_a_read() {
        let clock = Clock::get();
        let mut batches: Vec<u64> = (0..COST_BATCHES).map(|_| clock.batch()).collect();
        batches.sort_unstable();
        let median = batches[batches.len() / 2] as f64 / f64::from(COST_READS);
        let cost = clock.facts().cost_ns;
        // A processor may change its frequency between the two measurements.
        assert!(cost > 0.0 && cost < 2.0 * median, "{cost} against {median}");
    }

    /// Goal: stamps agree with the system's clock, so that nanoseconds are nanoseconds.
    #[test]
    fn agrees_with_the_system_clock() {
        #[expect(clippy::disallowed_methods, reason = "the reference to compare with")]
        let now = std::time::Instant::now;
        let clock = Clock::get();
        // Each of ours lies between two of theirs, so it does not matter where a thread is held up.
        let (outer, start, inner) = (now(), clock.now(), now());
        while inner.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let (least, ours, most) = (inner.elapsed(), clock.since(start), outer.elapsed());
        let is_within = least.mul_f64(0.9) < ours && ours < most.mul_f64(1.1);
        assert!(is_within, "{ours:?} against {least:?} to {most:?}");
    }
}
