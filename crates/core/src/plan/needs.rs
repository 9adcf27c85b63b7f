//! What a plan needs a heap to be able to do.

use serde::{Deserialize, Serialize};

use super::{Op, OpKind};
use crate::heap::{Caps, Finalizer, Shape};

/// The abilities that a program uses, named like those of [`Caps`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// It runs several mutators.
    pub threads: bool,
    /// It may make unreachable cycles.
    pub cycles: bool,
    /// It has lists.
    pub lists: bool,
    /// It has counters.
    pub counters: bool,
    /// It publishes or fetches.
    pub globals: bool,
    /// It makes weak references.
    pub weak: bool,
    /// It makes objects with finalizers.
    #[serde(default)]
    pub finalizers: bool,
}

impl Needs {
    /// What a heap with `caps` lacks, in words; empty if it can run the plan.
    pub fn missing_from(&self, caps: &Caps) -> Vec<&'static str> {
        [
            (self.threads, caps.threads, "threads"),
            (self.cycles, caps.cycles, "cycles"),
            (self.lists, caps.lists, "lists"),
            (self.counters, caps.counters, "counters"),
            (self.globals, caps.globals, "shared roots"),
            (self.weak, caps.weak, "weak references"),
            (self.finalizers, caps.finalizers, "finalizers"),
        ]
        .into_iter()
        .filter_map(|(needed, there, name)| (needed && !there).then_some(name))
        .collect()
    }

    /// What operations of these kinds need, whatever their operands.
    pub fn of(kinds: impl IntoIterator<Item = OpKind>) -> Self {
        let mut needs = Self::default();
        kinds.into_iter().for_each(|kind| needs.add(kind));
        needs
    }

    /// Adds what one operation needs by itself.
    pub(super) fn add_op(&mut self, op: &Op) {
        self.add(op.kind());
        if let Op::Alloc { shape, .. } | Op::AllocFinalized { shape, .. } = op {
            self.add_shape(*shape);
        }
        if let Op::AllocFinalized {
            finalizer: Finalizer::Resurrect(_),
            ..
        } = op
        {
            self.globals = true;
        }
    }

    fn add(&mut self, kind: OpKind) {
        match kind {
            OpKind::Append
            | OpKind::Len
            | OpKind::Get
            | OpKind::Set
            | OpKind::Pop
            | OpKind::TruncateFront
            | OpKind::TruncateBack => self.lists = true,
            OpKind::Add | OpKind::Read | OpKind::Write => self.counters = true,
            OpKind::Publish | OpKind::Fetch => self.globals = true,
            OpKind::Downgrade | OpKind::Upgrade => self.weak = true,
            OpKind::AllocFinalized => self.finalizers = true,
            OpKind::Alloc
            | OpKind::Copy
            | OpKind::Clear
            | OpKind::Load
            | OpKind::Store
            | OpKind::Peek
            | OpKind::Safepoint
            | OpKind::Collect
            | OpKind::Rejoin
            | OpKind::Stall => {}
        }
    }

    /// Adds what an object of this shape needs.
    pub fn add_shape(&mut self, shape: Shape) {
        match shape {
            Shape::List => self.lists = true,
            Shape::Counter => self.counters = true,
            Shape::Leaf | Shape::Node => {}
        }
    }
}
