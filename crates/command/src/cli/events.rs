//! `--progress json`: what a command does, as one JSON object a line on standard error.
//!
//! Released events and fields stay as they are; others are added freely. `reports/README.md` describes
//! them for who reads them.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::clock::{self, Clock, Stamp};
use crate::result::Outcome;
use crate::run::Progress;
use crate::soak::Snapshot;

/// The least time between two events that say how far a command is.
const EVERY: Duration = Duration::from_secs(1);

/// How the progress of a command is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressArg {
    /// By bars, if standard error is a terminal
    Auto,
    /// By JSON objects, one a line; messages are objects as well
    Json,
    /// Not at all
    Off,
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event<'a> {
    /// A run of `run` begins.
    RunBegins {
        run: usize,
        runs: usize,
        workload: &'a str,
        heap: &'a str,
        seed: u64,
        threads: usize,
    },
    /// A run is under way.
    RunProgress {
        run: usize,
        elapsed_ms: u64,
        ops: u64,
        surveys: u64,
        live: Option<u64>,
        unreclaimed: Option<u64>,
        rss_bytes: u64,
    },
    /// A run is over, and its result is written.
    RunEnds {
        run: usize,
        verdict: Outcome,
        ops: u64,
        elapsed_ms: u64,
        reproduce: &'a str,
    },
    /// A soak is under way.
    SoakProgress {
        elapsed_ms: u64,
        left_ms: u64,
        rounds: u64,
        failures: u64,
        vacuous: u64,
        ops: u64,
    },
    /// A hunt of `fuzz` is under way.
    FuzzProgress {
        heap: &'a str,
        elapsed_ms: u64,
        cases: u64,
        failures: u64,
    },
    /// A trial of `selftest` is over.
    SelftestProgress {
        done: usize,
        trials: usize,
        fault: &'a str,
        heap: &'a str,
    },
    /// What would be text on standard error.
    Message { level: Level, text: &'a str },
    /// The command is over.
    Ends { exit: u8 },
}

/// How bad a message is.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    Info,
    Warning,
    Error,
}

/// An event and when it happened.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event<'a>,
    unix_ms: u64,
}

/// Writes an event. If this fails there is no stream left to report it on.
pub(super) fn emit(event: &Event<'_>) {
    let unix_ms = clock::unix_millis();
    if let Ok(mut line) = serde_json::to_vec(&Line { event, unix_ms }) {
        line.push(b'\n');
        // In one call, so that two lines do not mix.
        let _ = std::io::stderr().write_all(&line);
    }
}

impl Event<'_> {
    /// How far a soak is.
    pub(super) fn of_soak(now: &Snapshot<'_>) -> Self {
        Self::SoakProgress {
            elapsed_ms: millis(now.elapsed),
            left_ms: millis(now.left),
            rounds: now.standing.rounds,
            failures: now.standing.failures,
            vacuous: now.standing.vacuous(),
            ops: now.standing.ops(),
        }
    }
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Tells how far something is, though not more often than anybody needs.
#[derive(Debug, Default)]
pub(super) struct Teller(Mutex<Option<Stamp>>);

impl Teller {
    /// Writes the event that `event` makes, if it is time.
    pub(super) fn tell<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        let clock = Clock::get();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| clock.since(last) >= EVERY) {
            *last = Some(clock.now());
            emit(&event());
        }
    }
}

/// Tells how far one run of `run` is.
#[derive(Debug)]
pub(super) struct RunTeller {
    pub(super) run: usize,
    pub(super) teller: Teller,
}

impl RunTeller {
    pub(super) fn progress(&self, progress: Progress) {
        self.teller.tell(|| Event::RunProgress {
            run: self.run,
            elapsed_ms: millis(progress.elapsed),
            ops: progress.ops,
            surveys: progress.surveys,
            live: progress.live,
            unreclaimed: progress.unreclaimed,
            rss_bytes: progress.rss_bytes,
        });
    }
}
