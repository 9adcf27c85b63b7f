//! What is refused, and how; and the commands that run nothing.

use crate::harness::Place;

const BUDGET: &str = "--rounds 1 --out o";

/// What is wrong with a workload that has two mistakes.
const SLIPS: &[&str] = &[
    "slip.toml:2:3\n",
    "before the threads",
    "`live_objects = 10_000`",
    "slip.toml:4:",
    "did you mean `alloc`",
    "slip.toml: 2 mistakes",
];

/// Goal: every slip is refused with exit code 2 and a way out, before anything runs.
#[test]
fn slips_are_refused() {
    let place = Place::new();
    place.write("bad.toml", "summary = \"x\"\nlimts = 1\n");
    place.write(
        "alone.toml",
        "summary = \"x\"\n[limits]\nlive_objects = 10\n[[threads]]\nname = \"a\"\nloop = [{ op = \"safepoint\" }]\n",
    );
    let cases: &[(&str, &[&str])] = &[
        (
            "run shared-lst",
            &[
                "unknown workload `shared-lst`",
                "did you mean `shared-list`",
            ],
        ),
        (
            "run counter --heap gill",
            &[
                "unknown heap `gill`",
                "did you mean `gil`",
                "./libmine.so",
                "python:",
            ],
        ),
        ("run counter -D incremnt=split", &["incremnt", "increment"]),
        ("run counter -D increment=spilt", &["spilt"]),
        ("run counter -D threads=0", &["threads"]),
        ("run counter -D increment", &["key=value"]),
        (
            "run counter --require adds>=1",
            &["unknown counter `adds`", "did you mean `add`"],
        ),
        ("run counter --require add", &["COUNTER>=N"]),
        ("run counter --threads 2 -D threads=2", &["given twice"]),
        (
            "run alone.toml --threads 2",
            &["`alone.toml` has no parameter `threads`"],
        ),
        ("rn counter", &["a similar subcommand exists: 'run'"]),
        ("run counter --rounds 1 --ops 5", &["cannot be used with"]),
        (
            "run counter --duration 1s --ops 5",
            &["cannot be used with"],
        ),
        ("run counter --duration 5", &["unit is missing"]),
        ("run counter --duration 0ms", &["at least 1ms"]),
        ("run counter --duration 1h30", &["unit is missing", "1h30m"]),
        ("soak --round 5x", &["unknown unit `x`"]),
        ("run counter --verify sometimes", &["every=N"]),
        ("run counter --timing always", &["sampled"]),
        ("run counter -q -v", &["cannot be used with"]),
        ("run no/such.toml", &["failed to read no/such.toml"]),
        ("run bad.toml", &["bad.toml:2:1", "limts", "limits"]),
        ("check bad.toml", &["bad.toml:2:1"]),
        ("runn", &["run"]),
        ("list nothing", &["workloads"]),
        ("", &["Usage"]),
    ];
    for (line, expected) in cases {
        is_refused(&place, line, expected);
    }
    assert_eq!(place.files().len(), 2, "nothing was written");
}

/// Goal: a duration that is negative or not there is refused as what it is.
#[test]
fn slips_in_durations_are_recognised() {
    let place = Place::new();
    let positive: &[&str] = &["a duration must be positive"];
    is_refused(&place, "run counter --duration -5s", positive);
    is_refused(&place, "soak counter --budget -1h", positive);
    let missing = &["a duration is missing", "write it as"];
    is_refused(&place, "run counter --duration --quiet", missing);
}

/// Goal: wherever a name is read, the one that was probably meant is offered; and all mistakes of a
/// workload are told, whether it is to be run or checked.
#[test]
fn slips_in_names_are_recognised() {
    let place = Place::new();
    place.write(
        "slip.toml",
        "summary = \"x\"\n[[threads]]\nname = \"a\"\nloop = [{ op = \"alocc\" }]\n",
    );
    let cases: &[(&str, &[&str])] = &[
        ("run counter --heap pyhton", &["did you mean `python`"]),
        ("run slip.toml", SLIPS),
        ("check slip.toml", SLIPS),
        (
            "run counter --heap gil --fault walk",
            &["are `walk-skips-root`, `walk-skips-edge`", "list faults"],
        ),
        ("run counter --delays=raed", &["did you mean `read`"]),
        ("run counter --rate 5,poison", &["did you mean `poisson`"]),
        (
            "run counter --require foo>=1",
            &["known are `alloc`, ", "`retries`"],
        ),
    ];
    for (line, expected) in cases {
        is_refused(&place, line, expected);
    }
    assert_eq!(place.files().len(), 1, "nothing was written");
}

/// Fails unless this command line is refused with these words.
fn is_refused(place: &Place, line: &str, expected: &[&str]) {
    let done = place.run(line).code(2);
    assert_eq!(done.out, "", "{line} prints no data");
    for words in expected {
        assert!(
            done.err.contains(words),
            "{line}: no {words:?} in:\n{}",
            done.err
        );
    }
}

