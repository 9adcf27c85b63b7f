//! CPython as a heap: which interpreter a name means, and what becomes of one that misbehaves. Those are
//! scripts that say they are interpreters, so these tests need none; the rest use the system's own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use gcstorm::evidence::Ended;
use gcstorm::result::Outcome;

use crate::children::inhabitants;
use crate::harness::{Done, Place};
use crate::interrupt::{signal, wait_until};

/// What a sound interpreter says of itself.
const SOUND: &str = "implementation cpython\nversion 3 12 1\nrelease 3.12.1\nthreads";

/// Writes a script that says this of itself when it is asked, and does that when it is to run a program.
fn pretend(place: &Place, name: &str, says: &str, does: &str) {
    let says: String = says
        .lines()
        .map(|line| format!("echo gcstorm {line}\n"))
        .collect();
    let text = format!("#!/bin/sh\ncase \"$*\" in *--report*) ;; *)\n{says}exit;; esac\n{does}\n");
    place.write(name, &text);
    let path = place.path().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Runs a workload on the interpreter `./it`.
fn run(place: &Place, more: &str) -> Done {
    place.run(&format!(
        "run counter --heap python:./it --seed 7 --out o {more}"
    ))
}

/// How the interpreter of the run died.
fn death(place: &Place) -> String {
    match place.result("o/result.json").evidence.ended {
        Ended::Died { how } => how,
        ended => panic!("{ended:?}"),
    }
}

/// The system's interpreter, if it can run workloads; if not, the test says so and is over.
#[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
fn real() -> Option<&'static str> {
    let asked = Command::new("python3")
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 9))"])
        .status();
    match asked.is_ok_and(|status| status.success()) {
        true => Some("python"),
        false => {
            eprintln!("NOT TESTED: there is no python3 of at least 3.9");
            None
        }
    }
}

/// Goal: what is no CPython that can run workloads is refused before anything runs, with the reason.
#[test]
fn what_cannot_run_workloads_is_refused() {
    let place = Place::new();
    for (says, why) in [
        (SOUND.replace("3 12 1", "3 8 18"), "at least 3.9 is needed"),
        (
            SOUND.replace("cpython", "pypy"),
            "it is pypy, and no CPython",
        ),
        (SOUND.replace("threads", ""), "built without threads"),
        ("\nexit 1".to_owned(), "it is no Python"),
    ] {
        pretend(&place, "it", &says, "");
        run(&place, "").code(2).warns(why);
    }
    place.write("it", "#!/nowhere/python\n");
    run(&place, "").code(2).warns("it cannot be started");
    place
        .run("run counter --heap python:./none")
        .code(2)
        .warns("./none");
    let odd = place.run("run counter --heap python:there-is-none").code(2);
    odd.warns("there is no `there-is-none`");
    assert!(!place.path().join("o").exists(), "nothing was run");
}

/// Goal: a free-threaded build whose lock is on is not taken for one without.
#[test]
fn a_build_with_the_lock_on_is_not_called_free_threaded() {
    let place = Place::new();
    let says = SOUND.replace("3 12 1", "3 13 5") + "\nfree-threaded";
    pretend(&place, "python3.13t", &says, "exit 3");
    let on_path = |line: &str| {
        let mut command = place.command(line);
        let path = format!("{}:/usr/bin:/bin", place.path().display());
        command.env("PATH", path).env("HOME", place.path());
        command
            .env_remove("PYENV_ROOT")
            .env_remove("XDG_CACHE_HOME");
        Done::from(command.output().expect("it starts"))
    };
    let line = "run counter --heap python:3.13t --seed 7 --out o";
    on_path(line).code(2).warns("its lock is on");
    pretend(&place, "python3.13t", &(says + "\nwithout-lock"), "exit 3");
    on_path(line).code(5);
    assert!(death(&place).contains("exit status: 3"));
}

/// Goal: an interpreter that dies, and says why, is a verdict with its reason and stacks.
#[test]
fn one_that_dies_is_a_verdict() {
    let place = Place::new();
    let dies = "echo 'Fatal Python error: Segmentation fault' >&2\n\
                echo 'Thread 1 (most recent call first):' >&2\n\
                echo '{\"progress\": {\"ops\": 42, \"elapsed_ns\": 1000}}' >/dev/stdout\n\
                kill -SEGV $$";
    pretend(&place, "it", SOUND, dies);
    let done = run(&place, "").code(5);
    done.says("42 operations").says("stacks: ");
    let died = death(&place);
    assert!(
        died.contains("signal 11: Fatal Python error: Segmentation fault"),
        "{died}"
    );
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Crashed);
    assert!(place.path().join("o/program.py").is_file());
    let stacks = std::fs::read_to_string(place.path().join("o/stacks.txt"));
    assert!(stacks.expect("there are").contains("Thread 1"));
}

/// Goal: an interpreter that makes no progress is killed, and tells its stacks before; a report of no
/// progress is none.
#[test]
fn one_that_hangs_is_a_verdict() {
    let place = Place::new();
    let hangs = "trap 'echo \"Thread 1 (most recent call first):\" >&2' USR1\n\
                 while :; do echo '{\"progress\": {\"ops\": 1, \"elapsed_ns\": 1}}'; sleep 0.1; done";
    pretend(&place, "it", SOUND, hangs);
    let done = run(&place, "--time-limit 1s").code(5);
    done.says("made no progress for too long").says("stacks: ");
    let ended = place.result("o/result.json").evidence.ended;
    assert!(matches!(ended, Ended::Hung { .. }), "{ended:?}");
}

