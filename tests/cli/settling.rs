//! Settling: that it is told when it hangs, timed, and no part of what the collector did by itself.

use gcstorm::result::Outcome;

use crate::harness::{Done, Place};

/// Goal: a heap that hangs while it settles is told from one that hangs in its run, both before the last
/// look at it and when all mutators have left.
#[test]
fn a_hang_in_settling_is_told() {
    for (heap, is_settling) in [
        ("settles-never", true),
        ("settles-once", true),
        ("copy-hangs", false),
    ] {
        let place = Place::new();
        let line = format!("run graph --rounds 1 --heap {heap} --time-limit 1s --seed 1 --out o");
        let mut command = place.example("rude_heaps", &line);
        let done = Done::from(command.output().expect("it starts")).code(5);
        done.says(match is_settling {
            true => "hung: settling did not come to an end in time",
            false => "hung: the heap came to a standstill",
        });
        let result = place.result("o/result.json");
        assert_eq!(result.verdict, Outcome::Hung, "{heap}");
        let told = &result.caveats[0].text;
        assert_eq!(told.starts_with("settling did not"), is_settling, "{told}");
    }
}

/// Goal: how long settling took is in the result; collections that settling made are not counted.
#[test]
fn settling_is_timed_and_not_counted() {
    let place = Place::new();
    let line = "run cycles --heap gil --ops 1000 --seed 1 -v --out o";
    // Nothing was collected within the run, and it says so.
    place.run(line).code(3).says("  settling  ");
    let result = place.result("o/result.json");
    assert_eq!(result.evidence.stats.collections, Some(0));
    for survey in &result.evidence.surveys {
        let settling_ns = survey.settling_ns.expect("it is known");
        assert!(settling_ns <= survey.elapsed_ns, "{survey:?}");
    }
}
