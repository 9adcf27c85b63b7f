//! Processes that the command starts for what may crash or hang: none outlives it, and none that
//! makes progress is taken for one that hangs.

use std::process::{Command, Stdio};
use std::time::Duration;

use gcstorm::evidence::Latency;
use gcstorm::result::Outcome;

use crate::harness::{Done, Place};
use crate::interrupt::{signal, wait_until, with_mutator};

/// The processes in this directory.
pub(crate) fn inhabitants(place: &Place) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let here = processes.filter(|one| {
        let cwd = std::fs::read_link(one.path().join("cwd"));
        cwd.is_ok_and(|cwd| cwd == place.path())
    });
    here.map(|one| one.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Sends a signal to these processes.
pub(crate) fn signal_all(name: &str, processes: &[String]) {
    let mut kill = Command::new("kill");
    let sent = kill.args(["-s", name]).args(processes).status();
    assert!(sent.expect("kill is there").success());
}

/// Goal: a child that spins or waits for ever ends with its parent, by whatever the parent is
/// ended, and also if the child is stopped.
#[test]
fn children_end_with_their_parent() {
    for (line, name) in [
        (
            "run churn --heap gil --fault drop-request-kept --duration 1h --out o",
            "KILL",
        ),
        (
            "run churn --heap lock-free --fault local-stamps --duration 1h --out o",
            "TERM",
        ),
        (
            "selftest --fault drop-request-kept --jobs 1 --out o",
            "KILL",
        ),
    ] {
        for is_stopped in [false, true] {
            let place = Place::new();
            let mut command = place.command(line);
            let command = command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut parent = command.spawn().expect("it starts");
            wait_until("there is a child", || inhabitants(&place).len() > 1);
            if is_stopped {
                let mut children = inhabitants(&place);
                children.retain(|process| *process != parent.id().to_string());
                signal_all("STOP", &children);
            }
            wait_until("it has ended", || {
                signal(&parent, name);
                parent.try_wait().expect("it can be waited for").is_some()
            });
            parent.wait().expect("it ends");
            wait_until("nobody is left", || inhabitants(&place).is_empty());
        }
    }
}

/// Goal: a signal to the parent ends the run in its child early, and what there was is judged.
#[test]
fn a_signal_reaches_the_child() {
    let place = Place::new();
    let line = "run churn --heap lock-free --fault local-stamps --duration 1h --out o";
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let parent = command.spawn().expect("it starts");
    wait_until("there is a child", || inhabitants(&place).len() > 1);
    signal(&parent, "TERM");
    let done = Done::from(parent.wait_with_output().expect("it ends"));
    // The fault may have ended the process, or kept it from ending.
    assert!(matches!(done.code, Some(130 | 5 | 1)), "{done:?}");
    assert!(place.path().join("o/result.json").exists());
}

/// A workload whose writer asks for the lock, and leaves long before the reader is done. With the
/// fault `drop-request-kept` the reader then offers the lock to nobody and waits for ever, however
/// the two are scheduled. (Threads that all stop at the same moment may just get away.)
pub(crate) const LEAVES_EARLY: &str = r#"
summary = "a writer leaves long before the reader"
[objects]
list = "list"
[limits]
live_objects = 1000
[[threads]]
name = "writer"
loop = [{ op = "len", list = "list" }, { op = "stall", ms = 20 }]
[[threads]]
name = "reader"
loop = [{ op = "len", list = "list", times = 50_000_000 }]
"#;

/// A run of that workload that hangs.
const HANGING: &str = "run hang.toml --heap gil --fault drop-request-kept --rounds 3 --out o";

/// Goal: a run that makes no progress for as long as the limit is ended: it has hung, which is a
/// result like any other, with its case and the line that reproduces it; and the runs after it are
/// made.
#[test]
fn a_run_that_hangs_is_ended() {
    let place = Place::new();
    place.write("hang.toml", LEAVES_EARLY);
    let done = place.run(&format!("{HANGING} --time-limit 1s")).code(5);
    done.says("hung").says("reproduce: gcstorm ");
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Hung);
    assert!(result.reproduce.contains("--fault drop-request-kept"));
    assert!(result.reproduce.contains("--time-limit 1s"));
    assert!(place.path().join("o/failure.case").exists());
    // What a pipeline keeps says as much as the terminal.
    let has_stacks = place.path().join("o/stacks.txt").exists();
    assert_eq!(result.evidence.stacks.is_some(), has_stacks);
    for name in ["report.html", "report.md", "junit.xml"] {
        let text = std::fs::read_to_string(place.path().join("o").join(name)).expect(name);
        assert!(text.contains("gcstorm replay o/failure.case"), "{name}");
        assert_eq!(
            text.contains("gcstorm_core::"),
            has_stacks,
            "{name}: {text}"
        );
        assert_eq!(text.contains("\n#1  "), has_stacks, "{name}: {text}");
    }
    place
        .run("report o --format markdown")
        .says("gcstorm replay o/failure.case");
    place.remove("o");
    let line = format!("{HANGING} --time-limit 1s --seed 1 --repeat 2");
    place.run(&line).code(5);
    for seed in [1, 2] {
        let result = place.result(&format!("o/hang-gil-{seed}/result.json"));
        assert_eq!(result.verdict, Outcome::Hung);
    }
    place.remove("o");
    let done = place.run(&format!("{line} --same-heap")).code(5);
    done.warns("its heap was lost with the process of an earlier run");
}

