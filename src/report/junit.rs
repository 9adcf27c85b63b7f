//! Results as JUnit XML, which CI systems show as tests: a suite a run, a test case a check, and one
//! more for the run as a whole.
//!
//! A violated check is a failure. One that was vacuous is an error: the test itself did not do what it
//! is for. Skipped ones are skipped. So is a run for whose workload the heap lacks an ability; a heap
//! that could not be opened is an error.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Absence, Absent, Collected};
use crate::check::{Judgement, Verdict};
use crate::result::{Outcome, RunResult};

/// Writes them.
///
/// # Errors
///
/// The text cannot be written as XML.
pub fn junit(collected: &Collected) -> Result<String, String> {
    let mut report = Report::new("gcstorm");
    report.add_test_suites(collected.results.iter().map(suite));
    report.add_test_suites(collected.absent.iter().map(absent));
    report.to_string().map_err(|error| error.to_string())
}

fn suite(result: &RunResult) -> TestSuite {
    let class = format!("{}.{}", result.workload.name, result.subject());
    let name = format!(
        "{} on {}, seed {}",
        result.workload.name,
        result.subject(),
        result.seed
    );
    let mut suite = TestSuite::new(name);
    suite.set_time(Duration::from_nanos(result.elapsed_ns));
    let dirty = result
        .tool
        .dirty
        .map_or("unknown", |dirty| if dirty { "yes" } else { "no" });
    suite.add_properties([
        Property::new("seed", result.seed.to_string()),
        Property::new("commit", result.tool.commit.as_str()),
        Property::new("dirty", dirty),
        Property::new("cpu", result.host.cpu_model.as_str()),
        Property::new("kernel", result.host.kernel.as_str()),
        Property::new("reproduce", result.reproduce.as_str()),
    ]);
    let mut run = TestCase::new("run", of_run(result));
    run.set_classname(class.as_str());
    run.set_time(Duration::from_nanos(result.elapsed_ns));
    suite.add_test_case(run);
    for check in &result.checks {
        let mut case = TestCase::new(check.name.as_str(), of_check(result, check));
        case.set_classname(class.as_str());
        case.set_assertions(usize::try_from(check.examined).unwrap_or(usize::MAX));
        suite.add_test_case(case);
    }
    suite
}

/// What the run as a whole came to: what no check says is in its caveats.
fn of_run(result: &RunResult) -> TestCaseStatus {
    let kind = match result.verdict {
        Outcome::Held => return TestCaseStatus::success(),
        Outcome::Violated => NonSuccessKind::Failure,
        Outcome::Vacuous | Outcome::Crashed | Outcome::Hung | Outcome::Interrupted => {
            NonSuccessKind::Error
        }
    };
    let violated = result
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Violated);
    let violated: Vec<&str> = violated.map(|check| check.name.as_str()).collect();
    let mut said: Vec<String> = result.caveats.iter().map(|c| c.text.clone()).collect();
    if !violated.is_empty() {
        said.insert(0, format!("violated: {}", violated.join(", ")));
    }
    unsuccessful(kind, result.verdict.name(), &said.join("\n"), result)
}

fn of_check(result: &RunResult, check: &Judgement) -> TestCaseStatus {
    let detail = check.detail.as_deref().unwrap_or_default();
    let name = check.verdict.name();
    match check.verdict {
        Verdict::Held => TestCaseStatus::success(),
        Verdict::Violated => unsuccessful(NonSuccessKind::Failure, name, detail, result),
        Verdict::Vacuous => unsuccessful(NonSuccessKind::Error, name, detail, result),
        Verdict::Skipped => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(detail);
            skipped
        }
    }
}

/// The first line says what, the text all of it and how to do it again.
fn unsuccessful(
    kind: NonSuccessKind,
    name: &str,
    detail: &str,
    result: &RunResult,
) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name);
    status.set_message(detail.lines().next().unwrap_or(name));
    status.set_description(format!("{detail}\nreproduce: {}", result.reproduce));
    status
}

fn absent(absent: &Absent) -> TestSuite {
    let Absent { workload, heap, .. } = absent;
    let mut status = match absent.what {
        Absence::Failed => TestCaseStatus::non_success(NonSuccessKind::Error),
        Absence::Skipped | Absence::NotStarted => TestCaseStatus::skipped(),
    };
    status.set_type(absent.what.name());
    status.set_message(absent.why.as_str());
    let mut case = TestCase::new("run", status);
    case.set_classname(format!("{workload}.{heap}"));
    let mut suite = TestSuite::new(format!("{workload} on {heap}"));
    suite.add_test_case(case);
    suite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    /// Goal: every verdict becomes what CI systems understand by it, failures say how to do it again, and
    /// nothing of a check's words breaks the file.
    #[test]
    fn maps_verdicts() {
        let mut vacuous = sample::result("gil");
        vacuous.verdict = Outcome::Vacuous;
        let judgement = sample::judgement("order", Verdict::Vacuous, 0, Some("no elements"));
        vacuous.checks.push(judgement);
        let collected = Collected {
            results: vec![
                sample::result("gil"),
                sample::violated("lock-free"),
                vacuous,
            ],
            absent: vec![Absent {
                workload: "weakrefs".to_owned(),
                heap: "mine".to_owned(),
                what: Absence::Failed,
                why: "it panicked".to_owned(),
            }],
        };
        let text = junit(&collected).expect("it is written");
        // Two of the violated run, one of the other check; the vacuous run, its check, the absent one.
        let head = text.lines().nth(1).expect("a head");
        for count in [
            "tests=\"12\"",
            "failures=\"2\"",
            "errors=\"3\"",
            "skipped=\"3\"",
        ] {
            assert!(head.contains(count), "{count} in {head}");
        }
        assert!(text.contains("object &lt;0&gt; &amp; "), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
        assert!(
            text.contains("reproduce: gcstorm run shared-list --heap lock-free"),
            "{text}"
        );
        let read = Report::deserialize_from_str(&text).expect("it is read back");
        assert_eq!(read.test_suites.len(), 4);
    }
}
