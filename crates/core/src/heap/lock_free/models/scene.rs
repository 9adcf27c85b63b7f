//! A scene: two mutators with their programs, the collector, and a script that says who runs when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::explore::{Births, Modelled, assert_empty, open, seat};
use super::program::{Act, Graph, begin, build, check_registers, perform_act};
use super::turns::Turn;
use crate::heap::Heap;
use crate::heap::fault::Fault;

/// The maximum number of turns for which a mutator waits for the collector.
const PATIENCE: usize = 200;
/// The threads' numbers in scripts: two mutators, and the collector.
pub(super) const ONE: usize = 1;
pub(super) const TWO: usize = 2;
pub(super) const COLLECTOR: usize = 3;

/// Two mutators, with what they start from, and the script.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) graph: Graph,
    pub(super) programs: [&'static [Act]; 2],
    pub(super) script: &'static [Turn],
}

/// Runs a scene, with the collector beside the mutators, and checks what is left.
pub(super) fn run(scene: &'static Scene, fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    build(&heap, &mut births, scene.graph);
    let is_over = Arc::new(AtomicBool::new(false));
    let mutators = [0, 1].map(|number| {
        let (heap, is_over) = (Arc::clone(&heap), Arc::clone(&is_over));
        let program = scene.programs[usize::from(number)];
        shuttle::thread::spawn(move || mutate(&heap, &is_over, number, program))
    });
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || {
            heap.core().collect_now();
            heap.core().collect_now();
            is_over.store(true, Ordering::Relaxed);
        })
    };
    for mutator in mutators {
        mutator.join().expect("no panic");
    }
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// Runs a program. Afterwards checks the registers and renews the pin until the collector has
/// ended.
fn mutate(heap: &Modelled, is_over: &AtomicBool, number: u16, program: &[Act]) {
    let mut births = Births::new();
    let mut m = heap.attach(seat(u32::from(number) + 1)).expect("a seat");
    begin(&mut m, number);
    for &act in program {
        perform_act(&mut m, &mut births, act);
    }
    for _ in 0..PATIENCE {
        check_registers(&mut m);
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        shuttle::thread::yield_now();
    }
    check_registers(&mut m);
    drop(m);
    births.assert_dead();
}
