//! The file of metrics, for the node exporter's textfile collector: whole at any moment, and replaced every
//! few seconds.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::is_due;
use crate::cli::store;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::clock::Stamp;

/// How often it is written while a round goes on. Prometheus asks some times a minute.
const EVERY: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(super) struct MetricsFile {
    path: PathBuf,
    last: Option<Stamp>,
    /// After how many rounds it was written last.
    rounds: Option<u64>,
    trouble: Trouble,
}

/// What is to be said of a file that cannot be written.
#[derive(Debug)]
enum Trouble {
    None,
    Untold(io::Error),
    Told,
}

impl MetricsFile {
    /// Makes sure that it can be written; says so if nobody will read it.
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

    /// Whether it should be written now: after a round, or if it was not for a while.
    pub(super) fn is_due(&mut self, rounds: u64) -> bool {
        let is_new = self.rounds.replace(rounds) != Some(rounds);
        is_due(&mut self.last, EVERY) || is_new
    }

    /// Replaces it. What goes wrong is kept until there is somebody to tell, and no reason to end a soak.
    pub(super) fn write(&mut self, text: &str) {
        let written = store::write_whole(&self.path, text.as_bytes());
        self.trouble = match (written, std::mem::replace(&mut self.trouble, Trouble::None)) {
            (Ok(()), _) => Trouble::None,
            (Err(error), Trouble::None) => Trouble::Untold(error),
            (Err(_), trouble) => trouble,
        };
    }

    /// Says what went wrong, once until it goes well again.
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
