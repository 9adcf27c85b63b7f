//! `soak`: round after round, each in a process of its own, written down before the next begins.

mod args;
mod child;
mod start;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit::Exit;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{interrupt, reproduce, store};
use crate::clock::{self, Clock, Stamp};
use crate::report::{self, Detail, figures};
use crate::run::Registry;
use crate::soak::{Agenda, Came, Header, Journal, Record, Round, Standing};
pub(super) use args::Soak;
use child::Limits;
pub(super) use child::end_with_parent;

/// How often a line says how it stands.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// The journal's name in its directory.
const JOURNAL: &str = "journal";

/// Soaks as `args` ask for.
pub(super) fn soak(
    registry: &Registry,
    program: &str,
    args: &Soak,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = interrupt::flag()?;
    let start::Started {
        directory,
        header,
        journal,
        records,
    } = start::start(registry, args, terminal)?;
    let mut standing = Standing::of(header.lanes.len());
    records.iter().for_each(|record| standing.add(record));
    let next = records.iter().map(|record| record.round + 1).max();
    let endings = records.iter().map(|record| record.came.outcome().into());
    let exit = endings.fold(Exit::Held, Exit::and);
    let bar = bar(terminal.detail());
    let mut soak = Session {
        program,
        args,
        agenda: Agenda::new(header.seed, &header.lanes),
        header,
        directory,
        journal,
        failures_before: standing.failures,
        standing,
        terminal,
        interrupted,
        bar,
        started: Clock::get().now(),
        exit,
    };
    soak.all(next.unwrap_or(0));
    Ok(soak.conclude())
}

