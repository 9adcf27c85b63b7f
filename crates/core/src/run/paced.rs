//! The stopwatch of a mutator that has a rate: how long an operation took, and how long since it
//! should have started.
//!
//! *Service time* is the end less the start, as without a rate. *Response time* is the end less the
//! intended start, and is never shorter. Nothing is measured between two operations, so `restart`
//! does nothing.

use super::slow::SlowOps;
use super::stopwatch::{Start, Stopwatch};
use super::times::{Placed, Times};
use crate::clock::Clock;
use crate::plan::OpKind;

/// Times operations from when they started and from when they should have.
#[derive(Debug)]
pub(super) struct Paced {
    clock: &'static Clock,
    /// The start of the operation under way, if that is timed.
    start: Option<Start>,
    service: Times,
    response: Times,
    slow: SlowOps,
}

impl Paced {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::get(),
            start: None,
            service: Times::default(),
            response: Times::default(),
            // How long the machine kept the thread waiting is known only for the stretch between
            // two looks, and in that stretch the thread may also have waited until its next
            // operation was due.
            slow: SlowOps::new(false),
        }
    }
}

impl Stopwatch for Paced {
    fn restart(&mut self) {}

    fn start(&mut self, start: Option<Start>) {
        self.start = start;
    }

    #[inline]
    fn begin(&mut self) {}

    #[inline]
    fn end(&mut self, kind: OpKind) {
        if let Some(Start { at, late_ns }) = self.start.take() {
            let now = self.clock.now();
            let service_ns = self.clock.nanos(at, now);
            if self.service.record(kind, service_ns) != Placed::Short {
                self.slow.look(kind, at, now);
            }
            (self.response).record(kind, service_ns.saturating_add(late_ns));
        }
    }

    fn slow(&mut self) -> Option<&mut SlowOps> {
        Some(&mut self.slow)
    }

    fn responses(&mut self) -> Times {
        std::mem::take(&mut self.response)
    }

    fn times(&mut self) -> Times {
        std::mem::take(&mut self.service)
    }
}
