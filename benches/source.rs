//! The cost of producing an operation, with the bookkeeping of its batch: `cargo bench --bench
//! source`. The budget is 2 ns for an operation of a fixed program, its interpretation included,
//! and 3 ns for one that is chosen from a mix of four.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gcstorm::plan::{BATCH_OPS, OpSource, ProgramPart};
use gcstorm::workload::Workload;

/// A workload of one thread with this loop.
fn source(body: &str) -> OpSource {
    let text = format!(
        "summary = \"bench\"\nobjects = {{ l = \"list\" }}\nlimits = {{ live_objects = 1000 }}\n\
         [[threads]]\nname = \"t\"\nloop = [{body}]\n"
    );
    let plan = Workload::parse("bench.toml", &text)
        .and_then(|workload| workload.plan(&[], 7))
        .expect("the programs below are right");
    OpSource::new(&plan.mutators[0], 7, 0, ProgramPart::Rounds, None)
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("source");
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    // A batch is full, or lacks fewer operations than the longest pattern has.
    group.throughput(Throughput::Elements(BATCH_OPS as u64));
    let programs = [
        (
            "fixed",
            "{ op = \"append-new\", list = \"l\", times = 100000 }",
        ),
        (
            "mix of four, one drawn operation each",
            "{ times = 100000, mix = [
               { weight = 4, op = \"get\", list = \"l\", index = { uniform = [0, 999] }, dst = \"x\" },
               { weight = 3, op = \"len\", list = \"l\" },
               { weight = 2, op = \"truncate-front\", list = \"l\", count = { uniform = [0, 9] } },
               { weight = 1, op = \"append-new\", list = \"l\" } ] }",
        ),
        (
            "mix of four, none drawn",
            "{ times = 100000, mix = [
               { weight = 4, op = \"len\", list = \"l\" },
               { weight = 3, op = \"safepoint\" },
               { weight = 2, op = \"truncate-front\", list = \"l\", count = 5 },
               { weight = 1, op = \"pop\", list = \"l\", dst = \"x\" } ] }",
        ),
        (
            "mix of four, with a long arm",
            "{ op = \"append-new\", list = \"l\" }, { times = 100000, mix = [
               { weight = 4, op = \"get\", list = \"l\", index = { uniform = [0, 999] }, dst = \"x\" },
               { weight = 3, op = \"len\", list = \"l\" },
               { weight = 2, op = \"truncate-front\", list = \"l\", count = { uniform = [0, 9] } },
               { weight = 1, op = \"ring\", size = 10 } ] }",
        ),
        (
            "one geometric draw",
            "{ op = \"truncate-front\", list = \"l\", count = { geometric = 10 }, times = 100000 }",
        ),
    ];
    for (name, body) in programs {
        let mut source = source(body);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let batch = source.next_batch().expect("rounds never end");
                black_box((batch.ops.last(), batch.times));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
