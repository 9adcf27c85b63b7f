//! What `capacity` must not say of right heaps.

use gcstorm::check::{self, Judgement, Verdict};
use gcstorm::run::{Budget, Options, Registry, Unobserved};
use gcstorm::workload::Workload;

/// Cycles in little room, made by several threads.
const TIGHT: &str = r#"
summary = "cycles in little room"
[limits]
live_objects = 2000
[[threads]]
name = "maker"
count = 4
loop = [ { op = "ring", size = 2, times = 1000 } ]
"#;

/// A list that is built by one thread, and let go of long after another is done, and long before the end.
const LATE: &str = r#"
summary = "a list that is let go of late"
[objects]
list = "list"
total = "counter"
[limits]
live_objects = 50_000
[[threads]]
name = "short"
loop = [ { op = "add", counter = "total", times = 1000 } ]
[[threads]]
name = "builder"
loop = [
  { op = "append-new", list = "list", shape = "leaf", times = 20_000 },
  { op = "add", counter = "total", times = 1_000_000 },
  { op = "truncate-front", list = "list", count = 20_000 },
  { op = "add", counter = "total", times = 1_000_000 },
]
"#;

fn capacity_of(heap: &str, text: &str, budget: Budget) -> Judgement {
    let workload = Workload::parse("room.toml", text).expect("it is right");
    let plan = workload.plan(&[], 1).expect("it has no parameters");
    let options = Options {
        budget,
        ..Options::default()
    };
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("it comes with the program");
    let evidence = entry.run(&plan, &options, &Unobserved);
    let judged = check::judge(&plan, &evidence.expect("it opens"));
    let found = judged.into_iter().find(|check| check.name == "capacity");
    found.expect("it is one of the checks")
}

/// Goal: a heap that hands out room in advance is not convicted for it.
#[test]
fn room_may_be_handed_out_in_advance() {
    for heap in ["lock-free", "gil"] {
        let capacity = capacity_of(heap, TIGHT, Budget::Ops(400_000));
        assert_eq!(capacity.verdict, Verdict::Held, "{heap}: {capacity:?}");
    }
}

/// Goal: what was released before the end did not wait for it, though it was alive when the first thread
/// was done.
#[test]
fn what_is_released_late_did_not_wait() {
    for heap in ["lock-free", "gil"] {
        let capacity = capacity_of(heap, LATE, Budget::Rounds(1));
        assert_eq!(capacity.verdict, Verdict::Held, "{heap}: {capacity:?}");
    }
}
