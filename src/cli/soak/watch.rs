//! What a soak shows while it goes on: a line a minute, and on a terminal how far it is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::terminal::Terminal;
use crate::clock::{Clock, Stamp};
use crate::report::{self, Detail, figures};
use crate::soak::Snapshot;

/// How often a line says how it stands.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// How often what changes all the time is shown anew.
const TICK_EVERY: Duration = Duration::from_millis(250);

/// Everybody who watches.
#[derive(Debug)]
pub(super) struct Watchers {
    bar: ProgressBar,
    last_line: Stamp,
    last_tick: Option<Stamp>,
}

impl Watchers {
    pub(super) fn new(detail: Detail) -> Self {
        let target = match detail {
            Detail::Verdict => ProgressDrawTarget::hidden(),
            Detail::Page | Detail::Everything => ProgressDrawTarget::stderr_with_hz(4),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            last_line: Clock::get().now(),
            last_tick: None,
        }
    }

    /// Called many times a second: shows how it stands, if it is time. `snapshot` is asked only then.
    pub(super) fn tick<'a>(&mut self, snapshot: impl FnOnce() -> Snapshot<'a>) {
        let clock = Clock::get();
        if (self.last_tick).is_some_and(|last| clock.since(last) < TICK_EVERY) {
            return;
        }
        self.last_tick = Some(clock.now());
        self.show_bar(&snapshot());
    }

    /// A round is over: its line, if a minute is, too.
    pub(super) fn round_over(&mut self, snapshot: &Snapshot<'_>, terminal: &mut Terminal) {
        let clock = Clock::get();
        if clock.since(self.last_line) >= LINE_EVERY {
            self.last_line = clock.now();
            self.line(snapshot, terminal);
        }
    }

    /// A line, whatever the time.
    pub(super) fn line(&mut self, snapshot: &Snapshot<'_>, terminal: &mut Terminal) {
        self.say(&report::soak::line(snapshot), terminal);
    }

    /// Text that stays, unless only verdicts are wanted.
    pub(super) fn say(&self, text: &str, terminal: &mut Terminal) {
        if terminal.detail() != Detail::Verdict {
            self.bar.suspend(|| terminal.data(text));
        }
    }

    /// The soak is over.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show_bar(&self, snapshot: &Snapshot<'_>) {
        let Some((round, _)) = snapshot.current else {
            return;
        };
        let lane = &snapshot.header.lanes[round.lane];
        let left = u64::try_from(snapshot.left.as_nanos()).unwrap_or(u64::MAX);
        self.bar.set_message(format!(
            "round {}: {} on {}, {} left",
            figures::count(round.number),
            lane.workload,
            report::subject(&lane.heap, lane.fault.as_deref()),
            figures::span(left),
        ));
        self.bar.tick();
    }
}
