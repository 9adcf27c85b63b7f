//! What the reads of `live-heap` cost by cache misses alone: the same accesses to as much memory as the
//! `lock-free` heap would have, without a heap.
//!
//!     GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
//!         cargo run --release --manifest-path adapters/Cargo.toml --example reads
//!
//! The setting asks for large pages, as the heap does.
//!
//! Nodes form rings of ten, side by side; a list holds the first node of each. A step makes and drops ten
//! pairs in a small piece of memory, as the workload does between two reads, then *gets* a ring at random,
//! *loads* a neighbour, and *peeks* at it. Each line has the 99.9th percentile in nanoseconds, the reading of
//! the clock included.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use gcstorm::clock::Clock;

const STEPS: usize = 1_000_000;
/// Pairs that are made between two reads, and the cells that they take turns in.
const PAIRS: usize = 10;
const HOT: usize = 128;

/// As large as a cell of the heap: a word with the count, the incarnation, and two references.
#[derive(Default)]
#[repr(align(32))]
struct Cell {
    word: AtomicU64,
    meta: AtomicU64,
    slots: [AtomicU64; 2],
}

struct Memory {
    cells: Vec<Cell>,
    tags: Vec<AtomicU64>,
    /// The element of each place of the list.
    list: Vec<AtomicU64>,
}

impl Memory {
    fn new(live: usize) -> Self {
        let number = |index: usize| AtomicU64::new(index as u64);
        let memory = Self {
            cells: (0..live + HOT).map(|_| Cell::default()).collect(),
            tags: (0..live + HOT).map(number).collect(),
            list: (0..live / 10).map(|ring| number(ring * 10)).collect(),
        };
        for (index, cell) in memory.cells[..live].iter().enumerate() {
            let neighbour = index / 10 * 10 + (index + 9) % 10;
            cell.slots[0].store(neighbour as u64, Relaxed);
        }
        memory
    }

    /// Takes hold of what a place refers to, and lets go of what was held before.
    fn swap(&self, place: &AtomicU64, held: usize) -> usize {
        let index = place.load(SeqCst) as usize;
        black_box(self.cells[index].meta.load(Relaxed));
        self.cells[index].word.fetch_add(1, SeqCst);
        self.cells[held].word.fetch_sub(1, SeqCst);
        index
    }

    fn make_pairs(&self, live: usize, step: usize) {
        for pair in 0..PAIRS {
            for half in 0..2 {
                let hot = live + (2 * (step * PAIRS + pair) + half) % HOT;
                let cell = &self.cells[hot];
                for word in [&cell.word, &cell.meta, &cell.slots[0], &cell.slots[1]] {
                    word.store(step as u64, Relaxed);
                }
                self.tags[hot].store(step as u64, Relaxed);
            }
        }
    }
}

/// The 99.9th percentiles of a get, a load and a peek.
fn reads(live: usize) -> [u64; 3] {
    let memory = Memory::new(live);
    let clock = Clock::get();
    let mut times: [Vec<u64>; 3] = Default::default();
    let (mut ring, mut node) = (0, 1);
    let mut random: u64 = 88_172_645_463_325_252;
    for step in 0..STEPS {
        memory.make_pairs(live, step);
        // Marsaglia's xorshift.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let place = &memory.list[random as usize % memory.list.len()];
        let start = clock.now();
        ring = memory.swap(place, ring);
        let got = clock.now();
        node = memory.swap(&memory.cells[ring].slots[0], node);
        let loaded = clock.now();
        black_box(memory.tags[node].load(Relaxed) ^ memory.cells[node].meta.load(Relaxed));
        let peeked = clock.now();
        for (times, (from, to)) in
            std::iter::zip(&mut times, [(start, got), (got, loaded), (loaded, peeked)])
        {
            times.push(clock.nanos(from, to));
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 1000 * 999]
    })
}

fn main() {
    for live in [50_000, 5_000_000] {
        let [get, load, peek] = reads(live);
        println!("{live:9} alive: get {get} ns, load {load} ns, peek {peek} ns");
    }
}
