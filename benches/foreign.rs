//! What an operation costs behind the C interface, over the same heap called from Rust: the counted heap
//! under its global lock, on one thread. Operations are the cheapest that there are, so that the call is
//! seen; the difference is printed at the end.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::counted::{GilHeap, open_gil};
use gcstorm::heap::{Heap, HeapConfig, Mutator, Seat, Shape, Slot};

use mirror::Source;

#[path = "../tests/outside/mirror.rs"]
mod mirror;

/// Operations in a measured batch.
const OPS: u32 = 100_000;
const OBJECT: Slot = Slot(0);
const COPY: Slot = Slot(1);

thread_local! {
    /// The least time of a batch on each side.
    static LEAST: RefCell<Vec<(&'static str, Duration)>> = const { RefCell::new(Vec::new()) };
}

struct Gil;

impl Source for Gil {
    type Heap = GilHeap;

    fn open(config: &HeapConfig) -> GilHeap {
        open_gil(config)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "criterion's own loop does not tell the least time"
)]
fn measured(criterion: &mut Criterion, name: &'static str, heap: &impl Heap) {
    let seat = Seat {
        number: 0,
        slots: 4,
    };
    let mut mutator = heap.attach(seat).expect("it is the first");
    let tag = Producer::new(0).birth(Shape::Leaf).expect("there is room");
    mutator
        .alloc(OBJECT, Shape::Leaf, tag)
        .expect("there is room");
    let mut least = Duration::MAX;
    let mut group = criterion.benchmark_group("foreign");
    group.throughput(Throughput::Elements(u64::from(OPS)));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| {
            let batch = |_| {
                let start = Instant::now();
                for _ in 0..OPS / 2 {
                    mutator.copy(black_box(COPY), black_box(OBJECT));
                    mutator.clear(black_box(COPY));
                }
                let elapsed = start.elapsed();
                least = least.min(elapsed);
                elapsed
            };
            (0..rounds).map(batch).sum()
        });
    });
    group.finish();
    LEAST.with_borrow_mut(|all| all.push((name, least)));
}

fn both_sides(criterion: &mut Criterion) {
    let config = HeapConfig::with_capacity(1000);
    measured(criterion, "from Rust", &open_gil(&config));
    let foreign = mirror::open::<Gil>(&config).expect("its table is whole");
    measured(criterion, "through C", &foreign);
    LEAST.with_borrow(|all| {
        if let [(_, direct), (_, through)] = **all
            && through != Duration::MAX
        {
            let nanos = |time: Duration| time.as_nanos() as f64 / f64::from(OPS);
            #[expect(clippy::print_stdout, reason = "it is what the benchmark is for")]
            {
                println!(
                    "an operation: {:.1} ns from Rust, {:.1} ns through C",
                    nanos(direct),
                    nanos(through)
                );
            }
        }
    });
}

criterion_group!(benches, both_sides);
criterion_main!(benches);
