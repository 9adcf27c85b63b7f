//! Finalizers: a last release against an upgrade and against a late reader, a garbage cycle against
//! both, and resurrected objects against threads that find them.
//!
//! Two rules must hold. The finalizer of an object does not run while anybody holds the object. And
//! a weak reference that was made before the finalizer ran is void afterwards, while one that was
//! made afterwards is valid.

use std::sync::Arc;

use super::explore::{Births, Model, Modelled, assert_emptied, breaks, holds, open, seat, spawn};
use crate::heap::fault::Fault;
use crate::heap::tag::Life;
use crate::heap::{Field, Finalizer, Global, Heap, Mutator, ObjectId, Peek, Shape, Slot};

const A: Slot = Slot(0);
const B: Slot = Slot(1);
const GOT: Slot = Slot(2);
const WEAK_A: Slot = Slot(4);
const WEAK_B: Slot = Slot(5);
const NONE: Slot = Slot(7);
const HOME: Global = Global(0);
const RISEN: Global = Global(1);
const FIRST: Field = Field(0);

fn collector(heap: &Arc<Modelled>) -> shuttle::thread::JoinHandle<()> {
    spawn(heap, |heap| {
        heap.core().collect_now();
        heap.core().collect_now();
    })
}

fn held(m: &mut Model<'_>, slot: Slot) -> ObjectId {
    match m.peek(slot) {
        Peek::Object(id) => id,
        other => panic!("{slot:?} leads to nothing: {other:?}"),
    }
}

/// Gives the turn to others and asserts that the state of the object in `slot` does not change.
fn hold(m: &mut Model<'_>, slot: Slot, state: Life) {
    for _ in 0..3 {
        let id = held(m, slot);
        assert_eq!(id.state(), state, "an object changed while it was held");
        m.safepoint().expect("no fault");
        shuttle::thread::yield_now();
    }
    assert_eq!(held(m, slot).state(), state);
}

/// An object with a finalizer is dropped by one mutator while another upgrades a weak reference to
/// it and the first looks for what came back.
fn release(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make_finalized(&mut m, A, Shape::Node, Finalizer::Resurrect(RISEN));
        m.publish(HOME, A);
    }
    let upgrader = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(1)).expect("a seat");
        if !m.fetch(A, HOME) {
            return;
        }
        m.downgrade(WEAK_A, A);
        m.clear(A);
        if m.upgrade(A, WEAK_A) {
            hold(&mut m, A, Life::Alive);
            assert!(m.upgrade(GOT, WEAK_A), "lost while it was held");
        }
    });
    let dropper = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(2)).expect("a seat");
        m.publish(HOME, NONE);
        for _ in 0..3 {
            shuttle::thread::yield_now();
            if m.fetch(A, RISEN) {
                m.downgrade(WEAK_A, A);
                m.publish(RISEN, NONE);
                hold(&mut m, A, Life::Finalized);
                assert!(m.upgrade(GOT, WEAK_A), "made after the finalizer ran");
            }
        }
    });
    upgrader.join().expect("no panic");
    dropper.join().expect("no panic");
    assert_emptied(&heap, &[births]);
}

/// A reader finds an object in a root or in a list when it is about to be dropped. Its finalizer
/// does not resurrect it, so the reader must find it alive or not at all.
fn reader(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make_finalized(&mut m, A, Shape::Leaf, Finalizer::Witness);
        births.make_finalized(&mut m, B, Shape::Leaf, Finalizer::Witness);
        births.make(&mut m, GOT, Shape::List);
        m.append(GOT, B);
        m.publish(HOME, A);
        m.publish(RISEN, GOT);
    }
    let reader = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(1)).expect("a seat");
        if m.fetch(A, HOME) {
            hold(&mut m, A, Life::Alive);
        }
        m.fetch(B, RISEN);
        if m.get(GOT, B, 0) {
            hold(&mut m, GOT, Life::Alive);
        }
    });
    {
        let mut m = heap.attach(seat(2)).expect("a seat");
        m.publish(HOME, NONE);
        m.fetch(B, RISEN);
        m.pop(GOT, B);
        m.clear(GOT);
    }
    reader.join().expect("no panic");
    assert_emptied(&heap, &[births]);
}

/// An object in a root is replaced by another, and its finalizer puts it back into the same root.
/// So the root is never empty.
fn replaced(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make_finalized(&mut m, A, Shape::Leaf, Finalizer::Resurrect(HOME));
        births.make(&mut m, B, Shape::Leaf);
        m.publish(HOME, A);
        m.publish(RISEN, B);
    }
    let reader = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(1)).expect("a seat");
        for _ in 0..2 {
            assert!(
                m.fetch(A, HOME),
                "nothing was found where something always is"
            );
            m.clear(A);
        }
    });
    {
        let mut m = heap.attach(seat(2)).expect("a seat");
        m.fetch(B, RISEN);
        m.publish(HOME, B);
    }
    reader.join().expect("no panic");
    assert_emptied(&heap, &[births]);
}

