//! Stored results: judged and drawn again.

use gcstorm::result::{Outcome, RunResult};

use crate::harness::Place;

/// Two heaps on one workload, under `o`.
fn two_heaps() -> Place {
    let place = Place::new();
    let line = "run counter --heap gil --heap lock-free --rounds 1 --seed 7 -q --out o";
    place.run(line).code(0);
    place
}

/// Goal: several runs share one report that puts the heaps side by side, and `report` draws the same
/// from the files.
#[test]
fn is_the_same_again() {
    let place = two_heaps();
    place
        .run("report o --out again")
        .code(0)
        .warns("report: again");
    for name in ["report.md", "junit.xml", "report.html"] {
        let read = |directory: &str| {
            std::fs::read_to_string(place.path().join(directory).join(name)).expect("a report")
        };
        assert_eq!(read("o"), read("again"), "{name}");
        assert!(read("o").contains("lock-free"), "{name}");
    }
    let one = "o/counter-gil-7/result.json";
    let other = "o/counter-lock-free-7";
    let done = place.run(&format!("report {one} {other}")).code(0);
    done.says("counter on gil: seed 7")
        .says("counter on lock-free: seed 7")
        .says("2 runs: 2 held");
    let done = place.run("report o --format markdown").code(0);
    done.says("| verdict | ✅ held | ✅ held |").says("(×");
}

/// Goal: what is drawn again keeps where it came from, and is judged from the evidence, not by what was
/// stored.
#[test]
fn is_judged_again() {
    let place = two_heaps();
    let path = "o/counter-gil-7/result.json";
    let mut result = place.result(path);
    result.verdict = Outcome::Violated;
    result.checks.clear();
    result.host.cpu_model = "a machine of old".to_owned();
    let write = |result: &RunResult| {
        place.write(path, &serde_json::to_string(result).expect("it serializes"));
    };
    write(&result);
    let done = place.run(&format!("report {path} --format json")).code(0);
    let again: RunResult = serde_json::from_str(&done.out).expect("a result");
    assert_eq!(again.verdict, Outcome::Held);
    assert!(!again.checks.is_empty());
    assert_eq!(
        (again.host, again.reproduce),
        (result.host.clone(), result.reproduce.clone())
    );

    result.workload.hash = "another".to_owned();
    write(&result);
    let done = place.run(&format!("report {path}")).code(1);
    done.warns("not judged again, the stored verdicts are shown: counter has another text now");
}

/// Goal: what is not a result is refused with its place and what to do, before anything is written.
#[test]
fn refuses_what_is_not_a_result() {
    let place = Place::new();
    let cases = [
        (
            "cut.json",
            "{\"schema\": 1,\n \"tool\"",
            "cut.json:2:7: this is not a result",
        ),
        (
            "new.json",
            "{\"schema\": 99}",
            "new.json is a result of version 99",
        ),
        ("none.json", "[]", "none.json holds no results"),
        ("list.json", "[1]", "list.json:1:2: this is not a result"),
    ];
    for (name, text, complaint) in cases {
        place.write(name, text);
        let done = place.run(&format!("report {name} --out p")).code(2);
        done.warns(complaint).warns("help: ");
    }
    place
        .run("report missing")
        .code(2)
        .warns("failed to read missing");
    place
        .run("report .")
        .code(2)
        .warns("there is no result.json in .");
    assert_eq!(place.files().len(), cases.len(), "nothing was written");
}

/// Goal: a violated run is a failure wherever a report shows it, and its exit code stays.
#[test]
fn failures_stay_failures() {
    let place = Place::new();
    let line = "run counter -D increment=split --duration 300ms --seed 7 -q --out o";
    place.run(line).code(1);
    let read =
        |name: &str| std::fs::read_to_string(place.path().join("o").join(name)).expect("a report");
    let reproduce = "gcstorm run counter -D increment=split";
    assert!(read("junit.xml").contains("<failure message="));
    assert!(read("junit.xml").contains(reproduce));
    assert!(read("report.md").starts_with("## ❌ gcstorm: violated"));
    assert!(read("report.html").contains(reproduce));
    place.run("report o -q").code(1).says("violated: counter");
}
