//! The collector as its thread runs it: bounded rounds, beside mutators that do not wait for it.
//!
//! The budget of a round and the number of its candidates are so small here that most rounds are
//! cut short: see `cycles::BUDGET` and `cycles::BATCH`.

use std::sync::Arc;

use super::explore::{
    Births, Modelled, assert_empty, breaks, breaks_scripted, holds, holds_scripted, open, seat,
};
use super::turns::Turn;
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::lock_free::cycles::paced::Paced;
use crate::heap::{Field, Global, Heap, Mutator, Shape, Slot};

const A: Slot = Slot(0);
const COPY: Slot = Slot(1);
const CHILD: Slot = Slot(2);
const NONE: Slot = Slot(7);
const HOME: Global = Global(0);
const FIRST: Field = Field(0);

/// Makes this many visits of the collector's thread, one after the other.
pub(super) fn visits(heap: &Modelled, visits: usize) {
    let mut paced = Paced::new(heap.core());
    for _ in 0..visits {
        paced.visit();
        paced.rest(shuttle::thread::yield_now);
    }
}

/// Makes a node that refers to itself and to nothing else, and drops it.
fn drop_loop(m: &mut LockFreeMutator<'_, Option<Fault>>, births: &mut Births) {
    births.make(m, A, Shape::Node);
    m.copy(COPY, A);
    m.store(A, FIRST, Some(COPY));
    m.clear(A);
}

/// Makes `nodes` nodes, each of which refers to the one before; `CHILD` refers to the last. All of
/// them are candidates.
fn chain(m: &mut LockFreeMutator<'_, Option<Fault>>, births: &mut Births, nodes: usize) {
    for _ in 0..nodes {
        births.make(m, A, Shape::Node);
        m.store(A, FIRST, Some(CHILD));
        m.copy(CHILD, A);
        m.clear(A);
    }
}

/// A round is cut short at a candidate that lives; while it waits for its grace period, the
/// candidate dies, and its cell is used for another object, which becomes garbage later.
fn reused(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        drop_loop(&mut m, &mut births);
        chain(&mut m, &mut births, 4);
        m.publish(HOME, CHILD);
    }
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || visits(&heap, 2))
    };
    {
        let mut m = heap.attach(seat(1)).expect("a seat");
        m.publish(HOME, NONE);
        for _ in 0..2 {
            m.idle(&mut shuttle::thread::yield_now);
        }
        for _ in 0..4 {
            drop_loop(&mut m, &mut births);
            m.safepoint().expect("no fault");
        }
    }
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// A cell is used again as in `reused`, but with full rounds, which decide about every candidate: a
/// round suspects a node, a mutator brings it back with an upgrade and then drops it, and its cell
/// is used for another.
fn rescued(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    let mut m = heap.attach(seat(1)).expect("a seat");
    births.make(&mut m, A, Shape::Node);
    m.downgrade(CHILD, A);
    m.copy(COPY, A);
    m.store(A, FIRST, Some(COPY));
    m.clear(A);
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || heap.core().collect_now())
    };
    m.idle(&mut shuttle::thread::yield_now);
    if m.upgrade(A, CHILD) {
        m.store(A, FIRST, None);
        m.clear(A);
    }
    for _ in 0..2 {
        m.idle(&mut shuttle::thread::yield_now);
    }
    for _ in 0..3 {
        drop_loop(&mut m, &mut births);
        m.safepoint().expect("no fault");
    }
    drop(m);
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// A garbage ring exceeds the budget of the first rounds, and before each round there are as many
/// fresh candidates as one takes, all of which fit. The ring is freed after three rounds
/// nevertheless: the first two make the budget large enough.
fn starved(fault: Option<Fault>) {
    let heap = open(fault);
    let mut ring = Births::new();
    let mut fresh = Births::new();
    let mut m = heap.attach(seat(1)).expect("a seat");
    chain(&mut m, &mut ring, 1);
    m.copy(Slot(3), CHILD);
    chain(&mut m, &mut ring, 4);
    m.store(Slot(3), FIRST, Some(CHILD));
    m.clear(Slot(3));
    let collector = {
        let heap = Arc::clone(&heap);
        move || visits(&heap, 1)
    };
    for _ in 0..3 {
        for _ in 0..4 {
            drop_loop(&mut m, &mut fresh);
        }
        let mut collector = Some(shuttle::thread::spawn(collector.clone()));
        m.idle(&mut || {
            let collector = collector.take().expect("idle waits once");
            collector.join().expect("no panic");
        });
    }
    ring.assert_dead();
    drop(m);
    assert_empty(&heap);
    fresh.assert_dead();
}

