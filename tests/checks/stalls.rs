//! What held operations up is told as what it was: a collection that is made to take long shows
//! under its own cause, and what others do meanwhile under theirs.

use std::time::Duration;

use gcstorm::evidence::{Evidence, Stall};
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved};
use gcstorm::workload::Workload;

/// How long a collection is held up.
const SPAN: Duration = Duration::from_millis(40);
const SPAN_NS: u64 = 40_000_000;

fn run(heap: &str, timing: Timing) -> Evidence {
    let workload = Workload::named("live-heap").expect("it is built in");
    let small = ("live".to_owned(), "2_000".to_owned());
    let plan = workload.plan(&[small], 3).expect("it can be planned");
    let options = Options {
        budget: Budget::Duration(SPAN * 20),
        timing,
        slow_collection: Some(SPAN),
        ..Options::default()
    };
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("it is built in");
    entry.run(&plan, &options, &Unobserved).expect("it opens")
}

/// The longest stall of this cause.
fn longest<'e>(evidence: &'e Evidence, cause: &str) -> &'e Stall {
    let stalls = evidence.stalls.longest.iter();
    let of_cause = stalls.filter(|stall| stall.cause == cause);
    let longest = of_cause.max_by_key(|stall| stall.ns);
    longest.unwrap_or_else(|| panic!("no stall is called {cause}"))
}

/// Whether what is told of slow operations adds up, in all and for each.
fn adds_up(evidence: &Evidence) -> bool {
    let slow = &evidence.slow;
    let explained: u64 = slow.by_cause.values().sum();
    explained + slow.unattributed_ns == slow.total_ns
        && (slow.longest.iter()).all(|op| op.by_cause.values().sum::<u64>() <= op.ns)
}

/// Goal: under the lock, a slow collection is a pause called `collect`, the others wait for it
/// under `gil_wait` at the same time, both are found in the operations that were slow, and nobody
/// had any time meanwhile.
#[test]
fn a_slow_collection_shows_under_a_lock() {
    let evidence = run("gil", Timing::Every);
    let (collect, wait) = (
        longest(&evidence, "collect"),
        longest(&evidence, "gil_wait"),
    );
    assert!(collect.ns >= SPAN_NS, "{collect:?}");
    assert!(wait.ns >= SPAN_NS / 2, "{wait:?}");
    assert!(evidence.pauses["collect"].max() >= SPAN_NS);
    assert!(evidence.pauses["gil_wait"].max() >= SPAN_NS / 2);
    let waiters = evidence.stalls.longest.iter().filter(|stall| {
        let is_within = stall.start_ns < collect.start_ns + collect.ns
            && stall.start_ns + stall.ns > collect.start_ns;
        is_within && stall.mutator != collect.mutator && stall.cause == "gil_wait"
    });
    assert!(waiters.count() > 0, "nobody waited for {collect:?}");
    let slow = &evidence.slow;
    for cause in ["collect", "gil_wait"] {
        assert!(slow.by_cause[cause] >= SPAN_NS / 2, "{cause}: {slow:?}");
    }
    assert!(adds_up(&evidence), "{slow:?}");
    assert!(slow.attributed() > Some(0.8), "{:?}", slow.attributed());
    for point in evidence.mmu.iter().filter(|point| point.window_ms <= 20) {
        assert!(point.utilization < 0.5, "{point:?}");
    }
    assert!(evidence.mmu.iter().any(|point| point.window_ms == 500));
    let samples = &evidence.timeline.samples;
    assert!(samples.iter().any(|sample| sample.slowest_ns >= SPAN_NS));
    assert!(samples.is_sorted_by(|one, next| {
        one.at_ns < next.at_ns && one.ops <= next.ops && one.collections <= next.collections
    }));
}

/// Goal: without a lock the same collection is on the collector's own thread, though one that finds
/// no memory meanwhile waits for it; mutators collect what only they can reach, which is shorter. What
/// was unlinked waits as well, which is reported too, as is what their times take.
#[test]
fn a_slow_collection_is_on_its_own_thread_without_a_lock() {
    let evidence = run("lock-free", Timing::Every);
    // A mutator's own may be as long, if the machine takes its thread away meanwhile.
    let longest = &evidence.stalls.longest;
    let is_it =
        |stall: &Stall| stall.cause == "collect" && stall.mutator.is_none() && stall.ns >= SPAN_NS;
    assert!(longest.iter().any(is_it), "{longest:?}");
    assert!(adds_up(&evidence), "{:?}", evidence.slow);
    let bytes = evidence.timing_bytes / evidence.mutators.len() as u64;
    assert!(
        (1..200_000).contains(&bytes),
        "{bytes} bytes of times a mutator"
    );
    assert!(evidence.reclaim_lag.is_some_and(|lag| lag.count() > 0));
    let samples = &evidence.timeline.samples;
    assert!(samples.iter().any(|sample| sample.unreclaimed.is_some()));
    assert!(samples.iter().any(|sample| sample.live > Some(0)));
}

/// Goal: an operation that is not timed is not slow; the heap's own notes do not depend on that.
#[test]
fn pauses_need_no_timed_operations() {
    let evidence = run("gil", Timing::Off);
    assert_eq!((evidence.slow.count, evidence.timing_bytes), (0, 0));
    assert!(evidence.hiccups.is_none());
    assert!(longest(&evidence, "collect").ns >= SPAN_NS);
    assert!(!evidence.mmu.is_empty());
}
