//! Goal: response times show the queue behind a stall, which service times hide, and a run that
//! did not keep up says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use gcstorm::evidence::{Evidence, Latency};
use gcstorm::heap::{
    Caps, Defect, Field, Heap, Mutator, OutOfMemory, Pauses, Peek, Seat, Shape, Slot, Tag,
};
use gcstorm::plan::{Arrivals, Pace, Plan};
use gcstorm::run::{Budget, Options, Timing, Unobserved, run};

use crate::{plan_of, result};

/// Operations that are due in a second, and that a run is made of.
const RATE: u64 = 2000;
const OPS: u64 = 2000;
/// How long the heap does nothing, once.
const STALL: Duration = Duration::from_millis(100);
const STALL_NS: u64 = 100_000_000;

const LOOP: &str = r#"
summary = "nothing but safepoints"
[limits]
live_objects = 10
[[threads]]
name = "looper"
loop = [{ op = "safepoint" }]
"#;

/// A heap that does nothing, and holds its mutator up at one safepoint.
struct Stalling {
    safepoints: AtomicU64,
    at: u64,
}

struct Staller<'h>(&'h Stalling);

impl Heap for Stalling {
    type Mutator<'h> = Staller<'h>;

    fn caps(&self) -> Caps {
        Caps::NONE
    }
    fn attach(&self, _: Seat) -> Result<Staller<'_>, Defect> {
        Ok(Staller(self))
    }
    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }
}

impl Mutator for Staller<'_> {
    fn alloc(&mut self, _: Slot, _: Shape, _: Tag) -> Result<(), OutOfMemory> {
        Ok(())
    }
    fn copy(&mut self, _: Slot, _: Slot) {}
    fn clear(&mut self, _: Slot) {}
    fn load(&mut self, _: Slot, _: Slot, _: Field) {}
    fn store(&mut self, _: Slot, _: Field, _: Option<Slot>) {}
    fn peek(&mut self, _: Slot) -> Peek {
        Peek::Empty
    }
    fn safepoint(&mut self) -> Result<(), Defect> {
        if self.0.safepoints.fetch_add(1, Relaxed) == self.0.at {
            std::thread::sleep(STALL);
        }
        Ok(())
    }
}

fn paced(per_second: u64, seed: u64) -> Plan {
    let mut plan = plan_of(LOOP, seed);
    plan.share_rate(Pace {
        per_second: per_second as f64,
        arrivals: Arrivals::Constant,
    });
    plan
}

fn storm(plan: &Plan, ops: u64, timing: Timing) -> Evidence {
    let heap = Stalling {
        safepoints: AtomicU64::new(0),
        at: OPS / 4,
    };
    let options = Options {
        budget: Budget::Ops(ops),
        timing,
        ..Options::default()
    };
    let pauses = Arc::new(Pauses::default());
    run("stalling", &heap, &pauses, plan, &options, &Unobserved)
}

/// How many times were at least so long, but for the precision of a histogram.
fn at_least(latency: &Latency, nanos: u64) -> u64 {
    latency
        .histogram()
        .count_between(nanos - nanos / 500, u64::MAX)
}

/// A run that kept up. A machine with other work may keep one from it, but not one after the other.
fn unsaturated(timing: Timing) -> Evidence {
    (1..=20)
        .map(|seed| storm(&paced(RATE, seed), OPS, timing))
        .find(|evidence| evidence.rate().is_some_and(|rate| !rate.saturated))
        .expect("2,000 operations a second that do nothing are achieved in one of 20 runs")
}

/// Goal: a stall of S at a rate of r delays r * S operations, the n-th of them by S - n / r;
/// nothing is forgotten, and the service times know of one slow operation only.
#[test]
fn a_stall_shows_as_the_queue_behind_it() {
    let evidence = unsaturated(Timing::Every);
    let (service, response) = (
        &evidence.service["safepoint"],
        &evidence.response["safepoint"],
    );
    assert_eq!((service.count(), response.count()), (OPS, OPS));
    let delayed = RATE * STALL_NS / 1_000_000_000;
    for tenth in 1..10 {
        // Whatever else holds the run up makes these more, and never fewer.
        let longer_than = STALL_NS * tenth / 10;
        let expected = delayed - delayed * tenth / 10;
        let found = at_least(response, longer_than);
        assert!(
            found >= expected,
            "{found} of {expected} above {longer_than} ns"
        );
    }
    assert!(
        response
            .quantile(0.99)
            .is_some_and(|p99| p99 >= STALL_NS * 89 / 100)
    );
    assert!(response.max() >= STALL_NS && service.max() >= STALL_NS * 99 / 100);
    assert!(response.total_ns() >= delayed * STALL_NS / 2);
    // One operation was slow; the machine may have made a few others so.
    assert!(at_least(service, STALL_NS / 2) < at_least(response, STALL_NS / 2) / 10);
    assert!(service.quantile(0.99) < response.quantile(0.99));
}

/// Goal: a sample is a sample of both times, and without timing there are none, but the rate is
/// known.
#[test]
fn both_times_are_sampled_alike() {
    let sampled = unsaturated(Timing::Sampled);
    let counts = [&sampled.service, &sampled.response].map(|times| times["safepoint"].count());
    assert_eq!(counts, [OPS / 61; 2]);
    let untimed = unsaturated(Timing::Off);
    assert!(untimed.service.is_empty() && untimed.response.is_empty());
}

/// Goal: what cannot be achieved is called saturated, and shows no response times anywhere.
#[test]
fn saturated_runs_show_no_response_times() {
    let plan = paced(1_000_000_000, 1);
    let evidence = storm(&plan, 50_000, Timing::Every);
    let rate = evidence.rate().expect("there was a rate");
    assert!(rate.saturated && rate.achieved_per_second < rate.offered_per_second / 2.0);
    assert!(
        (rate.offered_per_second / 1e9 - 1.0).abs() < 0.01,
        "{rate:?}"
    );
    let result = result(&plan, evidence);
    let op = &result.ops["safepoint"];
    assert!(op.response.is_none() && op.service.is_some());
    let told = |text: &str| {
        result
            .caveats
            .iter()
            .any(|caveat| caveat.text.contains(text))
    };
    assert!(told("saturated: "), "{:?}", result.caveats);
    let page = gcstorm::report::table(&result, gcstorm::report::Detail::Everything);
    assert!(
        page.contains("rate: offered ") && !page.contains("response  "),
        "{page}"
    );
    let json = serde_json::to_value(&result).expect("it serializes");
    assert!(json["ops"]["safepoint"]["response"].is_null());
    assert!(json["evidence"].get("response").is_none());
}

/// Goal: without a rate there is none in the result, and no response times.
#[test]
fn closed_loops_have_no_rate() {
    let evidence = storm(&plan_of(LOOP, 1), 1000, Timing::Every);
    assert!(evidence.rate().is_none() && evidence.response.is_empty());
}
