//! Weak references: upgrades against the last decrement, against reuse, and against the collector
//! that is about to free a whole cycle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::explore::{Births, Modelled, assert_empty, breaks, holds, open, seat};
use crate::heap::fault::Fault;
use crate::heap::{Field, Global, Heap, Mutator, Peek, Shape, Slot};

const A: Slot = Slot(0);
const B: Slot = Slot(1);
const WEAK_A: Slot = Slot(2);
const WEAK_B: Slot = Slot(3);
const GOT: Slot = Slot(4);

/// A cycle of two, with a weak reference to each. The mutator drops the cycle and upgrades one and
/// then the other, while the collector runs. If the first comes back, the second must be alive.
fn cycle(fault: Option<Fault>) {
    let heap = open(fault);
    let births = upgrade_both(&heap);
    assert_empty(&heap);
    births.assert_dead();
}

fn upgrade_both(heap: &Arc<Modelled>) -> Births {
    let mut births = Births::new();
    let mut m = heap.attach(seat(1)).expect("a seat");
    births.make(&mut m, A, Shape::Node);
    births.make(&mut m, B, Shape::Node);
    m.downgrade(WEAK_A, A);
    m.downgrade(WEAK_B, B);
    m.copy(GOT, B);
    m.store(A, Field(0), Some(GOT));
    m.copy(GOT, A);
    m.store(B, Field(0), Some(GOT));
    m.clear(B);
    let heap_of_collector = Arc::clone(heap);
    let collector = shuttle::thread::spawn(move || {
        heap_of_collector.core().collect_now();
        heap_of_collector.core().collect_now();
    });
    m.clear(A);
    // Pins are renewed, so that the collector comes as far as its verdict.
    for _ in 0..8 {
        m.idle(&mut shuttle::thread::yield_now);
    }
    if m.upgrade(A, WEAK_A) {
        m.load(B, A, Field(0));
        assert!(
            matches!(m.peek(B), Peek::Object(_)),
            "the other one is gone"
        );
        assert!(m.upgrade(GOT, WEAK_B), "the other one cannot be upgraded");
    }
    m.safepoint().expect("no fault");
    assert_ne!(m.peek(A), Peek::Stale);
    drop(m);
    collector.join().expect("no panic");
    births
}

/// A leaf, dropped by one mutator while another upgrades, and allocated anew by the first.
fn leaf(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, A, Shape::Leaf);
        m.publish(Global(0), A);
    }
    let heap_of_upgrader = Arc::clone(&heap);
    let upgrader = shuttle::thread::spawn(move || {
        let mut m = heap_of_upgrader.attach(seat(1)).expect("a seat");
        if !m.fetch(A, Global(0)) {
            return;
        }
        let id = m.peek(A);
        m.downgrade(WEAK_A, A);
        m.clear(A);
        if m.upgrade(A, WEAK_A) {
            assert_eq!(m.peek(A), id, "another object came back");
        }
        m.safepoint().expect("no fault");
    });
    {
        let mut m = heap.attach(seat(2)).expect("a seat");
        m.publish(Global(0), B);
        for _ in 0..4 {
            births.make(&mut m, A, Shape::Leaf);
            m.clear(A);
            m.safepoint().expect("no fault");
        }
    }
    upgrader.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// A cycle of two, and two mutators that each upgrade one end while the collector decides. The
/// cycle must live whole, for both, or die whole.
fn rivals(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, A, Shape::Node);
        births.make(&mut m, B, Shape::Node);
        for (of, to) in [(A, B), (B, A)] {
            m.copy(GOT, to);
            m.store(of, Field(0), Some(GOT));
        }
        m.publish(Global(0), A);
        m.publish(Global(1), B);
    }
    let mutators = [0, 1].map(|number| {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || rival(&heap, number))
    });
    let heap_of_collector = Arc::clone(&heap);
    let collector = shuttle::thread::spawn(move || {
        heap_of_collector.core().collect_now();
        heap_of_collector.core().collect_now();
    });
    for mutator in mutators {
        mutator.join().expect("no panic");
    }
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

fn rival(heap: &Modelled, number: u16) {
    let mut m = heap.attach(seat(u32::from(number) + 1)).expect("a seat");
    m.fetch(A, Global(number));
    m.downgrade(WEAK_A, A);
    m.publish(Global(number), B);
    m.clear(A);
    for _ in 0..6 {
        m.safepoint().expect("no fault");
        shuttle::thread::yield_now();
    }
    if m.upgrade(A, WEAK_A) {
        m.load(B, A, Field(0));
        m.load(GOT, B, Field(0));
        for slot in [A, B, GOT] {
            assert!(matches!(m.peek(slot), Peek::Object(_)), "a part is gone");
        }
        assert_eq!(m.peek(A), m.peek(GOT), "another cycle");
    }
    m.safepoint().expect("no fault");
}

/// A cycle of A and B and another garbage object are suspected in the same round. One mutator
/// upgrades B, so that A is pardoned while the verdict is death for the other object; another
/// upgrades A just then. Whoever got B keeps it, and with it A, so the other must get A.
fn bystander(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, GOT, Shape::Node);
        m.downgrade(WEAK_A, GOT);
        m.copy(B, GOT);
        m.store(GOT, Field(0), Some(B));
        m.clear(GOT);
        births.make(&mut m, A, Shape::Node);
        births.make(&mut m, B, Shape::Node);
        for (of, to) in [(A, B), (B, A)] {
            m.copy(GOT, to);
            m.store(of, Field(0), Some(GOT));
        }
        m.publish(Global(0), A);
        m.publish(Global(1), B);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let [upgrader, keeper] = [0, 1].map(|number| {
        let (heap, is_over) = (Arc::clone(&heap), Arc::clone(&is_over));
        shuttle::thread::spawn(move || {
            let mut m = heap.attach(seat(u32::from(number) + 1)).expect("a seat");
            m.fetch(A, Global(number));
            m.downgrade(WEAK_A, A);
            m.publish(Global(number), B);
            m.clear(A);
            for _ in 0..4 {
                m.idle(&mut shuttle::thread::yield_now);
            }
            let is_upgraded = m.upgrade(A, WEAK_A);
            // Bounded, for schedules that let nobody else run.
            for _ in 0..40 {
                if number == 0 || is_over.load(Relaxed) {
                    break;
                }
                m.idle(&mut shuttle::thread::yield_now);
            }
            // Kept until the other is through.
            is_upgraded && (number == 0 || is_over.load(Relaxed))
        })
    });
    let heap_of_collector = Arc::clone(&heap);
    let collector = shuttle::thread::spawn(move || heap_of_collector.core().collect_now());
    let is_upgraded = upgrader.join().expect("no panic");
    is_over.store(true, Relaxed);
    let is_kept = keeper.join().expect("no panic");
    assert!(is_upgraded || !is_kept, "an upgrade was lost");
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: an upgrade finds its own target, whole, or nothing.
#[test]
pub(super) fn upgrades_find_all_or_nothing() {
    holds(cycle);
    holds(leaf);
    holds(rivals);
    holds(bystander);
}

/// Goal: killing condemned objects without a common verdict is caught.
#[test]
fn faults_break_weak_references() {
    breaks(Fault::NoVerdict, &[cycle]);
    breaks(Fault::VerdictUnchecked, &[bystander]);
}
