//! Finalizers, one at a time: what they bring back, what they cannot, and how deep they go.

use gcstorm::heap::lock_free::{self, LockFree};
use gcstorm::heap::{Field, Finalizer, Global, Heap, HeapConfig, Mutator, Shape, Slot};

use crate::common::{Births, assert_sound, gil, make, seat};

const A: Slot = Slot(0);
const B: Slot = Slot(1);
const SPARE: Slot = Slot(2);
const WEAK: Slot = Slot(3);
const ROOT: Global = Global(0);
const FIRST: Field = Field(0);

fn lock_free(capacity: u32) -> LockFree {
    lock_free::open(&HeapConfig::with_capacity(capacity))
}

fn make_finalized(
    mutator: &mut impl Mutator,
    births: &mut Births,
    dst: Slot,
    finalizer: Finalizer,
) {
    let tag = births.tag_with_finalizer(Shape::Node);
    mutator
        .alloc_with_finalizer(dst, Shape::Node, tag, finalizer)
        .expect("capacity suffices for tests");
}

/// Once the heap is settled it is sound and empty, and `finalized` finalizers have run.
#[track_caller]
fn assert_finished(heap: &impl Heap, births: &mut Births, finalized: u64) {
    heap.settle().expect("the heap is not broken");
    assert_eq!((births.alive(), births.finalized()), (0, finalized));
    assert_eq!(births.misfinalized(), 0);
    assert_sound(heap, 0);
}

/// Goal: a cycle of which one object is resurrected lives on whole, with all finalizers run; when
/// it is dropped again it dies without any.
#[test]
fn a_cycle_comes_back_whole_and_once() {
    come_back_whole_and_once(&gil(100));
    come_back_whole_and_once(&lock_free(100));
}

fn come_back_whole_and_once(heap: &impl Heap) {
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 4)).expect("the heap works");
    make_finalized(&mut mutator, &mut births, A, Finalizer::Resurrect(ROOT));
    make_finalized(&mut mutator, &mut births, B, Finalizer::Witness);
    mutator.downgrade(WEAK, A);
    mutator.copy(SPARE, A);
    mutator.store(B, FIRST, Some(SPARE));
    assert_eq!((births.alive(), births.finalized()), (2, 0));
    mutator.store(A, FIRST, Some(B));
    mutator.clear(A);
    mutator.collect();
    assert_eq!((births.alive(), births.finalized()), (2, 2));
    assert!(!mutator.upgrade(A, WEAK), "older weak references are void");
    assert!(mutator.fetch(A, ROOT));
    mutator.load(B, A, FIRST);
    mutator.load(SPARE, B, FIRST);
    assert_eq!(mutator.peek(SPARE), mutator.peek(A), "the cycle is whole");
    mutator.downgrade(WEAK, A);
    assert!(mutator.upgrade(SPARE, WEAK), "a new one stands");
    assert_eq!(births.alive(), 2);
    for slot in [A, B, SPARE] {
        mutator.clear(slot);
    }
    mutator.publish(ROOT, A);
    mutator.collect();
    assert_eq!((births.alive(), births.finalized()), (0, 2));
    drop(mutator);
    assert_finished(heap, &mut births, 2);
}

/// Goal: what a finalizer brings back brings back all that it refers to and nothing else; a weak
/// reference to a part of it that has no finalizer stands, and one to what died does not.
#[test]
fn only_what_is_reached_comes_back() {
    bring_back_what_is_reached(&gil(100));
    bring_back_what_is_reached(&lock_free(100));
}

