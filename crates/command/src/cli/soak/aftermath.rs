//! A soak as its journal tells it, whether it is over, was killed, or was made elsewhere.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::exit::Exit;
use crate::cli::usage::Usage;
use crate::report::Width;
use crate::report::soak::{Failed, Phase, Watched, ages, html, page};
use crate::soak::{self, Aging, Header, JOURNAL, Lately, Record, Snapshot, Standing};

/// So many failures are shown, the latest ones.
const FAILURES_MAX: usize = 50;

/// What a journal tells.
#[derive(Debug)]
pub(in crate::cli) struct Aftermath {
    header: Header,
    standing: Standing,
    failures: Vec<Failed>,
    /// How long all rounds took.
    took: Duration,
    /// How much time went by between them.
    between: Duration,
    ended_unix_ms: u64,
    exit: Exit,
}

/// The journal that a path names: itself, or the one in the directory of a soak.
pub(in crate::cli) fn journal_at(path: &Path) -> Option<PathBuf> {
    let inside = path.join(JOURNAL);
    let is_journal = path.file_name().is_some_and(|name| name == JOURNAL) && path.is_file();
    match inside.is_file() {
        true => Some(inside),
        false => is_journal.then(|| path.to_owned()),
    }
}

impl Aftermath {
    /// Reads a journal, of which there may be weeks.
    pub(in crate::cli) fn read(journal: &Path) -> Result<Self, Usage> {
        let (mut standing, mut failed) = (Standing::of(0), VecDeque::new());
        let (mut took_ms, mut ended_unix_ms, mut exit) = (0_u64, 0, Exit::Held);
        let mut begun_unix_ms = None;
        let facts = soak::read(journal, |record: Record| {
            standing.add(&record);
            took_ms = took_ms.saturating_add(record.took_ms);
            ended_unix_ms = record.ended_unix_ms;
            begun_unix_ms.get_or_insert(ended_unix_ms.saturating_sub(record.took_ms));
            exit = exit.and(record.came.outcome().into());
            if record.is_failure() {
                if failed.len() == FAILURES_MAX {
                    failed.pop_front();
                }
                failed.push_back(record);
            }
        });
        let header = facts.map_err(|error| {
            let usage = Usage::new(format!("failed to read a journal: {error}"));
            usage.hint("use the version of the program that wrote it")
        })?;
        let header = header.header;
        // Those whose turn never came.
        let lanes = standing.lanes.len().max(header.lanes.len());
        standing.lanes.resize_with(lanes, Default::default);
        if standing.aging(&header.lanes).values().any(Aging::leaks) {
            exit = exit.and(Exit::Regressed);
        }
        let told = failed.iter().filter_map(|record| {
            let lane = header.lanes.get(record.lane)?;
            Some(Failed::of(record, lane))
        });
        Ok(Self {
            failures: told.collect(),
            standing,
            took: Duration::from_millis(took_ms),
            between: Duration::from_millis(
                ended_unix_ms.saturating_sub(
                    begun_unix_ms
                        .unwrap_or(ended_unix_ms)
                        .saturating_add(took_ms),
                ),
            ),
            ended_unix_ms,
            exit,
            header,
        })
    }

    /// What the soak's own exit code said of its rounds.
    pub(in crate::cli) fn exit(&self) -> Exit {
        self.exit
    }

    /// The tables with which a soak ends.
    pub(in crate::cli) fn table(&self, width: Width) -> String {
        page(&self.standing, &self.header, width)
    }

    /// The page.
    pub(in crate::cli) fn html(&self) -> String {
        let now = Snapshot {
            header: &self.header,
            standing: &self.standing,
            current: None,
            elapsed: self.took,
            left: Duration::ZERO,
            unix_ms: self.ended_unix_ms,
        };
        html(&Watched {
            now: &now,
            lately: &Lately::default(),
            ages: &ages(&now),
            failures: &self.failures,
            phase: Phase::Over,
            between: Some(self.between),
        })
    }
}
