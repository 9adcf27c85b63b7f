//! Makes a trial in a process of its own, and judges how that process ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::cli::child::{Child, ChildOutput, Printed, Waited, Wish};
use crate::cli::reproduce;
use crate::clock::Clock;
use crate::fuzz::Sighting;
use crate::fuzz::catalogue::Danger;
use crate::fuzz::matrix::{Ending, Row, Trial, Tried, Verified};
use crate::run::Patience;
use crate::soak::Told;

/// How long a trial whose fault keeps runs from ending may make no progress: a hundred times what
/// the whole run takes without its fault.
const HANG_LIMIT: Duration = Duration::from_secs(5);

/// How often a run is surveyed in the lane that pauses: often enough to disturb races, and to see a
/// fault well before the end.
const PAUSES: u64 = 16;

/// Makes trials.
#[derive(Debug)]
pub(super) struct Bench {
    limit: Duration,
    interrupted: Arc<AtomicBool>,
}

impl Bench {
    /// A bench whose trials count as hung when they make no progress for `limit`.
    pub(super) fn new(limit: Duration, interrupted: &Arc<AtomicBool>) -> Self {
        Self {
            limit,
            interrupted: Arc::clone(interrupted),
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
        let ended = self.run(words, limit);
        let wall = clock.since(start);
        if self.is_interrupted() {
            return None;
        }
        let ending = match ended {
            Ok((Waited::Told(told), _)) => told_ending(told),
            Ok((Waited::Exited(status), output)) => Ending::Crashed(output.how(status)),
            Ok((Waited::Hung | Waited::CalledOff, _)) => Ending::Hung,
            Err(error) => Ending::Failed(format!("failed to start it: {error}")),
        };
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
    ) -> std::io::Result<(Waited, ChildOutput)> {
        words.insert(0, "attempt".to_owned());
        let mut child = Child::start(&words, Printed::Dropped)?;
        let mut patience = Patience::with(child.id(), limit);
        let waited = child.wait(&mut patience, |_| match self.is_interrupted() {
            false => Wish::WaitOn,
            true => Wish::CallOff,
        })?;
        Ok((waited, child.output()))
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
        Told::Beat { .. } | Told::Ran | Told::Over(_) => unreachable!("no outcome of a trial"),
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
