//! How operations are timed: each one, a sample, or none.
//!
//! The clock is read once for each operation: the end of one is the start of the next, so no time
//! between two operations is lost.

use super::slow::SlowOps;
use super::times::{Placed, Times};
use crate::clock::{Clock, Stamp};
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
    /// The time from which that of the operation under way is counted, if every operation is timed.
    fn since(&self) -> Option<Stamp> {
        None
    }
    /// The start of the next operation, if that is timed; called only for a mutator with a rate.
    fn start(&mut self, start: Option<Start>) {
        let _ = start;
    }
    /// Takes out the response times.
    fn responses(&mut self) -> Times {
        Times::default()
    }
    /// The operations that took long, if any are timed.
    fn slow(&mut self) -> Option<&mut SlowOps> {
        None
    }
    /// Takes out the recorded times.
    fn times(&mut self) -> Times {
        Times::default()
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
}

/// Times every operation.
#[derive(Debug)]
pub(super) struct Every {
    clock: &'static Clock,
    last: Stamp,
    times: Times,
    slow: SlowOps,
}

impl Every {
    pub(super) fn new(slow: SlowOps) -> Self {
        let clock = Clock::get();
        Self {
            clock,
            last: clock.now(),
            times: Times::default(),
            slow,
        }
    }

    /// Looks for the cause of an operation that took long. The time for that is not part of any
    /// latency.
    #[cold]
    fn look(&mut self, kind: OpKind, start: Stamp, placed: Placed) {
        if self.slow.look(kind, start, self.last) || placed == Placed::Slowly {
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
        let placed = self.times.record(kind, self.clock.nanos(start, now));
        if placed != Placed::Short {
            self.look(kind, start, placed);
        }
    }

    #[inline]
    fn since(&self) -> Option<Stamp> {
        Some(self.last)
    }

    fn slow(&mut self) -> Option<&mut SlowOps> {
        Some(&mut self.slow)
    }

    fn times(&mut self) -> Times {
        std::mem::take(&mut self.times)
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
    /// Each operation that is timed starts the time anew.
    fn restart(&mut self) {}

    #[inline]
    fn begin(&mut self) {
        // An operation that was to be timed may have been refused, so the next one is.
        self.left = self.left.saturating_sub(1);
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

    fn times(&mut self) -> Times {
        self.every.times()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a stopwatch takes no memory before the first operation, and then knows its time.
    #[test]
    fn an_operation_is_timed() {
        let mut watch = Every::new(SlowOps::new(false));
        assert_eq!(watch.times.bytes(), 0);
        watch.restart();
        watch.end(OpKind::Len);
        assert!(watch.times().bytes() > 0);
        assert_eq!(watch.times.bytes(), 0);
    }

    /// Goal: if the operation that a sample is due for is refused, the next one is timed.
    #[test]
    fn a_refused_operation_leaves_its_sample_to_the_next() {
        let mut watch = Sampled::new();
        for _ in 0..=SAMPLE_EVERY {
            watch.begin();
        }
        watch.end(OpKind::Len);
        assert!(watch.times().bytes() > 0);
    }
}
