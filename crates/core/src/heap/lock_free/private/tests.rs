//! What is tried by its maker, what is left to the collector, and how much at a time.

use super::trial::{MOST, TRIAL};
use super::{Birth, Brands, NOBODY};
use crate::heap::lock_free::cell::BRANDS;
use crate::heap::lock_free::cycles::paced::Paced;
use crate::heap::lock_free::shared::CHUNK;
use crate::heap::lock_free::{LockFree, LockFreeMutator, open};
use crate::heap::tag::OwnedSegment;
use crate::heap::{Field, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag, Upkeep};
use crate::sync::atomic::Ordering::Relaxed;

const TOP: Slot = Slot(0);
const LAST: Slot = Slot(1);
const COPY: Slot = Slot(2);
const NONE: Slot = Slot(3);
const NEXT: Field = Field(0);

#[derive(Default)]
struct Births(Vec<OwnedSegment>);

impl Births {
    fn node(&mut self) -> Tag {
        let last = self.0.last_mut();
        if let Some(tag) = last.and_then(|last| last.birth(Shape::Node)) {
            return tag;
        }
        self.0
            .push(OwnedSegment::take(0, 0).expect("there is room"));
        self.node()
    }

    fn alive(&self) -> usize {
        let segments = self.0.iter().map(OwnedSegment::segment);
        segments.map(|it| it.born() - it.dead()).sum()
    }
}

/// A heap that has no thread of its own.
fn quiet() -> LockFree {
    open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100_000)
    })
}

fn attach(heap: &LockFree) -> LockFreeMutator<'_> {
    heap.attach(Seat {
        number: 0,
        slots: 4,
    })
    .expect("there is room")
}

/// Makes a chain of nodes: `TOP` leads to the first, `LAST` to the last. None is a candidate.
fn chain(m: &mut LockFreeMutator<'_>, births: &mut Births, nodes: usize) {
    m.alloc(TOP, Shape::Node, births.node())
        .expect("there is room");
    m.copy(LAST, TOP);
    for _ in 1..nodes {
        m.alloc(COPY, Shape::Node, births.node())
            .expect("there is room");
        m.store(COPY, NEXT, Some(TOP));
        m.copy(TOP, COPY);
        m.clear(COPY);
    }
}

/// Drops a ring of so many nodes.
fn drop_ring(m: &mut LockFreeMutator<'_>, births: &mut Births, nodes: usize) {
    chain(m, births, nodes);
    m.copy(COPY, TOP);
    m.store(LAST, NEXT, Some(COPY));
    m.clear(LAST);
    m.clear(TOP);
}

/// Goal: garbage cycles of one mutator are freed at its safepoints, without a collector and without
/// a grace period, and their cells are used again at once.
#[test]
fn makers_collect_alone() {
    let heap = quiet();
    let mut births = Births::default();
    let mut m = attach(&heap);
    for _ in 0..100 * TRIAL {
        drop_ring(&mut m, &mut births, 2);
        m.safepoint().expect("no fault");
    }
    assert!(births.alive() <= 2 * TRIAL, "{} are left", births.alive());
    assert!(heap.core.slab.used().end < 2_000, "cells were not reused");
    m.rest();
    assert_eq!(births.alive(), 0, "what rests has not collected");
    assert_eq!(heap.core.shared.unreclaimed_peak(), 0);
    let stats = heap.stats();
    let freed = u64::try_from(200 * TRIAL).expect("few");
    assert_eq!(stats.cycles_freed, Some(freed));
    assert!(stats.collections >= Some(100));
}

/// Goal: a node that is alive when it is tried escapes, with what it reaches, and is nobody's but
/// the collector's when it becomes garbage.
#[test]
fn survivors_escape() {
    let heap = quiet();
    let mut births = Births::default();
    let mut m = attach(&heap);
    chain(&mut m, &mut births, 10);
    m.copy(COPY, TOP);
    m.store(LAST, NEXT, Some(COPY));
    m.clear(LAST);
    m.rest();
    m.wake();
    m.clear(TOP);
    m.rest();
    assert_eq!(births.alive(), 10);
    Paced::new(heap.core()).visit();
    assert_eq!(births.alive(), 0);
}

/// Goal: a ring that is too large for a trial is left to the collector, and smaller ones before and
/// after it are not.
#[test]
fn what_is_too_large_is_left_to_the_collector() {
    let heap = quiet();
    let mut births = Births::default();
    let mut m = attach(&heap);
    let sizes = [2, MOST, MOST + 1, 2];
    for size in sizes {
        drop_ring(&mut m, &mut births, size);
    }
    m.rest();
    assert!(births.alive() > MOST);
    while Paced::new(heap.core()).visit() {}
    assert_eq!(births.alive(), 0);
    m.wake();
    drop_ring(&mut m, &mut births, MOST);
    m.rest();
    assert_eq!(births.alive(), 0, "the new brand is none");
}

