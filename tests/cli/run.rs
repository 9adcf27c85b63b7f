//! Runs: what they come to on a good heap and on a bad one.

use std::path::Path;

use gcstorm::check::{Judgement, Verdict};
use gcstorm::result::{Outcome, RunResult};

use crate::children::LEAVES_EARLY;
use crate::harness::{Done, Place};

/// One thread that makes a list before it begins, and then only looks at it.
const SETUP: &str = r#"
summary = "a list and its reader"
[objects]
list = "list"
[limits]
live_objects = 20_000
[[threads]]
name = "reader"
setup = [{ op = "append-new", list = "list", times = 10_000 }]
loop = [{ op = "len", list = "list" }]
"#;

/// Goal: the heap under its lock holds, says so, and leaves a result that reads back as itself.
#[test]
fn gil_holds() {
    let place = Place::new();
    let done = place
        .run("run shared-list --heap gil --seed 7 --rounds 1 --out o -v")
        .code(0);
    let done = done
        .says("shared-list on gil: seed 7, 2 threads")
        .says("held: ")
        .says("append")
        .says("\nheap: live peak ");
    done.says("reproduce: gcstorm run shared-list --heap gil --seed 7 --rounds 1\n")
        .warns("results: o");
    let result = place.result("o/result.json");
    assert_eq!((result.verdict, result.seed), (Outcome::Held, 7));
    let examined: u64 = result.checks.iter().map(|check| check.examined).sum();
    assert!(examined > 100_000, "{examined}");
    let text = serde_json::to_string(&result).expect("it serializes");
    let again: RunResult = serde_json::from_str(&text).expect("it parses");
    assert_eq!(serde_json::to_string(&again).expect("it serializes"), text);
    let files = [
        "junit.xml",
        "latency.hlog",
        "report.html",
        "report.md",
        "result.json",
    ];
    let files = files.map(|name| Path::new("o").join(name));
    assert_eq!(place.files(), files, "no temporary file is left");
}

/// Goal: without its lock the heap is caught, on nearly every seed.
#[test]
fn racy_is_caught() {
    let place = Place::new();
    let line = "run churn --heap racy --duration 300ms -q";
    let codes: Vec<_> = (0..20)
        .map(|seed| {
            let done = place.run(&format!("{line} --seed {seed} --out {seed}"));
            done.code
        })
        .collect();
    let caught = codes.iter().filter(|code| **code == Some(1)).count();
    assert!(caught >= 19, "{codes:?}");
}

/// Goal: a heap that is known to be broken, or has a fault, and held, was not run for long enough, and
/// that is said; of a sound one nothing is.
#[test]
fn what_was_not_caught_is_said() {
    let place = Place::new();
    let said = "nothing was caught in ";
    let line = "run counter --rounds 1 --seed 1";
    // It shows in lists only.
    let done = place.run(&format!(
        "{line} --heap lock-free --fault trust-hint --out fault"
    ));
    done.code(0)
        .warns(said)
        .warns("WITH PLANTED FAULT trust-hint is broken on purpose");
    let sound = place.run(&format!("{line} --out sound")).code(0);
    assert!(!sound.err.contains(said), "{}", sound.err);
    for number in 0..5 {
        let done = place.run(&format!("{line} --heap racy --out {number}"));
        let (held, says) = (done.code == Some(0), done.err.contains(said));
        assert_eq!(held, says, "{}\n{}", done.out, done.err);
    }
}

/// Goal: several heaps run in turn on the same seed, each with its own file, and the worst exit
/// wins.
#[test]
fn heaps_are_compared() {
    let place = Place::new();
    let line = "run churn --heap gil --heap racy --seed 3 --duration 500ms --out o";
    let done = place.run(line).code(1);
    let done = done
        .says("churn on gil: seed 3")
        .says("churn on racy: seed 3");
    done.says("2 runs: 1 held, 1 violated")
        .says("workload  heap  verdict");
    assert_eq!(
        place.result("o/churn-gil-3/result.json").verdict,
        Outcome::Held
    );
    let racy = place.result("o/churn-racy-3/result.json");
    assert_eq!(racy.verdict, Outcome::Violated);
    let violated = |check: &Judgement| check.verdict == Verdict::Violated;
    assert!(racy.checks.iter().any(violated), "{:?}", racy.checks);
}

/// Goal: a split increment loses updates under the lock too, and the page says why.
#[test]
fn split_increments_are_explained() {
    let place = Place::new();
    let line = "run counter -D increment=split --duration 300ms --out o";
    let done = place.run(line).code(1);
    let done = done
        .says("violated: counter")
        .says("note on counter: ")
        .says("CPython before 3.10");
    done.says("-D increment=split --heap gil --seed ")
        .says(" --duration 300ms\n");
}

