//! Stored results: judged and drawn again.

use gcstorm::result::{Outcome, RunResult};

use crate::harness::Place;

/// Two heaps on one workload, under `o`.
fn two_heaps() -> Place {
    let place = Place::new();
    // Not in the order of their names.
    let line = "run counter --heap lock-free --heap gil --rounds 1 --seed 7 -q --out o";
    place.run(line).code(0);
    place
}

/// Goal: several runs share one report that puts the heaps side by side, and `report` draws the
/// same from the files, with the heaps in the order in which they ran, and names the page.
#[test]
fn is_the_same_again() {
    let place = two_heaps();
    place
        .run("report o --out again")
        .code(0)
        .warns("report: again/report.html");
    for name in ["report.md", "junit.xml", "report.html"] {
        let read = |directory: &str| {
            std::fs::read_to_string(place.path().join(directory).join(name)).expect("a report")
        };
        assert_eq!(read("o"), read("again"), "{name}");
        let order = ["lock-free", "gil"].map(|heap| read("again").find(heap));
        assert!(order[0] < order[1], "{name}: {order:?}");
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

/// Goal: what is drawn again keeps where it came from, and is judged from the evidence, not by what
/// was stored.
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
    done.warns("not judged again, the stored verdicts are shown: the text of counter has changed");
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

/// Goal: a file counts once, however often it is named or found and under whichever name, and one
/// that begins with a byte-order mark is read.
#[test]
fn a_file_counts_once() {
    let place = two_heaps();
    let one = "o/counter-gil-7/result.json";
    std::os::unix::fs::symlink(place.path().join(one), place.path().join("link.json"))
        .expect("a link");
    place
        .run(&format!("report o o {one} ./o/../{one} link.json"))
        .code(0)
        .says("2 runs: 2 held");
    let text = std::fs::read_to_string(place.path().join(one)).expect("a result");
    place.write("marked.json", &format!("\u{feff}{text}"));
    place
        .run("report marked.json")
        .code(0)
        .says("counter on gil");
    let twice = "compare o o --max-regression off";
    place
        .run(twice)
        .code(3)
        .says("counter on gil: 1 run against 1");
}

/// Goal: a result's name does not make something else a result: what is below a directory and no
/// regular file is refused, and what never ends is not read.
#[test]
fn only_files_are_read() {
    let place = Place::new();
    let directory = place.path().join("d");
    std::fs::create_dir(&directory).expect("a directory");
    let path = directory.join("result.json");
    let pipe = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(pipe.expect("mkfifo starts").success());
    for command in ["report d", "compare d d", "merge d"] {
        let done = place.run(command).code(2);
        done.warns("d/result.json is not a regular file")
            .warns("help: ");
    }
    std::fs::remove_file(&path).expect("it is there");
    std::os::unix::fs::symlink("/dev/zero", &path).expect("a link");
    for command in ["report d", "compare d d", "merge d"] {
        let done = place.run(command).code(2);
        done.warns("d/result.json is not a regular file");
    }
    // A case beside a result is read as well.
    place
        .run("run counter --rounds 1 --heap gil --out r -q")
        .code(0);
    std::os::unix::fs::symlink("/dev/zero", place.path().join("r/failure.case")).expect("a link");
    place
        .run("merge r")
        .code(2)
        .warns("r/failure.case: it is not a regular file");
    for command in [
        "report /dev/zero",
        "report d/result.json",
        "merge /dev/zero",
    ] {
        place
            .run(command)
            .code(2)
            .warns(":1:1: this is not a result");
    }
    for command in [
        "check /dev/zero",
        "run /dev/zero",
        "run --case /dev/zero",
        "replay /dev/zero",
    ] {
        place
            .run(command)
            .code(2)
            .warns("failed to read /dev/zero: it is larger than 256 MiB");
    }
}

/// Goal: names of any length and with commands to the terminal are shown, shortened and harmless,
/// in every table and in every format.
#[test]
fn any_name_is_shown() {
    let place = two_heaps();
    let mut result = place.result("o/counter-gil-7/result.json");
    let long = format!("a\u{1b}]0;title\u{7}|\n<b>{}", "n".repeat(70_000));
    result.workload.name.clone_from(&long);
    result.threads[0].name.clone_from(&long);
    result.evidence.mutators[0].name.clone_from(&long);
    result.caveats.push(gcstorm::result::Caveat {
        check: String::new(),
        text: "\u{1b}[2J".to_owned(),
    });
    place.write("long.json", &serde_json::to_string(&result).expect("JSON"));
    for command in [
        "report long.json",
        "report long.json -v",
        "report long.json o -v",
        "report long.json -q",
        "report long.json --format markdown",
        "report long.json --format junit",
        "report long.json --format html",
        "merge long.json --out m",
        "merge long.json --out m --format markdown",
        "compare long.json long.json",
        "compare long.json long.json --format markdown",
    ] {
        let done = place.run(&format!("{command} --color always"));
        let done = done.code(if command.starts_with("compare") { 3 } else { 0 });
        for text in [&done.out, &done.err] {
            assert!(
                !text.contains("\u{1b}]") && !text.contains("\u{1b}[2J"),
                "{command}"
            );
        }
    }
    let done = place.run("report long.json -v");
    let widest = done
        .out
        .lines()
        .filter(|line| line.contains("nnn…"))
        .count();
    assert!(widest >= 1, "the thread is in the table");
}

/// Goal: a report of many runs has each of them once by name, and each line to do it again is code.
#[test]
fn repeated_runs_have_names() {
    let place = Place::new();
    place
        .run("run counter --rounds 1 --seed 7 --repeat 2 --require noted>=5 -q --out o")
        .code(3);
    let read =
        |name: &str| std::fs::read_to_string(place.path().join("o").join(name)).expect("a report");
    let junit = read("junit.xml");
    for seed in ["seed 7", "seed 8"] {
        let run = format!("name=\"run\" classname=\"counter.gil, {seed}\"");
        assert_eq!(junit.matches(&run).count(), 1, "{junit}");
    }
    let code =
        "\n```\ngcstorm run counter --heap gil --seed 7 --rounds 1 --require 'noted>=5'\n```\n";
    assert!(read("report.md").contains(code), "{}", read("report.md"));
}

/// Goal: a soak leaves a page; its directory or its journal is drawn again as it was, whatever
/// became of the soak; a format that a soak does not have is refused, and other results beside it.
#[test]
fn a_soak_is_drawn_again() {
    let place = two_heaps();
    let line = "soak churn --heap gil --round 20ms --seed 3 --budget 100ms --out s";
    let soak = place.run(line);
    let read = |path: &str| std::fs::read_to_string(place.path().join(path)).expect(path);
    let page = read("s/report.html");
    assert!(page.contains("<h1>gcstorm soak: "), "{page}");
    let exit = soak.code.expect("it ended by itself");
    for path in ["s", "s/journal"] {
        let done = place
            .run(&format!("report {path} --format html"))
            .code(exit);
        assert_eq!(done.out, page);
    }
    let table = place.run("report s").code(exit);
    table.says("churn on gil").says("as heaps grow old");
    place
        .run("report s --out again")
        .code(exit)
        .warns("report: again/report.html");
    assert_eq!(read("again/report.html"), page);
    std::fs::remove_file(place.path().join("s/report.html")).expect("it is there");
    let before = place.files();
    for (line, words) in [
        (
            "report s --format junit",
            "a soak has no report in the format junit",
        ),
        (
            "report s o --out p",
            "s/journal is of a soak, which is reported by itself",
        ),
    ] {
        place.run(line).code(2).warns(words).warns("gcstorm merge");
    }
    std::fs::create_dir(place.path().join("t")).expect("a directory");
    place.write("t/journal", "gcstorm-soak 99\n");
    place
        .run("report t")
        .code(2)
        .warns("failed to read a journal: t/journal:1");
    assert_eq!(place.files().len(), before.len() + 1, "nothing was written");
}
