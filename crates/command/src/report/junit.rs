//! Results as JUnit XML, which CI systems show as tests: a suite a run, a test case a check, and one
//! more for the run as a whole.
//!
//! A violated check is a failure. A vacuous one is an error: the test did not do what it is for. Skipped
//! checks are skipped, and so is a run whose workload needs an ability that the heap lacks. A heap that
//! could not be opened is an error.

use std::collections::HashSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Absence, Absent, Collected, Member};
use crate::check::{Judgement, Verdict};
use crate::result::{Outcome, RunResult};

/// Writes them.
///
/// # Errors
///
/// The text cannot be written as XML.
pub fn junit(collected: &Collected) -> Result<String, String> {
    let mut report = Report::new("gcstorm");
    let mut classes = Classes::default();
    for group in collected.groups() {
        for Member { label, result } in &group.members {
            let class = classes.free(format!("{}.{label}", group.name));
            report.add_test_suite(suite(result, &class));
        }
    }
    for absent in &collected.absent {
        let class = classes.free(format!("{}.{}", absent.workload, absent.heap));
        report.add_test_suite(self::absent(absent, &class));
    }
    report.to_string().map_err(|error| error.to_string())
}

/// Names of classes. Test cases are called after checks, and of two with one name in one class CI systems
/// show one, which may hide the other's failure. So no two runs have the same class.
#[derive(Debug, Default)]
struct Classes(HashSet<String>);

impl Classes {
    /// The name, with a number if it is taken.
    fn free(&mut self, name: String) -> String {
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| self.0.insert(name.clone()));
        free.unwrap_or(name)
    }
}

fn suite(result: &RunResult, class: &str) -> TestSuite {
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
    run.set_classname(class);
    run.set_time(Duration::from_nanos(result.elapsed_ns));
    suite.add_test_case(run);
    for check in &result.checks {
        let mut case = TestCase::new(check.name.as_str(), of_check(result, check));
        case.set_classname(class);
        case.set_assertions(usize::try_from(check.examined).unwrap_or(usize::MAX));
        suite.add_test_case(case);
    }
    suite
}

/// The verdict of the run as a whole, with its caveats.
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

/// The message is the first line of the detail; the text has all of it and the reproduce line.
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

fn absent(absent: &Absent, class: &str) -> TestSuite {
    let Absent { workload, heap, .. } = absent;
    let mut status = match absent.what {
        Absence::Failed => TestCaseStatus::non_success(NonSuccessKind::Error),
        Absence::Skipped | Absence::NotStarted => TestCaseStatus::skipped(),
    };
    status.set_type(absent.what.name());
    status.set_message(absent.why.as_str());
    let mut case = TestCase::new("run", status);
    case.set_classname(class);
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

    /// Goal: no test case has the class and the name of another one, however often a workload was run; and
    /// one that was run once is called as ever.
    #[test]
    fn no_two_cases_share_a_name() {
        let mut other_seed = sample::result("gil");
        other_seed.seed = 8;
        let mut other_text = sample::result("lock-free");
        other_text.workload.hash = "another".to_owned();
        let absent = Absent {
            workload: "weakrefs".to_owned(),
            heap: "mine".to_owned(),
            what: Absence::Skipped,
            why: "it has none".to_owned(),
        };
        let collected = Collected {
            results: vec![
                sample::result("gil"),
                other_seed.clone(),
                other_seed,
                sample::result("lock-free"),
                other_text,
            ],
            absent: vec![absent.clone(), absent],
        };
        let text = junit(&collected).expect("it is written");
        let read = Report::deserialize_from_str(&text).expect("it is read back");
        let mut seen = HashSet::new();
        for case in read.test_suites.iter().flat_map(|suite| &suite.test_cases) {
            let class = case.classname.as_ref().expect("a class").to_string();
            assert!(
                seen.insert((class.clone(), case.name.to_string())),
                "{class}"
            );
        }
        let has = |class: &str| seen.contains(&(class.to_owned(), "run".to_owned()));
        assert!(has("shared-list.gil, seed 7") && has("shared-list.gil, seed 8 (2)"));
        assert!(
            has("shared-list.lock-free") && has("weakrefs.mine (2)"),
            "{seen:?}"
        );
    }
}
