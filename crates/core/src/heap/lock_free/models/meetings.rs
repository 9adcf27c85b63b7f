//! The collector meets an operation in progress: a sealed slot, an element that is claimed or about
//! to be replaced, a list that is about to be emptied. It takes its snapshot at every step of the
//! operation, and the operation continues at every step of the snapshot.

use super::explore::holds_scripted;
use super::program::Act::{Clear, CutAll, CutBack, Duplicate, Pop, Set, Store, Yield};
use super::program::{Act, Graph};
use super::scene::{COLLECTOR, ONE, Scene, TWO, run};
use super::turns::Turn::{self, Part, Whole};

/// The operation is stopped, and the collector takes a whole snapshot.
static STOPPED: [Turn; 4] = [Whole(ONE), Whole(TWO), Part(ONE), Whole(COLLECTOR)];
/// Both are stopped once.
static CROSSED: [Turn; 5] = [
    Whole(ONE),
    Whole(TWO),
    Part(ONE),
    Part(COLLECTOR),
    Whole(ONE),
];
/// The other mutator helps, and is stopped as well.
static HELPED: [Turn; 6] = [
    Whole(ONE),
    Whole(TWO),
    Part(ONE),
    Part(TWO),
    Whole(COLLECTOR),
    Whole(ONE),
];

const fn alone(graph: Graph, program: &'static [Act], script: &'static [Turn]) -> Scene {
    Scene {
        graph,
        programs: [program, &[Clear(0)]],
        script,
    }
}

const fn helped(graph: Graph, one: &'static [Act], two: &'static [Act]) -> Scene {
    Scene {
        graph,
        programs: [one, two],
        script: &HELPED,
    }
}

static SCENES: [Scene; 13] = [
    alone(Graph::Star, &[Yield, Pop(1, 0)], &STOPPED),
    alone(Graph::Star, &[Yield, Pop(1, 0), Clear(0)], &CROSSED),
    alone(Graph::Loop, &[Yield, Pop(1, 0), Store(1, 1, 0)], &CROSSED),
    alone(Graph::Star, &[Duplicate(1, 0), Yield, Set(0, 1)], &STOPPED),
    alone(Graph::Tail, &[Duplicate(1, 0), Yield, Set(0, 1)], &CROSSED),
    alone(Graph::Star, &[Yield, CutAll(0)], &STOPPED),
    alone(Graph::Star, &[Yield, CutAll(0), Clear(0)], &CROSSED),
    alone(Graph::Tail, &[Yield, CutBack(0), Clear(0)], &CROSSED),
    helped(
        Graph::Star,
        &[Yield, Pop(1, 0)],
        &[Yield, Pop(1, 0), Clear(0)],
    ),
    helped(
        Graph::Star,
        &[Duplicate(1, 0), Yield, Set(0, 1)],
        &[Yield, CutAll(0), Clear(0)],
    ),
    helped(
        Graph::Loop,
        &[Yield, CutAll(0), Clear(0)],
        &[Yield, Pop(1, 0), Store(1, 1, 0)],
    ),
    helped(
        Graph::Star,
        &[Yield, CutBack(0)],
        &[Yield, CutBack(0), Clear(0)],
    ),
    helped(
        Graph::Tail,
        &[Yield, Pop(1, 0), Store(1, 1, 0)],
        &[Duplicate(1, 0), Yield, Set(0, 1), Clear(0)],
    ),
];

/// Goal: whatever the collector meets, it frees nothing that is in use and misses no garbage.
#[test]
fn the_collector_may_meet_anything() {
    for scene in &SCENES {
        holds_scripted(scene.script, move |fault| run(scene, fault));
    }
}