/// A node is a candidate, although nobody ever had a second reference to it: a round suspected it
/// with the list that it is in, and gave up. Then the list came back. Now it is truncated, and the
/// next round is cut short just when the node is released and its cell is wanted for another.
fn truncated(fault: Option<Fault>) {
    truncated_beside(fault, |heap| visits(heap, 1));
}

/// The same, but the next round decides about the node, takes its mark, and finds that its word has
/// changed.
fn truncated_and_decided(fault: Option<Fault>) {
    truncated_beside(fault, |heap| {
        heap.core().collect_now();
    });
}

fn truncated_beside(fault: Option<Fault>, collect: fn(&Modelled)) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, CHILD, Shape::List);
        m.downgrade(Slot(3), CHILD);
        births.make(&mut m, A, Shape::Node);
        m.append(CHILD, A);
        births.make(&mut m, A, Shape::Node);
        m.copy(COPY, CHILD);
        m.store(A, FIRST, Some(COPY));
        m.append(CHILD, A);
        m.clear(CHILD);
        m.safepoint().expect("no fault");
        // This mutator keeps its pin, so the round gives up.
        heap.core().collect_now();
        assert!(m.upgrade(CHILD, Slot(3)), "nothing was freed");
        m.publish(HOME, CHILD);
    }
    let mutator = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || truncate(&heap))
    };
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || collect(&heap))
    };
    let others = mutator.join().expect("no panic");
    collector.join().expect("no panic");
    let mut m = heap.attach(seat(0)).expect("a seat");
    m.publish(HOME, NONE);
    drop(m);
    assert_empty(&heap);
    births.assert_dead();
    others.assert_dead();
}

fn truncate(heap: &Modelled) -> Births {
    let mut births = Births::new();
    let mut m = heap.attach(seat(2)).expect("a seat");
    assert!(m.fetch(CHILD, HOME));
    m.truncate_front(CHILD, 1);
    for _ in 0..2 {
        m.idle(&mut shuttle::thread::yield_now);
        m.safepoint().expect("no fault");
    }
    let nodes = [0, 4, 5].map(Slot);
    for node in nodes {
        births.make(&mut m, node, Shape::Node);
        m.copy(COPY, node);
        m.store(node, FIRST, Some(COPY));
    }
    shuttle::thread::yield_now();
    for node in nodes {
        m.clear(node);
    }
    births
}

/// The mutator truncates; the collector is stopped somewhere in its round; the mutator releases the
/// node and makes others; the collector ends its round; the mutator drops the others.
static TRUNCATED: [Turn; 6] = [
    Turn::Whole(1),
    Turn::Part(2),
    Turn::Whole(1),
    Turn::Whole(1),
    Turn::Whole(2),
    Turn::Whole(1),
];

/// Goal: a candidate that a bounded round did not decide about is looked at again, and no other
/// object is taken for it.
#[test]
pub(super) fn rounds_that_are_cut_short_lose_nothing() {
    holds(reused);
    holds(rescued);
    holds(truncated);
    holds_scripted(&TRUNCATED, truncated);
    holds_scripted(&TRUNCATED, truncated_and_decided);
}

/// Goal: garbage that exceeds a round's budget is found, however many fresh candidates there are.
#[test]
fn large_garbage_does_not_starve() {
    holds(starved);
}

/// Goal: each fault that leaves out a step of bounded rounds is caught.
#[test]
fn faults_break_bounded_rounds() {
    breaks(Fault::SuspectWithoutLooking, &[reused]);
    breaks(Fault::SuspectWithoutLooking, &[rescued]);
    breaks(Fault::NewestFirst, &[starved]);
    breaks(Fault::ForgetBudget, &[starved]);
    let symptom = "something is left";
    breaks_scripted(
        Fault::ReuseAtOnce,
        &TRUNCATED,
        symptom,
        truncated_and_decided,
    );
}
