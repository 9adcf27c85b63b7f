//! Shows a soak under way: as a line a minute, as a live view on a terminal, as a file of metrics,
//! and as pages for a browser.
//!
//! All of it is rendered here, by the soak's own thread, from a snapshot: a few times a second for
//! a terminal, once a second for pages, every few seconds for the file.

mod file;
mod serve;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::args::Soak;
use crate::cli::events::{Event, ProgressArg, Teller};
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::clock::{Clock, Stamp};
use crate::report::soak::{Age, Failed, Phase, Watched};
use crate::report::{self, Detail};
use crate::result::figures;
use crate::soak::{Lane, Lately, Record, Snapshot};
use file::MetricsFile;
pub(super) use serve::Audience;
use serve::{Health, Pages, Server};
use view::View;

/// How often a line is printed.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// How often the live view is redrawn.
const TICK_EVERY: Duration = Duration::from_millis(250);
/// How often pages are rendered.
const PAGES_EVERY: Duration = Duration::from_secs(1);
/// How often the trends over the age of heaps are computed, which takes milliseconds after
/// thousands of rounds.
const AGES_EVERY: Duration = Duration::from_secs(10);
/// How many failures are shown.
const FAILURES_MAX: usize = 10;
/// The time that a round needs besides its own and the limit after which it counts as hung: to
/// start a process, to judge and write its result, and to take stacks with a debugger. `/healthz`
/// waits for that long as well.
const AROUND: Duration = Duration::from_secs(30);

/// Everything that shows a soak under way.
pub(super) struct Watchers {
    view: View,
    /// Present if progress is told as events.
    teller: Option<Teller>,
    file: Option<MetricsFile>,
    server: Option<Server>,
    /// How much longer than its own time a round may take.
    time_limit: Duration,
    interrupted: Arc<AtomicBool>,
    lately: Lately,
    ages: Vec<Age>,
    /// Oldest first.
    failures: VecDeque<Failed>,
    /// When the last round ended, or the first began.
    round_over: Stamp,
    last_line: Stamp,
    last_tick: Option<Stamp>,
    last_pages: Option<Stamp>,
    last_ages: Option<Stamp>,
}

impl Watchers {
    /// The watchers that `args` ask for. A file that cannot be written and an address that cannot
    /// be served are refused.
    pub(super) fn new(
        args: &Soak,
        interrupted: &Arc<AtomicBool>,
        terminal: &mut Terminal,
    ) -> Result<Self, Usage> {
        let file = args.metrics_file.as_deref();
        let file = file
            .map(|path| MetricsFile::new(path, terminal))
            .transpose()?;
        let server = match args.serve {
            Some(address) => Some(Server::start(address, args.audience())?),
            None => None,
        };
        if let Some(server) = &server {
            // Printed even with --quiet: the user may have asked for any free port.
            terminal.message(&format!("serving http://{}/", server.address()));
        }
        let now = Clock::get().now();
        Ok(Self {
            view: View::new(terminal),
            teller: (terminal.progress() == ProgressArg::Json).then(Teller::default),
            file,
            server,
            time_limit: args.time_limit,
            interrupted: Arc::clone(interrupted),
            lately: Lately::default(),
            ages: Vec::new(),
            failures: VecDeque::new(),
            round_over: now,
            last_line: now,
            last_tick: None,
            last_pages: None,
            last_ages: None,
        })
    }

