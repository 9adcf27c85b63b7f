//! What the other mutators do while one does nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// One mutator's look at the others' counts, which they publish after each batch. Relaxed, and a
/// batch behind: it is a share of a whole run that matters.
#[derive(Debug)]
pub(super) struct Gap<'s> {
    ops: &'s [CachePadded<AtomicU64>],
    number: usize,
    first: u64,
    seen: u64,
    max: u64,
}

impl<'s> Gap<'s> {
    /// The mutator of this number starts to look.
    pub(super) fn new(ops: &'s [CachePadded<AtomicU64>], number: usize) -> Self {
        let mut gap = Self {
            ops,
            number,
            first: 0,
            seen: 0,
            max: 0,
        };
        gap.first = gap.others();
        gap.seen = gap.first;
        gap
    }

    /// It has done something.
    pub(super) fn close(&mut self) {
        let others = self.others();
        self.max = self.max.max(others.saturating_sub(self.seen));
        self.seen = others;
    }

    /// What it did not do meanwhile it was not meant to do.
    pub(super) fn forgive(&mut self) {
        self.seen = self.others();
    }

    /// What the others did in all, and the most of it between two batches.
    pub(super) fn sums(&self) -> (u64, u64) {
        (self.seen.saturating_sub(self.first), self.max)
    }

    fn others(&self) -> u64 {
        let others = self.ops.iter().enumerate();
        others
            .filter(|(number, _)| *number != self.number)
            .map(|(_, ops)| ops.load(Relaxed))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the longest gap is found, a forgiven one is none, and one's own operations do not count.
    #[test]
    fn gaps_are_found() {
        let ops: Vec<_> = (0..3)
            .map(|_| CachePadded::new(AtomicU64::new(5)))
            .collect();
        let mut gap = Gap::new(&ops, 1);
        for (other, more, forgiven) in [
            (0, 10, false),
            (2, 30, false),
            (1, 500, false),
            (0, 900, true),
        ] {
            ops[other].fetch_add(more, Relaxed);
            if forgiven {
                gap.forgive();
            } else {
                gap.close();
            }
        }
        assert_eq!(gap.sums(), (940, 30));
    }
}
