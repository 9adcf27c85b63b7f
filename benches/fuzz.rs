//! What it costs to try a random program: to draw it, to step through it on a fresh heap, and to judge
//! what came of it. All programs here have 50 operations, so 50 µs are 20,000 of them a second.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gcstorm::fuzz::{judge, programs};
use gcstorm::heap::{Heap, HeapConfig, counted, lock_free};
use gcstorm::plan::Case;
use gcstorm::run::{config_for, step_through};

const OPS: usize = 50;

/// The program of this seed if it is long enough, cut to length; else that of another seed.
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

fn attempt<H: Heap>(open: fn(&HeapConfig) -> H, case: &Case) {
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
