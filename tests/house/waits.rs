//! The recipe that waits for a Job of Kubernetes ends however the Job ends. It is run as it is, on a
//! `kubectl` that only says what the real one would say.

use std::path::Path;
use std::process::Command;

use super::models::script;
use super::sources::root;

/// The exit code when the Job comes to this condition; and `kubectl` waits for any other until it is ended.
fn waited(kubectl: &Path, comes: &str) -> Option<i32> {
    let path = std::env::var("PATH").expect("there is a path");
    Command::new(root().join("reports/cluster/kubernetes-wait.sh"))
        .arg("a-job")
        .env("COMES", comes)
        .env("PATH", format!("{}:{path}", kubectl.display()))
        .output()
        .expect("the script runs")
        .status
        .code()
}

/// Goal: a Job that fails is not waited for until its time is up, and is told from one that is complete.
#[test]
fn a_job_that_failed_is_not_waited_for() {
    let place = tempfile::tempdir().expect("a directory can be made");
    let says = "#!/bin/sh\n\
        case \"$*\" in *condition=$COMES*) exit 0 ;; esac\n\
        [ \"$COMES\" = neither ] && exit 1\n\
        exec sleep 3600\n";
    script(&place.path().join("kubectl"), says);
    assert_eq!(waited(place.path(), "complete"), Some(0));
    assert_eq!(waited(place.path(), "failed"), Some(1));
    assert_eq!(waited(place.path(), "neither"), Some(2));
}
