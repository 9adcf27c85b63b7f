//! Where what a worker gave up comes back to: cells whose grace period is over, and truncated ranges
//! that may be released now.
//!
//! A cell lies in the cache of the processor that used it last, so whoever gave it up is the one to
//! use it again: a pool for all makes every mutator work on the others' cells. Each worker has a
//! home, chosen by its number, and looks elsewhere only when there is nothing at home. Homes are
//! shared all the same (there are fewer of them than there may be workers, and a job that ends a
//! grace period runs on any thread), so nothing depends on who has which.

use crossbeam_epoch::Guard;
use crossbeam_utils::CachePadded;

use super::list::Range;
use super::stack::Stack;
use crate::sync::sized;

/// How many homes there are: as many as mutators that run at the same time on a machine of today's
/// usual size; in models two, so that there is an elsewhere.
const HOMES: usize = sized(16, 2);

/// The home of the collector, and of whoever settles the heap.
pub(super) const COLLECTOR: u32 = HOMES as u32 - 1;

#[derive(Debug, Default)]
struct Home {
    /// Chunks of free cells.
    cells: Stack<Vec<u32>>,
    /// Truncated ranges past their grace period.
    ripe: Stack<Range>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Homes([CachePadded<Home>; HOMES]);

impl Homes {
    /// This worker's home, and then the others.
    fn from(&self, worker: u32) -> impl Iterator<Item = &Home> {
        let (before, after) = self.0.split_at(worker as usize % HOMES);
        after.iter().chain(before).map(|home| &**home)
    }

    fn of(&self, worker: u32) -> &Home {
        &self.0[worker as usize % HOMES]
    }

    /// Brings a chunk of free cells to a worker's home.
    pub(super) fn put_cells(&self, worker: u32, chunk: Vec<u32>) {
        self.of(worker).cells.push(chunk);
    }

    /// A chunk of free cells, from this worker's home if there is one.
    pub(super) fn take_cells(&self, worker: u32, guard: &Guard) -> Option<Vec<u32>> {
        self.from(worker).find_map(|home| home.cells.pop(guard))
    }

    /// Brings a range to a worker's home.
    pub(super) fn put_ripe(&self, worker: u32, range: Range) {
        self.of(worker).ripe.push(range);
    }

    /// A range from this worker's home and no other.
    pub(super) fn take_ripe_of(&self, worker: u32, guard: &Guard) -> Option<Range> {
        self.of(worker).ripe.pop(guard)
    }

    /// A range from any home.
    pub(super) fn take_ripe(&self, worker: u32, guard: &Guard) -> Option<Range> {
        self.from(worker).find_map(|home| home.ripe.pop(guard))
    }

    /// Whether a range is ripe in this worker's home.
    #[inline]
    pub(super) fn is_ripe_of(&self, worker: u32) -> bool {
        !self.of(worker).ripe.is_empty()
    }

    /// Where ranges are ripe: bit n is that of the home of worker n.
    pub(super) fn ripe(&self) -> u64 {
        let bits = (0..).zip(&self.0);
        bits.fold(0, |bits, (number, home)| {
            bits | u64::from(!home.ripe.is_empty()) << number
        })
    }
}
