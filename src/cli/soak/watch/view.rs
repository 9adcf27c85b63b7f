//! The live view: a few lines on standard error that are drawn again in place. Where that is no terminal
//! nothing of them appears.
//!
//! The cursor is left on an empty line below them: what a terminal shows of a Ctrl-C stands there, and so
//! does the shell's next prompt if the program ends at once. (A bar of indicatif leaves the cursor behind
//! its last line, and takes a line too few away once a Ctrl-C was shown there.)

use std::fmt::Write as _;

use anstream::adapter::strip_str;
use console::{Term, measure_text_width};

use crate::cli::terminal::Terminal;
use crate::report::Detail;
use crate::report::soak::{Watched, live};

/// See the module.
#[derive(Debug)]
pub(super) struct View {
    /// There if anybody can see it.
    term: Option<Term>,
    is_styled: bool,
    /// What is on the terminal.
    shown: String,
}

impl View {
    pub(super) fn new(terminal: &Terminal) -> Self {
        let term = Term::buffered_stderr();
        let is_seen = term.is_term() && !console::is_dumb() && terminal.detail() != Detail::Verdict;
        Self {
            term: is_seen.then_some(term),
            is_styled: terminal.is_styled(),
            shown: String::new(),
        }
    }

    /// Whether anybody can see it.
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
        // What is higher than the screen could not be drawn over.
        let lines = text.split_inclusive('\n');
        let text = lines.take(usize::from(rows).saturating_sub(1)).collect();
        self.draw(text);
    }

    /// Has something written above it.
    pub(super) fn aside(&mut self, write: impl FnOnce()) {
        let shown = std::mem::take(&mut self.shown);
        self.erase(&shown);
        write();
        self.draw(shown);
    }

    /// It goes.
    pub(super) fn finish(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        self.erase(&shown);
        self.term = None;
    }

    fn draw(&mut self, text: String) {
        let Some(term) = &self.term else { return };
        let (_, columns) = term.size();
        let before = std::mem::take(&mut self.shown);
        // There is nobody left to tell if this fails.
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

/// What puts `text` in the place of `before`, given where the cursor is left.
fn over(before: &str, columns: usize, text: &str) -> String {
    // A terminal that became narrower since has broken lines in two.
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
        // Whatever is left below.
        drawing += "\x1b[J";
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what was there is drawn over from its first line, however many a narrower terminal made of it,
    /// and nothing is left below.
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
