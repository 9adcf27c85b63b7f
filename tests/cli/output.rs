//! Streams and files: JSON, quiet and colourful output, readers that go away.

use std::process::{Command, Stdio};

use gcstorm::check::Verdict;
use gcstorm::result::RunResult;

use crate::harness::{Done, Place};

/// Goal: `--json -` puts one object on standard output and nothing else; several runs an array.
#[test]
fn json_takes_standard_output() {
    let place = Place::new();
    let one = place.run("run counter --rounds 1 --json - --out o").code(0);
    let result: RunResult = serde_json::from_str(&one.out).expect("an object");
    assert_eq!(result.workload.name, "counter");
    let one = one.warns("held: ");
    assert!(
        one.err.contains("operation"),
        "the page is not lost: {}",
        one.err
    );
    let line = "run counter shared-list --rounds 1 --json - --out p";
    let two = place.run(line).code(0);
    let results: Vec<RunResult> = serde_json::from_str(&two.out).expect("an array");
    assert_eq!(results.len(), 2);
}

/// Goal: `--json FILE` writes what `result.json` holds, beside the page.
#[test]
fn json_goes_to_a_file() {
    let place = Place::new();
    place
        .run("run counter --rounds 1 --json all.json --out o")
        .code(0)
        .says("held: ");
    assert_eq!(place.result("all.json"), place.result("o/result.json"));
}

/// Goal: without `--out`, results lie in a directory of their own below `reports`.
#[test]
fn results_have_a_place_by_default() {
    let place = Place::new();
    place
        .run("run counter --rounds 1")
        .code(0)
        .warns("results: reports/");
    let files = place.files();
    let is_there = |name: &str| files.iter().any(|path| path.ends_with(name));
    assert!(
        is_there("result.json") && is_there("latency.hlog"),
        "{files:?}"
    );
    assert!(
        files.iter().all(|path| path.starts_with("reports")),
        "{files:?}"
    );
}

/// Goal: `-q` prints the verdict, how to reproduce a bad one and what a vacuous one lacks, and where
/// results are.
#[test]
fn quiet_is_one_line() {
    let place = Place::new();
    let good = place
        .run("run counter --rounds 1 --seed 5 -q --out o")
        .code(0);
    assert!(
        good.out.starts_with("counter on gil, seed 5: held: "),
        "{}",
        good.out
    );
    let said = (good.out.lines().count(), good.err.as_str());
    assert_eq!(said, (1, "results: o\n"));
    let bad = place
        .run("run counter --rounds 1 --require noted>=5 -q --out p")
        .code(3);
    assert_eq!(bad.out.lines().count(), 2, "{}", bad.out);
    bad.says("vacuous: ")
        .says("but noted is 0, and at least 5 was required\n")
        .says("reproduce: gcstorm run counter")
        .warns("results: p\n");
}

/// Goal: a run that held is told in its headline, what the clock adds, its operations, one line of
/// checks and the verdict; `-v` tells all, and so does a run that did not hold. Then it is said where the page is.
#[test]
fn what_held_is_told_in_short() {
    let place = Place::new();
    let line = "run counter --rounds 1 --seed 5 --color never";
    let brief = place.run(&format!("{line} --out o")).code(0);
    let lines: Vec<&str> = brief
        .out
        .lines()
        .filter(|line| !line.starts_with("note: "))
        .collect();
    let [headline, clock, "", head, row, "", checks, verdict] = lines[..] else {
        panic!("{}", brief.out);
    };
    assert!(
        headline.starts_with("counter on gil: seed 5, 2 threads, "),
        "{headline}"
    );
    assert!(
        head.starts_with("operation") && row.starts_with("add "),
        "{head}\n{row}"
    );
    assert!(clock.starts_with("clock: "), "{clock}");
    let of = place.result("o/result.json").checks;
    let count = |verdict| of.iter().filter(|check| check.verdict == verdict).count();
    let (held, skipped) = (count(Verdict::Held), count(Verdict::Skipped));
    assert_eq!(checks, format!("checks: {held} held, {skipped} skipped"));
    assert_eq!(verdict, "held: no check was violated");
    brief.warns("results: o/report.html, and more beside it\n");
    for (line, code) in [
        (format!("{line} --out p -v"), 0),
        (format!("{line} --out q --require noted>=5"), 3),
    ] {
        let whole = place.run(&line).code(code);
        whole
            .says("\nheap: live peak ")
            .says("\nrefcounts ")
            .says("\nreproduce: ");
    }
}

/// Goal: at any width of the terminal nothing is wider than it, and a wide one is used.
#[test]
fn pages_have_the_width_of_the_terminal() {
    let place = Place::new();
    let run = "run counter --rounds 1 --heap gil,lock-free --seed 7 -v --out o";
    place.run(run).code(0);
    for line in ["report o", "report o -v", "list checks", "compare o o"] {
        let said = |columns: usize| {
            let mut command = place.command_as_is(line);
            let output = command.env("COLUMNS", columns.to_string()).output();
            Done::from(output.expect("it starts")).out
        };
        for columns in [40, 80, 200] {
            // What is to be pasted is one line.
            let text = said(columns);
            let lines = text.lines().filter(|line| !line.starts_with("reproduce: "));
            let widest = lines
                .max_by_key(|line| line.chars().count())
                .unwrap_or_default();
            assert!(
                widest.chars().count() <= columns,
                "{columns} columns, {line}: {widest}"
            );
        }
        assert!(
            said(200).lines().count() < said(40).lines().count(),
            "{line}"
        );
    }
}

