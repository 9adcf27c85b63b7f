//! Homes: where cells whose grace period is over wait to be reused, and truncated ranges wait to be
//! released.
//!
//! A cell lies in the cache of the processor that used it last, so the worker that gave it up
//! should be the one to use it again; with one pool for all, every mutator would work on the cells
//! of others. Each worker has a home, chosen by its number, and looks into others only when its own
//! is empty. A worker that leaves work behind leaves it at its home, and whoever does that work
//! returns the cells to the same home. Otherwise the cells would stray, and one mutator after the
//! other would find its home empty and take cells from the others. Homes are shared nevertheless
//! (there are fewer homes than there may be workers, and the job that ends a grace period runs on
//! any thread), so correctness does not depend on who has which.
//!
//! A worker that leaves or waits returns its free cells, even if they are no whole chunk. If many
//! workers come and go, and each needs few cells, there would soon be as many such *remnants* as
//! cells; so remnants are kept apart, and whoever takes cells or leaves puts some of them together.
//! Nobody takes more than a chunk: so, however the cells are spread over remnants, as many workers
//! find cells as there are chunks' worth of cells. (Remnants that are being put together cannot be
//! found for a moment. A worker that finds nothing looks again, and gives up only if there are no
//! fresh cells either.)

use crossbeam_epoch::Guard;
use crossbeam_utils::CachePadded;

use super::list::Range;
use super::shared::CHUNK;
use super::stack::Stack;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::sized;

/// How many homes there are: as many as mutators that run at the same time on a machine of today's
/// usual size; in models two, so that there is an elsewhere.
const HOMES: usize = sized(16, 2);

/// How many remnants are put together at a time: some 3 us of work within one operation.
const GATHERED_MOST: usize = 32;

/// The number of the collector, and of whoever settles the heap. Their home is the last one.
pub(super) const COLLECTOR: u32 = u32::MAX;

#[derive(Debug, Default)]
struct Home {
    /// Whole chunks of free cells.
    cells: Stack<Vec<u32>>,
    /// Free cells that are no whole chunk, from workers that left or waited.
    remnants: Stack<Vec<u32>>,
    /// Elements that may be released now: truncated and past their grace period, or of a dead list.
    ripe: Stack<Range>,
    /// How often a ripe range was taken so far. It is counted first and taken then: see `recall`.
    taken: AtomicU64,
}

impl Home {
    /// Puts remnants together until they are a chunk or there are none left.
    fn gather(&self, cells: &mut Vec<u32>, guard: &Guard) {
        for _ in 0..GATHERED_MOST {
            if cells.len() >= CHUNK {
                break;
            }
            let Some(remnant) = self.remnants.pop(guard) else {
                break;
            };
            cells.extend(remnant);
        }
    }

    /// A whole chunk if there is one, otherwise what there is; never more than a chunk.
    fn take_cells(&self, guard: &Guard) -> Option<Vec<u32>> {
        let mut cells = Vec::new();
        self.gather(&mut cells, guard);
        if cells.len() < CHUNK
            && let Some(chunk) = self.cells.pop(guard)
        {
            self.put_cells(cells);
            return Some(chunk);
        }
        if cells.len() > CHUNK {
            self.put_cells(cells.split_off(CHUNK));
        }
        (!cells.is_empty()).then_some(cells)
    }

    fn put_cells(&self, mut cells: Vec<u32>) {
        while cells.len() > CHUNK {
            self.cells.push(cells.split_off(cells.len() - CHUNK));
        }
        match cells.len() {
            0 => {}
            CHUNK => self.cells.push(cells),
            _ => {
                cells.shrink_to_fit();
                self.remnants.push(cells);
            }
        }
    }

    fn take_ripe(&self, guard: &Guard) -> Option<Range> {
        if self.ripe.is_empty() {
            return None;
        }
        // Release pairs with the Acquire in `Homes::taken`.
        self.taken.fetch_add(1, Release);
        self.ripe.pop(guard)
    }
}

/// For each home in which ranges were ripe at one look, how many had been taken by then. The next
/// look tells from it where nobody has worked since.
#[cfg(any(all(test, shuttle), not(any(loom, shuttle))))]
#[derive(Debug, Default)]
pub(super) struct Look([Option<u64>; HOMES]);

/// All homes of a heap.
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

    /// Brings free cells to a worker's home.
    pub(super) fn put_cells(&self, worker: u32, cells: Vec<u32>) {
        self.of(worker).put_cells(cells);
    }

    /// Brings home the free cells of a worker that leaves, put together with remnants that lie
    /// there.
    pub(super) fn give_back(&self, worker: u32, mut cells: Vec<u32>, guard: &Guard) {
        let home = self.of(worker);
        home.gather(&mut cells, guard);
        home.put_cells(cells);
    }

    /// Free cells, from this worker's home if there are any.
    pub(super) fn take_cells(&self, worker: u32, guard: &Guard) -> Option<Vec<u32>> {
        self.from(worker).find_map(|home| home.take_cells(guard))
    }

    /// Brings a range to a worker's home.
    pub(super) fn put_ripe(&self, worker: u32, range: Range) {
        self.of(worker).ripe.push(range);
    }

    /// A range from this worker's home and no other.
    pub(super) fn take_ripe_of(&self, worker: u32, guard: &Guard) -> Option<Range> {
        self.of(worker).take_ripe(guard)
    }

    /// A range from any home.
    pub(super) fn take_ripe(&self, worker: u32, guard: &Guard) -> Option<Range> {
        self.from(worker).find_map(|home| home.take_ripe(guard))
    }

    /// Whether a range is ripe in this worker's home.
    #[inline]
    pub(super) fn is_ripe_of(&self, worker: u32) -> bool {
        !self.of(worker).ripe.is_empty()
    }

    /// How often a ripe range was taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.0.iter().map(|home| home.taken.load(Acquire)).sum()
    }

    /// Whether a range is ripe anywhere.
    pub(super) fn is_ripe(&self) -> bool {
        self.0.iter().any(|home| !home.ripe.is_empty())
    }

    /// The numbers of the homes in which ranges are ripe, and were at the last look, and of which
    /// none was taken since.
    #[cfg(any(all(test, shuttle), not(any(loom, shuttle))))]
    pub(super) fn neglected(&self, look: &mut Look) -> impl Iterator<Item = u32> + use<> {
        use crate::sync::atomic::Ordering::Relaxed;

        let now = std::array::from_fn(|number| {
            let home = &self.0[number];
            (!home.ripe.is_empty()).then(|| home.taken.load(Relaxed))
        });
        let last = std::mem::replace(&mut look.0, now);
        (0..)
            .zip(std::iter::zip(last, now))
            .filter_map(|(worker, (last, now))| (last.is_some() && last == now).then_some(worker))
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Goal: however many remnants lie in a home, one operation puts a few of them together, and
    /// none is lost.
    #[test]
    fn one_operation_gathers_a_few() {
        let handle = crossbeam_epoch::Collector::new().register();
        let guard = handle.pin();
        let home = Home::default();
        let cells = 0..u32::try_from(2 * GATHERED_MOST + 5).expect("few");
        cells.clone().for_each(|cell| home.put_cells(vec![cell]));
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        while let Some(taken) = home.take_cells(&guard) {
            sizes.push(taken.len());
            seen.extend(taken);
        }
        assert_eq!(sizes, [GATHERED_MOST, GATHERED_MOST, 5]);
        seen.sort_unstable();
        assert!(seen.into_iter().eq(cells));
    }
}
