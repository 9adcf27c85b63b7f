//! What the operations of the `lock-free` heap cost, alone and in a fight.
//!
//! Targets, in nanoseconds on the machine that runs the checks (a read-modify-write costs 10 there):
//! allocate + append 12 alone and 30 while another thread calls `len`, its `len` 10; `del l[:n]` 5
//! an object, freed included; get + release 20; a two-object cycle made, dropped and collected 150
//! in all. Tags are real ones, so births and deaths are included.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use gcstorm::heap::lock_free::{LockFree, LockFreeMutator, open};
use gcstorm::heap::tag::OwnedSegment;
use gcstorm::heap::{Field, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag};

/// Objects per measured batch: the list that the harness's first workload truncates by.
const BATCH: u64 = 50_000;
const LIST: Slot = Slot(0);
const A: Slot = Slot(1);
const B: Slot = Slot(2);
const C: Slot = Slot(3);

/// Tags, recycled as the harness's ledger recycles them.
struct Births(Vec<OwnedSegment>, usize);

impl Births {
    fn new() -> Self {
        Self(vec![Self::segment()], 0)
    }

    fn segment() -> OwnedSegment {
        OwnedSegment::take(0, 0).expect("segments suffice")
    }

    #[inline]
    fn tag(&mut self, shape: Shape) -> Tag {
        match self.0[self.1].birth(shape) {
            Some(tag) => tag,
            None => self.next(shape),
        }
    }

    #[cold]
    fn next(&mut self, shape: Shape) -> Tag {
        let spent = self
            .0
            .iter_mut()
            .position(|owned| owned.recycle(0, 0).is_some());
        self.1 = spent.unwrap_or_else(|| {
            self.0.push(Self::segment());
            self.0.len() - 1
        });
        self.0[self.1]
            .birth(shape)
            .expect("an empty segment has room")
    }
}

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

/// Time for `times` operations, from batches that each return what they took.
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

fn make(m: &mut LockFreeMutator<'_>, births: &mut Births, dst: Slot, shape: Shape) {
    m.alloc(dst, shape, births.tag(shape)).expect("room");
}

fn fill(m: &mut LockFreeMutator<'_>, births: &mut Births, shape: Shape, count: u64) {
    for _ in 0..count {
        make(m, births, A, shape);
        m.append(LIST, A);
    }
}

/// Truncates by `count`, and works until all of it is freed.
fn truncate(heap: &LockFree, m: &mut LockFreeMutator<'_>, count: u64) {
    m.truncate_front(LIST, count);
    while heap.unreclaimed() > 0 {
        m.safepoint().expect("a sound heap");
    }
}

fn append_and_truncate(criterion: &mut Criterion) {
    for (shape, name) in [(Shape::Leaf, "leaf"), (Shape::Node, "node")] {
        let heap = heap();
        let mut births = Births::new();
        let mut m = heap.attach(seat(0)).expect("a seat");
        make(&mut m, &mut births, LIST, Shape::List);
        criterion.bench_function(&format!("{name}: alloc + append"), |bencher| {
            bencher.iter_custom(|times| {
                batches(times, |now| {
                    let took = timed(|| fill(&mut m, &mut births, shape, now));
                    truncate(&heap, &mut m, now);
                    took
                })
            });
        });
        criterion.bench_function(&format!("{name}: del l[:n], freed"), |bencher| {
            bencher.iter_custom(|times| {
                batches(times, |now| {
                    fill(&mut m, &mut births, shape, now);
                    timed(|| truncate(&heap, &mut m, now))
                })
            });
        });
    }
}

fn get_and_release(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Births::new();
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

fn append_against_len(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Births::new();
    let mut m = heap.attach(seat(0)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    m.copy(A, LIST);
    m.publish(Global(0), A);
    let (stop, calls, nanos) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut reader = heap.attach(seat(1)).expect("a seat");
            assert!(reader.fetch(LIST, Global(0)));
            while !stop.load(Relaxed) {
                let took = timed(|| {
                    for _ in 0..1_000 {
                        std::hint::black_box(reader.len(LIST));
                    }
                });
                calls.fetch_add(1_000, Relaxed);
                nanos.fetch_add(u64::try_from(took.as_nanos()).expect("short"), Relaxed);
                reader.safepoint().expect("a sound heap");
            }
        });
        criterion.bench_function("leaf: alloc + append, against len", |bencher| {
            bencher.iter_custom(|times| {
                batches(times, |now| {
                    let took = timed(|| fill(&mut m, &mut births, Shape::Leaf, now));
                    truncate(&heap, &mut m, now);
                    took
                })
            });
        });
        stop.store(true, Relaxed);
    });
    let mean = nanos.load(Relaxed) as f64 / calls.load(Relaxed) as f64;
    eprint_mean("len, against append", mean);
}

#[expect(
    clippy::print_stderr,
    reason = "criterion measures one side of a fight only"
)]
fn eprint_mean(name: &str, nanos: f64) {
    eprintln!("{name}: {nanos:.1} ns in the mean");
}

fn cycles(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Births::new();
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

fn two_lists(criterion: &mut Criterion) {
    for threads in [1, 2] {
        let heap = heap();
        criterion.bench_function(&format!("{threads} mutators, a list each"), |bencher| {
            bencher.iter_custom(|times| {
                timed(|| {
                    std::thread::scope(|scope| {
                        for number in 0..threads {
                            let heap = &heap;
                            scope.spawn(move || appender(heap, number, times));
                        }
                    });
                })
            });
        });
    }
}

fn appender(heap: &LockFree, number: u32, times: u64) {
    let mut births = Births::new();
    let mut m = heap.attach(seat(number)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    batches(times, |now| {
        fill(&mut m, &mut births, Shape::Leaf, now);
        m.truncate_front(LIST, now);
        m.safepoint().expect("a sound heap");
        Duration::ZERO
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = append_and_truncate, get_and_release, append_against_len, cycles, two_lists
}
criterion_main!(benches);
