//! Profiles in a gcstorm.toml, as their users meet them.

use crate::harness::{Done, Place};

/// Two profiles beside a default one, and a workload of its own.
const FILE: &str = r#"
[profile.default]
heaps = ["gil"]
workloads = ["my counter.toml"]

[profile.short]
duration = "1s"
parameters = { threads = 3, batch = 10 }
require = ["add>=1", "rounds>=1"]
run = { ops = 2000, delays = true }

[profile.other]
fuzz = { cases = 5, seed = 7 }
soak = { budget = "1s", round = "100ms", heaps = ["lock-free"] }
"#;

/// A place with that file, and a directory two levels below it.
fn place() -> Place {
    let place = Place::new();
    place.write("gcstorm.toml", FILE);
    let counter = gcstorm::workload::Workload::named("counter").expect("it is there");
    place.write("my counter.toml", counter.text());
    std::fs::create_dir_all(place.path().join("a/b")).expect("a directory");
    place
}

/// Runs exactly this two levels below the file.
fn below(place: &Place, line: &str) -> Done {
    let mut command = place.command_as_is(line);
    command.current_dir(place.path().join("a/b"));
    Done::from(command.output().expect("it starts"))
}

/// Goal: a profile is found from below, completes the command line by what is said for the command
/// before what is said for all and before the default, and is named in the output and in the result,
/// whose line to reproduce does the same wherever it is pasted.
#[test]
fn a_profile_completes_the_command_line() {
    let place = place();
    let done = below(&place, "run --profile short --seed 5 --out o -v").code(0);
    done.warns(
        "profile: short (../../gcstorm.toml): --ops=2000 --delays -Dthreads=3 -Dbatch=10 \
         '--require=add>=1' '--require=rounds>=1' --heap=gil '../../my counter.toml'\n",
    );
    let result = place.result("a/b/o/result.json");
    let profile = result.profile.clone().expect("a profile");
    assert_eq!(profile.name, "short");
    assert_eq!(profile.file.as_deref(), Some("../../gcstorm.toml"));
    assert_eq!(
        result.reproduce,
        "gcstorm run '../../my counter.toml' -D threads=3 -D batch=10 --heap gil --seed 5 --ops 2000 \
         --require 'add>=1' --require 'rounds>=1' --delays --profile none"
    );
    let line = result
        .reproduce
        .replace("my counter", "my_counter")
        .replace(['\''], "");
    let from = place.path().join("my counter.toml");
    std::fs::copy(from, place.path().join("my_counter.toml")).expect("a copy");
    let line = line.strip_prefix("gcstorm ").expect("its name");
    below(&place, &format!("{line} --out p")).code(0);
    let again = place.result("a/b/p/result.json");
    assert_eq!(again.workload.parameters, result.workload.parameters);
    assert_eq!(again.require, result.require);
    assert_eq!(again.profile, None);
}

