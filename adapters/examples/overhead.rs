//! What the harness costs: `Arc`s under gcstorm, against the same loop without it, in alternation.
//!
//!     cargo run --release --manifest-path adapters/Cargo.toml --example overhead
//!
//! One thread appends 1,000 new objects to a list and cuts it back to 500, leaves first, then nodes. Under the
//! harness each object has a tag, each operation is read from the plan and counted, and the result is judged;
//! nothing is timed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gcstorm::heap::PointerHeap;
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

#[path = "../src/arc_mutex.rs"]
mod arc_mutex;

/// Operations of one measurement: per object one allocation and one append.
const OPS: u64 = 4_000_000;
const APPENDED: usize = 1000;
const LEFT: usize = 500;
/// How often both are measured.
const ROUNDS: usize = 9;

const WORKLOAD: &str = r#"
summary = "one thread appends to a list and cuts off its front"

[objects]
list = "list"

[limits]
live_objects = 10_000

[[threads]]
name = "appender"
loop = [
  { op = "append-new", list = "list", shape = "SHAPE", times = 1000 },
  { op = "truncate-front", list = "list", leave = 500 },
]
"#;

/// The object of the adapter, without what belongs to gcstorm.
struct Bare(Mutex<Vec<Option<Arc<Bare>>>>);

impl Bare {
    fn new(fields: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![None; fields])))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing of gcstorm is to be in this loop"
)]
fn bare(fields: usize) -> f64 {
    let list = Bare::new(0);
    let elements = || list.0.lock().unwrap_or_else(PoisonError::into_inner);
    let start = Instant::now();
    for appended in 1..=OPS as usize / 2 {
        let object = std::hint::black_box(Bare::new(fields));
        elements().push(Some(object));
        if appended % APPENDED == 0 {
            let cut: Vec<_> = {
                let mut elements = elements();
                let count = elements.len() - LEFT;
                elements.drain(..count).collect()
            };
            drop(cut);
        }
    }
    start.elapsed().as_nanos() as f64 / OPS as f64
}

fn harnessed(registry: &Registry, shape: &str) -> f64 {
    let text = WORKLOAD.replace("SHAPE", shape);
    let workload = Workload::parse("overhead.toml", &text).expect("it is right");
    let plan = workload.plan(&[], 1);
    let options = Options {
        budget: Budget::Ops(OPS),
        timing: Timing::Off,
        ..Options::default()
    };
    let plan = plan.expect("it has no parameters");
    let ran = registry.entries()[0].run(&plan, &options, &Unobserved);
    ran.expect("it opens").elapsed_ns as f64 / OPS as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let registry = Registry::empty().with("arc", "", PointerHeap::<arc_mutex::ArcMutex>::open);
    for (shape, fields) in [("leaf", 0), ("node", 2)] {
        let (mut alone, mut under) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            alone.push(bare(fields));
            under.push(harnessed(&registry, shape));
        }
        let (alone, under) = (median(alone), median(under));
        let more = under - alone;
        println!(
            "{shape}: {alone:.1} ns an operation bare, {under:.1} ns under gcstorm: {more:.1} ns more"
        );
    }
}
