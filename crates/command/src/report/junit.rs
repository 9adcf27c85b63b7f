//! Results as JUnit XML, which CI systems show as tests: a suite for each run, with a test case for
//! each check and one for the run as a whole.
//!
//! A violated check is a failure. A vacuous one is an error: the test did not do what it is for.
//! Skipped checks are skipped, and so is a run whose workload needs an ability that the heap lacks.
//! A heap that could not be opened is an error.

mod hunts;

use std::collections::HashSet;

use maud::{Markup, Render, html};

use super::{Absence, Absent, Collected, Member, crash, stacks};
use crate::check::{Judgement, Verdict};
use crate::result::{Outcome, RunResult};
pub use hunts::{JunitHunt, junit_of_hunts};

/// Writes them.
pub fn junit(collected: &Collected) -> String {
    let mut suites = Vec::new();
    let mut classes = Classes::default();
    for group in collected.groups() {
        for Member { label, result, .. } in &group.members {
            suites.push(suite(
                result,
                classes.free(format!("{}.{label}", group.name)),
            ));
        }
    }
    for it in &collected.absent {
        suites.push(absent(
            it,
            classes.free(format!("{}.{}", it.workload, it.heap)),
        ));
    }
    document(&suites)
}

fn document(suites: &[Suite]) -> String {
    let count = |what| suites.iter().map(|suite| suite.count(what)).sum::<usize>();
    let text = html! {
        testsuites name="gcstorm" tests=(count(None)) failures=(count(Some("failure")))
            errors=(count(Some("error"))) skipped=(count(Some("skipped"))) {
            "\n"
            @for suite in suites { (suite) }
        }
        "\n"
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
        text.into_string()
    )
}

/// What a CI system shows of a run.
#[derive(Debug)]
struct Suite {
    name: String,
    class: String,
    elapsed_ns: u64,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

/// A test case of a suite.
#[derive(Debug)]
struct Case {
    name: String,
    elapsed_ns: u64,
    assertions: u64,
    /// `None` if it passed.
    trouble: Option<Trouble>,
}

/// Why a test did not pass.
#[derive(Debug)]
struct Trouble {
    /// The element's name: `failure`, `error`, or `skipped`.
    element: &'static str,
    kind: &'static str,
    message: String,
    text: String,
}

impl Suite {
    /// How many of its cases have an element of this name; all of them for `None`.
    fn count(&self, element: Option<&str>) -> usize {
        let of = |case: &Case| case.trouble.as_ref().map(|trouble| trouble.element);
        let cases = self.cases.iter();
        cases
            .filter(|case| element.is_none() || of(case) == element)
            .count()
    }
}

impl Render for Suite {
    fn render(&self) -> Markup {
        html! {
            testsuite name=(xml(&self.name)) tests=(self.count(None))
                failures=(self.count(Some("failure"))) errors=(self.count(Some("error")))
                skipped=(self.count(Some("skipped"))) time=(seconds(self.elapsed_ns)) {
                "\n"
                @if !self.properties.is_empty() {
                    properties {
                        @for (name, value) in &self.properties {
                            property name=(name) value=(xml(value)) {}
                        }
                    }
                    "\n"
                }
                @for Case { name, elapsed_ns, assertions, trouble } in &self.cases {
                    testcase name=(xml(name)) classname=(xml(&self.class))
                        assertions=(assertions) time=(seconds(*elapsed_ns)) {
                        @if let Some(trouble) = trouble { (trouble) }
                    }
                    "\n"
                }
            }
            "\n"
        }
    }
}

impl Render for Trouble {
    fn render(&self) -> Markup {
        let (kind, message, text) = (self.kind, xml(&self.message), xml(&self.text));
        match self.element {
            "failure" => html! { failure message=(message) type=(kind) { (text) } },
            "error" => html! { error message=(message) type=(kind) { (text) } },
            _ => html! { skipped message=(message) type=(kind) {} },
        }
    }
}

/// The text without what XML cannot contain: control characters, and the sequences for colours.
fn xml(text: &str) -> String {
    let plain = console::strip_ansi_codes(text);
    let may_stand = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    plain.chars().filter(may_stand).collect()
}

fn seconds(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e9)
}

/// Names of classes. Test cases are named after checks, and of two with the same class and name, CI
/// systems show only one, which may hide the other's failure. So no two runs have the same class.
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

