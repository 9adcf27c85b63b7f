//! How often mutators got in between each other.
//!
//! An interleaving is counted where a mutator did something, then others, then the mutator again.
//! It is looked for after each batch of a mutator, so that it costs nothing during one. The count
//! is therefore too low where batches are done at the same time, and never too high: two mutators
//! of which one did all before the other began have none.

/// The interleavings that one mutator has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Interleavings {
    /// The operations of the mutator at the common start.
    first: u64,
    /// The operations of the mutator as of its last batch.
    own: u64,
    /// The operations of the others as of its last batch.
    others: u64,
    seen: u64,
}

impl Interleavings {
    /// The common start is over, before which the mutator did so many operations.
    pub(super) fn start(own: u64) -> Self {
        Self {
            first: own,
            own,
            ..Self::default()
        }
    }

    /// The mutator has done so many operations by now, and the others so many.
    pub(super) fn look(&mut self, own: u64, others: u64) {
        if own == self.own {
            return;
        }
        let has_begun = self.own > self.first;
        self.seen += u64::from(has_begun && others > self.others);
        (self.own, self.others) = (own, others);
    }

    /// How many there were.
    pub(super) fn seen(self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what counts is that the others did something between two batches of the mutator; what
    /// they did before its first or after its last batch does not, nor a look without a batch.
    #[test]
    fn only_what_is_between_two_batches_counts() {
        let after = |looks: &[(u64, u64)]| {
            let mut interleavings = Interleavings::start(100);
            for &(own, others) in looks {
                interleavings.look(own, others);
            }
            interleavings.seen()
        };
        assert_eq!(after(&[(110, 5)]), 0, "the others came before");
        assert_eq!(after(&[(110, 0), (110, 9)]), 0, "the others came after");
        assert_eq!(after(&[(110, 0), (120, 0), (130, 0)]), 0, "alone");
        assert_eq!(after(&[(110, 0), (110, 5), (120, 5)]), 1, "in between");
        assert_eq!(after(&[(110, 5), (120, 6), (130, 6), (140, 7)]), 2);
    }
}
