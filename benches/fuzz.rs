//! The cost of a random program: of drawing it, and of running it step by step on a fresh heap and
//! judging the outcome. The programs that are run have 50 operations, so 50 µs for each is 20,000
//! programs a second.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gcstorm::fuzz::{judge, programs};
use gcstorm::heap::{Heap, HeapConfig, counted, lock_free};
use gcstorm::plan::Case;
use gcstorm::run::{config_for, step_through};

const OPS: usize = 50;

/// The program of the next seed that gives one of at least `OPS` operations, cut to that length.
fn draw(seed: &mut u64) -> Case {
    loop {
        *seed += 1;
        let mut case = programs().with_ops(OPS * 2).draw(*seed);
        if case.turns.len() >= OPS {
            case.turns.truncate(OPS);
            return case;
        }
    }
}

fn attempt<H: Heap + Sync>(open: fn(&HeapConfig) -> H, case: &Case) {
    let trace = step_through(open(&config_for(case)), case, None);
    assert_eq!(judge(case, &trace), None);
}

fn programs_of_50(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("program of 50");
    let mut seed = 0;
    group.bench_function("drawn", |bencher| {
        bencher.iter(|| {
            seed += 1;
            programs().draw(seed)
        });
    });
    let mut seed = 0;
    group.bench_function("stepped and judged, gil", |bencher| {
        bencher.iter_batched_ref(
            || draw(&mut seed),
            |case| attempt(counted::open_gil, case),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("stepped and judged, lock-free", |bencher| {
        bencher.iter_batched_ref(
            || draw(&mut seed),
            |case| attempt(lock_free::open, case),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, programs_of_50);
criterion_main!(benches);
