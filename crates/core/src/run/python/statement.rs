//! One operation as a Python statement, and how it is looked at.
//!
//! Most of the time an operation is what a Python programmer would write, and nothing else. In the
//! twin of a region that is *watched* the clock is read before and after it, and what it answered is
//! noted if a history is kept.

use crate::plan::OpKind;

use super::body::Body;
use super::text::{Lines, Watch};

/// An operation as a statement.
#[derive(Debug, Default)]
pub(super) struct Statement {
    /// Comes before all.
    pub(super) first: Vec<String>,
    /// Must all be true.
    pub(super) guards: Vec<String>,
    pub(super) then: Vec<String>,
    pub(super) otherwise: Vec<String>,
}

impl Statement {
    pub(super) fn of(then: Vec<String>) -> Self {
        Self {
            then,
            ..Self::default()
        }
    }

    pub(super) fn guarded(mut self, guard: Option<String>) -> Self {
        self.guards.extend(guard);
        self
    }

    pub(super) fn after(mut self, first: Vec<String>) -> Self {
        self.first = first;
        self
    }
}

/// What a history is told of an operation: about what, what was called, and what it answered; the
/// last two are Python expressions.
pub(super) struct Told {
    pub(super) topic: String,
    pub(super) call: String,
    pub(super) answer: String,
}

impl Body<'_> {
    pub(super) fn write(&mut self, statement: Statement) {
        let Statement {
            first,
            guards,
            then,
            otherwise,
        } = statement;
        put(&mut self.lines, first);
        if guards.is_empty() {
            return put(&mut self.lines, then);
        }
        self.lines.push(format!("if {}:", guards.join(" and ")));
        self.lines.indented(|lines| put(lines, then));
        if !otherwise.is_empty() {
            self.lines.push("else:");
            self.lines.indented(|lines| put(lines, otherwise));
        }
    }

    /// What an operation consists of, looked at. `told` is what a history is told.
    pub(super) fn looked_at(
        &mut self,
        kind: OpKind,
        core: Vec<String>,
        told: Option<Told>,
    ) -> Vec<String> {
        if self.watch == Watch::Plain {
            return core;
        }
        let mut lines = Vec::new();
        let told = told.filter(|_| self.is_recorded);
        lines.push("t0 = now()".to_owned());
        lines.extend(core);
        lines.push("t1 = now()".to_owned());
        lines.extend(self.took(kind));
        lines.extend(told.map(|told| noted(&told)));
        lines
    }

    /// Records how long it took from `t0` to `t1`.
    pub(super) fn took(&mut self, kind: OpKind) -> Vec<String> {
        if !self.is_timed {
            return Vec::new();
        }
        let name = kind.name().replace('-', "_");
        self.timed.insert(kind.name());
        let mut lines = vec![format!("took_{name}(t1 - t0)")];
        if self.mutator.pace.is_some() {
            lines.push(format!("late_{name}(t1 - min(due, t0))"));
        }
        lines
    }
}

/// The line that notes a call.
pub(super) fn noted(told: &Told) -> String {
    let Told {
        topic,
        call,
        answer,
    } = told;
    format!("note(\"{topic}\", t0, t1, {call}, {answer})")
}

/// Writes lines, which are indented by themselves.
fn put(lines: &mut Lines, block: Vec<String>) {
    for line in block {
        lines.push(line);
    }
}