/// Goal: what a setup does is counted, and is in no rate: it was done before the time began that
/// rates are worked out of.
#[test]
fn setups_are_in_no_rate() {
    let place = Place::new();
    place.write("setup.toml", SETUP);
    let done = place
        .run("run setup.toml --heap gil --ops 1000 --out o -v")
        .code(0);
    done.says("1,000 operations in ")
        .says("after 20.0 k in the setup\n");
    let result = place.result("o/result.json");
    let rate = |kind: &str| result.ops[kind].per_second;
    assert_eq!((result.ops["append"].count, rate("append")), (10_000, 0.0));
    let expected = 1000.0 * 1e9 / result.elapsed_ns as f64;
    assert!((rate("len") / expected - 1.0).abs() < 1e-6, "{expected}");
    let achieved = result.counters["ops_per_second"];
    assert!(
        (achieved as f64 / expected - 1.0).abs() < 0.01,
        "{achieved}"
    );
}

/// Goal: a run that did not do what was required of it is not green.
#[test]
fn vacuous_runs_are_not_green() {
    let place = Place::new();
    let line = "run counter --rounds 1 --require collections>=1000000000 --out o";
    let done = place.run(line).code(3).says("vacuous: ");
    done.says("at least 1000000000 was required")
        .says("--require 'collections>=1000000000'");
    assert_eq!(place.result("o/result.json").verdict, Outcome::Vacuous);

    // No machine does as much; every machine does something.
    let line = "run counter --rounds 1 --require ops_per_second>=";
    let done = place.run(&format!("{line}1000000000000000 --out p"));
    done.code(3).says("ops_per_second is ");
    place.run(&format!("{line}1 --out q")).code(0);
}

/// Goal: times are shown when they were taken, and only then.
#[test]
fn timing_is_what_was_asked_for() {
    let place = Place::new();
    let timed = |which: &str| {
        let line = format!("run counter --rounds 2 --timing {which} --out {which} -v");
        let done = place.run(&line).code(0);
        let result = place.result(&format!("{which}/result.json"));
        let count = result.ops["add"]
            .service
            .as_ref()
            .map(gcstorm::evidence::Latency::count);
        (done.out, count.unwrap_or(0), result.ops["add"].count)
    };
    let (text, count, ops) = timed("every");
    assert_eq!(count, ops);
    assert!(text.contains("every operation is timed"), "{text}");
    let (text, count, ops) = timed("sampled");
    assert!((ops / 100..ops / 40).contains(&count), "{count} of {ops}");
    assert!(text.contains("one operation in 6"), "{text}");
    let (text, count, _) = timed("off");
    assert_eq!(count, 0);
    assert!(text.contains("no operation was timed"), "{text}");
}

/// Goal: surveys at pauses happen as often as asked, and `-v` shows them.
#[test]
fn verifies_at_pauses() {
    let place = Place::new();
    let line = "run counter --ops 200_000 --verify every=20_000 -v --out o";
    let done = place
        .run(line)
        .code(0)
        .says("survey")
        .says("pause")
        .says("teardown");
    done.says("thread")
        .says("incrementer-0")
        .says("parameters: batch=100000");
    let result = place.result("o/result.json");
    assert!(result.counters["surveys"] >= 4, "{:?}", result.counters);
    assert!(result.counters["add"] >= 200_000, "{:?}", result.counters);
}

/// Goal: `--threads` reaches the workload, and the line to reproduce says so.
#[test]
fn threads_are_set() {
    let place = Place::new();
    let done = place
        .run("run counter --threads 3 --rounds 1 --out o -v")
        .code(0);
    done.says("3 threads")
        .says("run counter --threads 3 --heap gil");
    assert_eq!(place.result("o/result.json").threads.len(), 3);
}

/// Goal: the line to reproduce is one that can be pasted, whatever the workload's file is called.
#[test]
fn reproduces_files_with_odd_names() {
    let place = Place::new();
    let text = gcstorm::workload::Workload::named("counter")
        .expect("it is there")
        .text()
        .to_owned();
    place.write("it's mine.toml", &text);
    let mut command = place.command("run --rounds 1 --seed 1 -v");
    let output = command.arg("it's mine.toml").output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("reproduce: "))
        .expect("a line");
    let pasted = line.replacen("gcstorm", env!("CARGO_BIN_EXE_gcstorm"), 1);
    let mut again = std::process::Command::new("sh");
    again.args(["-c", &pasted]).current_dir(place.path());
    let status = again.output().expect("a shell").status;
    assert!(status.success(), "{pasted}");
}

