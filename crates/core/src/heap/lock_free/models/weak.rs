//! Weak references: upgrades against the last decrement, against reuse, and against the collector
//! that is about to free a whole cycle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::explore::{
    Births, Modelled, assert_empty, breaks, breaks_scripted, holds, holds_scripted, open, seat,
    spawn,
};
use super::turns::Turn::{self, Part, Whole};
use crate::heap::fault::Fault;
use crate::heap::lock_free::cell::{self, Cell};
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

/// The threads' numbers in the script: one upgrades, the other collects and uses the cell again.
const UPGRADER: usize = 1;
const COLLECTOR: usize = 2;

/// The upgrade has read the word of what the collector is about to condemn, and goes on when the
/// collector and whoever used the cell after it are through.
static HELD_UP: [Turn; 5] = [
    Whole(UPGRADER),
    Whole(COLLECTOR),
    Part(UPGRADER),
    Whole(COLLECTOR),
    Whole(UPGRADER),
];

/// An upgrade of a reference to garbage is held up while the garbage is freed. Whoever uses its
/// cell again changes the word so often that it is what it was.
fn full_circle(fault: Option<Fault>) {
    let heap = open(fault);
    let seen = Arc::new(AtomicU64::new(0));
    let seen_then = Arc::clone(&seen);
    let upgrader = spawn(&heap, move |heap| {
        let mut births = Births::new();
        let mut m = heap.attach(seat(1)).expect("a seat");
        births.make(&mut m, A, Shape::Node);
        m.downgrade(WEAK_A, A);
        m.copy(GOT, A);
        m.store(A, Field(0), Some(GOT));
        m.clear(A);
        seen.store(only_cell(heap).word.load(Relaxed), Relaxed);
        m.idle(&mut shuttle::thread::yield_now);
        if m.upgrade(GOT, WEAK_A) {
            assert_ne!(m.peek(GOT), Peek::Stale, "another object came back");
        }
        drop(m);
        births
    });
    let collector = spawn(&heap, move |heap| {
        let cell = only_cell(heap);
        let before = cell.meta.load(Relaxed);
        heap.core().collect_now();
        let mut births = Births::new();
        let mut m = heap.attach(seat(2)).expect("a seat");
        for slot in [A, B] {
            births.make(&mut m, slot, Shape::Node);
        }
        let meta = cell.meta.load(Relaxed);
        if cell::is_alive(meta) && meta != before {
            // As if it had been counted 2^32 times since, and weak references been made.
            cell.word.store(seen_then.load(Relaxed), Relaxed);
        }
        m.idle(&mut shuttle::thread::yield_now);
        drop(m);
        births
    });
    let births = [upgrader, collector].map(|thread| thread.join().expect("no panic"));
    assert_empty(&heap);
    births.iter().for_each(Births::assert_dead);
}

/// The cell of the only object.
fn only_cell(heap: &Modelled) -> &Cell {
    let slab = &heap.core().slab;
    let is_alive = |cell: &&Cell| cell::is_alive(cell.meta.load(Relaxed));
    let mut cells = slab.used().map(|index| slab.cell(index));
    cells.find(is_alive).expect("an object")
}

/// Goal: an upgrade finds its own target, whole, or nothing.
#[test]
pub(super) fn upgrades_find_all_or_nothing() {
    holds(cycle);
    holds(leaf);
    holds(rivals);
    holds(bystander);
}

/// Goal: an upgrade that is held up while its target is freed counts nothing else, even if the
/// stamp comes full circle; and a cell that is used again at once, although weak references lead to
/// it, is caught.
#[test]
fn held_up_upgrades_find_nothing_else() {
    holds_scripted(&HELD_UP, full_circle);
    let symptom = "another object came back";
    breaks_scripted(Fault::GarbageAtOnce, &HELD_UP, symptom, full_circle);
}

/// Goal: killing condemned objects without a common verdict is caught.
#[test]
fn faults_break_weak_references() {
    breaks(Fault::NoVerdict, &[cycle]);
    breaks(Fault::VerdictUnchecked, &[bystander]);
}
