//! Finalizers, one at a time: what they bring back, what they cannot, and how deep they go.

use gcstorm::heap::{Field, Finalizer, Global, Heap, Mutator, Shape, Slot};

use crate::common::{Births, assert_sound, gil, seat};

const A: Slot = Slot(0);
const B: Slot = Slot(1);
const SPARE: Slot = Slot(2);
const WEAK: Slot = Slot(3);
const ROOT: Global = Global(0);
const FIRST: Field = Field(0);

fn make(mutator: &mut impl Mutator, births: &mut Births, dst: Slot, finalizer: Finalizer) {
    let tag = births.tag_with_finalizer(Shape::Node);
    mutator
        .alloc_with_finalizer(dst, Shape::Node, tag, finalizer)
        .expect("capacity suffices for tests");
}

/// Goal: a cycle of which one object is resurrected lives on whole, with all finalizers run; when
/// it is dropped again it dies without any.
#[test]
fn a_cycle_comes_back_whole_and_once() {
    let heap = gil(100);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 4)).unwrap();
    make(&mut mutator, &mut births, A, Finalizer::Resurrect(ROOT));
    make(&mut mutator, &mut births, B, Finalizer::Witness);
    mutator.downgrade(WEAK, A);
    mutator.copy(SPARE, A);
    mutator.store(B, FIRST, Some(SPARE));
    mutator.store(A, FIRST, Some(B));
    mutator.clear(A);
    assert_eq!((births.alive(), births.finalized()), (2, 0));
    mutator.collect();
    assert_eq!((births.alive(), births.finalized()), (2, 2));
    assert!(!mutator.upgrade(A, WEAK), "older weak references are void");
    assert!(mutator.fetch(A, ROOT));
    mutator.load(B, A, FIRST);
    mutator.load(SPARE, B, FIRST);
    assert_eq!(mutator.peek(SPARE), mutator.peek(A), "the cycle is whole");
    mutator.downgrade(WEAK, A);
    assert!(mutator.upgrade(SPARE, WEAK), "a new one stands");
    for slot in [A, B, SPARE] {
        mutator.clear(slot);
    }
    mutator.publish(ROOT, A);
    assert_eq!(births.alive(), 2);
    mutator.collect();
    assert_eq!((births.alive(), births.finalized()), (0, 2));
    drop(mutator);
    assert_eq!(births.misfinalized(), 0);
    assert_sound(&heap, 0);
}

/// Goal: a chain of 200,000 objects with finalizers dies on a stack of 256 KiB, and so does one in
/// which each is resurrected in place of the one before.
#[test]
fn finalizers_do_not_nest() {
    const LINKS: u32 = 200_000;
    for finalizer in [Finalizer::Witness, Finalizer::Resurrect(ROOT)] {
        let heap = gil(LINKS);
        let mut births = Births::new(0);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(256 << 10);
            let (heap, births) = (&heap, &mut births);
            let drop_chain = move || {
                let mut mutator = heap.attach(seat(0, 2)).unwrap();
                for _ in 0..LINKS {
                    make(&mut mutator, births, B, finalizer);
                    mutator.store(B, FIRST, Some(A));
                    mutator.copy(A, B);
                    mutator.clear(B);
                }
                mutator.clear(A);
            };
            thread.spawn_scoped(scope, drop_chain).unwrap();
        });
        let mut mutator = heap.attach(seat(0, 2)).unwrap();
        for _ in 0..LINKS {
            if !mutator.fetch(A, ROOT) {
                break;
            }
            mutator.clear(A);
            mutator.publish(ROOT, A);
        }
        drop(mutator);
        assert_eq!((births.alive(), births.finalized()), (0, LINKS.into()));
        assert_eq!(births.misfinalized(), 0);
        assert_sound(&heap, 0);
    }
}

/// Goal: an object whose finalizer names a root that is not there dies like any other.
#[test]
fn nothing_rises_into_nowhere() {
    let heap = gil(10);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 4)).unwrap();
    make(
        &mut mutator,
        &mut births,
        A,
        Finalizer::Resurrect(Global(u16::MAX)),
    );
    mutator.clear(A);
    assert_eq!((births.alive(), births.finalized()), (0, 1));
    drop(mutator);
    assert_sound(&heap, 0);
}
