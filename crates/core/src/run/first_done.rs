//! How many objects were alive when the first mutator was done: a heap may reclaim much as soon as mutators
//! wait, and that did not happen while the program ran.

use crate::clock::{Clock, Stamp};
use crate::evidence::ledger::Roll;

/// If the others go on for longer than this part of the run, what was alive then says nothing of its end:
/// they may have released it.
const PART: u64 = 100;

/// What there was when the first mutator was done.
#[derive(Debug)]
pub(super) struct FirstDone {
    alive: u64,
    at: Stamp,
}

impl FirstDone {
    pub(super) fn now(roll: &Roll) -> Self {
        let at = Clock::get().now();
        let alive = roll.look();
        Self { alive, at }
    }

    /// How many were alive, if the run, which has begun at `start`, is over soon after.
    pub(super) fn alive_at_the_end(&self, start: Stamp) -> Option<u64> {
        let clock = Clock::get();
        let now = clock.now();
        let (whole, after) = (clock.nanos(start, now), clock.nanos(self.at, now));
        (after <= whole / PART).then_some(self.alive)
    }
}