fn bring_back_what_is_reached(heap: &impl Heap) {
    const LOST: Slot = Slot(4);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 5)).expect("the heap works");
    // A refers to itself and to a plain node; B refers to itself and to A.
    make_finalized(&mut mutator, &mut births, A, Finalizer::Resurrect(ROOT));
    make(&mut mutator, &mut births, SPARE, Shape::Node);
    mutator.downgrade(WEAK, SPARE);
    mutator.store(A, Field(1), Some(SPARE));
    make(&mut mutator, &mut births, B, Shape::Node);
    mutator.downgrade(LOST, B);
    mutator.copy(SPARE, A);
    mutator.store(B, Field(1), Some(SPARE));
    for slot in [A, B] {
        mutator.store(slot, FIRST, Some(slot));
        mutator.clear(slot);
    }
    mutator.collect();
    assert_eq!((births.alive(), births.finalized()), (2, 1));
    assert!(!mutator.upgrade(SPARE, LOST));
    assert!(mutator.upgrade(SPARE, WEAK));
    mutator.clear(SPARE);
    mutator.publish(ROOT, SPARE);
    mutator.collect();
    assert!(!mutator.upgrade(SPARE, WEAK));
    drop(mutator);
    assert_finished(heap, &mut births, 1);
}

/// Goal: a chain of 200,000 objects with finalizers dies on a stack of 256 KiB, and so does one in
/// which each is resurrected in place of the one before.
#[test]
fn finalizers_do_not_nest() {
    const LINKS: u32 = 200_000;
    for finalizer in [Finalizer::Witness, Finalizer::Resurrect(ROOT)] {
        finalize_chain(&gil(LINKS), LINKS, finalizer);
        finalize_chain(&lock_free(LINKS), LINKS, finalizer);
    }
}

fn finalize_chain(heap: &(impl Heap + Sync), links: u32, finalizer: Finalizer) {
    let mut births = Births::new(0);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        let births = &mut births;
        let drop_chain = move || {
            let mut mutator = heap.attach(seat(0, 2)).expect("the heap works");
            for _ in 0..links {
                make_finalized(&mut mutator, births, B, finalizer);
                mutator.store(B, FIRST, Some(A));
                mutator.copy(A, B);
                mutator.clear(B);
            }
            mutator.clear(A);
        };
        thread
            .spawn_scoped(scope, drop_chain)
            .expect("the heap works");
    });
    let mut mutator = heap.attach(seat(0, 2)).expect("the heap works");
    for _ in 0..links {
        if !mutator.fetch(A, ROOT) {
            break;
        }
        mutator.clear(A);
        mutator.publish(ROOT, A);
    }
    drop(mutator);
    assert_finished(heap, &mut births, links.into());
}

/// Goal: an object whose finalizer names a root that is not there dies like any other.
#[test]
fn nothing_rises_into_nowhere() {
    rise_into_nowhere(&gil(10));
    rise_into_nowhere(&lock_free(10));
}

fn rise_into_nowhere(heap: &impl Heap) {
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 4)).expect("the heap works");
    let nowhere = Finalizer::Resurrect(Global(u16::MAX));
    make_finalized(&mut mutator, &mut births, A, nowhere);
    mutator.clear(A);
    assert_eq!((births.alive(), births.finalized()), (0, 1));
    drop(mutator);
    assert_finished(heap, &mut births, 1);
}

/// Goal: elements are finalized however they leave their list, even those that were never referred
/// to from anywhere else.
#[test]
fn elements_are_finalized() {
    finalize_elements(&gil(5_000));
    finalize_elements(&lock_free(5_000));
}

fn finalize_elements(heap: &impl Heap) {
    const ELEMENTS: u64 = 4_000;
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 4)).expect("the heap works");
    make(&mut mutator, &mut births, A, Shape::List);
    for _ in 0..ELEMENTS {
        make_finalized(&mut mutator, &mut births, B, Finalizer::Resurrect(ROOT));
        mutator.append(A, B);
    }
    mutator.truncate_front(A, ELEMENTS / 4);
    mutator.truncate_back(A, ELEMENTS / 4);
    assert!(mutator.pop(B, A));
    mutator.clear(B);
    mutator.clear(A);
    mutator.idle(&mut || heap.settle().expect("the heap is not broken"));
    mutator.publish(ROOT, B);
    drop(mutator);
    assert_finished(heap, &mut births, ELEMENTS);
}
