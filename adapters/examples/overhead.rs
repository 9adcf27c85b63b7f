//! What the harness costs: `Arc`s under gcstorm, against the same loop without it, in alternation.
//!
//!     cargo run --release --manifest-path adapters/Cargo.toml --example overhead
//!
//! One thread appends 1,000 new objects to a list and cuts it back to 500, leaves first, then nodes. Under the
//! harness each object has a tag, each operation is read from the plan and counted, and the result is judged;
//! that is measured with `--timing off`, and again with `--timing every`, beside what one reading of the clock
//! costs. The figures are the least of several rounds, since whatever else the machine does only adds to them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gcstorm::clock::Clock;
use gcstorm::evidence::Evidence;
use gcstorm::heap::PointerHeap;
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

#[path = "../src/arc_mutex.rs"]
mod arc_mutex;

/// Operations of one measurement: per object one allocation and one append.
const OPS: u64 = 4_000_000;
const APPENDED: usize = 1000;
const LEFT: usize = 500;
/// How often each is measured.
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
fn bare_loop(fields: usize) -> f64 {
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

/// On a thread of its own, as under gcstorm: the system's allocator is quicker in a program's first thread.
fn bare(fields: usize) -> f64 {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| bare_loop(fields));
        thread.join().expect("it returns")
    })
}

/// A run of the same under gcstorm.
fn harnessed(registry: &Registry, shape: &str, timing: Timing) -> Evidence {
    let text = WORKLOAD.replace("SHAPE", shape);
    let workload = Workload::parse("overhead.toml", &text).expect("it is right");
    let plan = workload.plan(&[], 1);
    let options = Options {
        budget: Budget::Ops(OPS),
        timing,
        ..Options::default()
    };
    let plan = plan.expect("it has no parameters");
    let ran = registry.entries()[0].run(&plan, &options, &Unobserved);
    ran.expect("it opens")
}

/// What one operation took.
fn each(ran: &Evidence) -> f64 {
    ran.elapsed_ns as f64 / OPS as f64
}

fn main() {
    let registry = Registry::empty().with("arc", "", PointerHeap::<arc_mutex::ArcMutex>::open);
    let clock = Clock::get().facts().cost_ns;
    for (shape, fields) in [("leaf", 0), ("node", 2)] {
        let mut least = [f64::INFINITY; 3];
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let untimed = harnessed(&registry, shape, Timing::Off);
            let timed = harnessed(&registry, shape, Timing::Every);
            let took = [bare(fields), each(&untimed), each(&timed)];
            least = std::array::from_fn(|at| f64::min(least[at], took[at]));
            bytes = bytes.max(timed.timing_bytes);
        }
        let [bare, untimed, timed] = least;
        println!(
            "{shape}: {bare:.1} ns an operation bare; {untimed:.1} untimed, {:.1} more; {timed:.1} timed, {:.1} \
             more, {:.1} times the clock's {clock:.1}; {:.1} KB of times",
            untimed - bare,
            timed - untimed,
            (timed - untimed) / clock,
            bytes as f64 / 1e3,
        );
    }
}
