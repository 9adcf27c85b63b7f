//! When objects die: at once, in chains, in cycles, and at the collector's thresholds.

use gcstorm::heap::{Field, Global, Heap, Mutator, Peek, Shape, Slot};

use crate::common::{Births, assert_sound, gil, make, seat};

const A: Slot = Slot(0);
const B: Slot = Slot(1);
const LIST: Slot = Slot(2);
const FIRST: Field = Field(0);
const SECOND: Field = Field(1);

/// Two nodes that refer to each other, in no register.
fn drop_a_ring(mutator: &mut impl Mutator, births: &mut Births) {
    make(mutator, births, A, Shape::Node);
    make(mutator, births, B, Shape::Node);
    mutator.copy(Slot(3), A);
    mutator.copy(Slot(4), B);
    mutator.store(Slot(3), FIRST, Some(B));
    mutator.store(Slot(4), FIRST, Some(A));
    mutator.clear(Slot(3));
    mutator.clear(Slot(4));
}

/// Goal: a chain of a million links dies on a stack of 256 KiB, at once and whole.
#[test]
fn a_long_chain_dies_on_a_small_stack() {
    const LINKS: u32 = 1_000_000;
    let heap = gil(LINKS);
    let mut births = Births::new(0);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        let births = &mut births;
        let heap = &heap;
        let drop_chain = move || {
            let mut mutator = heap.attach(seat(0, 2)).unwrap();
            make(&mut mutator, births, A, Shape::Node);
            for _ in 1..LINKS {
                make(&mut mutator, births, B, Shape::Node);
                mutator.store(B, FIRST, Some(A));
                mutator.copy(A, B);
                mutator.clear(B);
            }
            assert_eq!(births.alive(), u64::from(LINKS));
            mutator.clear(A);
            assert_eq!(births.alive(), 0);
        };
        thread.spawn_scoped(scope, drop_chain).unwrap();
    });
    assert_sound(&heap, 0);
}

/// Goal: nested lists of lists die whole, however deep and however long.
#[test]
fn nested_lists_die_whole() {
    let heap = gil(200_000);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 3)).unwrap();
    make(&mut mutator, &mut births, LIST, Shape::List);
    for depth in 0..50 {
        for _ in 0..3000 {
            make(&mut mutator, &mut births, A, Shape::Node);
            make(&mut mutator, &mut births, B, Shape::Leaf);
            mutator.store(A, SECOND, Some(B));
            mutator.append(LIST, A);
            if depth > 40 {
                break;
            }
        }
        make(&mut mutator, &mut births, A, Shape::List);
        mutator.append(A, LIST);
        mutator.copy(LIST, A);
        mutator.clear(A);
        if births.alive() > 190_000 {
            break;
        }
    }
    mutator.clear(LIST);
    assert_eq!(births.alive(), 0);
    drop(mutator);
    assert_sound(&heap, 0);
}

/// Goal: rings that are dropped one after the other are found by the thresholds, without a call.
#[test]
fn thresholds_find_cycles() {
    let heap = gil(100_000);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 5)).unwrap();
    let mut most = 0;
    for _ in 0..50_000 {
        drop_a_ring(&mut mutator, &mut births);
        most = births.alive().max(most);
    }
    assert!(most < 2000, "{most} objects were alive at once");
    mutator.collect();
    assert_eq!(births.alive(), 0);
    drop(mutator);
    let stats = heap.stats();
    assert_eq!(stats.cycles_freed, Some(100_000));
    // One young collection for 701 tracked objects, at most.
    assert!(
        stats
            .collections
            .is_some_and(|it| (100..=150).contains(&it)),
        "{stats:?}"
    );
    assert_sound(&heap, 0);
}

/// Goal: full collections follow the quarter rule: while everything stays alive they become rarer,
/// where the thresholds alone would ask for one every 85,000 objects.
#[test]
fn full_collections_wait_for_a_quarter() {
    const NODES: u32 = 2_000_000;
    let heap = gil(NODES + 1);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 5)).unwrap();
    make(&mut mutator, &mut births, LIST, Shape::List);
    for _ in 0..NODES {
        make(&mut mutator, &mut births, A, Shape::Node);
        mutator.copy(B, A);
        mutator.store(A, FIRST, Some(B));
        mutator.append(LIST, A);
    }
    let mut stats = None;
    mutator.idle(&mut || stats = Some(heap.stats()));
    let stats = stats.expect("asked for");
    // One for 701 tracked objects; and full ones at 85,000, twice, thrice and four times that, and
    // from then on whenever a quarter more has come.
    assert!(
        stats
            .collections
            .is_some_and(|it| (2700..=2900).contains(&it)),
        "{stats:?}"
    );
    assert!(
        stats
            .full_collections
            .is_some_and(|it| (9..=14).contains(&it)),
        "{stats:?}"
    );
    assert_eq!(stats.cycles_freed, Some(0));
    drop(mutator);
    heap.settle().unwrap();
    assert_eq!(births.alive(), 0);
    assert_sound(&heap, 0);
}

/// Goal: an object that never held a container costs the collector nothing.
#[test]
fn childless_objects_are_not_tracked() {
    let heap = gil(200_000);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 3)).unwrap();
    make(&mut mutator, &mut births, LIST, Shape::List);
    for _ in 0..100_000 {
        make(&mut mutator, &mut births, A, Shape::Node);
        mutator.append(LIST, A);
    }
    drop(mutator);
    assert_eq!(heap.stats().collections, Some(0));
    assert_sound(&heap, 0);
}

