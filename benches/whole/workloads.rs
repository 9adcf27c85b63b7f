//! What an operation costs in each workload that comes with the program, on both heaps: whole runs of a
//! number of operations, untimed, from the common start to the last operation.
//!
//! `paced-list` is left out, since its rate is given.

use std::time::Duration;

use criterion::{Criterion, Throughput};
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved};
use gcstorm::workload::{Workload, embedded};

/// At least so many operations, so that what goes on at the start and the end is little.
const OPS_MIN: u64 = 50_000;

pub(crate) fn workloads(criterion: &mut Criterion) {
    let registry = Registry::builtin();
    for heap in ["gil", "lock-free"] {
        let entry = registry.get(heap).expect("it comes with the program");
        let mut group = criterion.benchmark_group(format!("workloads, {heap}"));
        group.throughput(Throughput::Elements(1));
        for workload in embedded().iter().filter(|it| it.name != "paced-list") {
            let parsed = Workload::named(workload.name).expect("it comes with the program");
            let plan = parsed.plan(&[], 1).expect("its parameters have defaults");
            let run = |ops: u64| {
                let options = Options {
                    budget: Budget::Ops(ops),
                    timing: Timing::Off,
                    ..Options::default()
                };
                let evidence = entry.run(&plan, &options, &Unobserved);
                let evidence = evidence.expect("it opens");
                Duration::from_nanos(evidence.elapsed_ns)
            };
            group.bench_function(workload.name, |bencher| {
                bencher.iter_custom(|iterations| {
                    let ops = iterations.max(OPS_MIN);
                    run(ops).mul_f64(iterations as f64 / ops as f64)
                });
            });
        }
        group.finish();
    }
}
