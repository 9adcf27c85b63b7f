//! The state of a soak at one moment.

use std::time::Duration;

use super::{Beat, Header, Round, Standing};

/// The state of a soak at one moment. Everything that is shown of a soak under way is a function of
/// it.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// What the soak is.
    pub header: &'a Header,
    /// The sums of its rounds.
    pub standing: &'a Standing,
    /// The round under way, if there is one, and its progress, if it has reported any.
    pub current: Option<(Round, Option<Beat>)>,
    /// The time since this process began.
    pub elapsed: Duration,
    /// The rest of the budget.
    pub left: Duration,
    /// The moment, in milliseconds since 1970.
    pub unix_ms: u64,
}
