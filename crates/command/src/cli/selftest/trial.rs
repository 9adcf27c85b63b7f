//! Makes a trial in a process of its own, and judges how that process ended.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cli::child::{Child, ChildOutput, Printed, Waited, Wish};
use crate::cli::reproduce;
use crate::cli::store;
use crate::clock::Clock;
use crate::fuzz::Sighting;
use crate::fuzz::catalogue::Danger;
use crate::fuzz::matrix::{Ending, Row, Trial, Tried, Verified};
use crate::report;
use crate::run::Patience;
use crate::soak::Told;

/// How long a trial whose fault keeps runs from ending may make no progress: a hundred times what
/// the whole run takes without its fault.
const HANG_LIMIT: Duration = Duration::from_secs(5);

/// How often a run is surveyed in the lane that pauses: often enough to disturb races, and to see a
/// fault well before the end.
const PAUSES: u64 = 16;

/// How many trials that hang have their stacks kept at most, since a debugger takes seconds.
const STACKS_MAX: usize = 8;

/// Makes trials.
#[derive(Debug)]
pub(super) struct Bench {
    limit: Duration,
    interrupted: Arc<AtomicBool>,
    /// Where trials are kept whose process was lost.
    keep: PathBuf,
    lost: Mutex<Lost>,
}

/// Trials whose process was lost.
#[derive(Debug, Default)]
struct Lost {
    /// The rows of which one is kept. Where a fault is known for it, one is enough.
    rows: HashSet<usize>,
    stacks: usize,
    /// Why one could not be kept.
    failed: Option<io::Error>,
}

impl Bench {
    /// A bench whose trials count as hung when they make no progress for `limit`. Those whose process is
    /// lost are kept in the directory `keep`.
    pub(super) fn new(limit: Duration, interrupted: &Arc<AtomicBool>, keep: PathBuf) -> Self {
        Self {
            limit,
            interrupted: Arc::clone(interrupted),
            keep,
            lost: Mutex::default(),
        }
    }

    /// Where trials are kept whose process was lost, if there are any, or why they could not be.
    pub(super) fn kept(&self) -> io::Result<Option<&Path>> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        match lost.failed.take() {
            Some(error) => Err(error),
            None => Ok((!lost.rows.is_empty()).then_some(self.keep.as_path())),
        }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }

    /// Makes one trial; `None` if it was interrupted.
    pub(super) fn try_out(&self, row: &Row<'_>, trial: Trial) -> Option<Tried> {
        let clock = Clock::get();
        let start = clock.now();
        let words = words(row, trial.lane, trial.seed);
        let limit = match row.danger() {
            // It is expected to hang, so waiting for longer shows nothing.
            Some(Danger::Hang) => self.limit.min(HANG_LIMIT),
            Some(Danger::Crash) | None => self.limit,
        };
        let ended = self.run(words, limit, || self.wants_stacks(row, trial));
        let wall = clock.since(start);
        if self.is_interrupted() {
            return None;
        }
        let (ending, stacks) = match ended {
            Ok((Waited::Told(told), ..)) => (told_ending(told), None),
            Ok((Waited::Exited(status), output, stack)) => {
                (Ending::Crashed(output.how(status)), stack)
            }
            Ok((Waited::Hung | Waited::CalledOff, _, stacks)) => (Ending::Hung, stacks),
            Err(error) => (Ending::Failed(format!("failed to start it: {error}")), None),
        };
        let how = match &ending {
            Ending::Crashed(how) => Some(how.as_str()),
            Ending::Hung => Some("it did not come to an end"),
            Ending::Judged(_) | Ending::Failed(_) => None,
        };
        if let Some(how) = how {
            self.keep(row, trial, how, stacks);
        }
        Some(Tried {
            trial,
            ending,
            wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
        })
    }

    fn run(
        &self,
        mut words: Vec<String>,
        limit: Duration,
        wants_stacks: impl Fn() -> bool,
    ) -> io::Result<(Waited, ChildOutput, Option<String>)> {
        words.insert(0, "attempt".to_owned());
        let mut child = Child::start(&words, Printed::Dropped)?;
        let mut patience = Patience::with(child.id(), limit);
        let waited = child.wait(&mut patience, |_| match self.is_interrupted() {
            false => Wish::WaitOn,
            true => Wish::CallOff,
        })?;
        let is_hung = waited == Waited::Hung && wants_stacks();
        let stacks = is_hung.then(|| child.stacks()).flatten();
        let output = child.output();
        let stack = output.crash.as_ref().map(report::crash::stack);
        Ok((waited, output, stacks.or(stack)))
    }

    /// Whether the case of a lost trial is to be kept. Of a row whose fault is known for it, one is
    /// enough.
    fn is_wanted(lost: &Lost, row: &Row<'_>, trial: Trial) -> bool {
        row.danger().is_none() || !lost.rows.contains(&trial.row)
    }

    fn wants_stacks(&self, row: &Row<'_>, trial: Trial) -> bool {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        Self::is_wanted(&lost, row, trial) && lost.stacks < STACKS_MAX
    }

    /// Keeps how to repeat a trial whose process was lost, and its stacks.
    fn keep(&self, row: &Row<'_>, trial: Trial, how: &str, stacks: Option<String>) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if !Self::is_wanted(&lost, row, trial) {
            return;
        }
        lost.rows.insert(trial.row);
        lost.stacks += usize::from(stacks.is_some());
        if let Err(error) = self.write(row, trial, how, stacks) {
            lost.failed = Some(error);
        }
    }

    fn write(
        &self,
        row: &Row<'_>,
        trial: Trial,
        how: &str,
        stacks: Option<String>,
    ) -> io::Result<()> {
        let fault = row.fault.map(|planted| planted.fault);
        let mut again = words(row, trial.lane, trial.seed);
        again.insert(0, "run".to_owned());
        let case = report::recipe(row.heap, fault, trial.seed, again);
        let name = format!(
            "{}-{}-{}-{}-{}",
            row.name(),
            row.show.workload,
            store::file_word(row.heap),
            trial.lane.name(),
            trial.seed
        );
        std::fs::create_dir_all(&self.keep)?;
        let path = self.keep.join(name.replace(' ', "-"));
        let text = format!("{case}# {}\n", how.replace('\n', "\n# "));
        store::write_whole(&path.with_extension("case"), text.as_bytes())?;
        stacks.map_or(Ok(()), |stacks| {
            store::write_whole(&path.with_extension("stacks.txt"), stacks.as_bytes())
        })
    }
}

