//! Heaps in shared libraries, from `gcstorm header` to a verdict: the examples in C.

use std::path::{Path, PathBuf};
use std::process::Command;

use gcstorm::result::Outcome;

use crate::harness::Place;

/// Writes gcstorm.h, as a user would, and compiles an example.
fn compiled(place: &Place, name: &str) -> PathBuf {
    let header = place.run("header").code(0).out;
    place.write("gcstorm.h", &header);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/c/{name}.c"));
    let library = format!("lib{name}.so");
    let done = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-O2",
        ])
        .args(["-shared", "-fPIC", "-I.", "-o", &library])
        .arg(source)
        .current_dir(place.path())
        .output()
        .expect("cc is there, since Rust links with it");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    place.path().join(library)
}

/// Goal: the reference counter in C holds on what a heap of its abilities can run, on threads and in
/// steps, and says how long it held mutators up.
#[test]
fn a_heap_in_c_holds() {
    let place = Place::new();
    compiled(&place, "refcount");
    for workload in ["shared-list", "tangles", "counter", "handoff"] {
        let heap = "--heap ./librefcount.so --seed 1 --ops 300000";
        place
            .run(&format!("run {workload} {heap} --out {workload}"))
            .code(0)
            .says("held");
    }
    let result = place.result("tangles/result.json");
    assert_eq!(result.heap, "./librefcount.so");
    assert!(result.evidence.stats.collections > Some(0));
    let fuzz = "fuzz --heap ./librefcount.so --cases 100 --seed 1 --out f";
    place.run(&format!("{fuzz} --schedule steps")).code(0);
    place.run(&format!("{fuzz} --schedule free")).code(0);
}

/// Goal: text behind the colon reaches the library, which then leaks cycles; that is found, and the line
/// that repeats it works.
#[test]
fn a_leak_in_c_is_found() {
    let place = Place::new();
    compiled(&place, "refcount");
    let run = "run cycles --heap ./librefcount.so:leaky --seed 1 --ops 100000 --out o";
    let said = place.run(run).code(1).says("violated: completeness").out;
    let again = said
        .lines()
        .find_map(|line| line.strip_prefix("reproduce: gcstorm run "));
    let again = again.expect("a line that repeats it");
    place
        .run(&format!("run {again} --out again"))
        .code(1)
        .says("violated: completeness");
}

/// Goal: what is no heap is refused before anything runs, with what is wrong and where.
#[test]
fn what_is_no_heap_is_refused() {
    let place = Place::new();
    compiled(&place, "refcount");
    place.write("text.so", "not a library");
    for (heap, why) in [
        ("./nowhere.so", "there is no such file"),
        ("./text.so", "text.so"),
        ("./librefcount.so:nonsense", "\"leaky\" or nothing"),
    ] {
        let done = place.run(&format!("run counter --heap {heap} --rounds 1 --out o"));
        done.code(2).warns(why);
        assert!(!place.path().join("o").exists(), "{heap}");
    }
}

/// Goal: a library that crashes is a verdict, like any heap.
#[test]
fn a_crash_in_c_is_a_verdict() {
    let place = Place::new();
    let source = place.path().join("crash.c");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c/refcount.c");
    let text = std::fs::read_to_string(example).expect("the example");
    let text = text.replace("c->number = (int64_t)(", "*(volatile int *)0 = (int)(");
    std::fs::write(&source, text).expect("a file");
    place.write("gcstorm.h", &place.run("header").code(0).out);
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-I.", "-o", "libcrash.so", "crash.c"])
        .current_dir(place.path())
        .status();
    assert!(done.expect("cc is there").success());
    place
        .run("run counter --heap ./libcrash.so --seed 1 --rounds 1 --out o")
        .code(5)
        .says("killed by signal 11");
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Crashed);
}
