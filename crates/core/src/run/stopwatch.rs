//! How operations are timed: each one, a sample, or none.
//!
//! The clock is read once for each operation: the end of one is the start of the next, so no time
//! between two operations is lost.

use super::slow::SlowOps;
use crate::clock::{Clock, Stamp};
use crate::evidence::Latency;
use crate::plan::OpKind;

/// A sampling stopwatch times one in this many operations. The number is prime, so that no loop of
/// a program keeps in step with it.
pub(super) const SAMPLE_EVERY: u32 = 61;

/// An operation's start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// When it started.
    pub(super) at: Stamp,
    /// How much later than intended it started.
    pub(super) late_ns: u64,
}

/// Times operations, or does not.
pub(super) trait Stopwatch {
    /// Starts the time anew, at the beginning and after an interruption that is not part of any
    /// latency.
    fn restart(&mut self);
    /// An operation begins.
    fn begin(&mut self);
    /// The operation has ended.
    fn end(&mut self, kind: OpKind);
    /// The start of the next operation, if that is timed; called only for a mutator with a rate.
    fn start(&mut self, start: Option<Start>) {
        let _ = start;
    }
    /// Takes out the response times, by kind of operation.
    fn responses(&mut self) -> Vec<(OpKind, Latency)> {
        Vec::new()
    }
    /// The operations that took long, if any are timed.
    fn slow(&mut self) -> Option<&mut SlowOps> {
        None
    }
    /// Takes out the recorded times, by kind of operation.
    fn latencies(&mut self) -> Vec<(OpKind, Latency)>;
    /// How much memory the recorded times take, in bytes.
    fn bytes(&self) -> u64 {
        0
    }
}

/// Times nothing.
#[derive(Debug)]
pub(super) struct Off;

impl Stopwatch for Off {
    fn restart(&mut self) {}

    #[inline]
    fn begin(&mut self) {}

    #[inline]
    fn end(&mut self, _kind: OpKind) {}

    fn latencies(&mut self) -> Vec<(OpKind, Latency)> {
        Vec::new()
    }
}

/// Times every operation.
#[derive(Debug)]
pub(super) struct Every {
    clock: &'static Clock,
    last: Stamp,
    by_kind: Vec<Recorder>,
    slow: SlowOps,
}

/// Times below this many nanoseconds are counted in a plain array, one element a nanosecond. The
/// histogram has the same resolution there, so nothing is lost, and recording costs one addition.
const SHORT: usize = 2048;

/// The times of one kind of operation. Memory for short and for long times is allocated with the
/// first of them: most programs use few kinds of operations, and a histogram takes a quarter of a
/// megabyte.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder {
    short: Box<[u64]>,
    long: Option<Latency>,
}

/// How a time was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// As a short one.
    Short,
    /// As a long one.
    Long,
    /// As the first of its kind: memory was allocated, which took longer than most operations.
    First,
}

impl Recorder {
    #[inline]
    pub(super) fn record(&mut self, nanos: u64) -> Placed {
        match usize::try_from(nanos)
            .ok()
            .and_then(|nanos| self.short.get_mut(nanos))
        {
            Some(count) => {
                *count += 1;
                Placed::Short
            }
            None => self.record_elsewhere(nanos),
        }
    }

    /// Not inlined, so that the inlined part stays short.
    #[cold]
    fn record_elsewhere(&mut self, nanos: u64) -> Placed {
        if nanos < SHORT as u64 {
            self.short = vec![0; SHORT].into_boxed_slice();
            self.record(nanos);
            return Placed::First;
        }
        let placed = match self.long {
            Some(_) => Placed::Long,
            None => Placed::First,
        };
        self.long.get_or_insert_default().record(nanos);
        placed
    }

    fn latency(self) -> Latency {
        let mut latency = self.long.unwrap_or_default();
        for (nanos, &count) in (0..).zip(&self.short) {
            latency.record_many(nanos, count);
        }
        latency
    }