/// What a trial came to by its own report.
fn told_ending(told: Told) -> Ending {
    match told {
        Told::Made(made) => match serde_json::from_str(&made.result) {
            Ok(sighting) => judged(sighting),
            Err(error) => Ending::Failed(format!("what it reported cannot be read: {error}")),
        },
        Told::Failed { why } | Told::Refused { why } => Ending::Failed(why),
        Told::Panicked { message } => Ending::Crashed(format!("it panicked: {message}")),
        Told::Beat { .. } | Told::Ran | Told::Over(_) | Told::Crashed(_) => {
            unreachable!("no outcome of a trial")
        }
    }
}

/// A heap in a process of its own may be lost although this one is not.
fn judged(sighting: Sighting) -> Ending {
    match sighting.lost {
        None => Ending::Judged(sighting),
        Some(Danger::Crash) => Ending::Crashed(sighting.broke.unwrap_or_default()),
        Some(Danger::Hang) => Ending::Hung,
    }
}

/// The arguments of a trial: those of `run`.
fn words(row: &Row<'_>, lane: Verified, seed: u64) -> Vec<String> {
    let mut words = vec![row.show.workload.to_owned()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    for (key, value) in row.show.parameters {
        option("-D", format!("{key}={value}"));
    }
    option("--heap", row.heap.to_owned());
    option("--seed", seed.to_string());
    option("--ops", row.show.ops.to_string());
    if lane == Verified::Every {
        let ops = (row.show.ops / PAUSES).max(1);
        option("--verify", format!("every={ops}"));
    }
    option("--timing", "off".to_owned());
    if let Some(planted) = row.fault {
        option("--fault", planted.fault.name().to_owned());
    }
    if let Some(ops) = row.show.collect_every {
        words.extend(["--collect-every".to_owned(), ops.to_string()]);
    }
    if let Some(events) = row.show.history {
        words.extend(["--history".to_owned(), events.to_string()]);
    }
    if row.show.delays {
        words.push("--delays".to_owned());
    }
    words
}

/// The command line that repeats a trial as a `run`, with all its output.
pub(super) fn line(program: &str, row: &Row<'_>, lane: Verified, seed: u64) -> String {
    let mut line = vec!["run".to_owned()];
    line.extend(words(row, lane, seed));
    reproduce::whole(program, &line)
}
