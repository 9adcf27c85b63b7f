//! A case under a model checker that chooses, at each access to shared memory, which mutator runs
//! next.
//!
//! This exists only in builds with `--cfg shuttle`, where the heaps' atomics and locks are the
//! checker's. The checker has sequentially consistent memory, runs all threads on one thread of the
//! system, and has no time. Heaps do their upkeep within calls, as in [steps](super::step_through).
//!
//! A schedule is a function of the way it is chosen, the case and its seed, so exploring a case
//! again finds the same; and replaying a kept schedule gives the same [`Race`] each time.
//!
//! This module does not know whether a race shows a bug: it asks a [`Judge`], and stops at the
//! first race that the judge objects to.

mod choices;
mod recorder;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use super::any::{Open, guarded, panic_message};
use super::config_for;
use super::steps::race::race;
use crate::evidence::{Broke, Race, Trace};
use crate::heap::{Caps, Defect, Fault, HeapConfig};
use crate::plan::{Case, Control};
use choices::Choices;
pub use recorder::Judge;
use recorder::{Chooser, Ended, Recorder, Shared};

/// Schedules that a case gets. Most faults that a short program can show at all show within some
/// hundred schedules; the others are found sooner with another program than with more schedules of
/// the same.
pub const SCHEDULES: usize = 200;
/// How many times PCT changes a priority: the deepest fault that it is known to find here needs 3.
const PCT_DEPTH: usize = 4;
/// The same as in the models of the lock-free heap.
const STACK_BYTES: usize = 0x2_0000;

/// Which schedules to try.
#[derive(Debug, Clone, Copy)]
pub struct Exploration<'a> {
    /// How they are chosen.
    pub by: Control,
    /// A kept schedule, which is then the only one that is run.
    pub kept: Option<&'a str>,
    /// How many to try at most.
    pub schedules: usize,
}

/// What an exploration came to.
#[derive(Debug)]
pub struct Explored {
    /// Schedules that were tried.
    pub schedules: u64,
    /// The race that the judge objected to, and its schedule; of a kept schedule its race, whatever
    /// that is.
    pub race: Option<(Race, String)>,
    /// The kept schedule does not fit: it belongs to another case, or to another build.
    pub has_diverged: bool,
}

fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config.stack_size = STACK_BYTES;
    // The recorder counts steps, and ends executions that are too long.
    config.max_steps = MaxSteps::None;
    config
}

/// Runs code that uses the checker's atomics and needs no second thread.
pub(super) fn alone<T: Send + 'static>(done: impl Fn() -> T + Send + Sync + 'static) -> T {
    let result = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&result);
    let run = move || {
        let result = done();
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    };
    Runner::new(RandomScheduler::new_from_seed(0, 1), config()).run(run);
    let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
    result.take().expect("an execution that ended did its work")
}

/// What a heap that is opened this way can do; nothing if it cannot even be opened.
pub(super) fn caps_of(open: &Arc<Open>) -> Caps {
    let open = Arc::clone(open);
    alone(move || {
        let ask = || Some(open(&HeapConfig::with_capacity(64)).ok()?.caps());
        guarded("caps", ask).ok().flatten().unwrap_or(Caps::NONE)
    })
}

/// Runs schedules of a case until the judge objects to one, or all that were asked for have run.
///
/// # Errors
///
/// The heap cannot be opened, or the kept schedule cannot be read.
pub(super) fn explore(
    open: Arc<Open>,
    case: &Case,
    fault: Option<Fault>,
    how: Exploration<'_>,
    judge: Judge,
) -> Result<Explored, Defect> {
    let shared = match how.kept {
        None => Shared::new(case, judge, chooser(case, how)),
        Some(kept) => {
            let kept = Choices::parse(kept).ok_or_else(|| Defect::Other {
                message: "the schedule that is kept with the case cannot be read".to_owned(),
            })?;
            let iter: Vec<usize> = kept.iter().collect();
            // The race of a kept schedule is reported whatever it is.
            let shared = Shared::new(case, |_, _| true, Chooser::Kept(Box::new(iter.into_iter())));
            shared.state().choices = kept;
            shared
        }
    };
    while run_until_ended(&shared, &open, fault) {}
    let mut state = shared.state();
    if let Some(defect) = state.defect.take() {
        return Err(defect);
    }
    Ok(Explored {
        schedules: state.executions,
        has_diverged: state.ended == Some(Ended::Diverged),
        race: state
            .found
            .take()
            .map(|(race, choices)| (race, choices.to_string())),
    })
}

/// Runs executions until there are no more, or one is ended early. Returns whether to go on.
fn run_until_ended(shared: &Arc<Shared>, open: &Arc<Open>, fault: Option<Fault>) -> bool {
    let (own, open) = (Arc::clone(shared), Arc::clone(open));
    let execution = move || {
        let heap = open(&config_for(&own.case));
        let raced = heap.map(|heap| race(heap, &own.case, fault, &own.log));
        own.state().race = Some(raced);
    };
    let runner = Runner::new(Recorder(Arc::clone(shared)), config());
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| runner.run(execution))) else {
        return false;
    };
    let mut state = shared.state();
    if state.ended.is_none() {
        // The checker itself panicked, because all threads wait for one another.
        let broke = Some(Broke::Panicked(panic_message(&*panic)));
        let trace = Trace::of(Caps::NONE);
        state.race = Some(Ok(Race::of(Trace { broke, ..trace })));
    }
    drop(state);
    shared.judge()
}

fn chooser(case: &Case, how: Exploration<'_>) -> Chooser {
    let at_work = (0..).take(case.mutators.len());
    let at_work = at_work.filter(|number| case.turns.iter().any(|turn| turn.mutator == *number));
    // One mutator alone has one schedule, and PCT panics if it is to run a second without a choice
    // between threads.
    let schedules = match at_work.count() {
        0 | 1 => 1,
        _ => how.schedules,
    };
    let seed = case.seed;
    match how.by {
        Control::Random => {
            let random = RandomScheduler::new_from_seed(seed, schedules);
            Chooser::Scheduler(Box::new(random))
        }
        Control::Pct => {
            let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, schedules);
            Chooser::Scheduler(Box::new(pct))
        }
        Control::Dfs => Chooser::Enumerator(Box::new(DfsScheduler::new(Some(schedules), true))),
    }
}
