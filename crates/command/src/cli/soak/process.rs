//! The process that makes the rounds of a stint, seen from the soak: a heap that crashes, hangs or
//! exhausts memory ends its process and not the soak.
//!
//! It is a [`Child`] that runs `stint` and makes a round whenever it is asked.

use std::ffi::OsString;
use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::cli::child::{Child, ChildOutput, Printed, Request};
use crate::clock::{Clock, Stamp};
use crate::memory::resident_bytes;
use crate::report;
use crate::run::Patience;
use crate::soak::{Beat, Came, Found, Over, Told};

/// How often the process is checked. It can exceed its memory limit by what it allocates within
/// that time.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a round may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundLimits {
    /// The time after which it counts as hung.
    pub(super) time: Duration,
    /// How much of it is more than what the round itself takes.
    pub(super) progress: Duration,
    /// Resident memory, in bytes.
    pub(super) rss_bytes: u64,
}

impl RoundLimits {
    /// The same with this much more time.
    pub(super) fn with(self, more: Duration) -> Self {
        Self {
            time: self.time.saturating_add(more),
            ..self
        }
    }
}

/// How a round ended.
#[derive(Debug)]
pub(super) struct RoundEnd {
    pub(super) came: Came,
    pub(super) found: Found,
    /// The last progress that it reported, if it was lost.
    pub(super) last_seen: Option<Beat>,
    /// The stacks of its threads, if it hung and there is a debugger, or that of its crash.
    pub(super) stacks: Option<String>,
    /// How long it took.
    pub(super) took: Duration,
}

impl RoundEnd {
    /// Whether its process has ended.
    pub(super) fn is_lost(&self) -> bool {
        !matches!(self.came, Came::Judged { .. })
    }
}

/// A process that makes rounds.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Starts this program with these arguments.
    pub(super) fn start(words: &[OsString]) -> io::Result<Self> {
        Child::start(words, Printed::Dropped).map(Self)
    }

    /// Lets it make its next round. `tick` is called many times a second with the round's progress.
    pub(super) fn round(
        &mut self,
        limits: RoundLimits,
        mut tick: impl FnMut(Option<Beat>),
    ) -> io::Result<RoundEnd> {
        let clock = Clock::get();
        let start = clock.now();
        self.0.ask(&Request::Next);
        let mut patience = Patience::with(self.0.id(), limits.time);
        let mut seen = None;
        let mut rss_bytes_peak = 0;
        loop {
            tick(seen);
            match self.0.hear(LOOK_EVERY) {
                Ok(Told::Beat { beat, .. }) => seen = Some(beat),
                Ok(Told::Over(over)) => {
                    let Over { came, mut found } = *over;
                    found.rss_bytes_peak = found.rss_bytes_peak.max(rss_bytes_peak);
                    found.rss_bytes_after = resident_bytes(self.0.id());
                    return Ok(RoundEnd {
                        came,
                        found,
                        last_seen: None,
                        stacks: None,
                        took: clock.since(start),
                    });
                }
                // A stint that is refused or panics ends, and what it said last is kept.
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // It has ended, or closed its output, and then it cannot report a result.
                    let status = self.0.kill()?;
                    let output = ChildOutput {
                        crash: self.0.crash(),
                        ..ChildOutput::default()
                    };
                    let how = output.how(status);
                    return Ok(RoundEnd {
                        stacks: output.crash.as_ref().map(report::crash::stack),
                        ..lost(Came::Crashed { how }, seen, start)
                    });
                }
            }
            // An interpreter is a process of its own.
            let elsewhere = seen.map_or(0, |beat: Beat| beat.rss_bytes);
            let rss_bytes = resident_bytes(self.0.id()).max(elsewhere);
            rss_bytes_peak = rss_bytes_peak.max(rss_bytes);
            if rss_bytes > limits.rss_bytes {
                self.0.kill()?;
                return Ok(lost(Came::OutOfMemory { rss_bytes }, seen, start));
            }
            if patience.is_over() {
                let elapsed = clock.since(start);
                let stacks = self.0.stacks();
                self.0.kill()?;
                let after_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
                return Ok(RoundEnd {
                    stacks,
                    ..lost(Came::Hung { after_ms }, seen, start)
                });
            }
        }
    }

    /// Ends it, if it has not ended, and returns the end of what it wrote to standard error.
    pub(super) fn end(self) -> String {
        let ChildOutput { said, .. } = self.0.output();
        said
    }
}

fn lost(came: Came, last_seen: Option<Beat>, start: Stamp) -> RoundEnd {
    let seen = last_seen.unwrap_or_default();
    RoundEnd {
        came,
        found: Found {
            rss_bytes_peak: seen.rss_bytes,
            ..Found::default()
        },
        last_seen,
        stacks: None,
        took: Clock::get().since(start),
    }
}