    /// How much memory it takes, in bytes.
    fn bytes(&self) -> u64 {
        let long = self.long.as_ref().map_or(0, Latency::bytes);
        size_of_val(&*self.short) as u64 + long
    }
}

impl Every {
    pub(super) fn new(slow: SlowOps) -> Self {
        let clock = Clock::get();
        Self {
            clock,
            last: clock.now(),
            by_kind: vec![Recorder::default(); OpKind::ALL.len()],
            slow,
        }
    }

    /// Looks for the cause of an operation that took long. The time for that is not part of any
    /// latency.
    #[cold]
    fn look(&mut self, kind: OpKind, start: Stamp, placed: Placed) {
        if self.slow.look(kind, start, self.last) || placed == Placed::First {
            self.restart();
        }
    }
}

impl Stopwatch for Every {
    fn restart(&mut self) {
        self.last = self.clock.now();
    }

    #[inline]
    fn begin(&mut self) {}

    #[inline]
    fn end(&mut self, kind: OpKind) {
        let now = self.clock.now();
        let start = std::mem::replace(&mut self.last, now);
        let placed = self.by_kind[kind as usize].record(self.clock.nanos(start, now));
        if placed != Placed::Short {
            self.look(kind, start, placed);
        }
    }

    fn slow(&mut self) -> Option<&mut SlowOps> {
        Some(&mut self.slow)
    }

    fn latencies(&mut self) -> Vec<(OpKind, Latency)> {
        recorded(std::mem::take(&mut self.by_kind))
    }

    fn bytes(&self) -> u64 {
        bytes(&self.by_kind)
    }
}

/// Times one operation in [`SAMPLE_EVERY`].
#[derive(Debug)]
pub(super) struct Sampled {
    every: Every,
    left: u32,
}

impl Sampled {
    pub(super) fn new() -> Self {
        Self {
            every: Every::new(SlowOps::new(false)),
            left: SAMPLE_EVERY,
        }
    }
}

impl Stopwatch for Sampled {
    fn restart(&mut self) {
        self.every.restart();
    }

    #[inline]
    fn begin(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.every.restart();
        }
    }

    #[inline]
    fn end(&mut self, kind: OpKind) {
        if self.left == 0 {
            self.every.end(kind);
            self.left = SAMPLE_EVERY;
        }
    }

    fn slow(&mut self) -> Option<&mut SlowOps> {
        self.every.slow()
    }

    fn latencies(&mut self) -> Vec<(OpKind, Latency)> {
        self.every.latencies()
    }

    fn bytes(&self) -> u64 {
        self.every.bytes()
    }
}

/// How much memory these recorders take, in bytes.
pub(super) fn bytes(by_kind: &[Recorder]) -> u64 {
    by_kind.iter().map(Recorder::bytes).sum()
}

pub(super) fn recorded(by_kind: Vec<Recorder>) -> Vec<(OpKind, Latency)> {
    let all = OpKind::ALL.into_iter().zip(by_kind);
    all.filter(|(_, recorder)| recorder.bytes() > 0)
        .map(|(kind, recorder)| (kind, recorder.latency()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: kinds that are not used take no memory, the first time of a kind is recorded, and the
    /// caller learns that this took a while.
    #[test]
    fn recorders_are_made_when_they_are_needed() {
        let mut recorder = Recorder::default();
        assert_eq!(recorder.bytes(), 0);
        for (nanos, placed) in [
            (7, Placed::First),
            (8, Placed::Short),
            (SHORT as u64, Placed::First),
            (1_000_000, Placed::Long),
            (0, Placed::Short),
        ] {
            assert_eq!(recorder.record(nanos), placed, "{nanos}");
        }
        assert!(recorder.bytes() > 100_000);
        let latency = recorder.latency();
        assert_eq!((latency.count(), latency.max() / 1000), (5, 1000));
        let mut watch = Every::new(SlowOps::new(false));
        assert_eq!(watch.bytes(), 0);
        watch.restart();
        watch.end(OpKind::Len);
        assert!(watch.bytes() < 1_000_000);
        assert_eq!(watch.latencies().len(), 1);
    }
}
