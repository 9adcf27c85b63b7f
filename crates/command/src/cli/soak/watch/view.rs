//! The live view: a few lines on standard error that are redrawn in place, if that is a terminal.
//!
//! The cursor is left on an empty line below them. That is where a terminal echoes `^C`, and where
//! the shell's next prompt appears if the program ends at once. (indicatif leaves the cursor at the
//! end of the last line of a bar, and erases one line too few once a `^C` was echoed there.)

use std::fmt::Write as _;

use anstream::adapter::strip_str;
use console::{Term, measure_text_width};

use crate::cli::terminal::Terminal;
use crate::report::Detail;
use crate::report::soak::{Watched, live};

/// The live view.
#[derive(Debug)]
pub(super) struct View {
    /// `None` if the view is not shown.
    term: Option<Term>,
    is_styled: bool,
    /// What is on the terminal.
    shown: String,
}

impl View {
    pub(super) fn new(terminal: &Terminal) -> Self {
        let term = Term::buffered_stderr();
        let is_seen =
            term.is_term() && !console::is_dumb() && terminal.detail_of_bars() != Detail::Verdict;
        Self {
            term: is_seen.then_some(term),
            is_styled: terminal.is_styled(),
            shown: String::new(),
        }
    }

    /// Whether the view is shown.
    pub(super) fn is_seen(&self) -> bool {
        self.term.is_some()
    }

    pub(super) fn show(&mut self, watched: &Watched<'_>) {
        let Some(term) = &self.term else { return };
        let (rows, columns) = term.size();
        let text = live(watched, usize::from(columns));
        let text = match self.is_styled {
            true => text,
            false => strip_str(&text).to_string(),
        };
        // Lines above the top of the screen could not be erased.
        let lines = text.split_inclusive('\n');
        let text = lines.take(usize::from(rows).saturating_sub(1)).collect();
        self.draw(text);
    }

    /// Lets something be printed above it.
    pub(super) fn aside(&mut self, write: impl FnOnce()) {
        let shown = std::mem::take(&mut self.shown);
        self.erase(&shown);
        write();
        self.draw(shown);
    }

    /// Erases it for good.
    pub(super) fn finish(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        self.erase(&shown);
        self.term = None;
    }

    fn draw(&mut self, text: String) {
        let Some(term) = &self.term else { return };
        let (_, columns) = term.size();
        let before = std::mem::take(&mut self.shown);
        // If this fails, a message would fail too.
        let _ = term.write_str(&over(&before, usize::from(columns), &text));
        let _ = term.flush();
        self.shown = text;
    }

    fn erase(&mut self, shown: &str) {
        let Some(term) = &self.term else { return };
        let (_, columns) = term.size();
        let _ = term.write_str(&over(shown, usize::from(columns), ""));
        let _ = term.flush();
    }
}

/// The escape sequences that replace `before` with `text`, from where the cursor was left.
fn over(before: &str, columns: usize, text: &str) -> String {
    // If the terminal became narrower, it has wrapped lines.
    let rows = |line: &str| measure_text_width(line).div_ceil(columns.max(1)).max(1);
    let up: usize = before.lines().map(rows).sum();
    let mut drawing = String::from("\r");
    if up > 0 {
        let _ = write!(drawing, "\x1b[{up}A");
    }
    for line in text.lines() {
        let _ = write!(drawing, "{line}\x1b[K\r\n");
    }
    if up > 0 {
        // Erases the rest of a longer `before`.
        drawing += "\x1b[J";
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the old text is replaced from its first line on, also where a narrower terminal has
    /// wrapped it, and nothing of it is left below.
    #[test]
    fn draws_over() {
        let two = "\x1b[1ma\x1b[0m\nbb\n";
        assert_eq!(over("", 80, two), "\r\x1b[1ma\x1b[0m\x1b[K\r\nbb\x1b[K\r\n");
        assert_eq!(over(two, 80, "c\n"), "\r\x1b[2Ac\x1b[K\r\n\x1b[J");
        assert_eq!(over(two, 80, ""), "\r\x1b[2A\x1b[J");
        assert_eq!(over(two, 1, ""), "\r\x1b[3A\x1b[J");
        assert_eq!(over("\n", 0, ""), "\r\x1b[1A\x1b[J");
        assert_eq!(over("", 80, ""), "\r");
    }
}