/// Goal: a run that hangs, and may do so for as long as it likes, ends at the first signal.
#[test]
fn a_hung_run_obeys_the_first_signal() {
    let place = Place::new();
    place.write("hang.toml", LEAVES_EARLY);
    let mut command = place.command(&format!("{HANGING} --time-limit 8h"));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let parent = command.spawn().expect("it starts");
    wait_until("there is a mutator", || {
        !with_mutator(&place, "writer-0").is_empty()
    });
    signal(&parent, "TERM");
    let done = Done::from(parent.wait_with_output().expect("it ends"));
    assert!(matches!(done.code, Some(130 | 5)), "{done:?}");
    assert!(place.path().join("o/result.json").exists());
}

/// Goal: Ctrl-Z stops a run with its process, and both go on together; the run is not called hung,
/// although both stand still for longer than it may make no progress.
#[test]
fn a_run_is_suspended_with_its_process() {
    let place = Place::new();
    let line = "run churn --heap gil --duration 1h --time-limit 1s --out o";
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let parent = command.spawn().expect("it starts");
    let id = parent.id().to_string();
    let child = || with_mutator(&place, "writer-0");
    wait_until("there are mutators", || !child().is_empty());
    let child = child().remove(0);
    for _ in 0..2 {
        signal(&parent, "TSTP");
        wait_until("it is stopped", || state(&id) == 'T');
        wait_until("its child is stopped", || state(&child) == 'T');
        std::thread::sleep(Duration::from_secs(3));
        signal(&parent, "CONT");
        wait_until("it goes on", || state(&id) != 'T');
        let ran = ticks(&child);
        wait_until("its child goes on", || ticks(&child) >= ran + 20);
    }
    signal(&parent, "TERM");
    Done::from(parent.wait_with_output().expect("it ends")).code(130);
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Interrupted);
}

/// Goal: time for which a run was stopped is reported, and is in no pause, operation or gap.
#[test]
fn stopped_time_is_in_no_pause() {
    const STOPPED: Duration = Duration::from_secs(2);
    let place = Place::new();
    let mut command = place.command("run churn --heap gil --duration 1h --out o");
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let parent = command.spawn().expect("it starts");
    let child = || with_mutator(&place, "writer-0");
    wait_until("there are mutators", || !child().is_empty());
    let child = child().remove(0);
    // The first stop may come before the common start. The child runs between the two.
    for _ in 0..2 {
        let ran = ticks(&child);
        wait_until("it has run", || ticks(&child) >= ran + 20);
        let all = inhabitants(&place);
        signal_all("STOP", &all);
        wait_until("it is stopped", || state(&child) == 'T');
        std::thread::sleep(STOPPED);
        signal_all("CONT", &all);
    }
    let ran = ticks(&child);
    wait_until("it has run", || ticks(&child) >= ran + 20);
    signal(&parent, "TERM");
    let done = Done::from(parent.wait_with_output().expect("it ends")).code(130);
    done.says("the process was stopped");
    let result = place.result("o/result.json");
    let stopped_ns = u64::try_from(STOPPED.as_nanos()).expect("short");
    assert!(result.stopped_ns >= stopped_ns, "{}", result.stopped_ns);
    let (evidence, ops) = (&result.evidence, result.ops.values());
    let times = ops.filter_map(|op| op.service.as_ref());
    let longest = times.chain(result.pauses.values()).map(Latency::max).max();
    assert!(longest < Some(stopped_ns), "{longest:?}");
    let stalls = evidence.stalls.longest.iter().map(|stall| stall.ns);
    let slow = evidence.slow.longest.iter().map(|op| op.ns);
    let samples = evidence.timeline.samples.iter();
    let samples = samples.map(|sample| sample.slowest_ns);
    let gaps = evidence.mutators.iter().map(|mutator| mutator.gap_ns);
    assert!(
        stalls
            .chain(slow)
            .chain(samples)
            .chain(gaps)
            .all(|ns| ns < stopped_ns)
    );
}

/// What /proc/PID/stat says of a process after its name.
fn stat(process: &str) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().map(str::to_owned).collect()
}

/// How long a process has run, in hundredths of a second.
pub(crate) fn ticks(process: &str) -> u64 {
    let stat = stat(process);
    let times = stat.get(11..13).unwrap_or_default();
    times
        .iter()
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum()
}

/// `R`, `S`, `T`: what it does.
pub(crate) fn state(process: &str) -> char {
    let stat = stat(process);
    stat.first()
        .and_then(|state| state.chars().next())
        .unwrap_or(' ')
}

/// Goal: a run that takes all memory is one that crashed: its result and its case are kept, and
/// what the system said last is told.
#[test]
fn exhausted_memory_is_a_result() {
    let place = Place::new();
    let script = "ulimit -v 500000; exec \"$0\" run live-heap --heap gil -D live=20000000 --out o";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_gcstorm")])
        .current_dir(place.path())
        .output()
        .expect("a shell");
    // The note may be wrapped within the sentence.
    let done = Done::from(output).code(5);
    done.says("memory allocation").says("failed");
    assert_eq!(place.result("o/result.json").verdict, Outcome::Crashed);
    assert!(place.path().join("o/failure.case").exists());
}
