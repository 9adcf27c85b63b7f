//! Runs a kept case again, in this process: once if that is deterministic, otherwise until it fails.
//! Nothing is printed here, since this may be the process of a heap that is not trusted.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::attempt::{attempt_alone, stray};
#[cfg(not(shuttle))]
use super::control;
use super::hush;
use super::tries::{Tries, runs};
use crate::clock::Clock;
#[cfg(shuttle)]
use crate::fuzz::by_schedules;
use crate::fuzz::{CRASHED, Finding, by_steps};
use crate::heap::Defect;
use crate::plan::{Case, Control, Schedule};
use crate::report::{self, Detail};
use crate::result::figures;
use crate::run::Entry;
#[cfg(shuttle)]
use crate::run::Exploration;

/// What a case came to that was run again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RanAgain {
    pub(super) finding: Option<Finding>,
    /// How it was run, in words.
    pub(super) how: String,
    /// Its turns, if they are to be shown.
    pub(super) page: String,
    /// Why it could not be run.
    pub(super) failed: Option<String>,
    pub(super) warning: Option<String>,
}

impl RanAgain {
    fn failed(defect: &Defect) -> Self {
        Self {
            finding: Some(Finding::of_lost(CRASHED, defect.to_string())),
            failed: Some(defect.to_string()),
            ..Self::default()
        }
    }
}

/// A case, and the heap that it is run on.
pub(super) struct Subject<'a> {
    pub(super) case: &'a Case,
    pub(super) heap: &'a Entry,
    /// How often it is tried on free threads, and how many schedules are explored.
    pub(super) tries: Tries,
    pub(super) detail: Detail,
}

impl Subject<'_> {
    /// Runs it. `on_run` is called with the number of each run before it, and may end it there.
    pub(super) fn run(&self, mut on_run: impl FnMut(u64) -> ControlFlow<()>) -> RanAgain {
        let again = match &self.case.schedule {
            Schedule::Steps => self.step(),
            Schedule::Free => self.repeat(&mut on_run),
            Schedule::Controlled { by, kept } => self.race(*by, kept.as_deref()),
        };
        // Taken even if it is not needed, so that it is not found in the next case.
        let stray = stray();
        RanAgain {
            finding: again.finding.or(stray),
            ..again
        }
    }

    /// Steps through it once, which is deterministic.
    fn step(&self) -> RanAgain {
        let tried = hush::while_trying(|| by_steps(self.heap, self.case.fault, self.case));
        let (trace, finding) = match tried {
            Ok(tried) => tried,
            Err(defect) => return RanAgain::failed(&defect),
        };
        let page = match self.detail {
            Detail::Everything => report::hunt::steps(self.case, &trace, finding.as_ref()),
            Detail::Verdict | Detail::Page => String::new(),
        };
        let turns = figures::several(trace.steps.len() as u64, "turn", "turns");
        RanAgain {
            how: format!("{turns}, trace {}", trace.digest()),
            page,
            finding,
            ..RanAgain::default()
        }
    }

    /// Runs it in the kept schedule, which is deterministic, or explores others.
    #[cfg(shuttle)]
    fn race(&self, by: Control, kept: Option<&str>) -> RanAgain {
        let how = Exploration {
            by,
            kept,
            schedules: usize::try_from(self.tries.times).unwrap_or(usize::MAX),
        };
        let tried = hush::while_trying(|| by_schedules(self.heap, self.case.fault, how, self.case));
        let raced = match tried {
            Ok(raced) => raced,
            Err(defect) => return RanAgain::failed(&defect),
        };
        let schedules = figures::several(raced.schedules, "schedule", "schedules");
        let mut again = RanAgain {
            finding: raced.finding,
            how: schedules,
            ..RanAgain::default()
        };
        if raced.has_diverged {
            let why = "the kept schedule does not fit: it is of another case, or of another build";
            again.warning = Some(why.to_owned());
        }
        if let Some((race, _)) = &raced.race {
            if self.detail == Detail::Everything {
                again.page = report::hunt::race(self.case, race);
            }
            let turns = figures::several(race.spans.len() as u64, "turn", "turns");
            again.how += &format!(", {turns}, trace {}", race.digest());
        }
        again
    }

    /// Never called: such schedules are refused before.
    #[cfg(not(shuttle))]
    fn race(&self, by: Control, kept: Option<&str>) -> RanAgain {
        match control::explore(self.heap, self.case.fault, by, self.case) {
            Err(defect) => RanAgain::failed(&defect),
            Ok(_) => unreachable!("a build without a checker has explored schedule {kept:?}"),
        }
    }

    /// Runs it on free threads until it fails, or there is no time for another run.
    fn repeat(&self, on_run: &mut dyn FnMut(u64) -> ControlFlow<()>) -> RanAgain {
        let mut again = RanAgain::default();
        let (began, mut done) = (Clock::get().now(), 0);
        while done < self.tries.times && on_run(done + 1).is_continue() {
            done += 1;
            again.finding = attempt_alone(self.heap, self.case, self.case).finding;
            if again.finding.is_some() {
                break;
            }
            again.warning = self.tries.stopped(began, done);
            if again.warning.is_some() {
                break;
            }
        }
        again.how = match again.finding {
            Some(_) => format!("in run {done}"),
            None => format!("in {}", runs(done)),
        };
        again
    }
}
