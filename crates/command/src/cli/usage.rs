//! Usage errors: what the user got wrong, and a hint what to do.

use std::path::Path;

use super::missing;
use crate::diagnostic::{clipped, suggest};
use crate::report::{ERROR, HELP, paint, shown};
use crate::workload::{Color, Diagnostic, LoadError, Workload};

/// A usage error, with which the program ends before anything runs.
#[derive(Debug)]
pub(super) struct Usage {
    /// With styles, without a line break at the end.
    text: String,
}

impl Usage {
    /// A usage error with this message, which is shown after `error:`.
    pub(super) fn new(message: impl AsRef<str>) -> Self {
        let message = clipped(message.as_ref().to_owned());
        let text = format!("{} {}", paint(ERROR, "error:"), shown(&message));
        Self { text }
    }

    /// Adds a line that says what to do.
    pub(super) fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.text += &format!("\n{} {}", paint(HELP, "help:"), shown(hint.as_ref()));
        self
    }

    /// Adds one if there is something to say.
    pub(super) fn hint_if_any(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// `name` is not among the `known` names of `what`.
    pub(super) fn unknown<'a>(
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(format!("unknown {what} `{name}`")).hint(suggest::hint(name, known))
    }

    /// What is wrong, as one line without styles.
    pub(super) fn first_line(&self) -> String {
        let plain = anstream::adapter::strip_str(&self.text).to_string();
        let line = plain.lines().next().unwrap_or_default();
        line.trim_start_matches("error: ").to_owned()
    }

    /// What to print.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl From<Diagnostic> for Usage {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            text: diagnostic.render(Color::Ansi),
        }
    }
}

impl Usage {
    /// All that is wrong with a workload, of which reading it tells the first.
    pub(super) fn of_workload(first: &Diagnostic) -> Self {
        Self::of_all(&Workload::defects(first.path(), first.text()))
    }

    /// All that is wrong with a file.
    pub(super) fn of_all(all: &[Diagnostic]) -> Self {
        let mut texts: Vec<String> = all.iter().map(|one| one.render(Color::Ansi)).collect();
        if let (count @ 2.., Some(first)) = (texts.len(), all.first()) {
            texts.push(format!("{}: {count} mistakes", first.path()));
        }
        Self {
            text: texts.join("\n"),
        }
    }
}

impl From<LoadError> for Usage {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Invalid(first) => Self::of_workload(&first),
            LoadError::Unknown { name, hint } => {
                Self::new(format!("unknown workload `{name}`")).hint(hint)
            }
            LoadError::Unreadable { ref path, .. } => {
                let is_workload = |path: &Path| missing::is_called(path, "toml");
                let hint = missing::hint(path, None, is_workload);
                Self::new(error.to_string()).hint_if_any(hint)
            }
        }
    }
}
