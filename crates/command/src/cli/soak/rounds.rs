//! Makes rounds: those of a stint in one process, and in a new one after a round that failed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{Process, RoundEnd, RoundLimits};
use crate::cli::{isolate, reproduce, values};
use crate::clock;
use crate::heap::Fault;
use crate::result::Outcome;
use crate::run::is_python;
use crate::soak::{Beat, Header, Lane, Record, Round};

/// A round that is over.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) record: Record,
    /// If it failed: the end of what its process wrote to standard error.
    pub(super) said: String,
    /// If it hung: the stacks of its threads, where there is a debugger. If it crashed: that of the crash.
    pub(super) stacks: Option<String>,
}

/// Makes the rounds of one soak.
#[derive(Debug)]
pub(super) struct Rounds {
    program: String,
    limits: RoundLimits,
    /// Where a round that fails writes its files.
    scratch: PathBuf,
    /// The process of the stint under way, and the first round that it made.
    stint: Option<(Process, Round)>,
}

impl Rounds {
    pub(super) fn new(program: &str, limits: RoundLimits, scratch: &Path) -> Self {
        Self {
            program: program.to_owned(),
            limits,
            scratch: scratch.to_owned(),
            stint: None,
        }
    }

    /// Where a round that failed has written its files.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Makes one round. `tick` is called many times a second with its progress.
    ///
    /// # Errors
    ///
    /// No process could be started for it, or the system did not let it be watched.
    pub(super) fn make(
        &mut self,
        header: &Header,
        round: Round,
        tick: impl FnMut(Option<Beat>),
    ) -> std::io::Result<Made> {
        let lane = &header.lanes[round.lane];
        let (mut process, first) = match self.stint.take() {
            Some((process, first)) if first.stint == round.stint && grows_old(lane) => {
                (process, first)
            }
            _ => (self.start(header, round)?, round),
        };
        let reproduce = self.reproduce(header, round, first);
        let limits = match is_python(&lane.heap) {
            true => self.limits.with(isolate::GRACE),
            false => self.limits,
        };
        let mut ended = process.round(limits, tick)?;
        let is_last = round.left_in_stint() == 1;
        if is_last {
            // Its heap is closed by then, so its memory does not compare with that of the other
            // rounds.
            ended.found.rss_bytes_after = 0;
        }
        let record = record(&ended, round, first, reproduce);
        let (said, stacks) = if ended.is_lost() || record.is_failure() {
            // The heap may be damaged, so the next round gets a new one.
            (process.end(), ended.stacks)
        } else {
            if !is_last {
                self.stint = Some((process, first));
            }
            (String::new(), None)
        };
        Ok(Made {
            record,
            said,
            stacks,
        })
    }

    /// Starts a process for the remaining rounds of the round's stint.
    fn start(&self, header: &Header, round: Round) -> std::io::Result<Process> {
        let lane = &header.lanes[round.lane];
        let left = if grows_old(lane) {
            round.left_in_stint()
        } else {
            1
        };
        let mut words: Vec<OsString> = vec!["stint".into()];
        words.extend(
            run_words(header, round, left)
                .into_iter()
                .map(OsString::from),
        );
        if is_python(&lane.heap) {
            // It sees first that its interpreter hangs, and says more about it.
            let limit = self.limits.progress.max(Duration::from_secs(1));
            words.extend(["--time-limit".into(), values::duration_text(limit).into()]);
        }
        words.extend(["--quiet", "--out"].map(OsString::from));
        words.push(self.scratch.clone().into());
        Process::start(&words)
    }

    /// A command line that reproduces the round, after the rounds that ran before it on the same
    /// heap.
    fn reproduce(&self, header: &Header, round: Round, first: Round) -> String {
        let repeat = round.number - first.number + 1;
        let mut words = vec!["run".to_owned()];
        words.extend(run_words(header, first, repeat));
        if repeat > 1 {
            words.push("--same-heap".to_owned());
        }
        reproduce::whole(&self.program, &words)
    }
}

/// Whether the lane's rounds share a heap. With a fault that may end the process each run has a
/// process of its own, here as everywhere; and an interpreter ends with its run.
fn grows_old(lane: &Lane) -> bool {
    let fault = lane.fault.as_deref().and_then(Fault::named);
    !fault.is_some_and(isolate::is_dangerous) && !is_python(&lane.heap)
}

/// The arguments of `run` for `repeat` rounds, beginning with this one.
fn run_words(header: &Header, round: Round, repeat: u64) -> Vec<String> {
    let lane = &header.lanes[round.lane];
    let mut words = vec![lane.workload.clone()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--heap", lane.heap.clone());
    option("--seed", round.seed.to_string());
    if repeat > 1 {
        option("--repeat", repeat.to_string());
    }
    let round_time = Duration::from_millis(header.round_ms);
    option("--duration", values::duration_text(round_time));
    if let Some(fault) = &lane.fault {
        option("--fault", fault.clone());
    }
    words.extend_from_slice(&header.options);
    words
}

fn record(ended: &RoundEnd, round: Round, first: Round, reproduce: String) -> Record {
    let is_sound = ended.came.outcome() == Outcome::Held;
    Record {
        round: round.number,
        lane: round.lane,
        seed: round.seed,
        since: first.number,
        ended_unix_ms: clock::unix_millis(),
        era: (round.era.from > 0).then_some(round.era),
        took_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
        came: ended.came.clone(),
        last_seen: ended.last_seen,
        found: ended.found.clone(),
        // A round that held need not be reproduced, and its line follows from the header anyway.
        reproduce: if is_sound { String::new() } else { reproduce },
    }
}
