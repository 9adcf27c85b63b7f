//! Lines of Python, and what is still to be counted in them.

use std::collections::BTreeMap;

/// Lines with their indentation.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: Vec<(usize, String)>,
    depth: usize,
}

impl Lines {
    pub(super) fn push(&mut self, line: impl Into<String>) {
        self.lines.push((self.depth, line.into()));
    }

    /// What `inside` writes is one level deeper, and not empty.
    pub(super) fn indented(&mut self, inside: impl FnOnce(&mut Self)) {
        self.depth += 1;
        let before = self.lines.len();
        inside(self);
        if self.lines.len() == before {
            self.push("pass");
        }
        self.depth -= 1;
    }

    /// All lines, with how deep they stand.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().map(|(depth, line)| (*depth, &**line))
    }

    /// Leaves out lines at the outermost level.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.lines.retain(|(depth, line)| *depth > 0 || keep(line));
    }

    /// Takes over other lines, at this depth.
    pub(super) fn extend(&mut self, other: Self) {
        let depth = self.depth;
        self.lines
            .extend(other.lines.into_iter().map(|(at, line)| (at + depth, line)));
    }

    pub(super) fn text(&self) -> String {
        let lines = self
            .lines
            .iter()
            .map(|(depth, line)| match line.is_empty() {
                true => "\n".to_owned(),
                false => format!("{}{line}\n", "    ".repeat(*depth)),
            });
        lines.collect()
    }
}

/// Additions to local variables that are still to be written: those of a straight line, or of each
/// turn of a loop, are written as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pending(BTreeMap<String, u64>);

impl Pending {
    pub(super) fn add(&mut self, variable: &str, amount: u64) {
        *self.0.entry(variable.to_owned()).or_default() += amount;
    }

    pub(super) fn of(&self, variable: &str) -> u64 {
        self.0.get(variable).copied().unwrap_or(0)
    }

    pub(super) fn variables(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn take(&mut self, variable: &str) -> u64 {
        self.0.remove(variable).unwrap_or(0)
    }

    /// Writes all of them.
    pub(super) fn flush(&mut self, lines: &mut Lines) {
        for (variable, amount) in std::mem::take(&mut self.0) {
            lines.push(format!("{variable} += {amount}"));
        }
    }

    /// Writes one of them, whose value is needed.
    pub(super) fn flush_one(&mut self, variable: &str, lines: &mut Lines) {
        match self.take(variable) {
            0 => {}
            amount => lines.push(format!("{variable} += {amount}")),
        }
    }

    /// Those of a loop's body, once for all of its `times` turns.
    pub(super) fn times(self, times: &str, lines: &mut Lines) {
        for (variable, amount) in self.0 {
            lines.push(match (amount, times.parse::<u64>()) {
                (_, Ok(times)) => format!("{variable} += {}", times.saturating_mul(amount)),
                (1, Err(_)) => format!("{variable} += {times}"),
                _ => format!("{variable} += {times} * {amount}"),
            });
        }
    }
}

/// How operations are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Not at all.
    Plain,
    /// Each of them is timed, and noted if a history is kept.
    Watched,
}
