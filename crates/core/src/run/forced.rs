//! Collections that a mutator is forced to make besides those of its program. A collector that runs
//! seldom meets few states of a program; one that runs often meets most of them.

use super::CollectEvery;
use crate::plan::{Between, Spacing};

/// One mutator's forced collections.
#[derive(Debug)]
pub(super) struct Forced {
    spacing: Option<Spacing>,
    left: u64,
    made: u64,
}

impl Forced {
    /// The forced collections of one mutator; none if `every` is `None`.
    pub(super) fn new(every: Option<CollectEvery>, seed: u64, number: usize) -> Self {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let mut forced = Self {
            spacing: every.map(|every| {
                Spacing::new(
                    (every.least, every.most),
                    Between::Collections,
                    seed,
                    number,
                )
            }),
            left: u64::MAX,
            made: 0,
        };
        forced.draw();
        forced
    }

    fn draw(&mut self) {
        if let Some(spacing) = &mut self.spacing {
            self.left = spacing.draw().max(1);
        }
    }

    /// How many operations remain until the next collection.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Counts `ops` operations that were done. Returns whether a collection is due.
    pub(super) fn is_due(&mut self, ops: u64) -> bool {
        if self.spacing.is_none() {
            return false;
        }
        self.left -= ops;
        let is_due = self.left == 0;
        if is_due {
            self.made += 1;
            self.draw();
        }
        is_due
    }

    /// How many collections were due so far.
    pub(super) fn made(&self) -> u64 {
        self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: collections come within the range that was asked for, by the seed, and not at all if
    /// nothing was.
    #[test]
    fn collections_come_in_their_range() {
        let every = Some(CollectEvery { least: 3, most: 9 });
        let intervals = |seed| {
            let mut forced = Forced::new(every, seed, 0);
            let draws = (0..100).map(|_| {
                let left = forced.left();
                assert!((3..=9).contains(&left), "{left}");
                assert!(!forced.is_due(left - 1) && forced.is_due(1));
                left
            });
            draws.collect::<Vec<_>>()
        };
        assert_eq!(intervals(1), intervals(1));
        assert_ne!(intervals(1), intervals(2));
        let mut none = Forced::new(None, 1, 0);
        assert_eq!(
            (none.left(), none.is_due(1_000_000), none.made()),
            (u64::MAX, false, 0)
        );
    }
}