/// Goal: what the program does not report is not believed, and an interpreter that just ends has not
/// run anything.
#[test]
fn one_that_reports_rubbish_is_a_verdict() {
    for (does, told) in [
        ("echo rubbish; sleep 1000", "rubbish"),
        ("echo '{\"done\": 7}'", "its report makes no sense"),
        ("echo '{\"else\": {}}'", "what the program does not report"),
        ("exit 0", "ended without a result (exit status: 0)"),
        ("echo 'MemoryError' >&2; exit 1", "MemoryError"),
        ("kill -KILL $$", "no more memory"),
    ] {
        let place = Place::new();
        pretend(&place, "it", SOUND, does);
        run(&place, "").code(5);
        let died = death(&place);
        assert!(died.contains(told), "{died}");
    }
}

/// Goal: an interpreter does not outlive the command, however that ends.
#[test]
fn one_ends_with_the_command() {
    for isolate in ["yes", "no"] {
        let place = Place::new();
        pretend(
            &place,
            "it",
            SOUND,
            "echo $$ >pid.new; mv pid.new pid; exec sleep 1000",
        );
        let line = format!("run counter --heap python:./it --out o --isolate {isolate}");
        let mut command = place.command(&line);
        let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
        wait_until("it is there", || place.path().join("pid").exists());
        let pid = std::fs::read_to_string(place.path().join("pid")).expect("it is there");
        child.kill().expect("it is there");
        child.wait().expect("it has ended");
        let process = Path::new("/proc").join(pid.trim()).join("cwd");
        // The link of a process that has ended cannot be read, whether or not it was waited for.
        wait_until("it has ended", || process.read_link().is_err());
    }
}

/// Goal: what takes operations one by one is refused on an interpreter.
#[test]
fn cases_are_refused() {
    let place = Place::new();
    pretend(&place, "it", SOUND, "");
    for line in ["fuzz", "run counter --same-heap"] {
        let done = place.run(&format!("{line} --heap python:./it")).code(2);
        done.warns("runs whole workloads by itself");
    }
}

/// Goal: a real interpreter runs a workload and is judged; the result says which it was, and what it was
/// given to run stands beside it and runs by itself.
#[test]
fn a_real_one_runs_a_workload() {
    let Some(heap) = real() else { return };
    let place = Place::new();
    let line = format!("run shared-list -D batch=1000 --heap {heap} --seed 7 --ops 400000 --out o");
    place.run(&line).code(0).says("interpreter: CPython 3.");
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Held);
    assert!(
        result
            .interpreter
            .is_some_and(|it| !it.executable.is_empty())
    );
    let alone = Command::new("python3")
        .arg(place.path().join("o/program.py"))
        .output();
    let alone = Done::from(alone.expect("it starts")).code(0);
    alone.says("shared-list");
}

/// Goal: what a workload with one mutator does on an interpreter is what it does on another heap: the
/// same operations, objects, references, and elements in the same order.
#[test]
fn a_real_one_does_what_another_heap_does() {
    let Some(heap) = real() else { return };
    let place = Place::new();
    let workloads = ["cycles", "tangles", "graph", "thread-churn", "weakrefs"];
    let line = workloads.join(" ");
    place.run(&format!(
        "run {line} -D threads=1 --rounds 2 --seed 11 --heap gil --heap {heap} --timing off --out o"
    ));
    for workload in workloads {
        let done = |heap: &str| {
            let result = place.result(&format!("o/{workload}-{heap}-11/result.json"));
            let counts = result.ops.into_iter().map(|(kind, op)| (kind, op.count));
            let surveys = result.evidence.surveys.into_iter().map(|survey| {
                let lists = survey.lists.into_iter().filter(|list| list.len > 0);
                let made = |list: gcstorm::evidence::ListFacts| {
                    let of = |made: gcstorm::evidence::ProducerFacts| (made.found, made.last);
                    list.producers.into_iter().map(of).collect::<Vec<_>>()
                };
                let lists: Vec<_> = lists.map(made).collect();
                (survey.born, survey.reachable, survey.references, lists)
            });
            (counts.collect::<Vec<_>>(), surveys.collect::<Vec<_>>())
        };
        let (here, there) = (done(heap), done("gil"));
        assert!(here.0.iter().map(|(_, count)| count).sum::<u64>() > 1000);
        assert_eq!(here, there, "{workload}");
    }
}

/// Goal: a fault in the program of a real interpreter is caught by the check that is to catch it, also
/// one that ends the interpreter.
#[test]
fn faults_in_a_real_one_are_caught() {
    let Some(heap) = real() else { return };
    let place = Place::new();
    let faults = ["extra-reference", "addition-lost", "interpreter-killed"];
    let line = faults.map(|fault| format!(" --fault {fault}")).concat();
    let done = place
        .run(&format!("selftest --heap {heap} --seeds 1 --out o{line}"))
        .code(0);
    for fault in faults {
        done.out
            .lines()
            .find(|row| row.starts_with(fault))
            .expect("a row");
    }
    place.run("list faults").says("interpreter-killed");
}

/// Goal: Ctrl-C ends a real interpreter, and what there is by then is judged.
#[test]
fn a_real_one_is_interrupted() {
    let Some(heap) = real() else { return };
    let place = Place::new();
    let line = format!("run counter --heap {heap} --duration 1h --seed 7 --out o -v");
    let mut command = place.command(&line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    wait_until("its threads are there", || is_running(&place));
    signal(&child, "INT");
    let done = Done::from(child.wait_with_output().expect("it ends")).code(130);
    done.says("interrupted: ");
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Interrupted);
}

/// Whether a program is running in this place: an interpreter with more than one thread.
fn is_running(place: &Place) -> bool {
    let mut here = inhabitants(place).into_iter();
    here.any(|process| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
        String::from_utf8_lossy(&line).contains("--report")
            && tasks.is_ok_and(|tasks| tasks.count() > 2)
    })
}
