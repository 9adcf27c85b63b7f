//! The cost of the counted heap under the global lock, against the floor, which is the least that
//! allocation can cost: boxes are pushed to a vector and dropped again.
//!
//! Each line is the time per object (or per call, for the safepoint). Tags are real, so the cost of
//! births and deaths is included, as it is in a run. The ratios to the floor of the same run are
//! printed at the end: they depend less on the machine and its load than nanoseconds do.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::counted::{GilHeap, open_gil};
use gcstorm::heap::{Field, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag};

/// Objects in a measured batch: as many as `shared-list` truncates at once.
const BATCH: u64 = 50_000;
const LIST: Slot = Slot(0);
const A: Slot = Slot(1);
const B: Slot = Slot(2);
const C: Slot = Slot(3);
/// Live nodes that a full collection examines, and the size of the rings that they form.
const LIVE: u64 = 200_000;
const RING: u64 = 10;

thread_local! {
    /// The least time per object of each line in nanoseconds, in the order of measurement.
    static LEAST: RefCell<Vec<(&'static str, f64)>> = const { RefCell::new(Vec::new()) };
}

fn heap() -> GilHeap {
    open_gil(&HeapConfig::with_capacity(1_000_000))
}

fn seat() -> Seat {
    Seat {
        number: 0,
        slots: 4,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "criterion's own loops are replaced to leave set-up between batches out"
)]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Measures `work`, which returns its time for `objects` objects, and keeps the least time.
fn line(
    criterion: &mut Criterion,
    name: &'static str,
    objects: u64,
    mut work: impl FnMut() -> Duration,
) {
    let mut least = Duration::MAX;
    let mut group = criterion.benchmark_group("heap");
    group.throughput(Throughput::Elements(objects));
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    let elapsed = work();
                    least = least.min(elapsed);
                    elapsed
                })
                .sum()
        });
    });
    group.finish();
    if least == Duration::MAX {
        return;
    }
    let nanos = least.as_nanos() as f64 / objects as f64;
    LEAST.with_borrow_mut(|lines| lines.push((name, nanos)));
}

fn floor(criterion: &mut Criterion) {
    let mut boxes = Vec::new();
    line(criterion, "floor: push and drain boxes", BATCH, || {
        timed(|| {
            boxes.extend((0..BATCH).map(Box::new));
            drop(black_box(&mut boxes).drain(..));
        })
    });
}

fn tags(criterion: &mut Criterion) {
    let mut births = Producer::new(0);
    let mut bits = Vec::new();
    line(criterion, "tags: birth and death alone", BATCH, || {
        timed(|| {
            bits.extend((0..BATCH).map(|_| births.birth(Shape::Leaf).expect("room").into_bits()));
            bits.drain(..).for_each(|bits| drop(Tag::from_bits(bits)));
        })
    });
}

fn append_and_truncate(criterion: &mut Criterion) {
    for (shape, append, truncate) in [
        (Shape::Leaf, "leaf: alloc + append", "leaf: del l[:n]"),
        (Shape::Node, "node: alloc + append", "node: del l[:n]"),
    ] {
        let heap = heap();
        let mut births = Producer::new(0);
        let mut mutator = heap.attach(seat()).expect("a seat");
        make(&mut mutator, &mut births, LIST, Shape::List);
        let fill = |mutator: &mut _, births: &mut Producer| fill(mutator, births, shape);
        line(criterion, append, BATCH, || {
            let elapsed = timed(|| fill(&mut mutator, &mut births));
            mutator.truncate_front(LIST, BATCH);
            elapsed
        });
        line(criterion, truncate, BATCH, || {
            fill(&mut mutator, &mut births);
            timed(|| mutator.truncate_front(LIST, BATCH))
        });
        drop(mutator);
        drop(heap);
    }
}

#[inline(always)]
fn make(mutator: &mut impl Mutator, births: &mut Producer, dst: Slot, shape: Shape) {
    let tag = births.birth(shape).expect("room");
    mutator.alloc(dst, shape, tag).expect("room");
}

fn fill(mutator: &mut impl Mutator, births: &mut Producer, shape: Shape) {
    for _ in 0..BATCH {
        make(mutator, births, A, shape);
        mutator.append(LIST, A);
    }
}

/// Makes two nodes that refer to each other and drops all other references to them.
#[inline]
fn drop_a_pair(mutator: &mut impl Mutator, births: &mut Producer) {
    make(mutator, births, A, Shape::Node);
    make(mutator, births, B, Shape::Node);
    mutator.copy(C, A);
    mutator.store(A, Field(0), Some(B));
    mutator.load(B, C, Field(0));
    mutator.store(B, Field(0), Some(C));
    mutator.clear(A);
    mutator.clear(B);
}

fn cycles(criterion: &mut Criterion) {
    /// So few that no threshold starts a collection before the measured one.
    const PAIRS: u64 = 300;
    let heap = heap();
    let mut births = Producer::new(0);
    let mut mutator = heap.attach(seat()).expect("a seat");
    line(criterion, "cycle of 2: found and freed", PAIRS, || {
        for _ in 0..PAIRS {
            drop_a_pair(&mut mutator, &mut births);
        }
        timed(|| mutator.collect())
    });
    line(criterion, "cycle of 2: made, dropped, freed", BATCH, || {
        timed(|| {
            for _ in 0..BATCH {
                drop_a_pair(&mut mutator, &mut births);
            }
        })
    });
}

fn full_collection(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Producer::new(0);
    let mut mutator = heap.attach(seat()).expect("a seat");
    make(&mut mutator, &mut births, LIST, Shape::List);
    for _ in 0..LIVE / RING {
        make(&mut mutator, &mut births, A, Shape::Node);
        mutator.copy(C, A);
        for _ in 1..RING {
            make(&mut mutator, &mut births, B, Shape::Node);
            mutator.store(B, Field(0), Some(A));
            mutator.load(A, B, Field(0));
            mutator.append(LIST, A);
            mutator.copy(A, B);
            mutator.clear(B);
        }
        mutator.copy(B, A);
        mutator.store(C, Field(0), Some(B));
        mutator.append(LIST, A);
        mutator.clear(C);
    }
    line(criterion, "full collection, per live object", LIVE, || {
        timed(|| mutator.collect())
    });
    line(criterion, "safepoint, no thread waits", BATCH, || {
        timed(|| {
            for _ in 0..BATCH {
                black_box(mutator.safepoint()).expect("no fault");
            }
        })
    });
}

#[expect(clippy::print_stdout, reason = "a bench's output is its result")]
fn ratios(_: &mut Criterion) {
    LEAST.with_borrow(|lines| {
        let Some(&(_, floor)) = lines.first() else {
            return;
        };
        for (name, nanos) in lines {
            println!("{name:40} {nanos:8.2} ns  {:6.2} x floor", nanos / floor);
        }
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    targets = floor, tags, append_and_truncate, cycles, full_collection, ratios
}
criterion_main!(benches);
