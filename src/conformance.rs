//! A suite of tests for a heap of one's own: [`conformance_tests!`](crate::conformance_tests).

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::check::Verdict;
use crate::fuzz::{self, Finding, Hunt, HuntBudget, HuntProgress, HuntWatch, programs};
use crate::heap::{Defect, Heap, HeapConfig};
use crate::plan::Case;
use crate::result::{Outcome, RunResult, Tool};
use crate::run::{Budget, Entry, Options, Registry, Unobserved};
use crate::workload::Workload;

/// Writes the tests of a heap: every workload that comes with gcstorm, judged by all checks; and
/// random programs, stepped through beside the exact model and raced on threads. What the heap
/// cannot do is passed over, as its [`Caps`](crate::heap::Caps) say.
///
/// It takes what [`Registry::with`](crate::run::Registry::with) takes, and has a module to itself:
///
/// ```
/// # use gcstorm::heap::counted::open_gil as open;
/// mod conformance {
///     # use gcstorm::heap::counted::open_gil;
///     gcstorm::conformance_tests!(|config| Ok(open_gil(config)));
/// }
/// ```
///
/// Seeds are the same each time, so a failure stays until it is fixed; `gcstorm fuzz` and `gcstorm
/// soak` look for more. A workload that hangs does not end by itself. Random programs that hang for
/// 20 s end the process of the tests, and all tests with it.
#[macro_export]
macro_rules! conformance_tests {
    ($open:expr) => {
        $crate::conformance_tests! { @workloads $open;
            shared_list "shared-list", counter "counter", churn "churn", exact_lists "exact-lists",
            cycles "cycles", live_heap "live-heap", chain "chain",
            many_references "many-references", handoff "handoff", graph "graph",
            tangles "tangles", weakrefs "weakrefs", finalizers "finalizers",
            thread_churn "thread-churn", stalled_reader "stalled-reader", paced_list "paced-list",
        }

        #[test]
        fn random_programs_follow_the_model() {
            $crate::conformance::step_through($open);
        }

        #[test]
        fn random_programs_race() {
            $crate::conformance::race($open);
        }
    };
    (@workloads $open:expr; $($test:ident $name:literal,)*) => {
        $(#[test]
        fn $test() {
            $crate::conformance::run_workload($name, $open);
        })*
    };
}

/// How many operations a workload does: they take a second or two in a test.
const OPS: u64 = 200_000;
/// How many, where they have a rate at which more would take a minute.
const PACED_OPS: u64 = 2000;
/// How many objects `live-heap` keeps: fewer than by default, so that it takes no longer.
const LIVE: &str = "10000";
/// Random programs that are stepped through, and that are raced.
const STEPPED: u64 = 500;
const RACED: u64 = 100;
/// How long one random program may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn registered<H, F>(open: F) -> Registry
where
    H: Heap + Sync + 'static,
    F: Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
{
    Registry::empty().with("heap", "the heap under test", open)
}

/// Tests run side by side; of a heap of which there is one a process, one after the other.
fn alone(heap: &Entry) -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed while it had its turn is over.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    heap.caps().one_per_process.then_some(turn)
}

