//! Makes rounds: those of a stint in one process, whatever becomes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{Ended, Limits, Process};
use crate::cli::{isolate, reproduce, values};
use crate::clock;
use crate::heap::Fault;
use crate::result::Outcome;
use crate::soak::{Beat, Header, Lane, Record, Round};

/// A round that is over.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) record: Record,
    /// Of one that failed: what its process said last on standard error, and what its threads were at.
    pub(super) said: String,
    pub(super) stacks: Option<String>,
}

/// Makes the rounds of one soak.
#[derive(Debug)]
pub(super) struct Rounds {
    program: String,
    limits: Limits,
    /// Where a round that failed leaves what there is to keep.
    scratch: PathBuf,
    /// The process of the stint under way, and the first round that it made.
    stint: Option<(Process, Round)>,
}

impl Rounds {
    pub(super) fn new(program: &str, limits: Limits, scratch: &Path) -> Self {
        Self {
            program: program.to_owned(),
            limits,
            scratch: scratch.to_owned(),
            stint: None,
        }
    }

    /// Where a round that failed leaves what there is to keep.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Makes one. `tick` is called many times a second with how far it is.
    ///
    /// # Errors
    ///
    /// No process could be started for it, or it could not be looked after.
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
        let mut ended = process.round(self.limits, tick)?;
        let is_last = round.number + 1 == round.stint + u64::from(header.stint);
        if is_last {
            // Its heap is closed, which those of the others were not.
            ended.found.rss_bytes_after = 0;
        }
        let record = record(&ended, round, first, reproduce);
        let (said, stacks) = if ended.is_lost() || record.is_failure() {
            // Whatever went wrong may have left more behind.
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

    /// A process for what is left of the round's stint.
    fn start(&self, header: &Header, round: Round) -> std::io::Result<Process> {
        let lane = &header.lanes[round.lane];
        let left = if grows_old(lane) {
            round.stint + u64::from(header.stint) - round.number
        } else {
            1
        };
        let mut words = vec!["stint".to_owned()];
        words.extend(run_words(header, round, left));
        words.extend(["--quiet".to_owned(), "--out".to_owned()]);
        words.push(self.scratch.to_string_lossy().into_owned());
        Process::start(&words)
    }

    /// A line that does the round again, and before it those that made its heap old.
    fn reproduce(&self, header: &Header, round: Round, first: Round) -> String {
        let repeat = round.number - first.number + 1;
        let mut words = vec![self.program.clone(), "run".to_owned()];
        words.extend(run_words(header, first, repeat));
        if repeat > 1 {
            words.push("--same-heap".to_owned());
        }
        reproduce::quoted(&words)
    }
}

/// Whether the lane's rounds share a heap. A fault that may end the process shows at once, and gets a
/// process for each run wherever it is planted.
fn grows_old(lane: &Lane) -> bool {
    let fault = lane.fault.as_deref().and_then(Fault::named);
    !fault.is_some_and(isolate::is_dangerous)
}

/// The options of so many runs from this round on.
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

fn record(ended: &Ended, round: Round, first: Round, reproduce: String) -> Record {
    let is_sound = ended.came.outcome() == Outcome::Held;
    Record {
        round: round.number,
        lane: round.lane,
        seed: round.seed,
        since: first.number,
        ended_unix_ms: clock::unix_millis(),
        took_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
        came: ended.came.clone(),
        last_seen: ended.last_seen,
        found: ended.found.clone(),
        // Of a thousand that held nobody asks for theirs, and it follows from the header.
        reproduce: if is_sound { String::new() } else { reproduce },
    }
}
