//! The destination of `--json`, and the stream for the text for people beside it.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::events::ProgressArg;
use super::store;
use super::terminal::Terminal;
use super::usage::Usage;

/// The destination of `--json`.
#[derive(Debug, Clone, Copy)]
pub(super) enum JsonTarget<'a> {
    /// There was no `--json`.
    Nowhere,
    /// Standard output; the text for people goes to standard error.
    Stdout,
    /// A file.
    File(&'a Path),
}

impl<'a> JsonTarget<'a> {
    /// The destination that the command line names. A file that cannot be written is refused.
    pub(super) fn of(path: Option<&'a Path>) -> Result<Self, Usage> {
        let Some(path) = path else {
            return Ok(Self::Nowhere);
        };
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        store::try_out_file(path)?;
        Ok(Self::File(path))
    }

    /// Writes a value.
    pub(super) fn write<T: Serialize>(self, value: &T, terminal: &mut Terminal) -> io::Result<()> {
        self.write_with(terminal, |out| out.write_all(&store::json(value)?))
    }

    /// Writes what `write` produces; does not call it if there is no destination.
    pub(super) fn write_with(
        self,
        terminal: &mut Terminal,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(path) => store::write_whole_with(path, write),
            Self::Stdout => {
                let mut text = Vec::new();
                write(&mut text)?;
                terminal.data(&String::from_utf8_lossy(&text));
                Ok(())
            }
        }
    }

    /// Prints text for people.
    pub(super) fn show(self, page: &str, terminal: &mut Terminal) {
        match self {
            // Who reads events reads results, too.
            Self::Stdout if terminal.progress() == ProgressArg::Json => {}
            Self::Stdout => terminal.message(page.trim_end_matches('\n')),
            Self::Nowhere | Self::File(_) => terminal.data(page),
        }
    }
}