/// Runs a workload on a heap, unless the heap lacks what that needs.
///
/// # Panics
///
/// If a check was violated, or the heap crashed.
pub fn run_workload<H, F>(name: &str, open: F)
where
    H: Heap + Sync + 'static,
    F: Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
{
    let registry = registered(open);
    let heap = &registry.entries()[0];
    let _alone = alone(heap);
    let workload = Workload::named(name).expect("a workload that comes with gcstorm");
    let caps = heap.caps();
    // Some workloads can do without what a heap lacks.
    let set = [
        ("live", LIVE, true),
        ("rings", "0", !caps.cycles),
        ("weak", "0", !caps.weak),
    ];
    let set = set
        .into_iter()
        .filter(|&(key, _, is_set)| is_set && workload.parameter(key).is_some());
    let overrides: Vec<_> = set
        .map(|(key, value, _)| (key.to_owned(), value.to_owned()))
        .collect();
    let plan = workload
        .plan(&overrides, 1)
        .expect("a plan for few objects");
    if !plan.needs().missing_from(&caps).is_empty() {
        return;
    }
    let is_paced = plan.mutators.iter().any(|mutator| mutator.pace.is_some());
    let options = Options {
        budget: Budget::Ops(if is_paced { PACED_OPS } else { OPS }),
        ..Options::default()
    };
    let evidence = heap.run(&plan, &options, &Unobserved);
    let evidence = evidence.unwrap_or_else(|defect| panic!("the heap does not open: {defect}"));
    let tool = Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: String::new(),
        dirty: None,
    };
    let result = RunResult::new(&plan, evidence, tool, String::new());
    let checks = result.checks.iter();
    let violated = checks.filter(|check| check.verdict == Verdict::Violated);
    let violated = violated.map(|check| {
        let detail = check.detail.as_deref().unwrap_or_default();
        format!("{}: {detail}\n", check.name)
    });
    let caveats = result
        .caveats
        .iter()
        .map(|caveat| format!("{}\n", caveat.text));
    // What a short run did not get to is not the heap's fault.
    assert!(
        matches!(result.verdict, Outcome::Held | Outcome::Vacuous),
        "{name} is {}\n{}{}",
        result.verdict.name(),
        violated.collect::<String>(),
        caveats.collect::<String>(),
    );
}

/// Steps through random programs on a heap, beside the exact model.
///
/// # Panics
///
/// If the heap departs from the model; the smallest program that shows it is in the message.
pub fn step_through<H, F>(open: F)
where
    H: Heap + Sync + 'static,
    F: Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
{
    hunt(&registered(open), STEPPED, |heap, case| {
        fuzz::by_steps(heap, None, case).map(|(_, finding)| finding)
    });
}

/// Runs random programs on a heap, with a thread for each mutator, if it can have several.
///
/// # Panics
///
/// If a check was violated; the smallest program that shows it is in the message.
pub fn race<H, F>(open: F)
where
    H: Heap + Sync + 'static,
    F: Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
{
    hunt(&registered(open), RACED, |heap, case| {
        fuzz::on_threads(heap, None, case)
    });
}

fn hunt(
    registry: &Registry,
    cases: u64,
    attempt: impl Fn(&Entry, &Case) -> Result<Option<Finding>, Defect> + Sync,
) {
    let heap = &registry.entries()[0];
    let _alone = alone(heap);
    let hunt = Hunt {
        programs: programs().for_caps(heap.caps()),
        seed: 1,
        budget: HuntBudget::Cases(cases),
        shrink_budget: PATIENCE,
        failures_max: 1,
        jobs: 1,
        patience: PATIENCE,
        tries: 3,
        retries: 0,
    };
    let attempt = |case: &Case| {
        attempt(heap, case).unwrap_or_else(|defect| panic!("the heap does not open: {defect}"))
    };
    let bag = hunt.run(&attempt, &mut Watch);
    if let Some(failure) = bag.failures.first() {
        panic!("{}: {}\n{}", failure.check, failure.text, failure.case);
    }
}

struct Watch;

impl HuntWatch for Watch {
    fn progress(&mut self, _: HuntProgress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// The thread that hangs cannot be ended, so the process is.
    #[expect(
        clippy::print_stderr,
        reason = "the process ends here, so nothing else can report it"
    )]
    fn hung(&mut self, case: &Case) {
        eprintln!("a program hangs:\n{case}");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    /// Goal: a new workload is in the suite.
    #[test]
    fn every_workload_is_in_the_suite() {
        let (suite, _) = include_str!("conformance.rs")
            .split_once("#[test]")
            .expect("tests");
        for embedded in crate::workload::embedded() {
            let name = format!("\"{}\",", embedded.name);
            assert!(suite.contains(&name), "{name} is missing");
        }
    }
}
