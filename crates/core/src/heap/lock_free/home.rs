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
//! The collector frees the cells of all mutators and uses none, so it sends each to the *origin* of
//! the cell, which is the home of the worker that was the first to use it. Cells are half a cache
//! line. If the collector put the cells of two mutators together, both would soon work on halves of
//! the same lines, and private cycles, which need no line of another's, would take each of them
//! twice as long.
//!
//! A worker that leaves or waits returns its free cells, even if they are no whole chunk. If many
//! workers come and go, and each needs few cells, there would soon be as many such *remnants* as
//! cells; so remnants are kept apart, and whoever takes cells or leaves puts some of them together.
//! Nobody takes more than a chunk: so, however the cells are spread over remnants, as many workers
//! find cells as there are chunks' worth of cells. (Remnants that are being put together cannot be
//! found for a moment. A worker that finds nothing looks again, and gives up only if there are no
//! fresh cells either.)

use std::ops::Range as Numbers;
use std::sync::atomic::AtomicU8;

use crossbeam_epoch::Guard;
use crossbeam_utils::CachePadded;

use super::list::Range;
use super::shared::CHUNK;
use super::stack::Stack;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
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
pub(super) struct Homes {
    all: [CachePadded<Home>; HOMES],
    /// The origin of each chunk of cells that lie side by side. Not modelled: any would do.
    origins: Box<[AtomicU8]>,
}

impl Homes {
    /// Homes for the cells of a slab that has this many.
    pub(super) fn new(cells: u32) -> Self {
        let chunks = (cells as usize).div_ceil(CHUNK);
        Self {
            all: Default::default(),
            origins: (0..chunks).map(|_| AtomicU8::new(0)).collect(),
        }
    }

    /// The place of a cell's origin. Cell 0 does not exist, and fresh cells are taken by chunks.
    fn origin(&self, cell: u32) -> &AtomicU8 {
        &self.origins[(cell as usize - 1) / CHUNK]
    }

    /// Notes whose home is the origin of a chunk of fresh cells.
    pub(super) fn settle(&self, worker: u32, fresh: &Numbers<u32>) {
        if let Some(first) = fresh.clone().next() {
            let home = u8::try_from(worker as usize % HOMES).unwrap_or(0);
            self.origin(first).store(home, Relaxed);
        }
    }

    /// Sends each cell to its origin, and puts it together with what lies there.
    fn send_home(&self, cells: Vec<u32>, guard: Option<&Guard>) {
        let mut parts: [Vec<u32>; HOMES] = Default::default();
        for cell in cells {
            parts[usize::from(self.origin(cell).load(Relaxed))].push(cell);
        }
        for (home, mut part) in std::iter::zip(&self.all, parts) {
            if part.is_empty() {
                continue;
            }
            if let Some(guard) = guard {
                home.gather(&mut part, guard);
            }
            home.put_cells(part);
        }
    }

    /// This worker's home, and then the others.
    fn from(&self, worker: u32) -> impl Iterator<Item = &Home> {
        let (before, after) = self.all.split_at(worker as usize % HOMES);
        after.iter().chain(before).map(|home| &**home)
    }

    fn of(&self, worker: u32) -> &Home {
        &self.all[worker as usize % HOMES]
    }

    /// Brings free cells to a worker's home; those that the collector freed, to their origins.
    pub(super) fn put_cells(&self, worker: u32, cells: Vec<u32>) {
        if worker == COLLECTOR {
            return self.send_home(cells, None);
        }
        self.of(worker).put_cells(cells);
    }

    /// Brings home the free cells of a worker that leaves, put together with remnants that lie
    /// there.
    pub(super) fn give_back(&self, worker: u32, mut cells: Vec<u32>, guard: &Guard) {
        if worker == COLLECTOR {
            return self.send_home(cells, Some(guard));
        }
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
        self.all.iter().map(|home| home.taken.load(Acquire)).sum()
    }

    /// Whether a range is ripe anywhere.
    pub(super) fn is_ripe(&self) -> bool {
        self.all.iter().any(|home| !home.ripe.is_empty())
    }

    /// The numbers of the homes in which ranges are ripe, and were at the last look, and of which
    /// none was taken since.
    #[cfg(any(all(test, shuttle), not(any(loom, shuttle))))]
    pub(super) fn neglected(&self, look: &mut Look) -> impl Iterator<Item = u32> + use<> {
        let now = std::array::from_fn(|number| {
            let home = &self.all[number];
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
    /// Goal: the collector sends cells to the home of the worker that used them first, whoever gave
    /// them up.
    #[test]
    fn the_collector_sends_cells_to_their_origins() {
        let handle = crossbeam_epoch::Collector::new().register();
        let guard = handle.pin();
        let chunk = u32::try_from(CHUNK).expect("it is small");
        let homes = Homes::new(2 * chunk + 1);
        let (first, second) = (1..chunk + 1, chunk + 1..2 * chunk + 1);
        homes.settle(0, &first);
        homes.settle(1, &second);
        let mixed = std::iter::zip(first.clone(), second.clone()).flat_map(|(a, b)| [a, b]);
        let mut mixed: Vec<u32> = mixed.collect();
        let rest = mixed.split_off(CHUNK);
        homes.put_cells(COLLECTOR, mixed);
        homes.give_back(COLLECTOR, rest, &guard);
        for (worker, cells) in [(0, first), (1, second)] {
            let mut taken = homes.take_cells(worker, &guard).expect("a chunk");
            taken.sort_unstable();
            assert!(taken.into_iter().eq(cells), "of worker {worker}");
        }
        assert_eq!(homes.take_cells(0, &guard), None);
    }
}