/// Goal: without a workload everything runs that can; what cannot is named.
#[test]
fn the_suite_runs_everything() {
    let place = Place::new();
    let done = place.run("run --heap gil --ops 20_000 -D batch=1000 --out o");
    // A budget so small may leave a workload's own requirements unmet; nothing may be violated.
    assert!(
        matches!(done.code, Some(0 | 3)),
        "{}\n{}",
        done.out,
        done.err
    );
    // All that is skipped takes one line, and all else is told of.
    let why = " on gil: no parameter `batch`";
    let line = done.out.lines().find_map(|line| {
        let line = line.strip_prefix("skipped: ")?;
        line.strip_suffix(why)
    });
    let skipped: Vec<&str> = line.expect(why).split(", ").collect();
    for workload in gcstorm::workload::embedded() {
        let is_run = done
            .out
            .contains(&format!("{} on gil: seed ", workload.name));
        assert_ne!(is_run, skipped.contains(&workload.name), "{}", done.out);
    }
    let done = place.run("run --heap gil --ops 2000 -D batch=1000 -q --out p");
    assert_eq!(done.err.matches("skipped: ").count(), 1, "{}", done.err);
}

/// Goal: a run that names no heap is on both that ship, side by side.
#[test]
fn both_heaps_by_default() {
    let place = Place::new();
    let mut command = place.command_as_is("run counter --rounds 1 -q --out o");
    let done = Done::from(command.output().expect("the command starts")).code(0);
    assert!(
        done.out.contains("on gil") && done.out.contains("on lock-free"),
        "{}",
        done.out
    );
}

/// Goal: whoever sees a run with a planted fault, in whatever form, sees that it has one.
#[test]
fn a_planted_fault_is_loud() {
    let place = Place::new();
    let line = "run churn --heap lock-free --ops 1000 --seed 5 --fault plain-set --out o";
    let loud = "churn on lock-free WITH PLANTED FAULT plain-set";
    place
        .run(line)
        .says(loud)
        .says("--seed 5 --ops 1000 --fault plain-set");
    assert_eq!(
        place.result("o/result.json").fault.as_deref(),
        Some("plain-set")
    );
    place.remove("o");
    place.run(&format!("{line} -q")).says(loud);
    place.remove("o");
    let several = line.replace("run churn", "run churn counter");
    place
        .run(&several)
        .says("lock-free WITH PLANTED FAULT plain-set  ");
}

/// Goal: a heap that ends the process, or never comes to an end, is a result like any other.
#[test]
fn lost_processes_are_results() {
    let place = Place::new();
    place.write("hang.toml", LEAVES_EARLY);
    let cases = [
        (
            "chain --rounds 1 --fault recursive-release",
            "crashed",
            Outcome::Crashed,
        ),
        (
            "hang.toml --rounds 3 --fault drop-request-kept --time-limit 1s",
            "hung",
            Outcome::Hung,
        ),
    ];
    for (line, word, outcome) in cases {
        let done = place
            .run(&format!("run {line} --heap gil --seed 1 --out o"))
            .code(5);
        done.says(&format!("{word}: the heap ")).says("reproduce: ");
        assert_eq!(place.result("o/result.json").verdict, outcome);
        place.remove("o");
    }
}

/// Goal: a heap that is full has not broken down, and is said to be full; an allocation that is
/// refused on purpose is survived, even if it is the first.
#[test]
fn a_full_heap_is_told_from_a_broken_one() {
    let place = Place::new();
    place.write(
        "rings.toml",
        "summary = \"a ring that does not fit\"\n[limits]\nlive_objects = 1000\n\
         [[threads]]\nname = \"a\"\nloop = [ { op = \"ring\", size = 1_000_000 } ]\n",
    );
    let line = "run rings.toml --heap gil --heap lock-free --rounds 1 --out full";
    let done = place.run(line).code(5);
    assert!(!done.out.contains("broke down"), "{}", done.out);
    done.says("crashed: the heap is full");
    let line = "run shared-list --heap gil --heap lock-free --rounds 1 --fail-alloc 1 --out first";
    place.run(line).code(0).says("held: ");
    // Nothing was refused, as in a heap that does not look at what it is put through.
    let line = "run counter --heap gil --ops 1000 --fail-alloc 1000000 --out none";
    let done = place.run(line).code(3);
    done.says("refused is 0, and at least 1 was required");
}

