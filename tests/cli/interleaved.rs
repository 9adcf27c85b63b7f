//! Threads that never get in between each other: that a run which lasts a while is not held then.

use gcstorm::result::Outcome;

use crate::harness::{Done, Place};

/// Goal: a heap that lets one thread in when the other is done proves nothing of threads, and is told from
/// one on which they take turns. In a run of so many operations nothing is required.
#[test]
fn threads_must_get_in_between_each_other() {
    let place = Place::new();
    let run = |line: &str| {
        let mut command = place.example("rude_heaps", line);
        Done::from(command.output().expect("it starts"))
    };
    let one = run("run cycles --heap lets-in-one --duration 200ms --seed 1 --out one");
    one.says("interleavings is ")
        .says(", and at least 4 was required");
    let alone = place.result("one/result.json");
    assert_ne!(alone.verdict, Outcome::Held);
    let counted = run("run handoff --heap lets-in-one --ops 2000 --seed 1 --out ops");
    assert!(
        !counted.out.contains("interleavings is "),
        "{}",
        counted.out
    );

    // However busy the machine is, two threads that run for so long get in between each other.
    run("run cycles --heap gil --duration 2s --seed 1 --out both").code(0);
    let both = place.result("both/result.json");
    assert!(both.counters["interleavings"] > alone.counters["interleavings"]);
}
