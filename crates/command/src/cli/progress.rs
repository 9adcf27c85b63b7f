//! The progress of a run: a bar, or in a child process reports to its parent. Also ends the run
//! when a survey violates a check.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::child::inside;
use super::events::{RunTeller, Teller, millis};
use super::task::RunTask;
use crate::check;
use crate::clock::{Clock, Stamp};
use crate::evidence::{Picture, Survey};
use crate::report::{Detail, shown};
use crate::result::figures;
use crate::run::{Budget, Observer, Progress};
use crate::soak::{Beat, Told};

/// How often the bar is drawn anew: often enough to be seen to move.
const DRAWS_PER_SECOND: u8 = 10;
/// The columns of a bar, if there is room for one.
const BAR_MIN: usize = 5;
const BAR_MAX: usize = 30;
/// The columns that the figures behind a bar take, mostly: `59.9 s of 1 min 00 s, 999 M operations`.
const FIGURES: usize = 42;
/// The least time between two reports to the parent.
const BEAT: Duration = Duration::from_millis(200);

/// How often a bar moves that is told little.
const TICK: Duration = Duration::from_millis(100);

/// From when on it is shown that the heap settles.
const LONG: Duration = Duration::from_secs(1);

/// Watches one run.
pub(super) struct Watch<'a> {
    task: &'a RunTask<'a>,
    bar: ProgressBar,
    /// Present if the state at the end is to be recorded; filled in at the end.
    picture: Option<Mutex<Option<Picture>>>,
    /// Present if this process reports to a parent: when it last did.
    told: Option<Mutex<Stamp>>,
    /// Present if the progress is told as events.
    teller: Option<RunTeller>,
}

impl<'a> Watch<'a> {
    /// Shows a bar if standard error is a terminal (otherwise indicatif hides it).
    pub(super) fn new(task: &'a RunTask<'a>, detail: Detail) -> Self {
        let target = if detail == Detail::Verdict {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
        };
        let bar = ProgressBar::with_draw_target(Some(length(&task.options.budget)), target);
        let prefix = format!("{} on {}", task.plan.workload, task.subject());
        // indicatif passes on what it is given, to a terminal that would obey it.
        let prefix = shown(&prefix).into_owned();
        let taken = measure_text_width(&prefix) + FIGURES;
        let room = usize::from(Term::stderr().size().1).saturating_sub(taken);
        let shape = match (&task.options.budget, room.min(BAR_MAX)) {
            (Budget::Workload | Budget::Rounds(_), _) => "{spinner:.cyan} ".to_owned(),
            (Budget::Duration(_) | Budget::Ops(_), ..BAR_MIN) => String::new(),
            (Budget::Duration(_) | Budget::Ops(_), room) => format!("{{bar:{room}.cyan/dim}} "),
        };
        let shape = format!("{{prefix}} {shape}{{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&shape) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(prefix);
        Self {
            task,
            bar,
            picture: None,
            told: None,
            teller: None,
        }
    }

    /// Also tells the progress as events of this run.
    pub(super) fn with_events(self, run: usize) -> Self {
        let teller = Teller::default();
        Self {
            teller: Some(RunTeller { run, teller }),
            ..self
        }
    }

    /// Also records the state at the end.
    pub(super) fn with_picture(self) -> Self {
        Self {
            picture: Some(Mutex::default()),
            ..self
        }
    }

    /// Also reports the progress to the parent of this process.
    pub(super) fn telling(self) -> Self {
        Self {
            told: Some(Mutex::new(Clock::get().now())),
            ..self
        }
    }

    /// The state at the end, if it was to be recorded and could be.
    pub(super) fn take_picture(self) -> Option<Picture> {
        let picture = self.picture?.into_inner();
        picture.unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the bar when the run is over.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Shows how many of a number of turns, runs and the like were made, if standard error is a terminal.
pub(super) fn counting(what: &str, length: u64, detail: Detail) -> ProgressBar {
    let target = match detail {
        Detail::Verdict => ProgressDrawTarget::hidden(),
        Detail::Page | Detail::Everything => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let shape = format!("{{bar:30.cyan/dim}} {what} {{pos}} of {{len}}, {{eta}} left; {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&shape) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// Reports to the parent, unless the last report is recent.
fn tell(progress: Progress, told: &Mutex<Stamp>) {
    let clock = Clock::get();
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    // That it settles is always told: it may be the last that is heard of it.
    if progress.settling.is_none() && clock.since(*told) < BEAT {
        return;
    }
    *told = clock.now();
    inside::tell(&Told::Beat {
        beat: Beat {
            elapsed_ms: millis(progress.elapsed),
            ops: progress.ops,
            live: progress.live,
            unreclaimed: progress.unreclaimed,
            rss_bytes: progress.rss_bytes,
        },
        surveys: progress.surveys,
        steps: progress.steps,
        settling_ms: progress.settling.map(millis),
    });
}

/// The progress that a child reports.
pub(super) fn told(told: &Told) -> Option<Progress> {
    let Told::Beat {
        beat,
        surveys,
        steps,
        settling_ms,
    } = *told
    else {
        return None;
    };
    Some(Progress {
        elapsed: Duration::from_millis(beat.elapsed_ms),
        ops: beat.ops,
        surveys,
        steps,
        live: beat.live,
        unreclaimed: beat.unreclaimed,
        rss_bytes: beat.rss_bytes,
        settling: settling_ms.map(Duration::from_millis),
    })
}

fn length(budget: &Budget) -> u64 {
    match budget {
        Budget::Duration(duration) => millis(*duration),
        Budget::Ops(ops) => *ops,
        Budget::Workload | Budget::Rounds(_) => 0,
    }
}

fn span(duration: Duration) -> String {
    figures::span(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

impl Observer for Watch<'_> {
    fn progress(&self, progress: Progress) {
        if let Some(told) = &self.told {
            tell(progress, told);
        }
        if let Some(teller) = &self.teller {
            teller.progress(progress);
        }
        if self.bar.is_hidden() {
            return;
        }
        let Progress {
            elapsed,
            ops,
            surveys,
            settling,
            ..
        } = progress;
        let mut message = match self.task.options.budget {
            Budget::Duration(budget) if elapsed >= budget => "judging".to_owned(),
            Budget::Duration(budget) => format!("{} of {}", span(elapsed), span(budget)),
            Budget::Workload | Budget::Rounds(_) | Budget::Ops(_) => span(elapsed),
        };
        message += &format!(", {} operations", figures::short(ops as f64));
        if surveys > 0 {
            message += &format!(", {}", figures::several(surveys, "survey", "surveys"));
        }
        if let Some(settling) = settling.filter(|settling| *settling >= LONG) {
            message += &format!(", settling for {}", span(settling));
        }
        self.bar.set_message(message);
        match self.task.options.budget {
            Budget::Duration(_) => self.bar.set_position(millis(elapsed)),
            Budget::Ops(_) => self.bar.set_position(ops),
            Budget::Workload | Budget::Rounds(_) => self.bar.tick(),
        }
    }

    fn wants_picture(&self) -> bool {
        self.picture.is_some()
    }

    fn painted(&self, picture: Picture) {
        if let Some(place) = &self.picture {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
        }
    }

    fn surveyed(&self, survey: &Survey) -> ControlFlow<()> {
        if check::survey_violates(&self.task.plan, self.task.heap.caps(), survey) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
