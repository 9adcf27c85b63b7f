//! What passes between the command and the processes that make its runs.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use gcstorm::result::Outcome;

use crate::children::inhabitants;
use crate::harness::{Done, Place};
use crate::interrupt::wait_until;

/// A case that holds on every heap.
const SOUND: &str = "gcstorm-case 1\nschedule free\nseed 3\ncapacity 64\nroots 0\n\
    mutator m registers 2\n\nm alloc r0 list\nm alloc r1 node\nm append r0 r1\n";

/// Goal: a file is read once, by the command: what it planned is what its processes run, also where
/// a second look would find something else, or nothing.
#[test]
fn a_file_is_read_once() {
    let place = Place::new();
    place.write("w.toml", include_str!("../../workloads/counter.toml"));
    place.write("f.case", SOUND);
    for (line, file) in [
        ("run /dev/stdin --rounds 1 --repeat 2 --out", "w.toml"),
        ("run --case /dev/stdin --out", "f.case"),
    ] {
        let file = || File::open(place.path().join(file)).expect("a file");
        let run = |out: &str, input: Stdio| {
            let mut command = place.command(&format!("{line} {out}"));
            let done = command.stdin(input).output().expect("the command starts");
            Done::from(done).code(0).says("held");
            place.remove(out);
        };
        run("file", file().into());
        let mut cat = Command::new("cat")
            .stdin(file())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cat is there");
        run("pipe", cat.stdout.take().expect("a pipe").into());
        cat.wait().expect("it ends");
    }
}

/// Goal: a case that is longer than any pipe holds reaches the process that runs it, and the one that
/// takes its turns on one thread.
#[test]
fn a_long_case_is_handed_over() {
    let place = Place::new();
    let turns = "m copy r1 r0\nm clear r1\n".repeat(20_000);
    place.write("long.case", &format!("{SOUND}{turns}"));
    let done = place.run("run --case long.case --out o").code(0);
    done.says("40003 turns as they should be")
        .says("the same state");
    place
        .run("replay long.case --schedule steps --isolate yes")
        .code(0)
        .says("held on gil (40,003 turns, trace ");
}

/// Runs heaps of `rude_heaps.rs`.
fn rude(place: &Place, line: &str) -> Done {
    let mut command = place.example("rude_heaps", line);
    Done::from(command.output().expect("the program starts"))
}

/// Goal: a heap that exits has crashed, with whatever code, and the runs after it are made.
#[test]
fn exit_codes_of_a_heap_are_its_own() {
    for code in [2, 101] {
        let place = Place::new();
        let line =
            format!("run counter --rounds 1 --seed 1 --heap exits-{code} --heap gil --out o");
        rude(&place, &line)
            .code(5)
            .says(&format!("(exit status: {code})"));
        for (heap, verdict) in [
            ("gil", Outcome::Held),
            (&format!("exits-{code}"), Outcome::Crashed),
        ] {
            let result = place.result(&format!("o/counter-{heap}-1/result.json"));
            assert_eq!(result.verdict, verdict);
        }
    }
}

/// Goal: a heap that prints unfinished lines takes no report of its process with it.
#[test]
fn reports_do_not_mix_with_what_is_printed() {
    let place = Place::new();
    let line = "run counter --rounds 1 --seed 1 --heap mutters --repeat 3 --same-heap --out o";
    let done = rude(&place, line).code(0);
    assert!(done.err.contains("xxx"), "it is passed on: {}", done.err);
}

/// Goal: what a heap has started ends with its process, and nobody waits for it.
#[test]
fn what_a_heap_starts_ends_with_it() {
    let place = Place::new();
    let line = "run counter --rounds 1 --heap leaves-a-process --out o";
    rude(&place, line).code(5).says("killed by signal 6");
    assert_eq!(place.result("o/result.json").verdict, Outcome::Crashed);
    wait_until("nobody is left", || inhabitants(&place).is_empty());
    assert!(!place.path().join("survived").exists());
}

/// Goal: a heap that prints more than anybody reads is not called hung, and what is left out is
/// told.
#[test]
fn nobody_has_to_read_what_a_heap_prints() {
    let place = Place::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let line = "run counter --rounds 1 --heap floods --time-limit 2s --out o";
    let mut command = place.example("rude_heaps", line);
    let mut running = command
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .expect("it starts");
    drop(command);
    let result = place.path().join("o/result.json");
    wait_until("there is a result", || result.exists());
    assert_eq!(place.result("o/result.json").verdict, Outcome::Held);
    let mut said = String::new();
    reader.read_to_string(&mut said).expect("it ends");
    assert!(said.contains("are left out: nobody read them"));
    assert_eq!(running.wait().expect("it ends").code(), Some(0));
}

/// Goal: a program that is replaced or removed while it runs starts its processes from what it was.
#[test]
fn a_program_may_be_replaced() {
    let place = Place::new();
    let program = place.path().join("gcstorm");
    let copied = std::fs::copy(env!("CARGO_BIN_EXE_gcstorm"), &program);
    copied.expect("it is copied");
    // The command waits for its workload, so it has started and its child has not.
    let mut running = Command::new(&program)
        .args([
            "run",
            "/dev/stdin",
            "--heap",
            "gil",
            "--rounds",
            "1",
            "--out",
            "o",
        ])
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    std::fs::remove_file(&program).expect("it is there");
    let mut input = running.stdin.take().expect("a pipe");
    let workload = include_str!("../../workloads/counter.toml");
    input.write_all(workload.as_bytes()).expect("it reads");
    drop(input);
    assert_eq!(running.wait().expect("it ends").code(), Some(0));
    assert_eq!(place.result("o/result.json").verdict, Outcome::Held);
}

/// Goal: a process that cannot be started is no failure that was reproduced.
#[test]
fn what_cannot_be_started_is_not_reproduced() {
    let place = Place::new();
    let recipe = "gcstorm-case 1\nschedule free\nseed 1\nagain run counter --heap gil --rounds 1\n";
    place.write("f.case", recipe);
    place.run("replay f.case --times 1").code(6);
    let script = "ulimit -n 8; exec \"$0\" replay f.case";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_gcstorm")])
        .current_dir(place.path())
        .output();
    let done = Done::from(output.expect("a shell")).code(2);
    done.warns("Too many open files");
}
