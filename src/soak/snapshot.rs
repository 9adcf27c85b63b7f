//! How a soak stands at a moment: what everybody who watches one is shown.

use std::time::Duration;

use super::{Beat, Header, Round, Standing};

/// See the module. All that is shown of a soak under way is a function of this.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// What the soak is.
    pub header: &'a Header,
    /// What its rounds came to.
    pub standing: &'a Standing,
    /// The round under way, if there is one, and how far it is, if that is known yet.
    pub current: Option<(Round, Option<Beat>)>,
    /// Since this process began.
    pub elapsed: Duration,
    /// Until it ends.
    pub left: Duration,
    /// Now, in milliseconds since 1970.
    pub unix_ms: u64,
}