fn bar(detail: Detail) -> ProgressBar {
    let target = match detail {
        Detail::Verdict => ProgressDrawTarget::hidden(),
        Detail::Page | Detail::Everything => ProgressDrawTarget::stderr_with_hz(4),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// A soak under way.
struct Session<'a> {
    program: &'a str,
    args: &'a Soak,
    agenda: Agenda,
    header: Header,
    directory: PathBuf,
    journal: Journal,
    standing: Standing,
    /// Those of them that are older than this process: who goes on knows of them.
    failures_before: u64,
    terminal: &'a mut Terminal,
    interrupted: Arc<AtomicBool>,
    bar: ProgressBar,
    started: Stamp,
    exit: Exit,
}

impl Session<'_> {
    /// Rounds from this number on, until the time is over or something ends it.
    fn all(&mut self, from: u64) {
        let clock = Clock::get();
        let mut last_line = self.started;
        self.show(&report::soak::head());
        let agenda = self.agenda.clone();
        for round in agenda.rounds(self.header.shard, from) {
            let elapsed = clock.since(self.started);
            let left = self.args.budget.saturating_sub(elapsed);
            if left.is_zero() || self.interrupted.load(Relaxed) {
                break;
            }
            self.tick(round, left);
            let is_written = self.round(round);
            let failures = self.standing.failures - self.failures_before;
            if !is_written || failures >= self.args.max_failures {
                break;
            }
            if clock.since(last_line) >= LINE_EVERY {
                last_line = clock.now();
                self.line();
            }
        }
        self.line();
        self.bar.finish_and_clear();
    }

    fn tick(&mut self, round: Round, left: Duration) {
        let lane = &self.header.lanes[round.lane];
        let left = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
        self.bar.set_message(format!(
            "round {}: {} on {}, {} left",
            figures::count(round.number),
            lane.workload,
            report::subject(&lane.heap, lane.fault.as_deref()),
            figures::span(left),
        ));
        self.bar.tick();
    }

    /// One round; false if it could not be written down.
    fn round(&mut self, round: Round) -> bool {
        let words = self.words(round);
        let line = [vec![self.program.to_owned()], words.clone()].concat();
        let scratch = child::scratch(&self.directory);
        let mut arguments = words;
        arguments.extend(["--quiet", "--json", "-", "--out"].map(str::to_owned));
        arguments.push(scratch.to_string_lossy().into_owned());
        let round_time = Duration::from_millis(self.header.round_ms);
        let limits = Limits {
            time: round_time + self.args.time_limit,
            rss_bytes: self.args.memory_limit << 20,
        };
        let ended = child::run(&arguments, limits);
        let record = Record {
            round: round.number,
            lane: round.lane,
            seed: round.seed,
            ended_unix_ms: clock::unix_millis(),
            took_ms: 0,
            came: Came::Crashed { how: String::new() },
            violated: Vec::new(),
            note: String::new(),
            ops: 0,
            elapsed_ns: 0,
            p99_9_ns: None,
            live_at_end: 0,
            unreclaimed_peak: None,
            rss_bytes_peak: 0,
            reproduce: reproduce::quoted(&line),
        };
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                self.terminal
                    .error(&format!("failed to start a round: {error}"));
                self.exit = self.exit.and(Exit::Usage);
                return false;
            }
        };
        let record = Record {
            took_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
            rss_bytes_peak: ended.rss_bytes_peak,
            came: ended.lost.clone().unwrap_or(record.came),
            ..record
        };
        let record = match &ended.result {
            Some(result) => record.with(result),
            None => record,
        };
        self.standing.add(&record);
        self.exit = self.exit.and(record.came.outcome().into());
        if record.is_failure() {
            self.failed(&record, &ended, &scratch);
        }
        match self.journal.append(&record) {
            Ok(()) => true,
            Err(error) => {
                self.terminal
                    .error(&format!("failed to write a round down: {error}"));
                self.terminal.message(
                    "what was written before is there; go on with --resume when there is room",
                );
                self.exit = self.exit.and(Exit::Usage);
                false
            }
        }
    }

    /// Says that a round failed, and keeps what it left.
    fn failed(&mut self, record: &Record, ended: &child::Ended, scratch: &Path) {
        let lane = &self.header.lanes[record.lane];
        let text = report::soak::failure(record, lane);
        let name = format!("failure-{}", record.round);
        let kept = self.directory.join(name);
        // There is one if this very round was made before and could not be written down.
        let _ = std::fs::remove_dir_all(&kept);
        let moved = std::fs::create_dir_all(scratch)
            .and_then(|()| std::fs::rename(scratch, &kept))
            .and_then(|()| match ended.said.is_empty() {
                true => Ok(()),
                false => store::write_whole(&kept.join("stderr.txt"), ended.said.as_bytes()),
            })
            .and_then(|()| match &ended.stacks {
                Some(stacks) => store::write_whole(&kept.join("stacks.txt"), stacks.as_bytes()),
                None => Ok(()),
            });
        self.show(&text);
        if let Err(error) = moved {
            self.terminal.error(&format!(
                "failed to keep what it left in {}: {error}",
                kept.display()
            ));
        }
        self.terminal
            .message(&format!("reproduce: {}", record.reproduce));
    }

    /// The arguments that make a round.
    fn words(&self, round: Round) -> Vec<String> {
        let lane = &self.header.lanes[round.lane];
        let mut words = vec!["run".to_owned(), lane.workload.clone()];
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("--heap", lane.heap.clone());
        option("--seed", round.seed.to_string());
        let round_time = Duration::from_millis(self.header.round_ms);
        option("--duration", super::values::duration_text(round_time));
        if let Some(fault) = &lane.fault {
            option("--fault", fault.clone());
        }
        words.extend_from_slice(&self.header.options);
        words
    }

    fn line(&mut self) {
        let elapsed = Clock::get().since(self.started);
        let left = self.args.budget.saturating_sub(elapsed);
        let line = report::soak::line(&self.standing, elapsed, left);
        self.show(&line);
    }

    fn show(&mut self, text: &str) {
        if self.terminal.detail() != Detail::Verdict {
            let terminal = &mut *self.terminal;
            self.bar.suspend(|| terminal.data(text));
        }
    }

    fn conclude(self) -> Exit {
        let page = report::soak::page(&self.standing, &self.header);
        self.terminal.data(&page);
        let words = ["soak".to_owned(), "--resume".to_owned()];
        let directory = self.directory.to_string_lossy().into_owned();
        let line = [
            vec![self.program.to_owned()],
            words.to_vec(),
            vec![directory],
        ]
        .concat();
        self.terminal
            .remark(&format!("to go on: {}", reproduce::quoted(&line)));
        // What the last round left is in the journal.
        let _ = std::fs::remove_dir_all(child::scratch(&self.directory));
        if self.interrupted.load(Relaxed) {
            self.exit.and(Exit::Interrupted)
        } else {
            self.exit
        }
    }
}
