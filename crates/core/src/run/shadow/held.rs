//! What is known of a place that holds a reference or nothing.

use crate::evidence::Name;
use crate::heap::{ObjectId, Peek};

/// What a register, a field or an element holds, as far as its mutator can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Not known. It may be a weak reference, but not an object that only this mutator can reach.
    Unknown,
    /// What the heap answered last, from a place that others may have changed. It is looked at
    /// before the next operation.
    Answered,
    /// This object, or nothing.
    Known(Option<ObjectId>),
}

impl Held {
    pub(super) const NOTHING: Self = Self::Known(None);

    /// What a look found. A broken reference counts as unknown.
    pub(super) fn seen(seen: Peek) -> Self {
        match seen {
            Peek::Empty => Self::NOTHING,
            Peek::Object(id) => Self::Known(Some(id)),
            Peek::Stale => Self::Unknown,
        }
    }

    pub(super) fn object(self) -> Option<ObjectId> {
        match self {
            Self::Known(object) => object,
            Self::Unknown | Self::Answered => None,
        }
    }
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown | Self::Answered => f.write_str("something"),
            Self::Known(None) => f.write_str("nothing"),
            Self::Known(Some(id)) => f.write_str(&Name::in_words(*id)),
        }
    }
}
