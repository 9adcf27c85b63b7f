//! Prints data to standard output and messages to standard error, with styles only where they are
//! wanted.

use std::io::{ErrorKind, Stderr, Stdout, Write as _};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use super::events::{self, Event, Level, ProgressArg};
use super::exit::Exit;
use crate::report::{Detail, ERROR, Look, WARNING, Width, only_styled, paint};

/// The two output streams, and how much is to be printed.
pub(super) struct Terminal {
    out: AutoStream<Stdout>,
    err: AutoStream<Stderr>,
    out_state: OutState,
    look: Look,
    progress: ProgressArg,
}

/// The state of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutState {
    Open,
    /// Its reader has gone away, which is not an error.
    Closed,
    /// Writing failed for another reason, such as a full disk.
    Broken,
}

impl Terminal {
    pub(super) fn new(choice: ColorChoice, detail: Detail, progress: ProgressArg) -> Self {
        Self {
            out: AutoStream::new(std::io::stdout(), choice),
            err: AutoStream::new(std::io::stderr(), choice),
            out_state: OutState::Open,
            look: Look {
                detail,
                width: width(),
            },
            progress,
        }
    }

    /// How much is to be printed.
    pub(super) fn detail(&self) -> Detail {
        self.look.detail
    }

    /// How much is to be printed, and how wide.
    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// Does something with another detail.
    pub(super) fn with_detail<T>(
        &mut self,
        detail: Detail,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = std::mem::replace(&mut self.look.detail, detail);
        let done = work(self);
        self.look.detail = before;
        done
    }

    /// How much is shown by bars and live views: nothing where progress is told in another way.
    pub(super) fn detail_of_bars(&self) -> Detail {
        match self.progress {
            ProgressArg::Auto => self.look.detail,
            ProgressArg::Json | ProgressArg::Off => Detail::Verdict,
        }
    }

    /// How progress is told.
    pub(super) fn progress(&self) -> ProgressArg {
        self.progress
    }

    /// Tells that something happened, if events are told.
    pub(super) fn event(&self, event: &Event<'_>) {
        if self.progress == ProgressArg::Json {
            events::emit(event);
        }
    }

    /// Whether styles are wanted on standard error.
    pub(super) fn is_styled(&self) -> bool {
        self.err.current_choice() != ColorChoice::Never
    }

    /// Writes data to standard output, unless that has failed before. On a terminal, control
    /// sequences other than styles are removed.
    pub(super) fn data(&mut self, text: &str) {
        if self.out_state != OutState::Open {
            return;
        }
        let text = if self.out.is_terminal() {
            only_styled(text)
        } else {
            text.into()
        };
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            if error.kind() == ErrorKind::BrokenPipe {
                self.out_state = OutState::Closed;
            } else {
                self.out_state = OutState::Broken;
                self.error(&format!("failed to write to standard output: {error}"));
            }
        }
    }

    /// Writes a message and a line break to standard error.
    pub(super) fn message(&mut self, text: &str) {
        self.tell(Level::Info, text);
    }

    /// Writes what is wrong with what was asked for, which says so itself.
    pub(super) fn refuse(&mut self, text: &str) {
        match self.progress {
            ProgressArg::Json => self.tell(Level::Error, text),
            ProgressArg::Auto | ProgressArg::Off => self.message(text),
        }
    }

    fn tell(&mut self, level: Level, text: &str) {
        if self.progress == ProgressArg::Json {
            let text = &strip_str(text).to_string();
            return events::emit(&Event::Message { level, text });
        }
        let lead = match level {
            Level::Info => String::new(),
            Level::Warning => paint(WARNING, "warning:") + " ",
            Level::Error => paint(ERROR, "error:") + " ",
        };
        // If this fails there is no stream left to report it on.
        let _ = writeln!(self.err, "{}", only_styled(&(lead + text)));
    }

    /// Writes a message unless only verdicts are wanted.
    pub(super) fn remark(&mut self, text: &str) {
        if self.detail() != Detail::Verdict {
            self.message(text);
        }
    }

    /// Writes an error after which the program goes on.
    pub(super) fn error(&mut self, text: &str) {
        self.tell(Level::Error, text);
    }

    /// Writes a warning.
    pub(super) fn warning(&mut self, text: &str) {
        self.tell(Level::Warning, text);
    }

    /// What standard output contributes to the exit code.
    pub(super) fn close(&self) -> Exit {
        match self.out_state {
            OutState::Open | OutState::Closed => Exit::Held,
            OutState::Broken => Exit::Usage,
        }
    }
}

/// The width that `COLUMNS` asks for, or else that of the terminal on standard output.
fn width() -> Width {
    let asked = std::env::var("COLUMNS").ok();
    let asked = asked.and_then(|columns| columns.parse().ok());
    let measured = || console::Term::stdout().size_checked();
    let columns = asked.or_else(|| measured().map(|(_, columns)| usize::from(columns)));
    match columns {
        Some(columns) if columns > 0 => Width::Columns(columns),
        _ => Width::Unknown,
    }
}
