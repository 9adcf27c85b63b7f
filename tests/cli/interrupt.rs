//! Ctrl-C and its kin.

use std::process::{Child, Command, Stdio};

use gcstorm::report::Outcome;

use crate::harness::{Done, Place};

/// Starts a run that would last an hour, and waits until its mutators are there.
fn started(place: &Place, line: &str) -> Child {
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let tasks = format!("/proc/{}/task", child.id());
    let has_mutator = || {
        let mut tasks = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
        tasks.any(|task| {
            let name = std::fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name.starts_with("appender-0"))
        })
    };
    while !has_mutator() {
        let ended = child.try_wait().expect("it can be waited for");
        assert!(
            ended.is_none(),
            "it ended before its mutators came: {ended:?}"
        );
        std::thread::yield_now();
    }
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(status.expect("kill is there").success());
}

/// Goal: a signal ends the run, what there is is judged and written, and nothing else is started.
#[test]
fn ends_the_run() {
    for name in ["INT", "TERM"] {
        let place = Place::new();
        let line = "run shared-list counter --duration 1h --seed 7 --out o";
        let child = started(&place, line);
        signal(&child, name);
        let done = Done::from(child.wait_with_output().expect("it ends")).code(130);
        done.says("interrupted: ")
            .says("not started")
            .says("reproduce: gcstorm run shared-list");
        let result = place.result("o/shared-list-gil-7/result.json");
        assert_eq!(result.verdict, Outcome::Interrupted);
        assert_eq!(place.files().len(), 1);
    }
}
