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

/// The times of one kind of operation.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    short: Box<[u64]>,
    long: Latency,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            short: vec![0; SHORT].into_boxed_slice(),
            long: Latency::default(),
        }
    }

    /// Records a time. Returns whether it was a long one.
    #[inline]
    pub(super) fn record(&mut self, nanos: u64) -> bool {
        match usize::try_from(nanos)
            .ok()
            .and_then(|nanos| self.short.get_mut(nanos))
        {
            Some(count) => {
                *count += 1;
                false
            }
            None => {
                self.record_long(nanos);
                true
            }
        }
    }

    /// Not inlined, so that the inlined part stays short.
    #[cold]
    fn record_long(&mut self, nanos: u64) {
        self.long.record(nanos);
    }

    fn latency(mut self) -> Latency {
        for (nanos, &count) in (0..).zip(&self.short) {
            self.long.record_many(nanos, count);
        }
        self.long
    }
}

impl Every {
    pub(super) fn new(slow: SlowOps) -> Self {
        let clock = Clock::get();
        Self {
            clock,
            last: clock.now(),
            by_kind: vec![Recorder::new(); OpKind::ALL.len()],
            slow,
        }
    }

    /// Looks for the cause of an operation that took long. The time for that is not part of any
    /// latency.
    #[cold]
    fn look(&mut self, kind: OpKind, start: Stamp) {
        if self.slow.look(kind, start, self.last) {
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
        let is_long = self.by_kind[kind as usize].record(self.clock.nanos(start, now));
        if is_long {
            self.look(kind, start);
        }
    }

    fn slow(&mut self) -> Option<&mut SlowOps> {
        Some(&mut self.slow)
    }

    fn latencies(&mut self) -> Vec<(OpKind, Latency)> {
        recorded(std::mem::take(&mut self.by_kind))
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
}

pub(super) fn recorded(by_kind: Vec<Recorder>) -> Vec<(OpKind, Latency)> {
    OpKind::ALL
        .into_iter()
        .zip(by_kind.into_iter().map(Recorder::latency))
        .filter(|(_, latency)| latency.count() > 0)
        .collect()
}
