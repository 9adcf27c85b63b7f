//! Styles: green for what held, red for what failed, yellow for what needs a look.

use anstyle::{AnsiColor, Style};

use super::prose::shown;
use crate::check::Verdict;
use crate::result::Outcome;

/// The most important part of a line.
pub const STRONG: Style = Style::new().bold();
/// Text of little importance.
pub const FAINT: Style = Style::new().dimmed();
/// In front of an error.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// In front of a warning.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// In front of a hint.
pub const HELP: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();

/// `text` in `style`; commands to the terminal in it are shown.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", shown(text))
}

/// Each line of `lines`, in `style`.
pub(super) fn paint_lines(style: Style, lines: &str) -> String {
    let painted = lines.lines().map(|line| paint(style, line) + "\n");
    painted.collect()
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
