//! Verification of ten million objects: the survey of a heap at a pause, and the checks of what it found.
//! The figures are for the whole heap, and the throughput is that of objects. What the checks cost does not
//! depend on how many there are, since a survey says how many objects were found wrong, and names a few.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use gcstorm::evidence::{Evidence, Moment};
use gcstorm::plan::Plan;
use gcstorm::result::{RunResult, Tool};
use gcstorm::run::{Budget, Options, Registry, Timing, Unobserved, Verify};
use gcstorm::workload::Workload;

const OBJECTS: u64 = 10_000_000;
/// Operations between two surveys.
const BETWEEN: u64 = 1000;

/// A list of a million rings of ten nodes, and a little garbage.
const LARGE: &str = r#"
summary = "a large heap"
[objects]
rings = "list"
[limits]
live_objects = 12_000_000
[[threads]]
name = "owner"
setup = [{ repeat = 1_000_000, steps = [
  { op = "ring", size = 10, dst = "ring" },
  { op = "append", list = "rings", val = "ring" },
] }]
loop = [{ op = "ring", size = 2, times = 100 }]
"#;

/// A run with this many surveys at pauses.
fn surveyed(heap: &str, plan: &Plan, surveys: u64) -> Evidence {
    let options = Options {
        budget: Budget::Ops(BETWEEN * surveys + BETWEEN / 2),
        verify: Verify::Every(BETWEEN),
        timing: Timing::Off,
        ..Options::default()
    };
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("it comes with the program");
    let evidence = entry.run(plan, &options, &Unobserved);
    evidence.expect("it opens")
}

/// How long one survey took, of those at pauses.
fn each(evidence: &Evidence) -> Duration {
    let surveys = evidence.surveys.iter();
    let surveys: Vec<_> = surveys
        .filter(|survey| survey.moment == Moment::Pause)
        .collect();
    let whole: u64 = surveys.iter().map(|survey| survey.elapsed_ns).sum();
    assert!(surveys.iter().all(|survey| survey.reachable > OBJECTS));
    Duration::from_nanos(whole) / u32::try_from(surveys.len()).expect("they are few")
}

pub(crate) fn verify(criterion: &mut Criterion) {
    let workload = Workload::parse("large.toml", LARGE).expect("the text is right");
    let plan = workload.plan(&[], 1).expect("it has no parameters");
    for heap in ["gil", "lock-free"] {
        let mut group = criterion.benchmark_group("verify, 10,000,000 objects");
        group.throughput(Throughput::Elements(OBJECTS));
        let mut last = None;
        group.bench_function(format!("survey, {heap}"), |bencher| {
            bencher.iter_custom(|surveys| {
                let evidence = surveyed(heap, &plan, surveys);
                let took = each(&evidence);
                last = Some(evidence);
                took * u32::try_from(surveys).expect("they are few")
            });
        });
        group.finish();
        let Some(evidence) = last else { continue };
        criterion.bench_function(&format!("verify, checks of a survey, {heap}"), |bencher| {
            bencher.iter_batched(
                || evidence.clone(),
                |evidence| {
                    let result = RunResult::new(&plan, evidence, tool(), String::new());
                    assert!(result.checks.len() > 10);
                    result
                },
                BatchSize::LargeInput,
            );
        });
    }
}

pub(crate) fn tool() -> Tool {
    Tool {
        name: "gcstorm".to_owned(),
        version: "0.1.0".to_owned(),
        commit: "0".to_owned(),
        dirty: None,
    }
}
