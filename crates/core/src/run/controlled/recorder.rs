//! A scheduler that wraps another. It records the choices of that one, counts steps, and ends an
//! execution early if its rest does not matter.
//!
//! The recorder's state is shared with the code that explores, since the checker owns the
//! scheduler, and an execution that is ended leaves nothing else behind. An execution is ended by
//! unwinding out of the scheduler, and so out of the thread that is at its next step; destructors
//! that run during the unwinding are not ended again. The result of such an execution must not be
//! used.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::panicking;

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

use super::choices::Choices;
use crate::evidence::Race;
use crate::heap::Defect;
use crate::plan::Case;
use crate::run::steps::race::Log;

/// Steps after which a schedule is given up: a hundred times what a short program takes. The
/// checker's schedulers need not be fair, so a thread may wait for ever for one that is never
/// chosen.
const STEPS_MAX: u64 = 200_000;
/// Whether a race shows that something is wrong.
pub type Judge = fn(&Case, &Race) -> bool;

/// What chooses the next thread.
pub(super) enum Chooser {
    /// A scheduler of the checker's, under which what the heap draws at random differs from
    /// execution to execution.
    Scheduler(Box<dyn Scheduler + Send>),
    /// A scheduler that enumerates all choices, which requires that nothing else differs between
    /// executions.
    Enumerator(Box<dyn Scheduler + Send>),
    /// A kept schedule, which is run once.
    Kept(Box<dyn Iterator<Item = usize> + Send>),
}

/// Why an execution was ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// A mutator panicked; what was done until then is in the log.
    Panicked,
    /// It took too many steps.
    TooLong,
    /// The kept schedule chooses a thread that cannot run, or is over too early.
    Diverged,
}

/// What the scheduler shares with the code that explores.
pub(super) struct Shared {
    pub(super) case: Case,
    pub(super) judge: Judge,
    pub(super) log: Log,
    state: Mutex<State>,
}

/// The part of [`Shared`] that changes.
pub(super) struct State {
    pub(super) chooser: Chooser,
    pub(super) choices: Choices,
    steps: u64,
    /// Executions begun.
    pub(super) executions: u64,
    /// What the last execution came to, until it is judged.
    pub(super) race: Option<Result<Race, Defect>>,
    pub(super) ended: Option<Ended>,
    /// The first race that the judge objected to, and its choices.
    pub(super) found: Option<(Race, Choices)>,
    /// The heap could not be opened.
    pub(super) defect: Option<Defect>,
    random: u64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(case: &Case, judge: Judge, chooser: Chooser) -> Arc<Self> {
        Arc::new(Self {
            case: case.clone(),
            judge,
            log: Log::default(),
            state: Mutex::new(State {
                chooser,
                choices: Choices::default(),
                steps: 0,
                executions: 0,
                race: None,
                ended: None,
                found: None,
                defect: None,
                random: 0,
            }),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges the last execution, if it left a race. Returns whether to go on.
    pub(super) fn judge(&self) -> bool {
        let mut state = self.state();
        match state.ended {
            Some(Ended::Panicked) => {
                if let Some(race) = self.log.until_panic() {
                    state.race = Some(Ok(race));
                }
            }
            Some(Ended::TooLong | Ended::Diverged) => state.race = None,
            None => {}
        }
        match state.race.take() {
            Some(Ok(race)) if (self.judge)(&self.case, &race) => {
                let choices = std::mem::take(&mut state.choices);
                state.found = Some((race, choices));
            }
            Some(Err(defect)) => state.defect = Some(defect),
            Some(Ok(_)) | None => {}
        }
        state.found.is_none() && state.defect.is_none()
    }
}

/// The scheduler that the checker is given.
#[derive(Debug)]
pub(super) struct Recorder(pub(super) Arc<Shared>);

impl State {
    fn end(&mut self, why: Ended) -> ! {
        self.ended = Some(why);
        resume_unwind(Box::new(why));
    }
}

impl Scheduler for Recorder {
    fn new_execution(&mut self) -> Option<Schedule> {
        if !self.0.judge() {
            return None;
        }
        let mut state = self.0.state();
        let number = state.executions;
        match &mut state.chooser {
            Chooser::Scheduler(scheduler) => {
                scheduler.new_execution()?;
                state.choices = Choices::new(number);
            }
            Chooser::Enumerator(scheduler) => {
                scheduler.new_execution()?;
                state.choices = Choices::default();
            }
            Chooser::Kept(_) if number > 0 => return None,
            // A kept schedule contains its seed.
            Chooser::Kept(_) => {}
        }
        state.executions += 1;
        state.steps = 0;
        state.ended = None;
        state.random = state.choices.seed;
        self.0.log.reset();
        Some(Schedule::new(number))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let mut state = self.0.state();
        let why = state.ended;
        let why = why.or(self.0.log.is_over().then_some(Ended::Panicked));
        if let Some(why) = why {
            if !panicking() {
                state.end(why);
            }
            let current = current.filter(|id| runnable.iter().any(|task| task.id() == *id));
            return current.or(runnable.first().map(|task| task.id()));
        }
        state.steps += 1;
        if state.steps > STEPS_MAX {
            state.end(Ended::TooLong);
        }
        let next = match &mut state.chooser {
            Chooser::Scheduler(scheduler) | Chooser::Enumerator(scheduler) => {
                let next = scheduler.next_task(runnable, current, is_yielding)?;
                if runnable.len() > 1 {
                    state.choices.push(next.into());
                }
                next
            }
            Chooser::Kept(_) if runnable.len() == 1 => runnable[0].id(),
            Chooser::Kept(kept) => {
                let next = kept.next().map(TaskId::from);
                match next.filter(|next| runnable.iter().any(|task| task.id() == *next)) {
                    Some(next) => next,
                    None => state.end(Ended::Diverged),
                }
            }
        };
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a function of the execution's seed alone.
        let mut state = self.0.state();
        state.random = state.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }
}
