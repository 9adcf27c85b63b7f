//! Heaps in shared libraries, from `gcstorm header` to a verdict: the examples in C.

use std::path::{Path, PathBuf};
use std::process::Command;

use gcstorm::result::Outcome;

use crate::harness::{Done, Place};

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
    assert!(result.pauses["collect"].count() > 0);
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

/// Goal: a kept case is run on the library that it names, whoever asks and whatever a profile names; if
/// that is gone it is an error, and no other heap takes its place.
#[test]
fn a_case_is_run_on_the_library_that_it_names() {
    let place = Place::new();
    compiled(&place, "refcount");
    let fuzz = "fuzz --heap ./librefcount.so:leaky --seed 1 --cases 2000 --out f";
    place.run(fuzz).code(1).says("failed completeness");
    let files = place.files();
    let case = files
        .iter()
        .find(|file| file.extension().is_some_and(|it| it == "case"));
    let case = case.expect("a case").to_str().expect("text");
    let run = |words: &str, out: &str| {
        let line = format!("run --case {case} {words} --out {out}");
        Done::from(place.command_as_is(&line).output().expect("it starts"))
    };
    run("-q", "a").code(1).says("on ./librefcount.so:leaky");
    run("-q --heap ./librefcount.so", "b")
        .code(0)
        .says("on ./librefcount.so, seed 1: held");
    place.write(
        "gcstorm.toml",
        "[profile.default]\nheaps = [\"./librefcount.so\"]\n",
    );
    run("-q", "c").code(1).says("on ./librefcount.so:leaky");
    std::fs::remove_file(place.path().join("librefcount.so")).expect("it is there");
    let gone = |done: Done| {
        done.code(2)
            .warns("\"./librefcount.so:leaky\" cannot be a heap: there is no such file")
            .warns("the case names this heap")
    };
    gone(run("-q --profile none", "d"));
    gone(place.run(&format!("replay {case}")));
}

/// Goal: what is no heap is refused before anything runs, with what is wrong and where.
#[test]
fn what_is_no_heap_is_refused() {
    let place = Place::new();
    compiled(&place, "refcount");
    place.write("text.so", "not a library");
    for (heap, why) in [
        ("./nowhere.so", "there is no such file"),
        ("./text.so", "is not a heap"),
        ("./librefcount.so:nonsense", "\"leaky\" or nothing"),
    ] {
        let done = place.run(&format!("run counter --heap {heap} --rounds 1 --out o"));
        done.code(2).warns(why);
        assert!(!place.path().join("o").exists(), "{heap}");
    }
}

/// Compiles the example with something else in place of what is there.
fn changed(place: &Place, name: &str, there: &str, instead: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c/refcount.c");
    let text = std::fs::read_to_string(example).expect("the example");
    assert!(text.contains(there), "{there}");
    place.write("changed.c", &text.replace(there, instead));
    place.write("gcstorm.h", &place.run("header").code(0).out);
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-I.", "-o", name, "changed.c"])
        .current_dir(place.path())
        .status();
    assert!(done.expect("cc is there").success());
}

/// Goal: a library that crashes is a verdict, like any heap.
#[test]
fn a_crash_in_c_is_a_verdict() {
    let place = Place::new();
    let crash = "*(volatile int *)0 = (int)(";
    changed(&place, "libcrash.so", "c->number = (int64_t)(", crash);
    place
        .run("run counter --heap ./libcrash.so --seed 1 --rounds 1 --out o")
        .code(5)
        .says("killed by signal 11");
    let result = place.result("o/result.json");
    assert_eq!(result.verdict, Outcome::Crashed);
}

/// Goal: a library that takes the process along while it opens is a crash for every command, and never
/// silence.
#[test]
fn a_library_that_exits_is_a_crash() {
    let place = Place::new();
    let open = "static const char *heap_open(const gcstorm_config *config, void **out) {";
    changed(&place, "libexits.so", open, &format!("{open} exit(0);"));
    let sound = "gcstorm-case 1\nheap ./libexits.so\nschedule steps\nseed 3\ncapacity 64\nroots 0\n\
        mutator m registers 2\n\nm alloc r0 list\n";
    place.write("f.case", sound);
    for line in [
        "run counter --heap ./libexits.so --rounds 1 --out o",
        "fuzz --heap ./libexits.so --cases 1 --seed 1 --out f",
        "replay f.case",
    ] {
        place.run(line).code(5);
    }
}

