//! What the other mutators do while one does nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

use super::host;
use crate::clock::{Clock, Stamp};

/// How many batches pass between two looks at the clocks: a look costs some microseconds, which is
/// little for the millisecond or so that these batches take.
const LOOK_EVERY: u32 = 64;

/// One mutator's look at the others' counts, which they publish after each batch. Relaxed, and a
/// batch behind: it is a share of a whole run that matters.
#[derive(Debug)]
pub(super) struct Gap<'s> {
    ops: &'s [CachePadded<AtomicU64>],
    number: usize,
    first: u64,
    seen: u64,
    max: Largest,
    /// The clocks, a few batches ago.
    look: Look,
    until_look: u32,
}

/// The largest gap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Largest {
    /// What the others did in it.
    pub(super) ops: u64,
    /// How long it took, and a few batches before it.
    pub(super) elapsed_ns: u64,
    /// For how much of that the thread was ready to run and did not.
    pub(super) starved_ns: u64,
    /// How long threads of the process ran meanwhile, all together, likewise.
    pub(super) ran_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Stamp,
    starved_ns: u64,
    ran_ns: u64,
}

impl Look {
    fn now() -> Self {
        Self {
            at: Clock::get().now(),
            starved_ns: host::starved_ns(),
            ran_ns: host::ran_ns(),
        }
    }
}

impl<'s> Gap<'s> {
    /// The mutator of this number starts to look.
    pub(super) fn new(ops: &'s [CachePadded<AtomicU64>], number: usize) -> Self {
        let mut gap = Self {
            ops,
            number,
            first: 0,
            seen: 0,
            max: Largest::default(),
            look: Look::now(),
            until_look: LOOK_EVERY,
        };
        gap.first = gap.others();
        gap.seen = gap.first;
        gap
    }

    /// It has done something.
    pub(super) fn close(&mut self) {
        let others = self.others();
        let ops = others.saturating_sub(self.seen);
        self.until_look -= 1;
        if ops > self.max.ops || self.until_look == 0 {
            self.look(ops);
        }
        self.seen = others;
    }

    #[cold]
    fn look(&mut self, ops: u64) {
        let (before, now) = (self.look, Look::now());
        if ops > self.max.ops {
            self.max = Largest {
                ops,
                elapsed_ns: Clock::get().nanos(before.at, now.at),
                starved_ns: now.starved_ns.saturating_sub(before.starved_ns),
                ran_ns: now.ran_ns.saturating_sub(before.ran_ns),
            };
        }
        self.look = now;
        self.until_look = LOOK_EVERY;
    }

    /// What it did not do meanwhile it was not meant to do.
    pub(super) fn forgive(&mut self) {
        self.seen = self.others();
        self.look = Look::now();
    }

    /// It had nothing to do.
    pub(super) fn pass(&mut self) {
        self.seen = self.others();
    }

    /// What the others did in all, and the most of it between two batches.
    pub(super) fn sums(&self) -> (u64, Largest) {
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
        let (others, largest) = gap.sums();
        assert_eq!((others, largest.ops), (940, 30));
    }
}
