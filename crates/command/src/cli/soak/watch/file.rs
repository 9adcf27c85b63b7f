//! The metrics file for the node exporter's textfile collector: replaced every few seconds, and
//! complete at any moment.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::is_due;
use crate::cli::store;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::clock::Stamp;

/// How often it is written during a round. Prometheus scrapes a few times a minute.
const EVERY: Duration = Duration::from_secs(5);

/// The metrics file.
#[derive(Debug)]
pub(super) struct MetricsFile {
    path: PathBuf,
    last: Option<Stamp>,
    /// How many rounds were over when it was last written.
    rounds: Option<u64>,
    trouble: Trouble,
}

/// Whether the file could be written, and whether the user knows if not.
#[derive(Debug)]
enum Trouble {
    None,
    Untold(io::Error),
    Told,
}

impl MetricsFile {
    /// Makes sure that it can be written; warns if the node exporter will not read it.
    pub(super) fn new(path: &Path, terminal: &mut Terminal) -> Result<Self, Usage> {
        store::try_out_file(path)
            .map_err(|usage| usage.hint("name another with --metrics-file"))?;
        if path.extension().is_none_or(|extension| extension != "prom") {
            let shown = path.display();
            terminal.warning(&format!(
                "the node exporter reads files that end in .prom only, and {shown} does not"
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            last: None,
            rounds: None,
            trouble: Trouble::None,
        })
    }

    /// Whether it should be written now: after each round, and every few seconds in between.
    pub(super) fn is_due(&mut self, rounds: u64) -> bool {
        let is_new = self.rounds.replace(rounds) != Some(rounds);
        is_due(&mut self.last, EVERY) || is_new
    }

    /// Replaces the file. An error is kept for [`complain`](Self::complain): it is no reason to end
    /// a soak.
    pub(super) fn write(&mut self, text: &str) {
        let written = store::write_whole(&self.path, text.as_bytes());
        self.trouble = match (written, std::mem::replace(&mut self.trouble, Trouble::None)) {
            (Ok(()), _) => Trouble::None,
            (Err(error), Trouble::None) => Trouble::Untold(error),
            (Err(_), trouble) => trouble,
        };
    }

    /// Warns of an error, once until the file can be written again.
    pub(super) fn complain(&mut self, terminal: &mut Terminal) {
        let trouble = std::mem::replace(&mut self.trouble, Trouble::Told);
        match trouble {
            Trouble::Untold(error) => terminal.warning(&format!(
                "failed to write {}, the soak goes on: {error}",
                self.path.display()
            )),
            trouble => self.trouble = trouble,
        }
    }
}
