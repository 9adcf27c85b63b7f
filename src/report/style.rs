//! Which colour means what: green held, red broken, yellow look again.

use anstyle::{AnsiColor, Style};

use crate::check::Verdict;
use crate::result::Outcome;

/// What matters in a line.
pub const STRONG: Style = Style::new().bold();
/// What need not be read.
pub const FAINT: Style = Style::new().dimmed();
/// In front of an error.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// In front of a warning.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// In front of a hint.
pub const HELP: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();

/// `text` in `style`.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a check's verdict.
pub fn of_verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Held => GOOD,
        Verdict::Violated => ERROR,
        Verdict::Vacuous => WARNING,
        Verdict::Skipped => FAINT,
    }
}

/// The style of what a run came to.
pub fn of_outcome(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Held => GOOD.bold(),
        Outcome::Violated | Outcome::Crashed | Outcome::Hung => ERROR,
        Outcome::Vacuous | Outcome::Interrupted => WARNING,
    }
}
