//! `soak`: round after round in child processes, each written to the journal before the next
//! begins.

mod aftermath;
mod args;
mod process;
mod resume;
mod rounds;
mod start;
mod stint;
mod stint_length;
mod watch;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::exit::Exit;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{interrupt, publish, reproduce, store, values};
use crate::clock::{self, Clock, Stamp};
use crate::report;
use crate::run::Registry;
use crate::soak::{Agenda, Beat, Era, Header, JOURNAL, Journal, Round, Snapshot, Standing};
pub(super) use aftermath::{Aftermath, journal_at};
pub(super) use args::Soak;
use process::RoundLimits;
use rounds::{Made, Rounds};
pub(super) use stint::stint;
use watch::Watchers;

/// The directory for the files of the round under way, which is renamed if it fails.
const SCRATCH: &str = "round";

/// Runs the soak that `args` ask for.
pub(super) fn soak(
    registry: &Registry,
    program: &str,
    args: &Soak,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = interrupt::flag()?;
    let watchers = Watchers::new(args, &interrupted, terminal)?;
    let started = match &args.resume {
        Some(directory) => resume::resume(registry, args, directory, terminal)?,
        None => start::begin(registry, args, terminal)?,
    };
    let limits = RoundLimits {
        time: Duration::from_millis(started.header.round_ms) + args.time_limit,
        progress: args.time_limit,
        rss_bytes: args.memory_limit << 20,
    };
    let mut session = Session {
        program,
        args,
        rounds: Rounds::new(program, limits, &started.directory.join(SCRATCH)),
        header: started.header,
        directory: started.directory,
        journal: started.journal,
        failures_before: started.standing.failures,
        standing: started.standing,
        watchers,
        terminal,
        interrupted,
        started: Clock::get().now(),
        exit: started.exit,
        is_journal_lost: false,
    };
    session.all(started.era, started.next);
    Ok(session.conclude())
}

/// A soak under way.
struct Session<'a> {
    program: &'a str,
    args: &'a Soak,
    rounds: Rounds,
    header: Header,
    directory: PathBuf,
    journal: Journal,
    standing: Standing,
    /// The failures that were in the journal when this process began; they do not count towards its
    /// limit.
    failures_before: u64,
    watchers: Watchers,
    terminal: &'a mut Terminal,
    interrupted: Arc<AtomicBool>,
    started: Stamp,
    exit: Exit,
    /// Whether it was reported that the journal cannot be written.
    is_journal_lost: bool,
}

/// The state of a soak at this moment.
fn snapshot<'s>(
    header: &'s Header,
    standing: &'s Standing,
    current: Option<(Round, Option<Beat>)>,
    started: Stamp,
    budget: Duration,
) -> Snapshot<'s> {
    let elapsed = Clock::get().since(started);
    Snapshot {
        header,
        standing,
        current,
        elapsed,
        left: budget.saturating_sub(elapsed),
        unix_ms: clock::unix_millis(),
    }
}

