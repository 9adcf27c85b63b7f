//! Duels of two builds, as their users meet them. The builds are scripts around the program.

use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use crate::harness::{Done, Place};

/// Writes a build: the program, and what the script does besides.
fn build(place: &Place, name: &str, before: &str, after: &str) {
    let program = env!("CARGO_BIN_EXE_gcstorm");
    let script = format!("#!/bin/sh\n{before}\n'{program}' \"$@\"\ncode=$?\n{after}\nexit $code\n");
    place.write(name, &script);
    let path = place.path().join(name);
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, all).expect("it is ours");
}

/// What makes a build report times that are a thousand times as long: the last argument but none is
/// where its result is.
const SLOWER: &str = r#"for last; do :; done
sed -i 's/"elapsed_ns": \([0-9]*\)/"elapsed_ns": \1000/' "$last/result.json""#;

const SHORT: &str = "churn --heap gil --ops 2000 --seed 5 --repeat 8 --out o";

/// Goal: both builds run the same seeds in turns A B B A, and what is said of them is what `compare`
/// says of the results that they leave; a slower one is a regression.
#[test]
fn two_builds_take_turns() {
    let place = Place::new();
    build(&place, "old", "", "");
    build(&place, "new", "", SLOWER);
    let done = place
        .run(&format!("duel ./old ./new {SHORT} --json d.json"))
        .code(4);
    let done = done
        .says("regression: throughput of churn on gil")
        .says("8 runs against 8");
    done.warns("results: o\n")
        .warns("compare again: gcstorm compare o/base o/new\n");
    let result = |side: &str, pair: u32| format!("o/{side}/{pair}/result.json");
    let written = |side: &str, pair: u32| -> SystemTime {
        let facts = std::fs::metadata(place.path().join(result(side, pair))).expect("a result");
        facts.modified().expect("a time")
    };
    let turns = [
        ("base", 0),
        ("new", 0),
        ("new", 1),
        ("base", 1),
        ("base", 2),
        ("new", 2),
    ];
    assert!(turns.map(|(side, pair)| written(side, pair)).is_sorted());
    for pair in 0..8 {
        let [base, new] = ["base", "new"].map(|side| place.result(&result(side, pair)));
        assert_eq!(
            (base.seed, new.seed),
            (5 + u64::from(pair), 5 + u64::from(pair))
        );
    }
    place.run("compare o/base o/new --json c.json").code(4);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).expect("a comparison");
    assert_eq!(read("c.json"), read("d.json"));
    place
        .run(&format!("duel ./old ./new {SHORT}"))
        .code(2)
        .warns("other results in o/base");
}

/// Goal: limits are those of `compare`, options of `run` reach both builds, and a profile of the
/// directory is asked once and not by each build.
#[test]
fn options_reach_both_builds() {
    let place = Place::new();
    let told = r#"echo "$GCSTORM_PROFILE $@" >> words"#;
    build(&place, "old", told, "");
    build(&place, "new", told, SLOWER);
    let profile = "[profile.default]\nheaps = [\"gil\"]\nrun = { verify = \"every=500\" }\n";
    place.write("gcstorm.toml", profile);
    let line =
        "duel ./old ./new churn -D batch=100 --ops 1000 --seed 5 --repeat 1 --delays --out o";
    place.run(line).code(3).says("not enough runs");
    let words = std::fs::read_to_string(place.path().join("words")).expect("words");
    let line = |side| {
        format!(
            "none run --verify=every=500 --heap=gil churn -Dbatch=100 --ops=1000 --delays=all --quiet --seed \
             5 --out {}/o/{side}/0",
            place.path().display()
        )
    };
    let mut lines: Vec<&str> = words.lines().collect();
    lines.sort_unstable();
    for (found, side) in lines.iter().zip(["base", "new"]) {
        let sorted = |text: &str| {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.sort_unstable();
            words.join(" ")
        };
        assert_eq!(sorted(found), sorted(&line(side)));
    }
    assert_eq!(lines.len(), 2);
    let line = "duel ./old ./new counter --ops 500 --repeat 8 --max-regression off --out p";
    place.run(line).code(0).says("no regression");
}

/// Goal: a build that fails ends the duel, by name, with what it said and its own kind of exit code.
#[test]
fn a_build_that_fails_ends_the_duel() {
    let place = Place::new();
    build(&place, "old", "", "");
    for (number, (script, code, words)) in [
        (
            "echo violated: all; exit 1",
            1,
            "the new build violated a check (exit status: 1)",
        ),
        ("echo no such option >&2; exit 2", 2, "no such option"),
        ("exit 5", 5, "the new build crashed or hung"),
        ("kill -9 $$", 5, "the new build crashed or hung (signal: 9"),
        ("exit 130", 130, "compare again: "),
    ]
    .into_iter()
    .enumerate()
    {
        build(&place, "new", script, "");
        let line = "churn --heap gil --ops 500 --repeat 2";
        let done = place.run(&format!("duel ./old ./new {line} --out {number}"));
        done.code(code).warns(words);
        assert!(
            place
                .path()
                .join(format!("{number}/base/0/result.json"))
                .is_file()
        );
        assert!(!place.path().join(format!("{number}/base/1")).exists());
    }
    let line = "duel ./old ./old churn --same-heap";
    place
        .run(line)
        .code(2)
        .warns("each is a process of its own");
    place
        .run("duel ./old ./nowhere churn")
        .code(2)
        .warns("there is no program and no library ./nowhere");
    place
        .run("duel ./old /bin/true churn --heap gil --ops 500 --out true")
        .code(2)
        .warns("true does not seem to be a gcstorm program");
}

/// Goal: a word without a slash is what a shell would start, unless there is such a file here; two copies
/// of one build are said to be the same; and a build may be a script that goes elsewhere.
#[test]
fn builds_are_found_as_a_shell_finds_them() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("bin")).expect("there is room");
    build(&place, "bin/old", "cd /", "");
    build(&place, "bin/new", "cd /", "");
    let line = "duel old new churn --heap gil --ops 500 --repeat 1 --out o";
    let system = std::env::var("PATH").expect("a path");
    let path = format!("{}:{system}", place.path().join("bin").display());
    let output = place.command(line).env("PATH", path).output();
    let done = Done::from(output.expect("the program starts")).code(3);
    done.warns("base and new are the same file, or copies");
    assert_eq!(place.result("o/new/0/result.json").heap, "gil");
    place
        .run(line)
        .code(2)
        .warns("there is no program and no library old");
}
