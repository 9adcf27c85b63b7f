//! Private objects: a maker counts them alone, while others take, through what it let escape, what
//! they refer to. And the other models once more, with objects that are private at first.

use std::sync::Arc;

use super::explore::{Births, Modelled, assert_empty, breaks, holds, open, seat, with_private};
use super::paced::visits;
use super::program::check_registers;
use super::{cycles, finalized_programs, finalizers, paced, recall, release, weak};
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::{Field, Global, Heap, Mutator, Shape, Slot};

const TOP: Slot = Slot(0);
const CHILD: Slot = Slot(1);
const COPY: Slot = Slot(2);
const NONE: Slot = Slot(7);
const HOME: Global = Global(0);
const FIRST: Field = Field(0);

type Maker<'h> = LockFreeMutator<'h, Option<Fault>>;

/// Makes a node, of which it keeps a reference, and stores one into the node in `TOP`.
fn add_child(m: &mut Maker<'_>, births: &mut Births) {
    births.make(m, CHILD, Shape::Node);
    m.copy(COPY, CHILD);
    m.store(TOP, FIRST, Some(COPY));
}

/// Lets others find a node that refers to another.
fn publish_both(m: &mut Maker<'_>, births: &mut Births) {
    births.make(m, TOP, Shape::Node);
    add_child(m, births);
    m.publish(HOME, TOP);
}

/// Stores a node into one that others can find.
fn store_into_published(m: &mut Maker<'_>, births: &mut Births) {
    births.make(m, TOP, Shape::Node);
    m.copy(COPY, TOP);
    m.publish(HOME, COPY);
    add_child(m, births);
}

/// A garbage ring is tried while others find one of the nodes that it refers to.
fn drop_ring_beside(m: &mut Maker<'_>, births: &mut Births) {
    publish_both(m, births);
    births.make(m, TOP, Shape::Node);
    m.copy(COPY, TOP);
    m.store(TOP, FIRST, Some(COPY));
    m.copy(COPY, CHILD);
    m.store(TOP, Field(1), Some(COPY));
    m.clear(TOP);
    m.safepoint().expect("no fault");
}

/// A mutator makes two nodes, one of which others can find and the other through it; then it lets
/// go of the other, which somebody else takes and drops meanwhile.
fn taken(make: fn(&mut Maker<'_>, &mut Births), fault: Option<Fault>) {
    let heap = open(fault);
    let maker = spawn(&heap, move |heap| {
        let mut births = Births::new();
        let mut m = heap.attach(seat(1)).expect("a seat");
        make(&mut m, &mut births);
        shuttle::thread::yield_now();
        m.clear(CHILD);
        check_registers(&mut m);
        drop(m);
        births
    });
    let taker = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(2)).expect("a seat");
        for _ in 0..2 {
            m.fetch(TOP, HOME);
            m.load(CHILD, TOP, FIRST);
            check_registers(&mut m);
            m.clear(CHILD);
            shuttle::thread::yield_now();
        }
    });
    let births = maker.join().expect("no panic");
    taker.join().expect("no panic");
    heap.attach(seat(0)).expect("a seat").publish(HOME, NONE);
    assert_empty(&heap);
    births.assert_dead();
}

/// A mutator drops a chain that is too long for one operation, and rests. The collector buries what
/// is left, while the mutator lets go of the last node of the chain.
fn handed_over(fault: Option<Fault>) {
    let heap = open(fault);
    let collector = spawn(&heap, |heap| visits(heap, 2));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(1)).expect("a seat");
        let [mut node, mut before] = [TOP, CHILD];
        births.make(&mut m, before, Shape::Node);
        m.copy(COPY, before);
        for _ in 0..10 {
            births.make(&mut m, node, Shape::Node);
            // Without a copy, which would be dropped, and make the node a candidate.
            m.store(node, FIRST, Some(before));
            std::mem::swap(&mut node, &mut before);
        }
        m.clear(before);
        m.idle(&mut shuttle::thread::yield_now);
        m.clear(COPY);
    }
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

fn spawn<T: Send + 'static>(
    heap: &Arc<Modelled>,
    work: impl FnOnce(&Modelled) -> T + Send + 'static,
) -> shuttle::thread::JoinHandle<T> {
    let heap = Arc::clone(heap);
    shuttle::thread::spawn(move || work(&heap))
}

/// Goal: what a maker counts alone is nobody else's; what others find has escaped.
#[test]
fn what_others_find_has_escaped() {
    with_private(|| {
        for make in [publish_both, store_into_published, drop_ring_beside] {
            holds(move |fault| taken(make, fault));
        }
        holds(handed_over);
    });
}

/// Goal: each step of an escape that is left out is caught.
#[test]
fn faults_break_escapes() {
    with_private(|| {
        breaks(Fault::EscapeShallow, &[|fault| taken(publish_both, fault)]);
        let store = |fault| taken(store_into_published, fault);
        breaks(Fault::StoredUnescaped, &[store]);
        breaks(Fault::BrandKept, &[handed_over]);
    });
}

/// Goal: with objects that are private at first, too, the collector frees what is garbage and
/// nothing that is in use.
#[test]
fn cycles_are_collected_beside_private_objects() {
    with_private(cycles::cycles_are_collected_concurrently);
    with_private(cycles::cycles_are_collected_in_bounded_rounds);
}

/// Goal: the same for bounded rounds, weak references, finalizers, recalls and releases.
#[test]
fn all_else_holds_beside_private_objects() {
    with_private(paced::rounds_that_are_cut_short_lose_nothing);
    with_private(weak::upgrades_find_all_or_nothing);
    with_private(finalized_programs::nothing_is_finalized_while_it_is_held);
    with_private(finalizers::releases_finalize_once_and_alone);
    with_private(finalizers::cycles_are_finalized_as_one);
    with_private(recall::recalls_bring_everything_back);
    with_private(recall::nobody_is_refused_while_few_objects_live);
    with_private(release::what_is_left_behind_is_released_once);
}
