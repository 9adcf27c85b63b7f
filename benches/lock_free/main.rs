//! The cost of the operations of the `lock-free` heap, without and with contention.
//!
//! Targets in nanoseconds, on the machine that runs the checks, where a read-modify-write takes 10:
//! alloc + append 12 alone, and 30 while another thread calls `len`, which takes 10 (`fight`
//! describes how these two depend on the machine); `del l[:n]` 5 for each object, including its
//! reclamation; get + release 20; 150 for a cycle of two objects, from its making to its
//! collection. Tags are real, so the cost of births and deaths is included.

mod fight;
mod race;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::lock_free::{LockFree, open, open_with};
use gcstorm::heap::{Faults, Field, Heap, HeapConfig, Mutator, Ordeal, Seat, Shape, Slot};

/// Objects in a measured batch: as many as `shared-list` truncates at once.
const BATCH: u64 = 50_000;
const LIST: Slot = Slot(0);
const A: Slot = Slot(1);
const B: Slot = Slot(2);
const C: Slot = Slot(3);

fn heap() -> LockFree {
    open(&HeapConfig::with_capacity(4_000_000))
}

fn seat(number: u32) -> Seat {
    Seat { number, slots: 8 }
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

/// The time of `times` operations, which are done in batches; `batch` returns the time of one.
fn batches(times: u64, mut batch: impl FnMut(u64) -> Duration) -> Duration {
    let mut left = times;
    let mut total = Duration::ZERO;
    while left > 0 {
        let now = left.min(BATCH);
        total += batch(now);
        left -= now;
    }
    total
}

#[inline(always)]
fn make(m: &mut impl Mutator, births: &mut Producer, dst: Slot, shape: Shape) {
    m.alloc(dst, shape, births.birth(shape).expect("room"))
        .expect("room");
}

fn fill(m: &mut impl Mutator, births: &mut Producer, shape: Shape, count: u64) {
    for _ in 0..count {
        make(m, births, A, shape);
        m.append(LIST, A);
    }
}

/// Truncates by `count`, and passes safepoints until everything is freed.
fn truncate<F: Faults>(heap: &LockFree<F>, m: &mut impl Mutator, count: u64) {
    m.truncate_front(LIST, count);
    while heap.gauge().unreclaimed > Some(0) {
        m.safepoint().expect("a sound heap");
    }
}

fn append_and_truncate(criterion: &mut Criterion) {
    for (shape, name) in [(Shape::Leaf, "leaf"), (Shape::Node, "node")] {
        append_and_truncate_on(&heap(), criterion, shape, name);
    }
    // The type in which faults can be planted, with none planted: the cost of testing for faults at
    // run time.
    let askable = open_with(&HeapConfig::with_capacity(4_000_000), Ordeal::default());
    append_and_truncate_on(
        &askable,
        criterion,
        Shape::Leaf,
        "leaf, faults can be planted",
    );
}

fn append_and_truncate_on<F: Faults>(
    heap: &LockFree<F>,
    criterion: &mut Criterion,
    shape: Shape,
    name: &str,
) {
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    criterion.bench_function(&format!("{name}: alloc + append"), |bencher| {
        bencher.iter_custom(|times| {
            batches(times, |now| {
                let took = timed(|| fill(&mut m, &mut births, shape, now));
                truncate(heap, &mut m, now);
                took
            })
        });
    });
    criterion.bench_function(&format!("{name}: del l[:n], freed"), |bencher| {
        bencher.iter_custom(|times| {
            batches(times, |now| {
                fill(&mut m, &mut births, shape, now);
                timed(|| truncate(heap, &mut m, now))
            })
        });
    });
}

fn get_and_release(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    fill(&mut m, &mut births, Shape::Leaf, 1_000);
    let mut index = 0;
    criterion.bench_function("get + release", |bencher| {
        bencher.iter(|| {
            index = (index + 1) % 1_000;
            assert!(m.get(B, LIST, index));
            m.clear(B);
        });
    });
    criterion.bench_function("len, alone", |bencher| bencher.iter(|| m.len(LIST)));
}

fn cycles(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    criterion.bench_function("cycle of 2: made, dropped, collected", |bencher| {
        bencher.iter_custom(|times| {
            timed(|| {
                for _ in 0..times {
                    make(&mut m, &mut births, A, Shape::Node);
                    make(&mut m, &mut births, B, Shape::Node);
                    m.copy(C, A);
                    m.store(B, Field(0), Some(C));
                    m.store(A, Field(0), Some(B));
                    m.clear(A);
                }
                m.idle(&mut || heap.settle().expect("a sound heap"));
            })
        });
    });
}

#[expect(
    clippy::print_stderr,
    reason = "criterion measures one thread only, and compares nothing"
)]
fn say(what: &str) {
    eprintln!("{what}");
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = append_and_truncate, get_and_release, fight::append_against_len, cycles,
        race::two_lists
}
criterion_main!(benches);
