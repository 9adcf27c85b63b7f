//! What a case did on threads that a model checker controlled: a [`Trace`] whose turns overlap.
//!
//! The turns stand in the order in which they returned, with the times of their calls and returns
//! on a clock that counts both. All of it happens on one thread of the system, so the times are
//! exact: whatever returned before another was called was over by then. A judge of histories needs
//! exactly that. Nothing here depends on real time or on addresses, so the same schedule leaves the
//! same race.

use serde::{Deserialize, Serialize};

use super::{Name, Trace};
use crate::digest::Digest;

/// What a case did under one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Race {
    /// The turns, in the order in which they returned, and the end.
    pub trace: Trace,
    /// When each of the trace's steps was done.
    pub spans: Vec<Span>,
    /// The objects that were alive when the heap had settled, before registers and roots were
    /// cleared.
    pub living: Vec<Name>,
}

/// When a turn was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The turn's number among all of the case, from 0.
    pub turn: u32,
    /// When it was called.
    pub called: u64,
    /// When it returned.
    pub returned: u64,
    /// Whether the object that its register led to afterwards was dead.
    pub is_dead: bool,
}

impl Race {
    /// A race in which nothing has been done yet.
    pub fn of(trace: Trace) -> Self {
        Self {
            trace,
            spans: Vec::new(),
            living: Vec::new(),
        }
    }

    /// A digest of all of it: equal for equal races.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).expect("plain data can be written");
        Digest::EMPTY.and(&text).to_string()
    }
}