impl Session<'_> {
    /// Makes rounds of this era from this number on, until the budget is used up or something ends the soak.
    fn all(&mut self, era: Era, from: u64) {
        let clock = Clock::get();
        self.watchers.say(&report::soak::head(), self.terminal);
        let agenda = Agenda::new(self.header.seed, era, &self.header.lanes);
        for round in agenda.rounds(self.header.shard, from) {
            let elapsed = clock.since(self.started);
            if elapsed >= self.args.budget || self.interrupted.load(Relaxed) {
                break;
            }
            let is_written = self.round(round);
            let failures = self.standing.failures - self.failures_before;
            if !is_written || failures >= self.args.max_failures {
                break;
            }
            let (started, budget) = (self.started, self.args.budget);
            let now = snapshot(&self.header, &self.standing, None, started, budget);
            self.watchers.round_over(&now, self.terminal);
        }
        let (started, budget) = (self.started, self.args.budget);
        let now = snapshot(&self.header, &self.standing, None, started, budget);
        self.watchers.finish(&now, self.terminal);
    }

    /// Makes one round; false if it could not be made or written to the journal.
    fn round(&mut self, round: Round) -> bool {
        let (header, standing) = (&self.header, &self.standing);
        let (started, budget) = (self.started, self.args.budget);
        let watchers = &mut self.watchers;
        let made = self.rounds.make(header, round, |beat| {
            watchers.tick(|| snapshot(header, standing, Some((round, beat)), started, budget));
        });
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                (self.watchers).aside(|| {
                    self.terminal
                        .error(&format!("failed to make a round: {error}"));
                });
                self.exit = self.exit.and(Exit::Usage);
                return false;
            }
        };
        self.standing.add(&made.record);
        self.exit = self.exit.and(made.record.came.outcome().into());
        if made.record.is_failure() {
            self.failed(&made);
        }
        match self.journal.append(&made.record) {
            Ok(()) => true,
            Err(error) => {
                self.watchers.aside(|| {
                    self.terminal
                        .error(&format!("failed to write a round to the journal: {error}"));
                    self.terminal.message(error.advice());
                });
                self.is_journal_lost = true;
                self.exit = self.exit.and(Exit::Usage);
                false
            }
        }
    }

    /// Reports that a round failed, and keeps its files.
    fn failed(&mut self, made: &Made) {
        let record = &made.record;
        let lane = &self.header.lanes[record.lane];
        self.watchers.failed(record, lane, self.terminal);
        let kept = self.directory.join(format!("failure-{}", record.round));
        if let Err(error) = keep(self.rounds.scratch(), &kept, made) {
            self.watchers.aside(|| {
                self.terminal.error(&format!(
                    "failed to keep the files of this round in {}: {error}",
                    kept.display()
                ));
            });
        }
        let reproduce = format!("reproduce: {}", record.reproduce);
        (self.watchers).aside(|| self.terminal.message(&reproduce));
    }

    /// Leaves a page of all rounds in the directory, unless their journal is lost.
    fn keep_page(&mut self) -> Result<(), String> {
        let journal = self.directory.join(JOURNAL);
        if self.is_journal_lost || !journal.is_file() {
            return Ok(());
        }
        let told = Aftermath::read(&journal).map_err(|usage| usage.first_line())?;
        let path = self.directory.join(publish::PAGE);
        let shown = path.display();
        store::write_whole(&path, told.html().as_bytes())
            .map_err(|error| format!("failed to write {shown}: {error}"))?;
        self.terminal.remark(&format!("report: {shown}"));
        Ok(())
    }

    /// Prints the command that goes on as was asked: after an interruption with what is left of the
    /// budget, and after the end with the same again.
    fn tell_how_to_go_on(&mut self) {
        let budget = self.args.budget;
        let same = values::duration_text(budget);
        let (budget, how) = match self.interrupted.load(Relaxed) {
            true => {
                let left = budget.saturating_sub(Clock::get().since(self.started));
                (format!("{}s", left.as_secs().max(1)), String::new())
            }
            false => (same.clone(), format!(" for another {same}")),
        };
        let mut words: Vec<OsString> = vec!["soak".into(), "--resume".into()];
        words.push(self.directory.clone().into());
        words.push(format!("--budget={budget}").into());
        words.extend(self.args.of_session());
        let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        let line = reproduce::command(self.program, &words);
        self.terminal.remark(&format!("to go on{how}: {line}"));
    }

    fn conclude(mut self) -> Exit {
        let page = report::soak::page(&self.standing, &self.header, self.terminal.look().width);
        self.terminal.data(&page);
        self.tell_how_to_go_on();
        if let Err(error) = self.keep_page() {
            self.terminal.error(&error);
            self.exit = self.exit.and(Exit::Usage);
        }
        let leaks = self.standing.aging(&self.header.lanes);
        let mut exit = self.exit;
        // If an append has failed, this is known.
        if !self.is_journal_lost
            && let Err(error) = self.journal.finish()
        {
            self.terminal
                .error(&format!("failed to keep the journal: {error}"));
            self.terminal.message(error.advice());
            exit = exit.and(Exit::Usage);
        }
        if leaks.values().any(crate::soak::Aging::leaks) {
            exit = exit.and(Exit::Regressed);
        }
        if self.interrupted.load(Relaxed) {
            exit = exit.and(Exit::Interrupted);
        }
        exit
    }
}

/// Keeps the files of a round that failed: its result and case, what it wrote to standard error,
/// and stacks.
fn keep(scratch: &Path, kept: &Path, made: &Made) -> std::io::Result<()> {
    // There is one if this round was made before and could not be written to the journal.
    let _ = std::fs::remove_dir_all(kept);
    std::fs::create_dir_all(scratch)?;
    std::fs::rename(scratch, kept)?;
    if !made.said.is_empty() {
        store::write_whole(&kept.join("stderr.txt"), made.said.as_bytes())?;
    }
    if let Some(stacks) = &made.stacks {
        store::write_whole(&kept.join("stacks.txt"), stacks.as_bytes())?;
    }
    Ok(())
}
