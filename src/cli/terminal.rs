//! Where text goes: data to standard output, messages to standard error, styles only where they are
//! wanted.

use std::io::{ErrorKind, Stderr, Stdout, Write as _};

use anstream::{AutoStream, ColorChoice};

use super::args::{Cli, Color};
use super::exit::Exit;
use crate::report::{Detail, ERROR, WARNING, paint};

/// The two streams, and how much is wanted of them.
pub(super) struct Terminal {
    out: AutoStream<Stdout>,
    err: AutoStream<Stderr>,
    state: State,
    detail: Detail,
}

/// What became of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Its reader has gone, which is the reader's good right.
    Closed,
    /// It could not be written to for another reason, such as a full disk.
    Broken,
}

impl Terminal {
    pub(super) fn new(cli: &Cli) -> Self {
        let choice = match cli.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        Self {
            out: AutoStream::new(std::io::stdout(), choice),
            err: AutoStream::new(std::io::stderr(), choice),
            state: State::Open,
            detail: match (cli.quiet, cli.verbose) {
                (true, _) => Detail::Verdict,
                (false, false) => Detail::Page,
                (false, true) => Detail::Everything,
            },
        }
    }

    /// How much is wanted.
    pub(super) fn detail(&self) -> Detail {
        self.detail
    }

    /// Whether styles are wanted on standard error.
    pub(super) fn is_styled(&self) -> bool {
        self.err.current_choice() != ColorChoice::Never
    }

    /// Writes data as it is.
    pub(super) fn data(&mut self, text: &str) {
        if self.state != State::Open {
            return;
        }
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            if error.kind() == ErrorKind::BrokenPipe {
                self.state = State::Closed;
            } else {
                self.state = State::Broken;
                self.error(&format!("failed to write to standard output: {error}"));
            }
        }
    }

    /// Writes a message, and ends its line.
    pub(super) fn message(&mut self, text: &str) {
        // There is nobody left to tell if this fails.
        let _ = writeln!(self.err, "{text}");
    }

    /// Writes a message unless only verdicts are wanted.
    pub(super) fn remark(&mut self, text: &str) {
        if self.detail != Detail::Verdict {
            self.message(text);
        }
    }

    /// Writes an error that does not end the program.
    pub(super) fn error(&mut self, text: &str) {
        self.message(&format!("{} {text}", paint(ERROR, "error:")));
    }

    /// Writes a warning.
    pub(super) fn warning(&mut self, text: &str) {
        self.message(&format!("{} {text}", paint(WARNING, "warning:")));
    }

    /// What standard output contributes to the exit code.
    pub(super) fn close(&self) -> Exit {
        match self.state {
            State::Open | State::Closed => Exit::Held,
            State::Broken => Exit::Usage,
        }
    }
}