/// Goal: what stands on the command line wins, option by option and parameter by parameter, also over
/// what does not go with it.
#[test]
fn the_command_line_wins() {
    let place = place();
    for (number, (line, expected)) in [
        (
            "--duration 50ms",
            "--duration 50ms --require 'add>=1' --require 'rounds>=1' --delays",
        ),
        (
            "--threads 2 -D batch=5",
            "-D batch=5 --threads 2 --heap gil",
        ),
        (
            "--require add>=2 --delays=read",
            "--require 'rounds>=1' --require 'add>=2' --delays=read",
        ),
        (
            "counter --heap lock-free",
            "run counter -D threads=3 -D batch=10 --heap lock-free",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("a/b/{number}/result.json");
        let done = below(
            &place,
            &format!("run --profile short --out {number} {line}"),
        );
        assert!(
            done.code.is_some_and(|code| code == 0 || code == 3),
            "{done:?}"
        );
        let reproduce = place.result(&out).reproduce;
        assert!(
            reproduce.contains(expected),
            "{line}: no {expected:?} in {reproduce}"
        );
        assert_eq!(reproduce.matches("threads").count(), 1, "{reproduce}");
        assert_eq!(reproduce.matches("--heap").count(), 1, "{reproduce}");
    }
}

/// Goal: without a word the default profile is taken, by `fuzz` and `soak` as by `run`; `none` takes
/// none, the environment names one, those that come with the program are there, and all are listed.
#[test]
fn profiles_are_chosen() {
    let place = place();
    let done = below(&place, "fuzz --cases 1 --seed 3")
        .code(0)
        .says("gil steps seed 3: 1 program");
    let page = "report: reports/failures/report.html\n";
    let chosen = format!("profile: default (../../gcstorm.toml)\n{page}");
    assert_eq!(done.err, chosen);
    let done = below(&place, "fuzz --cases 1 --profile none --heap lock-free").code(0);
    assert_eq!(done.err, page);
    let mut command = place.command_as_is("fuzz --json f.json");
    command.env("GCSTORM_PROFILE", "other");
    let done = Done::from(command.output().expect("it starts")).code(0);
    done.says("gil steps seed 7: 5 programs")
        .warns("profile: other (gcstorm.toml)");
    let json = std::fs::read_to_string(place.path().join("f.json")).expect("it is there");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["profile"]["name"], "other");

    let done = below(&place, "soak counter --profile other --out s").code(0);
    done.says("lock-free").warns("profile: other");
    let journal = std::fs::read_to_string(place.path().join("a/b/s/journal")).expect("a journal");
    assert!(
        journal.contains(r#""profile":{"name":"other","#),
        "{journal}"
    );
    below(&place, "soak --resume s --budget 1ms").code(0);

    // A profile may be called like a command.
    place.write(
        "a/gcstorm.toml",
        "[profile.run]\nquiet = true\n[profile.fuzz]\ncases = 2\n",
    );
    let done = below(&place, "--profile fuzz --color never fuzz --heap gil").code(0);
    done.says("2 programs")
        .warns("profile: fuzz (../gcstorm.toml)");
    std::fs::remove_file(place.path().join("a/gcstorm.toml")).expect("it was there");

    let own = Place::new();
    let done = own.run("run counter --profile quick --ops 2000 --out o");
    done.warns("profile: quick (gcstorm's own)");
    assert!(
        own.result("o/result.json")
            .reproduce
            .ends_with("--time-limit 10s")
    );
    let listed = below(&place, "list profiles")
        .code(0)
        .says("run.ops = 2000");
    listed
        .says("nightly")
        .says("(../../gcstorm.toml) heaps = [\"gil\"]");
}

/// Goal: whatever is wrong in the file, or in the choice of a profile, is refused with its place and a
/// way out before anything runs.
#[test]
fn mistakes_are_refused() {
    let place = Place::new();
    let one = |setting: &str| format!("[profile.default]\n{setting}\n");
    for (text, place_of_it, words) in [
        (one("duraton = \"1s\""), "2:1", "did you mean `duration`"),
        (
            one("lenght = \"1s\""),
            "2:1",
            "`gcstorm help run` has all of them",
        ),
        (one("duration = \"5\""), "2:12", "a unit is missing"),
        (
            one("duration = \"1s\"\nops = 5"),
            "3:1",
            "'--duration <TIME>' cannot be used with",
        ),
        (
            one("heaps = [\"gil\", \"gill\"]"),
            "2:17",
            "did you mean `gil`",
        ),
        (
            one("workloads = [\"churm\"]"),
            "2:14",
            "did you mean `churn`",
        ),
        (
            one("run = { timing = \"often\" }"),
            "2:18",
            "possible values: every, sampled, off",
        ),
        (one("require = [\"adds>=1\"]"), "2:12", "did you mean `add`"),
        (
            one("run.cases = 4"),
            "2:5",
            "unknown option of `run` `cases`",
        ),
        (one("threads = [1, 2]"), "2:11", "`threads` takes one value"),
        (one("same-heap = 3"), "2:13", "`same-heap` is true or false"),
        (one("rate = true"), "2:8", "`rate` takes a value"),
        (
            one("parameters = { a = [] }"),
            "2:20",
            "cannot be the value",
        ),
        (one("profile = \"x\""), "2:1", "unknown option `profile`"),
        ("[profiles.a]\n".to_owned(), "1:2", "did you mean `profile`"),
        ("profile = 3\n".to_owned(), "1:11", "a profile is a table"),
        ("[profile.a\n".to_owned(), "1:11", "unclosed table"),
    ] {
        place.write("gcstorm.toml", &text);
        let mut command = place.command_as_is("run --out o");
        let done = Done::from(command.output().expect("it starts")).code(2);
        let done = done
            .warns(&format!("gcstorm.toml:{place_of_it}"))
            .warns(words);
        assert_eq!(done.out, "", "{text}");
    }
    place.write("gcstorm.toml", "[profile.other]\n");
    for (line, words) in [
        ("run --profile othr", "did you mean `other`"),
        ("report o --profile other", "`report` takes no profile"),
    ] {
        place.run(line).code(2).warns(words);
    }
    assert_eq!(place.files().len(), 1);
}

/// Goal: of several mistakes in a file all are told, each with its place.
#[test]
fn several_mistakes_are_all_told() {
    let place = Place::new();
    let two = "[profile.default]\nduration = \"5\"\nheaps = [\"gill\", \"gil\"]\n[profile.b]\nduraton = \"1s\"\n";
    place.write("gcstorm.toml", two);
    let mut command = place.command_as_is("run --out o");
    let done = Done::from(command.output().expect("it starts")).code(2);
    done.warns("gcstorm.toml:2:12")
        .warns("gcstorm.toml:3:10")
        .warns("gcstorm.toml:5:1")
        .warns("gcstorm.toml: 3 mistakes");
}

/// One mistake a line, in three profiles.
const ALL_WRONG: &str = r#"[profiles.a]

[profile.default]
heaps = ["gil", "gill"]
duraton = "1s"
run = 3
same-heap = "yes"

[profile.other]
workloads = ["churm", "no/such.toml"]
require = ["adds>=1"]
time-limit = 1979-05-27
soak = { round = "5x", fault = "plainset" }

[profile.third]
ops = 5
rounds = 1
selftest = { without-check = "poisn", faults = ["plain-set"] }
"#;

/// Goal: all that is wrong in a file is told at once, also in profiles that are not asked for, each
/// with its place and a way out, whether the file is checked or used; and a good file is told so.
#[test]
fn all_mistakes_of_a_file_are_told() {
    let place = Place::new();
    place.write("gcstorm.toml", ALL_WRONG);
    for line in ["check gcstorm.toml", "run --out o", "list profiles"] {
        let done = Done::from(place.command_as_is(line).output().expect("it starts"));
        let done = done.code(2);
        for (place_of_it, words) in [
            ("1:2", "did you mean `profile`"),
            ("4:17", "did you mean `gil`"),
            ("5:1", "did you mean `duration`"),
            ("6:7", "what is set for `run` alone is a table"),
            ("7:13", "`same-heap` is true or false"),
            ("10:14", "did you mean `churn`"),
            ("10:23", "failed to read no/such.toml"),
            ("11:12", "did you mean `add`"),
            ("12:14", "this cannot be the value of an option"),
            ("13:18", "unknown unit `x`"),
            ("13:24", "unknown option of `soak` `fault`"),
            ("17:1", "cannot be used with"),
            ("18:30", "did you mean `poison`"),
        ] {
            let (place_of_it, words) = (format!("gcstorm.toml:{place_of_it}\n"), &[words]);
            assert!(done.err.contains(&place_of_it), "{place_of_it} {done:?}");
            assert!(done.err.contains(words[0]), "{words:?} {done:?}");
        }
        done.warns("gcstorm.toml: 13 mistakes\n");
    }
    place.write(
        "gcstorm.toml",
        "[profile.a]\nheaps = [\"gil\"\n[profile.b]\nx = 1\n",
    );
    let done = place.run("check gcstorm.toml").code(2);
    done.warns("gcstorm.toml:3:1");
    std::fs::create_dir(place.path().join("below")).expect("a directory");
    place.write(
        "below/gcstorm.toml",
        "[profile.a]\nheaps = [\"gil\"]\n[profile.b]\n",
    );
    let done = place.run("check below/gcstorm.toml counter").code(0);
    done.says("ok  below/gcstorm.toml: profiles: a, b\n")
        .says("ok  counter: ");
    place
        .run("check no/gcstorm.toml")
        .code(2)
        .warns("failed to read no/gcstorm.toml");
}
