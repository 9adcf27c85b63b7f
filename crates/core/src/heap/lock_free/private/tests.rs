//! What is tried by its maker, what is left to the collector, and how much at a time.

use super::trial::{MOST, TRIAL};
use super::{Birth, Brands, NOBODY};
use crate::heap::lock_free::cell::{BRANDS, is_branded};
use crate::heap::lock_free::cycles::paced::Paced;
use crate::heap::lock_free::shared::CHUNK;
use crate::heap::lock_free::tests::Births;
use crate::heap::lock_free::{LockFree, LockFreeMutator, open};
use crate::heap::{Field, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Upkeep};
use crate::sync::atomic::Ordering::Relaxed;

const TOP: Slot = Slot(0);
const LAST: Slot = Slot(1);
const COPY: Slot = Slot(2);
const NONE: Slot = Slot(3);
const NEXT: Field = Field(0);

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
    assert_eq!(stats.local_cycles_freed, Some(freed));
    assert!(stats.local_collections >= Some(100));
    assert_eq!((stats.collections, stats.cycles_freed), (Some(0), Some(0)));
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
        [CHUNK / 2, CHUNK / 4, CHUNK / 4]
    );
    heap.core.shared.candidates_len.store(0, Relaxed);
}

/// Goal: candidates that one trial did not come to are tried at the very next safepoints, and do not
/// wait until a flush falls due again.
#[test]
fn trials_go_on_at_the_next_safepoint() {
    const RINGS: usize = 40;
    let heap = quiet();
    let mut births = Births::default();
    let mut m = attach(&heap);
    for _ in 0..RINGS {
        drop_ring(&mut m, &mut births, MOST / 8);
    }
    m.worker.hasten();
    let mut tried = 0;
    while births.alive() > 0 {
        m.safepoint().expect("no fault");
        tried += 1;
        assert!(tried <= RINGS, "{} are left", births.alive());
    }
    assert!(tried > 1, "one trial took all");
}

/// Goal: no two workers have the same brand at a time, and a brand of a half is given again only
/// after nobody has one of that half and objects were swept; until then there is none.
#[test]
fn brands_are_given_again() {
    let heap = quiet();
    let brands = &heap.core.brands;
    let [first, second] = [(); 2].map(|()| brands.exchange(NOBODY));
    assert!(first != second && first != NOBODY);
    // Into the other half, which nobody has touched.
    brands.skip_to(BRANDS / 2);
    assert!(!brands.is_stale(first));
    let third = brands.exchange(second);
    assert!(third > second && brands.is_stale(first) && !brands.is_stale(third));
    brands.skip_to(BRANDS - 1);
    let last = brands.exchange(NOBODY);
    assert_ne!(last, NOBODY);
    assert!(brands.due().is_none(), "swept, although somebody has one");
    assert_eq!([(); 3].map(|()| brands.exchange(NOBODY)), [NOBODY; 3]);
    brands.leave(first);
    assert_eq!(brands.exchange(NOBODY), NOBODY, "given before it was swept");
    assert!(brands.due().is_some() && !brands.is_stale(NOBODY));
    heap.core.sweep_brands(&mut heap.core.cycles());
    assert!(brands.due().is_none() && brands.is_stale(NOBODY));
    let again = brands.exchange(NOBODY);
    assert!(again < first && again != NOBODY && brands.is_stale(third));
    // Of the upper half, two are left.
    brands.leave(third);
    brands.skip_to(BRANDS / 2);
    assert_eq!(brands.exchange(again), NOBODY);
    brands.leave(last);
    heap.core.sweep_brands(&mut heap.core.cycles());
    assert_eq!(brands.exchange(NOBODY), third);
    assert_eq!(Brands::new(Birth::Shared).exchange(NOBODY), NOBODY);
}

/// Goal: where there is no brand left, nothing is private, and all is the collector's; once brands
/// are given again, what is born is private, and what was born before is not.
#[test]
fn without_brands_all_is_the_collectors() {
    let heap = quiet();
    let mut births = Births::default();
    let mut holder = attach(&heap);
    // Bears a brand of the lower half and escapes by a new one, so it keeps that.
    chain(&mut holder, &mut births, 1);
    holder.worker.rebrand();
    let old = |m: &LockFreeMutator<'_>| heap.core.slab.cell(m.cell_of(TOP)).meta.load(Relaxed);
    assert!(is_branded(old(&holder)));
    holder.rest();
    heap.core.brands.skip_to(BRANDS / 2);
    let mut m = attach(&heap);
    heap.core.brands.skip_to(1);
    m.worker.rebrand();
    drop_ring(&mut m, &mut births, 2);
    m.rest();
    assert_eq!(births.alive(), 1 + 2);
    Paced::new(heap.core()).visit();
    assert_eq!(births.alive(), 1);
    m.wake();
    holder.wake();
    flush(&mut m);
    assert_eq!(m.worker.own.brand, NOBODY);
    // The holder's is the only one of the lower half. It gives it back, and gets none.
    flush(&mut holder);
    assert_eq!(holder.worker.own.brand, NOBODY);
    heap.core.sweep_brands(&mut heap.core.cycles());
    assert!(!is_branded(old(&holder)), "it still bears a brand");
    for m in [&mut m, &mut holder] {
        flush(m);
        assert_ne!(m.worker.own.brand, NOBODY);
        drop_ring(m, &mut births, 2);
        m.worker.try_private();
    }
    assert_eq!(births.alive(), 0);
}

/// What a safepoint does now and then.
fn flush(m: &mut LockFreeMutator<'_>) {
    m.worker.hasten();
    m.safepoint().expect("no fault");
}
