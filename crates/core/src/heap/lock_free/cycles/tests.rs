//! What is not a race: a round that broke off, and settling in vain.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::settle::ATTEMPTS;
use crate::heap::lock_free::{LockFreeMutator, open, open_with};
use crate::heap::tag::OwnedSegment;
use crate::heap::{
    Fault, Faults, Field, Heap, HeapConfig, Mutator, Point, Seat, Shape, Slot, Upkeep,
};

/// Panics in the middle of the next round.
#[derive(Debug, Clone, Default)]
struct Trap(Arc<AtomicBool>);

impl Faults for Trap {
    fn has(&self, _: Fault) -> bool {
        false
    }

    fn pass(&self, point: Point) {
        let is_sprung = point == Point::Verdict && self.0.swap(false, Relaxed);
        assert!(!is_sprung, "the trap was sprung");
    }
}

fn config() -> HeapConfig {
    HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100)
    }
}

fn seat() -> Seat {
    Seat {
        number: 0,
        slots: 4,
    }
}

/// Two nodes that refer to each other, and a weak reference to one of them in register 3.
fn drop_pair(m: &mut LockFreeMutator<'_, impl Faults>, births: &mut OwnedSegment) {
    let [first, second, copy, weak] = [0, 1, 2, 3].map(Slot);
    for node in [first, second] {
        m.alloc(
            node,
            Shape::Node,
            births.birth(Shape::Node).expect("there is room"),
        )
        .expect("there is room");
    }
    m.downgrade(weak, first);
    m.copy(copy, first);
    m.store(second, Field(0), Some(copy));
    m.store(first, Field(0), Some(second));
    m.clear(first);
}

/// Goal: after a panic in the middle of a round the next one trusts nothing of it: it finds the
/// same garbage again, leaves nothing condemned, and the heap says that something is wrong.
#[test]
fn rounds_that_panic_leave_nothing_behind() {
    let trap = Trap::default();
    let heap = open_with(&config(), trap.clone());
    let mut births = OwnedSegment::take(0, 0).expect("there is room");
    drop_pair(
        &mut heap.attach(seat()).expect("there is room"),
        &mut births,
    );
    trap.0.store(true, Relaxed);
    catch_unwind(AssertUnwindSafe(|| heap.core.collect_now())).unwrap_err();
    // Its cells are not those that the broken round looked at.
    drop_pair(
        &mut heap.attach(seat()).expect("there is room"),
        &mut births,
    );
    let defect = heap.settle().unwrap_err();
    assert!(defect.to_string().contains("ended in a panic"), "{defect}");
    let segment = births.segment();
    assert_eq!((segment.born(), segment.dead()), (4, 4));
    let census = heap.census(&mut |_| {}).expect("there is room");
    assert_eq!(census.living, 0);
    for leftover in census.leftovers {
        assert_eq!(leftover.count, 0, "{}", leftover.what);
    }
}

/// Goal: beside a mutator that keeps its pin, settling gives up after a few attempts and says so;
/// afterwards it does what was left.
#[test]
fn settling_beside_a_pin_gives_up() {
    let heap = open(&config());
    let mut births = OwnedSegment::take(0, 0).expect("there is room");
    let mut m = heap.attach(seat()).expect("there is room");
    drop_pair(&mut m, &mut births);
    m.safepoint().expect("there is room");
    m.idle(&mut || ());
    m.clear(Slot(0));
    let defect = heap.settle().unwrap_err();
    assert!(defect.to_string().contains("keeps its pin"), "{defect}");
    let abandoned = heap.core.shared.rounds.abandoned.load(Relaxed);
    assert_eq!(abandoned, u64::from(ATTEMPTS));
    assert_eq!(births.segment().dead(), 0);
    m.idle(&mut || {
        // It still says what it met before.
        heap.settle().unwrap_err();
    });
    assert_eq!(births.segment().dead(), 2);
}