/// Goal: two builds of a library are in a duel as two builds of a program are: the slower one is a
/// regression, and `compare` says the same of their results. What does not fit is refused.
#[test]
fn two_builds_of_a_library_are_in_a_duel() {
    let place = Place::new();
    for side in ["old", "new"] {
        std::fs::create_dir(place.path().join(side)).expect("there is room");
    }
    changed(&place, "old/libmine.so", "", "");
    let there = "c->number = (int64_t)(";
    let slower = "for (volatile int i = 0; i < 2000; i++) {} c->number = (int64_t)(";
    changed(&place, "new/libmine.so", there, slower);
    let builds = "old/libmine.so new/libmine.so:leaky";
    let line = "counter --ops 20000 --seed 1 --repeat 8 --out o --json d.json";
    place
        .run(&format!("duel {builds} {line}"))
        .code(4)
        .says("regression: throughput of counter on new/libmine.so:leaky");
    assert_eq!(
        place.result("o/new/0/result.json").heap,
        "new/libmine.so:leaky"
    );
    place.run("compare o/base o/new --json c.json").code(4);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).expect("a comparison");
    assert_eq!(read("c.json"), read("d.json"));
    for (line, why) in [
        (
            "old/libmine.so /bin/true",
            "is a shared library, and /bin/true is none",
        ),
        (
            "old/libmine.so new/libmine.so --heap gil",
            "takes no --heap",
        ),
        (
            "old/libmine.so nowhere.so",
            "there is no program and no library nowhere.so",
        ),
    ] {
        place
            .run(&format!("duel {line} counter"))
            .code(2)
            .warns(why);
    }
}

/// Goal: a library for one thread is called on one thread, by all mutators in turn if it can have
/// several, and by one if not.
#[test]
fn one_thread_is_one_thread() {
    let place = Place::new();
    let here = "mutator *m = mutator_; \\\n";
    let checked = format!("{here}    if (!pthread_equal(m->thread, pthread_self())) abort(); \\\n");
    let field = "    heap *heap;\n    object **registers;";
    let attached = "    m->heap = heap_;\n";
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c/refcount.c");
    let text = std::fs::read_to_string(example).expect("the example");
    for part in [here, field, attached] {
        assert!(text.contains(part), "{part}");
    }
    let text = text
        .replace(here, &checked)
        .replace(field, &format!("    pthread_t thread;\n{field}"))
        .replace(
            attached,
            &format!("{attached}    m->thread = first_thread();\n"),
        );
    let text = text.replace(
        "typedef struct {\n    pthread_t thread;",
        "static pthread_t first; static int has_first;\n\
         static pthread_t first_thread(void) {\n\
         if (!has_first) first = pthread_self();\n has_first = 1; return first; }\n\
         typedef struct {\n    pthread_t thread;",
    );
    place.write("gcstorm.h", &place.run("header").code(0).out);
    let threads = "GCSTORM_THREADS | GCSTORM_CYCLES";
    for (name, abilities) in [
        (
            "turns",
            "GCSTORM_ONE_THREAD | GCSTORM_THREADS | GCSTORM_CYCLES",
        ),
        ("single", "GCSTORM_ONE_THREAD | GCSTORM_CYCLES"),
        ("free", threads),
    ] {
        place.write("one.c", &text.replace(threads, abilities));
        let done = Command::new("cc")
            .args([
                "-shared",
                "-fPIC",
                "-I.",
                "-o",
                &format!("lib{name}.so"),
                "one.c",
            ])
            .current_dir(place.path())
            .status();
        assert!(done.expect("cc is there").success());
    }
    let run = |name: &str| {
        let line =
            format!("run shared-list --heap ./lib{name}.so --seed 1 --ops 300000 --out {name}");
        place.run(&line)
    };
    run("turns").code(0).says("held");
    run("single").code(2).warns("no threads");
    run("free").code(5).says("signal 6");
}
