//! Ctrl-C and its kin.

use std::io::{PipeWriter, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use gcstorm::result::Outcome;

use crate::children::inhabitants;
use crate::harness::{Done, Place};

/// Starts a run that would last an hour, and waits until its mutators are there.
fn started(place: &Place, line: &str, stdout: impl Into<Stdio>) -> Child {
    begun(place, &mut place.command(line), stdout)
}

/// The numbers of the processes in this place that have a mutator of this name.
pub(crate) fn with_mutator(place: &Place, mutator: &str) -> Vec<String> {
    let has_mutator = |process: &String| {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
        let mut tasks = tasks.into_iter().flatten().flatten();
        tasks.any(|task| {
            let name = std::fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name.starts_with(mutator))
        })
    };
    let mut processes = inhabitants(place);
    processes.retain(has_mutator);
    processes
}

/// Starts a command, and waits until its mutators are there.
fn begun(place: &Place, command: &mut Command, stdout: impl Into<Stdio>) -> Child {
    let command = command.stdout(stdout).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    while with_mutator(place, "appender-0").is_empty() {
        let ended = child.try_wait().expect("it can be waited for");
        assert!(
            ended.is_none(),
            "it ended before its mutators came: {ended:?}"
        );
        std::thread::yield_now();
    }
    child
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(status.expect("kill is there").success());
}

/// Goal: a signal ends the run, what there is is judged and written, and nothing else is started.
#[test]
fn ends_the_run() {
    for name in ["INT", "TERM", "HUP"] {
        let place = Place::new();
        let line = "run shared-list counter --duration 1h30m --seed 7 --out o --heap gil";
        // Whoever runs the tests may ignore SIGHUP, as `nohup` does, and children inherit that.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_gcstorm")])
            .args(line.split(' '))
            .current_dir(place.path());
        let child = begun(&place, &mut command, Stdio::piped());
        signal(&child, name);
        let done = Done::from(child.wait_with_output().expect("it ends")).code(130);
        done.says("interrupted: ")
            .says("not started")
            .says(" run shared-list --heap gil --seed 7");
        let result = place.result("o/shared-list-gil-7/result.json");
        assert_eq!(result.verdict, Outcome::Interrupted);
        // The result, its log, and the report of both in three formats.
        assert_eq!(place.files().len(), 5, "{:?}", place.files());
    }
}

/// Goal: who wants a run in the process of the command has it there, and a signal ends it as well.
#[test]
fn a_run_may_be_in_this_process() {
    for (isolate, is_here) in [("no", true), ("yes", false)] {
        let place = Place::new();
        let line = format!("run shared-list --duration 1h --isolate {isolate} --out o");
        let child = started(&place, &line, Stdio::piped());
        let here = child.id().to_string();
        assert_eq!(with_mutator(&place, "appender-0") == [here], is_here);
        signal(&child, "TERM");
        Done::from(child.wait_with_output().expect("it ends")).code(130);
        assert_eq!(place.result("o/result.json").verdict, Outcome::Interrupted);
    }
}

/// Goal: a closed terminal does not end a run that was started with `nohup`.
#[test]
fn nohup_is_heeded() {
    let place = Place::new();
    let line = "run shared-list --duration 1h --seed 7 --out o --heap gil";
    let program = env!("CARGO_BIN_EXE_gcstorm");
    let mut shell = Command::new("sh");
    let script = format!("trap '' HUP; exec {program} {line}");
    shell.args(["-c", &script]).current_dir(place.path());
    let child = begun(&place, &mut shell, Stdio::piped());
    signal(&child, "HUP");
    // If the first counted, this would be the second, which ends the program without results.
    signal(&child, "TERM");
    Done::from(child.wait_with_output().expect("it ends")).code(130);
    assert_eq!(place.result("o/result.json").verdict, Outcome::Interrupted);
}

/// Goal: a collection that is slow for hours does not keep an interrupted run from its end.
#[test]
fn a_slow_collection_is_interrupted() {
    for heap in ["gil", "lock-free"] {
        let place = Place::new();
        let line =
            format!("run shared-list --heap {heap} --slow-collection 8h --duration 1h --out o");
        let child = started(&place, &line, Stdio::piped());
        signal(&child, "INT");
        let done = Done::from(child.wait_with_output().expect("it ends")).code(130);
        done.says("interrupted: ").says("--slow-collection 8h");
    }
}

/// Goal: two commands do not write their results to one directory.
#[test]
fn a_directory_belongs_to_one_command() {
    let place = Place::new();
    let line = "run shared-list --duration 1h --out o";
    let child = started(&place, line, Stdio::piped());
    let done = place.run("run counter --rounds 1 --out o").code(2);
    done.warns("another command writes its results to o");
    signal(&child, "TERM");
    Done::from(child.wait_with_output().expect("it ends")).code(130);
    let result = place.result("o/result.json");
    assert_eq!(result.workload.name, "shared-list");
}

/// Goal: signals that come at the same time are one, as `timeout` sends them: the run is ended, and
/// its result is kept.
#[test]
fn signals_at_a_time_are_one() {
    let place = Place::new();
    let line = "run shared-list --duration 1h --out o";
    let child = started(&place, line, Stdio::piped());
    for name in ["STOP", "TERM", "INT", "HUP", "CONT"] {
        signal(&child, name);
    }
    Done::from(child.wait_with_output().expect("it ends")).code(130);
    assert_eq!(place.result("o/result.json").verdict, Outcome::Interrupted);
}

/// Goal: a second signal ends the program at once, even if it can no longer come to an end itself:
/// here nobody reads what it has to say.
#[test]
fn a_second_signal_ends_the_program() {
    let place = Place::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Owned in here: whatever fails, it is dropped, and nobody is left with a full pipe.
        let mut reader = reader;
        let full = writer.try_clone().expect("a handle");
        scope.spawn(|| fill(full, &done));
        let line = "run shared-list --duration 1h --seed 7 --out o";
        let mut child = started(&place, line, writer);
        signal(&child, "INT");
        // Once this is there, the first signal has done its work, and what remains is to be shown.
        let result = place.path().join("o/result.json");
        wait_until("the result is written", || result.exists());
        // One that comes too soon is taken for the first.
        wait_until("the program has ended", || {
            signal(&child, "TERM");
            child.try_wait().expect("it can be waited for").is_some()
        });
        let status = child.wait().expect("it has ended");
        assert_eq!(status.code(), Some(130), "{status:?}");
        done.store(true, Relaxed);
        let mut said = Vec::new();
        reader.read_to_end(&mut said).expect("a pipe that ends");
        assert!(said.iter().all(|byte| *byte == 0), "it came to its end");
    });
}

/// Keeps a pipe full.
fn fill(mut pipe: PipeWriter, done: &AtomicBool) {
    while !done.load(Relaxed) {
        pipe.write_all(&[0; 512]).expect("somebody may still read");
    }
}

/// Looks again and again, for a minute at most: then something hangs.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    for _ in 0..12_000 {
        if condition() {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    panic!("failed to see that {what}");
}
