//! Shortcuts through the collector's protocol that do harm only if two or three threads are stopped
//! at the right places. Each comes with the smallest program that is known to show the harm, and
//! with a script that says which thread runs when (see [`turns`](super::turns)).
//!
//! Each case also names the expected failure: an assertion that fails for another reason proves
//! nothing.

use super::explore::{breaks_scripted, holds_scripted};
use super::program::Act::{Append, Clear, Cut, Get, Pop, Rest, Store, Yield};
use super::program::Graph;
use super::scene::{COLLECTOR, ONE, Scene, TWO, run};
use super::turns::Turn::{Part, Whole};
use crate::heap::fault::Fault;

/// A shortcut, the scene that shows it, and how it fails.
#[derive(Debug)]
struct Case {
    fault: Fault,
    scene: Scene,
    /// Part of what the failed assertion says.
    symptom: &'static str,
}

static CASES: [Case; 6] = [
    // The edge l -> a is counted, a moves out of the list, and l moves into a: all counts are
    // right, and all words are as they were.
    Case {
        fault: Fault::PopWithoutTouch,
        scene: Scene {
            graph: Graph::Loop,
            programs: [&[Yield, Pop(1, 0), Store(1, 1, 0)], &[Clear(0)]],
            script: &[Whole(ONE), Whole(TWO), Part(COLLECTOR), Whole(ONE)],
        },
        symptom: "register 1 is stale",
    },
    // The edge l -> a is noted, then a is taken, then its word is read, and then l moves into a.
    Case {
        fault: Fault::CountWhileReading,
        scene: Scene {
            graph: Graph::Tail,
            programs: [
                &[Yield, Pop(1, 0), Yield, Store(1, 1, 0)],
                &[Get(1, 0), Clear(0), Yield, Clear(1)],
            ],
            script: &[
                Whole(ONE),
                Whole(TWO),
                Part(COLLECTOR),
                Whole(TWO),
                Whole(ONE),
                Part(COLLECTOR),
                Whole(ONE),
            ],
        },
        symptom: "register 1 is stale",
    },
    // The stamp changes, all words are read, the edge l -> l is counted, the head moves, and the
    // last register that leads to l moves into l: what the truncated range refers to is freed.
    Case {
        fault: Fault::TouchBeforeMove,
        scene: Scene {
            graph: Graph::Own,
            programs: [&[Yield, Cut(0), Append(0, 0), Rest], &[Clear(0)]],
            script: &[
                Whole(ONE),
                Whole(TWO),
                Part(ONE),
                Part(COLLECTOR),
                Whole(ONE),
            ],
        },
        symptom: "Stale",
    },
    // The edge l -> a is followed, a is taken and dies, and its word is read before its cell is
    // marked as free.
    Case {
        fault: Fault::AdmitDead,
        scene: Scene {
            graph: Graph::Loop,
            programs: [&[Yield, Pop(1, 0), Yield, Clear(1)], &[Clear(0)]],
            script: &[
                Whole(ONE),
                Whole(TWO),
                Part(COLLECTOR),
                Whole(ONE),
                Part(ONE),
                Whole(COLLECTOR),
            ],
        },
        symptom: "something is left",
    },
    // A reader has found a, but not counted it yet; a leaves the list and is dropped. The reader
    // counts it between the second look at its word and its death.
    Case {
        fault: Fault::NoGrace,
        scene: Scene {
            graph: Graph::Tail,
            programs: [&[Yield, Pop(1, 0), Clear(1)], &[Yield, Get(1, 0)]],
            script: &[
                Whole(ONE),
                Whole(TWO),
                Part(TWO),
                Whole(ONE),
                Part(COLLECTOR),
                Whole(TWO),
            ],
        },
        symptom: "register 1 is stale",
    },
    // The list dies while the range waits for its grace period.
    Case {
        fault: Fault::RangeThroughCell,
        scene: Scene {
            graph: Graph::Tail,
            programs: [&[Cut(0), Clear(0)], &[Clear(0)]],
            script: &[],
        },
        symptom: "settling gave up",
    },
];

/// Goal: without a fault, all of these hold.
#[test]
fn the_protocol_holds_where_shortcuts_fail() {
    for case in &CASES {
        holds_scripted(case.scene.script, move |fault| run(&case.scene, fault));
    }
}

/// Goal: `TouchBeforeMove` consists of two changes; the other one alone does not fail here.
#[test]
fn a_move_into_itself_does_not_show_here() {
    let scenes = CASES.iter().map(|case| &case.scene);
    for scene in scenes.filter(|scene| matches!(scene.graph, Graph::Own)) {
        holds_scripted(scene.script, move |_| {
            run(scene, Some(Fault::MoveIntoItself))
        });
    }
}

/// Goal: each shortcut fails, and in the expected way.
#[test]
fn shortcuts_fail_where_the_protocol_holds() {
    for case in &CASES {
        breaks_scripted(case.fault, case.scene.script, case.symptom, move |fault| {
            run(&case.scene, fault);
        });
    }
}