/// Goal: who writes a value in another form than the one that is read is told which that is.
#[test]
fn other_forms_are_named() {
    let place = Place::new();
    for (line, words) in [
        (
            "run counter --seed -1",
            "a seed is a whole number from 0 to",
        ),
        ("run counter --heap gil,gill", "unknown heap `gill`"),
        (
            "run counter --delays read,dying",
            "help: write them behind `=`, as in --delays=read,dying",
        ),
        (
            "run --history counter",
            "`--history` alone stands for `--history=1000`",
        ),
        ("man rum", "did you mean `run`"),
    ] {
        let done = place.run(line).code(2).warns(words);
        assert_eq!(done.out, "", "{line} prints no data");
    }
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// Goal: what is wrong with the number of threads is shown as it was typed, in either form.
#[test]
fn threads_are_quoted_as_typed() {
    let place = Place::new();
    place.write(
        "alone.toml",
        "summary = \"x\"\n[limits]\nlive_objects = 10\n[[threads]]\nname = \"a\"\nloop = [{ op = \"safepoint\" }]\n",
    );
    for (line, words) in [
        (
            "run counter --threads 5000",
            "command line:1:11\n  |\n1 | --threads 5000\n  |           ^^^^",
        ),
        (
            "run counter -D threads=5000",
            "1 | -D threads=5000\n  |            ^^^^",
        ),
        ("soak counter --threads 5000", "1 | --threads 5000\n"),
        ("run alone.toml --threads 2", "run it without --threads"),
        ("run alone.toml -D threads=2", "run it without -D threads"),
        (
            "soak alone.toml --threads 2",
            "1 | --threads 2\n  |   ^^^^^^^",
        ),
    ] {
        is_refused(&place, line, &[words]);
    }
}

/// Goal: a build without a model checker refuses the schedules of one, and says how to get them.
#[test]
fn controlled_schedules_need_their_build() {
    let place = Place::new();
    place.write(
        "kept.case",
        "gcstorm-case 1\nheap gil\nschedule random 0.a2b\nseed 1\ncapacity 4\nroots 1\n\
         mutator m registers 1\n\nm alloc r0 leaf\n",
    );
    for line in ["fuzz --schedule pct", "replay kept.case"] {
        let done = place.run(line).code(2);
        for words in ["needs a model checker", "--cfg shuttle"] {
            assert!(done.err.contains(words), "{line}:\n{}", done.err);
        }
    }
    assert_eq!(place.files().len(), 1, "nothing was written");
}

/// Goal: one bad name among good ones stops everything before it starts.
#[test]
fn all_is_validated_first() {
    let place = Place::new();
    let done = place
        .run(&format!("run counter shared-lst {BUDGET}"))
        .code(2);
    assert_eq!(done.out, "");
    assert!(place.files().is_empty());
}

/// Goal: results that cannot be kept are found out before the run, not after it.
#[test]
fn unwritable_places_are_refused() {
    let place = Place::new();
    place.write("file", "");
    let cases = [
        (
            "run counter --rounds 1 --out file/below",
            "failed to keep results in file/below",
        ),
        (
            "run counter --rounds 1 --out file",
            "failed to keep results in file: it is a file, not a directory",
        ),
        (
            "run counter --rounds 1 --out /proc/gcstorm",
            "failed to keep results in /proc",
        ),
        (
            "run counter --rounds 1 --json no/such/dir.json",
            "failed to write no/such/dir.json",
        ),
        ("run counter --rounds 1 --json .", "failed to write ."),
    ];
    for (line, words) in cases {
        let done = place.run(line).code(2).warns(words);
        assert_eq!(done.out, "", "{line}");
    }
}

/// Goal: lists name everything that the other commands accept.
#[test]
fn lists_name_things() {
    let place = Place::new();
    place
        .run("list heaps")
        .code(0)
        .says("gil")
        .says("(default)")
        .says("racy");
    let workloads = place.run("list workloads").code(0);
    for workload in gcstorm::workload::embedded() {
        assert!(workloads.out.contains(workload.name), "{}", workloads.out);
    }
    let long = place.run("list workloads -v").code(0).out;
    let unwrapped = long.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        unwrapped.contains("whole or split; default whole"),
        "{long}"
    );
    let ops = place.run("list ops").code(0);
    let counters = place.run("list counters").code(0);
    for form in gcstorm::workload::FORMS {
        assert!(ops.out.contains(&format!("{} ", form.name)), "{}", ops.out);
    }
    for name in gcstorm::workload::counter_names() {
        assert!(
            counters.out.contains(&format!("{name} ")),
            "{}",
            counters.out
        );
    }
    for (listed, words) in [
        (
            &ops,
            "pop moves a list's last element into `dst`; keys: dst list; needs lists",
        ),
        (
            &ops,
            "[mailbox]; needs finalizers; may need lists, counters, shared roots",
        ),
        (&counters, "write operations: `write-back`; every heap"),
        (
            &counters,
            "switches times that a global lock changed hands; gil retries",
        ),
    ] {
        let unwrapped = listed.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(words), "{unwrapped}");
    }
    let checks = place.run("list checks").code(0);
    for check in &gcstorm::check::ALL {
        assert!(checks.out.contains(check.name), "{}", checks.out);
    }
}