/// Goal: where several heaps held, the last sentence compares them; a heap that did not is left out.
#[test]
fn heaps_that_held_are_compared() {
    let place = Place::new();
    let line = "run counter --rounds 1 --seed 7 --heap gil,lock-free";
    let done = place.run(&format!("{line} --out o")).code(0);
    let last = done
        .out
        .split("2 runs: 2 held\n")
        .nth(1)
        .expect("a sentence");
    let last = last.replace("\n  ", " ");
    assert!(last.contains("operations a second as"), "{}", done.out);
    let is_noisy = last.starts_with("the machine was noisy, so this says little: ");
    assert!(
        is_noisy || last.contains("; its longest stall was "),
        "{}",
        done.out
    );
    let line = "run counter --rounds 1 --seed 7 --heap gil,lock-free --require switches>=1 --out p";
    let done = place.run(line).code(3);
    assert!(
        done.out.ends_with("2 runs: 1 held, 1 vacuous\n"),
        "{}",
        done.out
    );
}

/// Goal: styles appear when forced, and never when they are not wanted.
#[test]
fn styles_are_optional() {
    let place = Place::new();
    let line = "run counter --rounds 1";
    assert!(
        !place.run(line).code(0).out.contains('\u{1b}'),
        "a pipe is no terminal"
    );
    let forced = place.run(&format!("{line} --color always")).code(0);
    assert!(forced.out.contains("\u{1b}["), "{}", forced.out);
    let errors = place.run("run nothing --color never").code(2);
    assert!(!errors.err.contains('\u{1b}'), "{}", errors.err);
}

/// Goal: lines of tables fit a hundred columns, and sentences eighty.
#[test]
fn pages_fit_a_terminal() {
    let place = Place::new();
    let done = place.run("run shared-list --rounds 1 -v --out o").code(0);
    let lines = done
        .out
        .lines()
        .filter(|line| !line.starts_with("reproduce: "));
    for line in lines {
        assert!(line.chars().count() <= 100, "{line}");
        assert!(!line.ends_with(' '), "{line:?}");
    }
}

/// Goal: a reader that goes away is nobody's error: the exit code is the run's own.
#[test]
fn closed_pipes_are_success() {
    let place = Place::new();
    let cases = [
        ("list workloads", 0),
        ("man", 0),
        ("run counter --rounds 1 --out o", 0),
        ("run counter --rounds 1 --require noted>=5 --out p", 3),
        ("run counter --rounds 1 --json - --out q", 0),
    ];
    for (line, code) in cases {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = place
            .command(line)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output();
        let done = Done::from(output.expect("it starts")).code(code);
        assert!(!done.err.contains("error"), "{line}: {}", done.err);
    }
}

/// Goal: a standard output that cannot be written to is an error, and does not cost the result.
#[test]
fn full_disks_are_errors() {
    let place = Place::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let command = place
        .command("run counter --rounds 1 --out o")
        .stdout(full)
        .output();
    Done::from(command.expect("it starts"))
        .code(2)
        .warns("failed to write to standard output");
    assert_eq!(place.result("o/result.json").workload.name, "counter");
}

/// Goal: help that cannot be shown is an error like any other, as is a list; one that nobody reads
/// is not.
#[test]
fn help_is_data() {
    let place = Place::new();
    for line in ["--help", "run --help", "--version", "list heaps"] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = place.command_as_is(line);
        let output = command.stdout(full.expect("/dev/full")).output();
        Done::from(output.expect("it starts"))
            .code(2)
            .warns("failed to write to standard output");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command.stdout(writer).output();
        Done::from(output.expect("it starts")).code(0);
    }
}