/// Goal: collections are forced as often as asked, an allocation is refused where it is asked,
/// threads are held up, and a sound heap holds all the same.
#[test]
fn stress_is_survived() {
    let place = Place::new();
    let line = "run tangles --heap gil --heap lock-free --ops 100_000 --seed 4 --out o";
    let done = place
        .run(&format!(
            "{line} -v --collect-every 500..700 --fail-alloc 1000 --delays"
        ))
        .code(0);
    done.says("--collect-every 500..700 --fail-alloc 1000 --delays\n");
    for heap in ["gil", "lock-free"] {
        let counters = place
            .result(&format!("o/tangles-{heap}-4/result.json"))
            .counters;
        assert!(
            (140..=200).contains(&counters["forced_collections"]),
            "{counters:?}"
        );
        assert_eq!(counters["refused"], 1, "{heap}");
    }
    place
        .run("run churn --ops 10_000 --delays=read,dying --out p -v")
        .code(0)
        .says("--delays=read,dying\n");
    place
        .run("run churn --delays=nowhere")
        .code(2)
        .warns("no point is called `nowhere`");
    place
        .run("run churn --heap racy --delays")
        .code(2)
        .warns("--delays cannot be used with racy");
}

/// Goal: a heap that is gone on with counts each run by itself, as a new one would, and comes to
/// the same.
#[test]
fn one_heap_does_for_several_runs() {
    for (workload, heap) in [
        ("churn", "gil"),
        ("cycles", "gil"),
        ("churn", "lock-free"),
        ("cycles", "lock-free"),
        ("finalizers", "lock-free"),
        ("thread-churn", "lock-free"),
    ] {
        let place = Place::new();
        let line = format!("run {workload} --heap {heap} --seed 5 --repeat 3 --ops 20000");
        // On a busy machine so few operations may never meet, which is vacuous and no harm here.
        for options in ["--out new", "--same-heap --out old"] {
            let done = place.run(&format!("{line} {options}"));
            assert!(matches!(done.code, Some(0 | 3)), "{done:?}");
        }
        let last = place.result(&format!("old/{workload}-{heap}-7/result.json"));
        assert!(last.reproduce.contains("--seed 5 "), "{}", last.reproduce);
        assert!(last.reproduce.ends_with(" --repeat 3 --same-heap"));
        for seed in 5..8 {
            let of = |out| place.result(&format!("{out}/{workload}-{heap}-{seed}/result.json"));
            let (new, old) = (of("new"), of("old"));
            assert!(new.ops.keys().eq(old.ops.keys()));
            // Under the lock it is a count of allocations that starts a collection. Without one
            // there is a thread that collects when it is its turn, so how often it did says
            // nothing.
            if heap == "gil" {
                let collections = |result: &RunResult| result.counters["collections"];
                assert!(collections(&old) <= 2 * collections(&new) + 2, "{line}");
            }
        }
    }
    let place = Place::new();
    let line = "run chain --heap gil --fault recursive-release --repeat 2 --same-heap";
    place.run(line).code(5).warns("its heap was lost");
}

/// Goal: results of two commands are not mixed: a directory that holds some is refused before
/// anything runs, with what to do, and what is in it stays as it is.
#[test]
fn a_used_directory_is_refused() {
    let place = Place::new();
    let line = "run counter --heap gil --heap lock-free --rounds 1 -q";
    place.run(&format!("{line} --seed 1 --out o")).code(0);
    let before = place.files();
    let done = place.run(&format!("{line} --seed 2 --out o")).code(2);
    done.warns("there are other results in o already: counter-")
        .warns("help: name another directory with --out DIR");
    assert_eq!(place.files(), before);
    place
        .run("run counter --rounds 1 -q --out o/counter-gil-1")
        .code(2)
        .warns("o/counter-gil-1 already: result.json");
    place.remove("o");
    place.write("o.txt", "");
    place.run("run counter --rounds 1 -q --out .").code(0);
}

/// Goal: where the system has no thread to give, that is said, and nothing is left behind.
#[test]
fn a_missing_thread_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    // The limit is not for root, who may be somebody else for as long.
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(place.path(), open).expect("it is ours");
    let program = place.path().join("gcstorm");
    std::fs::copy(env!("CARGO_BIN_EXE_gcstorm"), &program).expect("a copy");
    let run = "ulimit -u 20 && exec ./gcstorm run counter --heap gil --threads 64 --out o";
    let script = format!(
        "if [ $(id -u) = 0 ]; then exec setpriv --reuid 65534 --clear-groups bash -c '{run}'; \
         else {run}; fi"
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &script]).current_dir(place.path());
    let done = Done::from(command.output().expect("a shell"));
    if done.err.contains("setpriv: ") {
        return;
    }
    done.code(2)
        .warns("no thread could be started")
        .warns("help: use fewer threads");
    assert!(!place.path().join("o").exists());
}

/// Goal: more repetitions than anybody can wait for are refused at once, not planned one by one.
#[test]
fn endless_repetition_is_refused() {
    let place = Place::new();
    place
        .run("run counter --ops 10 --repeat 18446744073709551615")
        .code(2)
        .warns("--repeat is at most");
}