/// Goal: several heaps are named with commas or as `all`, each of them once, and a soak knows its
/// duration by the name that other commands have for it.
#[test]
fn usual_spellings_are_understood() {
    let place = Place::new();
    for (heaps, runs) in [("gil,racy --heap gil", "2 runs"), ("all", "3 runs: ")] {
        let line = format!(
            "run counter --ops 100 --heap {heaps} --seed 1 --out {}",
            &heaps[..3]
        );
        place.run(&line).says(runs);
    }
    let line = "soak counter --duration 200ms --round 100ms --heap gil,lock-free --out s";
    // So short a round may be vacuous, and on a busy machine a round may come too late.
    let done = place.run(line);
    for heap in ["counter on gil", "counter on lock-free"] {
        let is_there = |words: &str| done.out.contains(words);
        assert!(is_there(heap) || is_there("had no round"), "{}", done.out);
    }
}

/// Goal: `check` accepts good workloads by name and by path, and tells bad ones from them.
#[test]
fn checks_workloads() {
    let place = Place::new();
    place.write("mine.toml", gcstorm::workload::embedded()[0].text);
    place
        .run("check counter mine.toml")
        .code(0)
        .says("ok  counter")
        .says("ok  mine.toml");
    place.write("broken.toml", "summary = 1");
    let mixed = place.run("check broken.toml counter").code(2);
    mixed.says("ok  counter").warns("broken.toml:1");
    place.write("many.toml", "sumary = 1\n[limits]\nlive = 2\n");
    let many = place.run("check many.toml").code(2);
    for words in [
        "many.toml:1:1",
        "many.toml:3:1",
        "needs `threads`",
        "toml: 5 mistakes\n",
    ] {
        assert!(many.err.contains(words), "{}", many.err);
    }
}

/// Goal: help, version, completions and the manual page are data, and name the commands.
#[test]
fn explains_itself() {
    let place = Place::new();
    place
        .run("--help")
        .code(0)
        .says("Exit codes")
        .says("  4    regression: ")
        .says("completions");
    place
        .run("run --help")
        .code(0)
        .says("--switch-interval")
        .says("Exit codes");
    place
        .run("--version")
        .code(0)
        .says(concat!("gcstorm ", env!("CARGO_PKG_VERSION")));
    place.run("completions bash").code(0).says("_gcstorm");
    place
        .run("completions zsh")
        .code(0)
        .says("#compdef gcstorm");
    for (line, words) in [
        ("man", ["TH gcstorm 1", "  4    regression: "]),
        ("man run", ["TH gcstorm-run 1", "slow\\-collection"]),
        ("help run", ["What to run:", "--slow-collection"]),
    ] {
        let done = place.run(line).code(0);
        for words in words {
            assert!(done.out.contains(words), "{line}: {words} in\n{}", done.out);
        }
    }
    place.run("man --out man").code(0);
    assert!(place.path().join("man/gcstorm-soak.1").is_file());
}

/// Goal: a time limit is refused if progress is reported less often than that.
#[test]
fn a_limit_is_longer_than_a_report_takes() {
    let place = Place::new();
    for command in ["run counter", "selftest", "fuzz"] {
        let done = place.run(&format!("{command} --time-limit 999ms --out o"));
        done.code(2).warns("a time limit is at least 1s");
    }
}

/// Goal: a time limit that nothing would keep is refused before anything runs.
#[test]
fn a_limit_needs_a_process() {
    let place = Place::new();
    let line = "run counter --ops 100 --isolate no --time-limit 1s --out o";
    place
        .run(line)
        .code(2)
        .warns("`--time-limit` is for runs in processes of their own")
        .warns("leave out `--isolate no`");
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// Goal: a fault that nobody knows, or that a heap cannot have, is refused before anything runs.
#[test]
fn faults_are_checked() {
    let place = Place::new();
    let cases = [
        (
            "--heap lock-free --fault plainset",
            "did you mean `plain-set`?",
        ),
        (
            "--heap gil --fault plain-set",
            "`plain-set` cannot be planted in gil\nhelp: it can in lock-free: name heaps with --heap",
        ),
        (
            "--heap gil --heap lock-free --heap racy --fault plain-set",
            "`plain-set` cannot be planted in gil, nor in racy",
        ),
    ];
    for (options, words) in cases {
        place
            .run(&format!("run churn {options}"))
            .code(2)
            .warns(words);
    }
    place.run("list faults").code(0).says("plain-set");
}