/// Goal: candidates that reach more nodes than one trial takes are tried in several, and none is
/// lost.
#[test]
fn trials_take_what_they_can() {
    let heap = quiet();
    let mut births = Births::default();
    let mut m = attach(&heap);
    for _ in 0..20 {
        drop_ring(&mut m, &mut births, MOST / 8);
    }
    let before = births.alive();
    let mut trials = 0;
    while births.alive() > 0 {
        let left = births.alive();
        m.worker.try_private();
        trials += 1;
        assert!(left - births.alive() <= MOST);
        assert!(trials < 100, "{left} of {before} are left");
    }
    assert!(trials > 1);
}

/// Goal: what a mutator publishes is collected in the end, however much of it there is.
#[test]
fn what_is_published_is_collected() {
    for nodes in [1, 2, 200, 256, 257, 20_000] {
        let heap = quiet();
        let mut births = Births::default();
        let mut m = attach(&heap);
        chain(&mut m, &mut births, nodes);
        m.copy(COPY, TOP);
        m.store(LAST, NEXT, Some(COPY));
        m.publish(Global(0), TOP);
        m.clear(LAST);
        m.rest();
        heap.settle().expect("no fault");
        assert_eq!(births.alive(), nodes);
        m.wake();
        m.publish(Global(0), NONE);
        m.rest();
        heap.settle().expect("no fault");
        assert_eq!(births.alive(), 0);
    }
}

/// Goal: a private object's weak references die with it, and its cell's next object is not taken
/// for it.
#[test]
fn weak_references_die_in_a_trial() {
    let heap = quiet();
    let mut births = Births::default();
    let mut m = attach(&heap);
    chain(&mut m, &mut births, 1);
    m.clear(LAST);
    m.downgrade(NONE, TOP);
    assert!(m.upgrade(LAST, NONE));
    m.store(TOP, NEXT, Some(LAST));
    m.worker.try_private();
    assert!(m.upgrade(LAST, NONE));
    m.clear(LAST);
    m.clear(TOP);
    m.rest();
    m.wake();
    Paced::new(heap.core()).visit();
    chain(&mut m, &mut births, 1);
    m.clear(LAST);
    m.downgrade(NONE, TOP);
    m.copy(LAST, TOP);
    m.store(TOP, NEXT, Some(LAST));
    m.clear(TOP);
    m.worker.try_private();
    assert!(!m.upgrade(LAST, NONE));
    chain(&mut m, &mut births, 3);
    assert!(!m.upgrade(COPY, NONE));
}

/// Goal: the more candidates wait for the collector, beside what lives, the farther it is behind;
/// and a mutator gets fewer cells at a time then.
#[test]
fn who_makes_much_garbage_gets_few_cells() {
    let heap = open(&HeapConfig::with_capacity(100_000));
    // Nobody does anything about candidates meanwhile.
    let _cycles = heap.core.cycles();
    let mut births = Births::default();
    let mut m = attach(&heap);
    let mut cells = |waiting| {
        heap.core.shared.candidates_len.store(waiting, Relaxed);
        m.clear(TOP);
        m.worker.free.clear();
        m.alloc(TOP, Shape::Node, births.node())
            .expect("there is room");
        m.worker.free.len() + 1
    };
    assert_eq!([0, 1 << 14, 1 << 15].map(&mut cells), [CHUNK; 3]);
    assert_eq!(
        [2 << 15, 3 << 15, 1 << 30].map(&mut cells),
        [CHUNK / 2, CHUNK / 4, CHUNK / 32]
    );
    heap.core.shared.candidates_len.store(0, Relaxed);
}

/// Goal: brands are given once, and when there are none left, nothing is private.
#[test]
fn brands_run_out() {
    let brands = Brands::new(Birth::Private);
    let [first, second] = [(); 2].map(|()| brands.take());
    assert!(first != second && first != NOBODY);
    brands.0.store(BRANDS - 1, Relaxed);
    assert_ne!(brands.take(), NOBODY);
    assert_eq!([(); 3].map(|()| brands.take()), [NOBODY; 3]);
    let heap = quiet();
    heap.core.brands.0.store(BRANDS, Relaxed);
    let mut births = Births::default();
    let mut m = attach(&heap);
    drop_ring(&mut m, &mut births, 2);
    m.rest();
    assert_eq!(births.alive(), 2);
    Paced::new(heap.core()).visit();
    assert_eq!(births.alive(), 0);
}