    /// Called many times a second: updates what is shown, if it is time. Only then is `snapshot`
    /// called.
    pub(super) fn tick<'a>(&mut self, snapshot: impl FnOnce() -> Snapshot<'a>) {
        if !is_due(&mut self.last_tick, TICK_EVERY) {
            return;
        }
        let now = snapshot();
        self.lately.note(&now);
        self.show(&now);
    }

    /// Called after each round: prints a line, if the last one is a minute old.
    pub(super) fn round_over(&mut self, now: &Snapshot<'_>, terminal: &mut Terminal) {
        let clock = Clock::get();
        self.round_over = clock.now();
        self.lately.note(now);
        if clock.since(self.last_line) >= LINE_EVERY {
            self.last_line = clock.now();
            self.line(now, terminal);
        }
        if let Some(file) = &mut self.file {
            self.view.aside(|| file.complain(terminal));
        }
        self.show(now);
    }

    /// Shows that a round failed.
    pub(super) fn failed(&mut self, record: &Record, lane: &Lane, terminal: &mut Terminal) {
        self.say(&report::soak::failure(record, lane), terminal);
        if self.failures.len() == FAILURES_MAX {
            self.failures.pop_front();
        }
        self.failures.push_back(Failed::of(record, lane));
    }

    /// Prints a line now.
    fn line(&mut self, now: &Snapshot<'_>, terminal: &mut Terminal) {
        self.say(&report::soak::line(now), terminal);
    }

    /// Prints text above the live view, unless only verdicts are wanted.
    pub(super) fn say(&mut self, text: &str, terminal: &mut Terminal) {
        if terminal.detail() != Detail::Verdict {
            self.aside(|| terminal.data(text));
        }
    }

    /// Takes the live view away while something is printed.
    pub(super) fn aside(&mut self, write: impl FnOnce()) {
        self.view.aside(write);
    }

    /// Shows that the soak is over.
    pub(super) fn finish(&mut self, now: &Snapshot<'_>, terminal: &mut Terminal) {
        self.view.finish();
        self.line(now, terminal);
        self.lately.note(now);
        (self.last_pages, self.last_ages) = (None, None);
        self.pages(now, Phase::Over);
        if let Some(file) = &mut self.file {
            let watched = watched(
                now,
                &self.lately,
                &self.ages,
                &mut self.failures,
                Phase::Over,
            );
            file.write(&report::soak::metrics(&watched));
            file.complain(terminal);
        }
    }

    fn show(&mut self, now: &Snapshot<'_>) {
        if let Some(teller) = &self.teller {
            teller.tell(|| Event::of_soak(now));
        }
        let phase = match self.interrupted.load(Relaxed) {
            true => Phase::Ending,
            false => Phase::Rounds,
        };
        if self.view.is_seen() {
            let watched = watched(now, &self.lately, &self.ages, &mut self.failures, phase);
            self.view.show(&watched);
        }
        self.pages(now, phase);
    }

    /// Renders the pages and the file, if it is time.
    fn pages(&mut self, now: &Snapshot<'_>, phase: Phase) {
        let is_watched = self.server.is_some() || self.file.is_some();
        if !is_watched || !is_due(&mut self.last_pages, PAGES_EVERY) {
            return;
        }
        if is_due(&mut self.last_ages, AGES_EVERY) {
            self.ages = report::soak::ages(now);
        }
        let watched = watched(now, &self.lately, &self.ages, &mut self.failures, phase);
        let file = self.file.as_mut().and_then(|file| {
            let is_due = file.is_due(now.standing.rounds);
            is_due.then_some(file)
        });
        if self.server.is_none() && file.is_none() {
            return;
        }
        let metrics = report::soak::metrics(&watched);
        if let Some(file) = file {
            file.write(&metrics);
        }
        if let Some(server) = &self.server {
            let round = Duration::from_millis(now.header.round_ms);
            server.show(Pages {
                page: report::soak::html(&watched),
                metrics,
                health: Health {
                    well: well(now),
                    late: late(now, &self.lately),
                    round_over: self.round_over,
                    patience: round + self.time_limit + AROUND,
                },
            });
        }
    }
}

/// Whether this much time has passed since `last`, which is then set to now; also the first time.
fn is_due(last: &mut Option<Stamp>, every: Duration) -> bool {
    let clock = Clock::get();
    let is_due = last.is_none_or(|last| clock.since(last) >= every);
    if is_due {
        *last = Some(clock.now());
    }
    is_due
}

fn watched<'a>(
    now: &'a Snapshot<'a>,
    lately: &'a Lately,
    ages: &'a [Age],
    failures: &'a mut VecDeque<Failed>,
    phase: Phase,
) -> Watched<'a> {
    Watched {
        now,
        lately,
        ages,
        failures: failures.make_contiguous(),
        phase,
        between: None,
    }
}

/// What `/healthz` says while rounds end in time.
fn well(now: &Snapshot<'_>) -> String {
    let standing = now.standing;
    format!(
        "well: {}, {} failed\n",
        figures::several(standing.rounds, "round", "rounds"),
        figures::count(standing.failures)
    )
}

/// What `/healthz` says otherwise.
fn late(now: &Snapshot<'_>, lately: &Lately) -> String {
    let ended = lately.round_ended_unix_ms();
    let since = ended.map_or_else(|| "it began".to_owned(), figures::utc);
    let round = now.current.map(|(round, _)| round.number);
    let round = round.map_or(String::new(), |round| {
        format!("; round {} is under way", figures::count(round))
    });
    format!("late: no round has ended since {since}{round}\n")
}