/// `A.0 = B`, `B.0 = A`, in registers A and B.
fn ring(m: &mut Model<'_>) {
    m.copy(GOT, B);
    m.store(A, FIRST, Some(GOT));
    m.copy(GOT, A);
    m.store(B, FIRST, Some(GOT));
}

/// A cycle of an object that its finalizer resurrects and of one without a finalizer. Weak
/// references to both are upgraded while the collector looks at the cycle.
fn cycle(fault: Option<Fault>) {
    let heap = open(fault);
    let births = upgrade_ring(&heap);
    assert_emptied(&heap, &[births]);
}

fn upgrade_ring(heap: &Arc<Modelled>) -> Births {
    let mut births = Births::new();
    let mut m = heap.attach(seat(1)).expect("a seat");
    births.make_finalized(&mut m, A, Shape::Node, Finalizer::Resurrect(RISEN));
    births.make(&mut m, B, Shape::Node);
    m.downgrade(WEAK_A, A);
    m.downgrade(WEAK_B, B);
    ring(&mut m);
    m.clear(B);
    let collector = collector(heap);
    m.clear(A);
    // Pins are renewed, so that the collector gets to the finalizers.
    for _ in 0..8 {
        m.idle(&mut shuttle::thread::yield_now);
    }
    if m.upgrade(B, WEAK_B) {
        m.load(A, B, FIRST);
        let state = held(&mut m, A).state();
        assert_eq!(m.upgrade(GOT, WEAK_A), state == Life::Alive);
        hold(&mut m, A, state);
    }
    m.idle(&mut || ());
    for slot in [A, B, GOT] {
        m.clear(slot);
    }
    let mut collector = Some(collector);
    m.idle(&mut || {
        let collector = collector.take().expect("idle waits once");
        collector.join().expect("no panic");
    });
    if m.fetch(A, RISEN) {
        assert!(m.upgrade(B, WEAK_B), "it has no finalizer, and lives");
        assert!(!m.upgrade(B, WEAK_A), "its finalizer ran");
    }
    births
}

/// A cycle of two objects that their finalizers resurrect is collected. Whoever finds one of them
/// finds both finalized and whole, and can make valid weak references to them.
fn resurrection(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make_finalized(&mut m, A, Shape::Node, Finalizer::Resurrect(RISEN));
        births.make_finalized(&mut m, B, Shape::Node, Finalizer::Resurrect(HOME));
        ring(&mut m);
    }
    let collector = collector(&heap);
    let finder = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(1)).expect("a seat");
        for _ in 0..8 {
            if m.fetch(A, RISEN) || m.fetch(A, HOME) {
                m.load(B, A, FIRST);
                hold(&mut m, B, Life::Finalized);
                m.downgrade(WEAK_B, B);
                m.load(A, B, FIRST);
                hold(&mut m, A, Life::Finalized);
                assert!(m.upgrade(GOT, WEAK_B), "made after the finalizer ran");
                return;
            }
            m.safepoint().expect("no fault");
            m.idle(&mut shuttle::thread::yield_now);
        }
    });
    collector.join().expect("no panic");
    finder.join().expect("no panic");
    assert_emptied(&heap, &[births]);
}

/// An element with a finalizer is truncated. Nobody ever had a second reference to it.
fn truncated(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, A, Shape::List);
        births.make_finalized(&mut m, B, Shape::Leaf, Finalizer::Witness);
        m.append(A, B);
        let cutter = shuttle::thread::spawn(shuttle::thread::yield_now);
        m.truncate_front(A, 1);
        cutter.join().expect("no panic");
    }
    assert_emptied(&heap, &[births]);
}

/// Goal: of an upgrade and a last release only one succeeds, and so with a late reader and a
/// finalizer.
#[test]
pub(super) fn releases_finalize_once_and_alone() {
    holds(release);
    holds(reader);
    holds(replaced);
    holds(truncated);
}

/// Goal: every object of a garbage cycle is finalized before any is published, and the cycle is
/// published whole.
#[test]
pub(super) fn cycles_are_finalized_as_one() {
    holds(cycle);
    holds(resurrection);
}

/// Goal: each shortcut that the argument in `finalize` excludes makes a model fail.
#[test]
fn faults_break_finalizers() {
    breaks(Fault::WeakAfterFinalizer, &[release]);
    breaks(Fault::FinalizedTwice, &[release]);
    breaks(Fault::NoSecondLook, &[reader]);
    breaks(Fault::SoleUnfinalized, &[truncated]);
    breaks(Fault::PardonFirst, &[cycle]);
    breaks(Fault::ResurrectedFreedAnyway, &[resurrection]);
    breaks(Fault::PublishOneByOne, &[resurrection]);
}