fn suite(result: &RunResult, class: String) -> Suite {
    let dirty = result.tool.dirty;
    let dirty = dirty.map_or("unknown", |dirty| if dirty { "yes" } else { "no" });
    let interpreter = result.interpreter.as_ref();
    let interpreter = interpreter.map(|it| ("interpreter", it.about()));
    let run = Case {
        name: "run".to_owned(),
        elapsed_ns: result.elapsed_ns,
        assertions: 0,
        trouble: of_run(result),
    };
    let checks = result.checks.iter().map(|check| Case {
        name: check.name.clone(),
        elapsed_ns: 0,
        assertions: check.examined,
        trouble: of_check(result, check),
    });
    Suite {
        name: format!(
            "{} on {}, seed {}",
            result.workload.name,
            result.subject(),
            result.seed
        ),
        class,
        elapsed_ns: result.elapsed_ns,
        properties: interpreter
            .into_iter()
            .chain([
                ("seed", result.seed.to_string()),
                ("gcstorm_commit", result.tool.commit.clone()),
                ("dirty", dirty.to_owned()),
                ("cpu", result.host.cpu_model.clone()),
                ("kernel", result.host.kernel.clone()),
                ("reproduce", result.reproduce.clone()),
            ])
            .collect(),
        cases: std::iter::once(run).chain(checks).collect(),
    }
}

/// The verdict of the run as a whole, with its caveats.
fn of_run(result: &RunResult) -> Option<Trouble> {
    let element = match result.verdict {
        Outcome::Held => return None,
        Outcome::Violated => "failure",
        Outcome::Vacuous | Outcome::Crashed | Outcome::Hung | Outcome::Interrupted => "error",
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
    let kind = result.verdict.name();
    let mut trouble = trouble(element, kind, &said.join("\n"), result);
    if let Some(stacks) = &result.evidence.stacks {
        trouble.text += &format!("\nstacks:\n{}", stacks::brief(stacks));
    }
    if let Some(crash) = &result.evidence.crash {
        trouble.text += &format!("\nwhere it crashed:\n{}", crash::brief(crash));
    }
    Some(trouble)
}

fn of_check(result: &RunResult, check: &Judgement) -> Option<Trouble> {
    let detail = check.detail.as_deref().unwrap_or_default();
    let kind = check.verdict.name();
    match check.verdict {
        Verdict::Held => None,
        Verdict::Violated => Some(trouble("failure", kind, detail, result)),
        Verdict::Vacuous => Some(trouble("error", kind, detail, result)),
        Verdict::Skipped => Some(Trouble {
            element: "skipped",
            kind,
            message: detail.to_owned(),
            text: String::new(),
        }),
    }
}

/// The message is the first line of the detail; the text has all of it and the reproduce line.
fn trouble(element: &'static str, kind: &'static str, detail: &str, result: &RunResult) -> Trouble {
    Trouble {
        element,
        kind,
        message: detail.lines().next().unwrap_or(kind).to_owned(),
        text: result.commands().fold(detail.to_owned(), |text, command| {
            format!("{text}\nreproduce: {command}")
        }),
    }
}

fn absent(absent: &Absent, class: String) -> Suite {
    let element = match absent.what {
        Absence::Failed => "error",
        Absence::Skipped | Absence::NotStarted => "skipped",
    };
    Suite {
        name: format!("{} on {}", absent.workload, absent.heap),
        class,
        elapsed_ns: 0,
        properties: Vec::new(),
        cases: vec![Case {
            name: "run".to_owned(),
            elapsed_ns: 0,
            assertions: 0,
            trouble: Some(Trouble {
                element,
                kind: absent.what.name(),
                message: absent.why.clone(),
                text: String::new(),
            }),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Goal: every verdict becomes what CI systems understand by it, failures say how to do it
    /// again, and nothing of a check's words breaks the file.
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
        let text = junit(&collected);
        // Two of the violated run, one of the other check; the vacuous run, its check, the absent
        // one.
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
        let read = roxmltree::Document::parse(&text).expect("it is XML");
        let suites = read.root_element().children();
        assert_eq!(suites.filter(|it| it.has_tag_name("testsuite")).count(), 4);
    }

    /// Goal: no test case has the class and the name of another one, however often a workload was
    /// run; and one that was run once is called as ever.
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
        let text = junit(&collected);
        let read = roxmltree::Document::parse(&text).expect("it is XML");
        let mut seen = HashSet::new();
        let cases = read.descendants().filter(|it| it.has_tag_name("testcase"));
        for case in cases {
            let of = |name| case.attribute(name).expect("it has both").to_owned();
            assert!(seen.insert((of("classname"), of("name"))), "{case:?}");
        }
        let has = |class: &str| seen.contains(&(class.to_owned(), "run".to_owned()));
        assert!(has("shared-list.gil, seed 7") && has("shared-list.gil, seed 8 (2)"));
        assert!(
            has("shared-list.lock-free") && has("weakrefs.mine (2)"),
            "{seen:?}"
        );
    }
}