/// Goal: entries of objects that died by themselves do not pile up in the generations, and a
/// living object is never entered twice, however much comes and goes.
#[test]
fn churn_leaves_no_entries() {
    let heap = gil(10_000);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 3)).unwrap();
    make(&mut mutator, &mut births, LIST, Shape::List);
    for round in 0..200_000 {
        make(&mut mutator, &mut births, A, Shape::Node);
        make(&mut mutator, &mut births, B, Shape::Node);
        mutator.store(A, FIRST, Some(B));
        if round % 100 == 0 {
            mutator.append(LIST, A);
        } else {
            mutator.clear(A);
        }
    }
    let kept = births.alive();
    assert_eq!(kept, 2 * 2000 + 1);
    assert_sound_while_attached(&mut mutator, &heap, kept);
    drop(mutator);
    assert_sound(&heap, 0);
}

fn assert_sound_while_attached(
    mutator: &mut impl Mutator,
    heap: &gcstorm::heap::counted::GilHeap,
    living: u64,
) {
    mutator.idle(&mut || assert_sound(heap, living));
}

/// Goal: what a dead ring held outside of it is released once: a shared survivor keeps its other
/// reference, and what only the ring held dies with it.
#[test]
fn a_dead_ring_releases_what_it_held() {
    let heap = gil(100);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 8)).unwrap();
    let (survivor, held) = (Slot(5), Slot(6));
    make(&mut mutator, &mut births, survivor, Shape::List);
    make(&mut mutator, &mut births, A, Shape::Node);
    make(&mut mutator, &mut births, LIST, Shape::List);
    mutator.copy(B, A);
    mutator.store(A, FIRST, Some(B));
    for _ in 0..3 {
        make(&mut mutator, &mut births, held, Shape::Leaf);
        mutator.append(LIST, held);
        mutator.copy(held, survivor);
        mutator.append(LIST, held);
        mutator.copy(held, A);
        mutator.append(LIST, held);
    }
    mutator.store(A, SECOND, Some(LIST));
    mutator.clear(A);
    assert_eq!(births.alive(), 6);
    mutator.collect();
    assert_eq!(births.alive(), 1);
    assert!(matches!(mutator.peek(survivor), Peek::Object(_)));
    mutator.clear(survivor);
    assert_eq!((births.alive(), births.doubles()), (0, 0));
    drop(mutator);
    assert_sound(&heap, 0);
}

/// Goal: a heap that is full collects before it refuses, refuses when everything is in use, and
/// goes on after that.
#[test]
fn a_full_heap_collects_then_refuses() {
    let heap = gil(10);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 12)).unwrap();
    for _ in 0..20 {
        drop_a_ring(&mut mutator, &mut births);
    }
    for slot in 0..10 {
        make(&mut mutator, &mut births, Slot(slot), Shape::Leaf);
    }
    let tag = births.tag(Shape::Leaf);
    assert!(mutator.alloc(Slot(11), Shape::Leaf, tag).is_err());
    assert_eq!(births.alive(), 10);
    mutator.clear(Slot(3));
    make(&mut mutator, &mut births, Slot(11), Shape::Leaf);
    drop(mutator);
    assert_sound(&heap, 0);
}

/// Goal: an append that finds no page keeps its element, and the next allocation says so.
#[test]
fn running_out_of_pages_is_reported() {
    let heap = gil(2);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 4)).unwrap();
    make(&mut mutator, &mut births, LIST, Shape::List);
    make(&mut mutator, &mut births, A, Shape::Leaf);
    while mutator.peek(B) == Peek::Empty {
        mutator.copy(B, A);
        mutator.append(LIST, B);
    }
    assert!(mutator.len(LIST) > 4_000_000);
    mutator.clear(B);
    mutator.clear(A);
    let tag = births.tag(Shape::Leaf);
    assert!(mutator.alloc(A, Shape::Leaf, tag).is_err());
    mutator.truncate_front(LIST, u64::MAX);
    make(&mut mutator, &mut births, A, Shape::Leaf);
    drop(mutator);
    assert_eq!(births.alive(), 0);
    assert_sound(&heap, 0);
}

/// Goal: as many lists as there are objects may hold a few elements.
#[test]
fn many_lists_may_hold_something() {
    const ALL: Slot = Slot(3);
    for (lists, len) in [(45_000, 1), (21_000, 8)] {
        let heap = gil(100_000);
        let mut births = Births::new(0);
        let mut mutator = heap.attach(seat(0, 4)).unwrap();
        make(&mut mutator, &mut births, ALL, Shape::List);
        for _ in 0..lists {
            make(&mut mutator, &mut births, LIST, Shape::List);
            make(&mut mutator, &mut births, A, Shape::Leaf);
            for _ in 0..len {
                mutator.copy(B, A);
                assert!(mutator.append(LIST, B));
            }
            assert!(mutator.append(ALL, LIST));
        }
        assert!(mutator.get(LIST, ALL, lists / 2));
        assert_eq!(mutator.len(LIST), len);
        drop(mutator);
        assert_eq!(births.alive(), 0);
        assert_sound(&heap, 0);
    }
}

/// Goal: the end of the heap is the end of what is still in it.
#[test]
fn a_closed_heap_drops_its_tags() {
    let heap = gil(10);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 2)).unwrap();
    make(&mut mutator, &mut births, A, Shape::List);
    make(&mut mutator, &mut births, B, Shape::Leaf);
    mutator.append(A, B);
    mutator.publish(Global(0), A);
    drop(mutator);
    assert_sound(&heap, 2);
    assert_eq!(births.alive(), 2);
    drop(heap);
    assert_eq!((births.alive(), births.doubles()), (0, 0));
}
