//! The destination of `--json`.

use std::io;
use std::path::Path;

use super::store;
use super::terminal::Terminal;

/// The destination of `--json`.
#[derive(Debug, Clone, Copy)]
pub(super) enum JsonTarget<'a> {
    /// Standard output; the text for people goes to standard error.
    Stdout,
    /// A file.
    File(&'a Path),
}

impl<'a> JsonTarget<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        if path == Path::new("-") {
            Self::Stdout
        } else {
            Self::File(path)
        }
    }

    /// Writes the whole text.
    pub(super) fn write(self, text: &[u8], terminal: &mut Terminal) -> io::Result<()> {
        match self {
            Self::File(path) => store::write_whole(path, text),
            Self::Stdout => {
                terminal.data(&String::from_utf8_lossy(text));
                Ok(())
            }
        }
    }
}
