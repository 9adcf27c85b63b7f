//! `.ci/models` says what it did not run, and does not succeed then. It is run as it is, on
//! commands that only say what the real ones would say.

use std::fs::{Permissions, create_dir, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A cargo that ran tests, and one that found none of that name.
const RAN: &str = "echo running 3 tests";
const FOUND_NONE: &str = "echo running 0 tests";
/// The toolchains that there are.
const NIGHTLY: &str = "echo stable-here; echo nightly-here";
const STABLE: &str = "echo stable-here";

/// Makes a file that can be run.
pub(super) fn script(path: &Path, text: &str) {
    write(path, text).expect("a file can be written");
    set_permissions(path, Permissions::from_mode(0o755)).expect("it can be run");
}

/// The exit code, and what was said on standard error.
fn models(cargo: &str, rustup: &str, schedules: &[&str]) -> (i32, String) {
    let place = tempfile::tempdir().expect("a directory can be made");
    let [ci, bin] = [".ci", "bin"].map(|name| place.path().join(name));
    for directory in [&ci, &bin] {
        create_dir(directory).expect("a directory can be made");
    }
    script(&ci.join("models"), include_str!("../../.ci/models"));
    for (name, does) in [("cargo", cargo), ("rustup", rustup)] {
        script(&bin.join(name), &format!("#!/bin/sh\n{does}\n"));
    }
    let path = std::env::var("PATH").expect("there is a path");
    let output = Command::new(ci.join("models"))
        .args(schedules)
        .env("PATH", format!("{}:{path}", bin.display()))
        .output()
        .expect("the script runs");
    let said = String::from_utf8(output.stderr).expect("it says text");
    (output.status.code().expect("it ends by itself"), said)
}

/// Goal: it succeeds if all of it ran, and only then.
#[test]
fn what_was_skipped_is_named() {
    assert_eq!(models(RAN, NIGHTLY, &[]), (0, String::new()));
    assert_eq!(models(RAN, NIGHTLY, &["7"]), (0, String::new()));
    let cases = [
        (models(RAN, STABLE, &[]), 3, "no nightly toolchain"),
        (models(RAN, "exit 1", &[]), 3, "no nightly toolchain"),
        (models(FOUND_NONE, NIGHTLY, &[]), 3, "shuttle"),
        (models(FOUND_NONE, NIGHTLY, &[]), 3, "thread sanitizer"),
        (models("exit 101", NIGHTLY, &[]), 101, ""),
        (models(RAN, NIGHTLY, &["0"]), 2, "from 1 on"),
        (models(RAN, NIGHTLY, &["all"]), 2, "from 1 on"),
    ];
    for ((code, said), expected, part) in cases {
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(part), "{said}");
    }
}