/// Goal: `--json` replaces all of what a link points to, and makes what one points to that is not
/// there; a name of any length that the file system takes will do.
#[test]
fn json_goes_through_links() {
    let place = Place::new();
    let longest = "j".repeat(250);
    place.write("target", &"x".repeat(1_000_000));
    for (link, file) in [("link", "target"), ("dangling", "new"), ("chain", "link")] {
        std::os::unix::fs::symlink(file, place.path().join(link)).expect("a link");
    }
    for (number, (path, file)) in [
        ("link", "target"),
        ("dangling", "new"),
        ("chain", "target"),
        (longest.as_str(), longest.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let line = format!("run counter --rounds 1 -q --seed {number} --json {path}");
        place.run(&line).code(0);
        assert_eq!(place.result(file).seed, number as u64, "{path}");
    }
    assert!(place.path().join("link").is_symlink());
    let line = format!("run counter --rounds 1 --json {longest}{longest}");
    place.run(&line).code(2).warns("failed to write jj");
}

/// Goal: a result that cannot be written in the end is still shown, and the exit says so.
#[test]
fn late_failures_to_write_are_told() {
    let place = Place::new();
    // The directory passes the trial; the result's own name is taken by a directory.
    std::fs::create_dir_all(place.path().join("o/result.json/taken")).expect("a directory");
    let done = place.run("run counter --rounds 1 --out o").code(2);
    done.says("held: ").warns("failed to write a result to o");
}

/// Goal: nothing that a workload is called or says commands the terminal; it is shown as text.
#[test]
fn workloads_command_no_terminal() {
    let place = Place::new();
    let name = "a\u{1b}]0;title\u{7}.toml";
    place.write(
        name,
        r#"
summary = "one thread and its list"
[objects]
list = "list"
[limits]
live_objects = 1000
[[notes]]
check = "conservation"
verdict = "held"
text = "cleared: \u001b[2J"
[[threads]]
name = "writer"
loop = [
  { op = "append-new", list = "list", times = 10 },
  { op = "truncate-front", list = "list", leave = 5 },
]
"#,
    );
    let line = format!("run {name} --rounds 1 -v --color always --out o");
    let run = place.run(&line).code(0);
    let run = run.says("cleared: \\u{1b}[2J").says("\u{1b}[1m");
    // What shows the progress is there on a terminal only.
    let mut terminal = Command::new("script");
    terminal
        .args([
            "-qec",
            "\"$PROGRAM\" run \"$FILE\" --heap gil --rounds 1 --out p",
            "/dev/null",
        ])
        .envs([("PROGRAM", env!("CARGO_BIN_EXE_gcstorm")), ("FILE", name)])
        .env("SHELL", "/bin/sh")
        .env_remove("NO_COLOR")
        .current_dir(place.path())
        .stdin(Stdio::null());
    let terminal = Done::from(terminal.output().expect("script starts")).code(0);
    let subjects = terminal.out.matches("a\\u{1b}]0;title\\u{7} on gil");
    assert!(subjects.count() >= 2, "{}", terminal.out);
    let missing = place
        .run(&format!("report {name}.json --color always"))
        .code(2);
    let missing = missing.warns("failed to read a\\u{1b}]0;title\\u{7}.toml.json");
    for text in [run.out, run.err, terminal.out, missing.out, missing.err] {
        assert!(
            !text.contains("\u{1b}]") && !text.contains("\u{1b}[2J"),
            "{text}"
        );
    }
}

/// Goal: with `--progress json` every line of standard error is an object with its kind and its time:
/// runs begin, go on and end, messages are told, and the last is the exit code.
#[test]
fn progress_is_told_as_json() {
    let place = Place::new();
    let events = |line: &str| {
        let done = place.run(&format!("{line} --progress json"));
        let lines = done.err.lines().map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).expect(line);
            assert!(event["unix_ms"].is_u64(), "{line}");
            event
        });
        let events: Vec<serde_json::Value> = lines.collect();
        let last = events.last().expect("it ended");
        let exit = done.code.map(Into::into);
        assert_eq!(
            (&last["event"], exit.as_ref()),
            (&"ends".into(), Some(&last["exit"]))
        );
        events
    };
    let of = |events: &[serde_json::Value], kind: &str| {
        let of_kind = events.iter().filter(|event| event["event"] == kind);
        of_kind.cloned().collect::<Vec<_>>()
    };
    let line = "run tangles --heap gil,lock-free --seed 1 --ops 6000 --fault edges-counted-once";
    let both = events(&format!("{line} --json - --out o"));
    let (begins, ends) = (of(&both, "run-begins"), of(&both, "run-ends"));
    assert_eq!((begins.len(), ends.len()), (2, 2), "{both:?}");
    let heap = "gil WITH PLANTED FAULT edges-counted-once";
    assert_eq!(
        (&begins[0]["heap"], &begins[1]["run"]),
        (&heap.into(), &2.into())
    );
    assert_eq!(ends[0]["verdict"], "violated");
    assert_eq!(
        of(&both, "message").last().map(|it| &it["level"]),
        Some(&"info".into())
    );
    // Where the machine is busy these may be vacuous.
    for (line, kind, field) in [
        (
            "run counter --duration 1s --heap gil --out p",
            "run-progress",
            "ops",
        ),
        (
            "soak counter --heap gil --budget 1s --round 100ms --out s",
            "soak-progress",
            "rounds",
        ),
        (
            "fuzz --heap gil --duration 3s --seed 1 --out f",
            "fuzz-progress",
            "cases",
        ),
    ] {
        let all = events(line);
        assert!(
            of(&all, kind).iter().any(|event| event[field].is_u64()),
            "{all:?}"
        );
    }
    let message = &of(&events("run counter --heap gill"), "message")[0];
    let text = message["text"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("error: unknown heap `gill`\nhelp: "),
        "{text}"
    );
    assert_eq!(message["level"], "error");
}
