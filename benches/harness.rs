//! The cost of the harness for each operation: whole runs on a heap that does nothing.
//!
//! Targets on the two-core reference machine: 2 ns with timing off, 18 ns with every operation
//! timed.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gcstorm::heap::{
    Caps, Defect, Field, Heap, Mutator, OutOfMemory, Pauses, Peek, Seat, Shape, Slot, Tag,
};
use gcstorm::plan::Plan;
use gcstorm::run::{Budget, Options, Timing, Unobserved, run};
use gcstorm::workload::Workload;

struct Nothing;
struct Idle;

impl Heap for Nothing {
    type Mutator<'h> = Idle;

    fn caps(&self) -> Caps {
        Caps::NONE
    }

    fn attach(&self, _: Seat) -> Result<Idle, Defect> {
        Ok(Idle)
    }

    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }
}

impl Mutator for Idle {
    #[inline]
    fn alloc(&mut self, _: Slot, _: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        // The object dies at once, so that the harness's cost of a birth and a death is included.
        drop(tag);
        Ok(())
    }
    #[inline]
    fn copy(&mut self, _: Slot, _: Slot) {}
    #[inline]
    fn clear(&mut self, _: Slot) {}
    #[inline]
    fn load(&mut self, _: Slot, _: Slot, _: Field) {}
    #[inline]
    fn store(&mut self, _: Slot, _: Field, _: Option<Slot>) {}
    #[inline]
    fn peek(&mut self, _: Slot) -> Peek {
        Peek::Empty
    }
    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }
    #[inline]
    fn append(&mut self, _: Slot, _: Slot) -> bool {
        true
    }
}

/// The operations of the appender in the main workload, `shared-list`.
const APPEND: &str = r#"
summary = "append and truncate"
[objects]
list = "list"
[limits]
live_objects = 200_000
[[threads]]
name = "appender"
loop = [
  { op = "append-new", list = "list", shape = "node", times = 1000 },
  { op = "truncate-front", list = "list", count = 1000 },
]
"#;

/// Operations chosen at random.
const MIX: &str = r#"
summary = "a random mix"
[objects]
list = "list"
[limits]
live_objects = 200_000
[[threads]]
name = "mixer"
loop = [
  { times = 1000, mix = [
    { weight = 4, op = "append-new", list = "list", shape = "node" },
    { weight = 2, op = "get", dst = "x", list = "list", index = { uniform = [0, 1000] } },
    { weight = 2, op = "len", list = "list" },
    { weight = 1, op = "pop", dst = "x", list = "list" },
  ] },
]
"#;

fn plan(text: &str) -> Plan {
    let workload = Workload::parse("bench.toml", text).expect("the text is right");
    workload.plan(&[], 1).expect("the plan is right")
}

fn elapsed(plan: &Plan, timing: Timing, ops: u64) -> Duration {
    let options = Options {
        budget: Budget::Ops(ops),
        timing,
        ..Options::default()
    };
    let pauses = Arc::new(Pauses::default());
    let evidence = run("nothing", &Nothing, &pauses, plan, &options, &Unobserved);
    Duration::from_nanos(evidence.elapsed_ns)
}

fn harness(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("harness");
    group.throughput(Throughput::Elements(1));
    for (name, text) in [("append", APPEND), ("mix", MIX)] {
        let plan = plan(text);
        for (timing_name, timing) in [
            ("off", Timing::Off),
            ("sampled", Timing::Sampled),
            ("every", Timing::Every),
        ] {
            group.bench_function(format!("{name}, timing {timing_name}"), |bencher| {
                // A run also starts a thread and makes a survey. A minimum number of operations
                // keeps the share of these small, since the loop alone is to be measured.
                bencher.iter_custom(|iterations| {
                    let ops = iterations.max(100_000);
                    elapsed(&plan, timing, ops).mul_f64(iterations as f64 / ops as f64)
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2));
    targets = harness
}
criterion_main!(benches);
