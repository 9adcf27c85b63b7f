//! Private objects: a maker counts them alone, while others take, through what it let escape, what
//! they refer to. And the other models once more, with objects that are private at first.

use super::explore::{Births, Model, assert_empty, breaks, holds, open, seat, spawn, with_private};
use super::paced::visits;
use super::program::check_registers;
use super::{cycles, finalized_programs, finalizers, paced, recall, release, weak};
use crate::heap::fault::Fault;
use crate::heap::lock_free::cell::BRANDS;
use crate::heap::{Field, Finalizer, Global, Heap, Mutator, Shape, Slot};

const TOP: Slot = Slot(0);
const CHILD: Slot = Slot(1);
const COPY: Slot = Slot(2);
const LIST: Slot = Slot(3);
const WEAK: Slot = Slot(4);
const NONE: Slot = Slot(7);
const HOME: Global = Global(0);
const FIRST: Field = Field(0);
const SECOND: Field = Field(1);

/// Makes a node, of which it keeps a reference, and stores one into the node in `TOP`.
fn add_child(m: &mut Model<'_>, births: &mut Births) {
    births.make(m, CHILD, Shape::Node);
    m.copy(COPY, CHILD);
    m.store(TOP, FIRST, Some(COPY));
}

/// Lets others find a node that refers to another.
fn publish_both(m: &mut Model<'_>, births: &mut Births) {
    births.make(m, TOP, Shape::Node);
    add_child(m, births);
    m.publish(HOME, TOP);
}

/// Stores a node into one that others can find.
fn store_into_published(m: &mut Model<'_>, births: &mut Births) {
    births.make(m, TOP, Shape::Node);
    m.copy(COPY, TOP);
    m.publish(HOME, COPY);
    add_child(m, births);
}

/// As `publish_both`, with the other field.
fn publish_by_second(m: &mut Model<'_>, births: &mut Births) {
    births.make(m, TOP, Shape::Node);
    births.make(m, CHILD, Shape::Node);
    m.copy(COPY, CHILD);
    m.store(TOP, SECOND, Some(COPY));
    m.publish(HOME, TOP);
}

/// A garbage ring is tried while others find one of the nodes that it refers to.
fn drop_ring_beside(m: &mut Model<'_>, births: &mut Births) {
    publish_both(m, births);
    births.make(m, TOP, Shape::Node);
    m.copy(COPY, TOP);
    m.store(TOP, FIRST, Some(COPY));
    m.copy(COPY, CHILD);
    m.store(TOP, Field(1), Some(COPY));
    m.clear(TOP);
    m.safepoint().expect("no fault");
}

/// Appends a node to a list that others can find.
fn append_to_published(m: &mut Model<'_>, births: &mut Births) {
    births.make(m, LIST, Shape::List);
    m.copy(COPY, LIST);
    m.publish(HOME, COPY);
    births.make(m, TOP, Shape::Node);
    add_child(m, births);
    m.append(LIST, TOP);
}

/// A finalizer lets others find its object, and through it another.
fn drop_finalized(m: &mut Model<'_>, births: &mut Births) {
    births.make_finalized(m, TOP, Shape::Node, Finalizer::Resurrect(HOME));
    add_child(m, births);
    m.clear(TOP);
}

fn take_from_node(m: &mut Model<'_>) {
    m.fetch(TOP, HOME);
    m.load(CHILD, TOP, FIRST);
}

fn take_by_second(m: &mut Model<'_>) {
    m.fetch(TOP, HOME);
    m.load(CHILD, TOP, SECOND);
}

fn take_from_list(m: &mut Model<'_>) {
    m.fetch(LIST, HOME);
    m.get(TOP, LIST, 0);
    m.load(CHILD, TOP, FIRST);
}

/// Lets go of what it takes, but for a weak reference, and comes back to it.
fn take_weakly(m: &mut Model<'_>) {
    take_from_node(m);
    m.downgrade(WEAK, CHILD);
    m.clear(CHILD);
    shuttle::thread::yield_now();
    m.upgrade(CHILD, WEAK);
}

type Make = fn(&mut Model<'_>, &mut Births);
type Take = fn(&mut Model<'_>);

/// All ways in which others can come upon what a mutator made.
const WAYS: [(Make, Take); 7] = [
    (publish_both, take_from_node),
    (store_into_published, take_from_node),
    (drop_ring_beside, take_from_node),
    (append_to_published, take_from_list),
    (drop_finalized, take_from_node),
    (publish_both, take_weakly),
    (publish_by_second, take_by_second),
];

/// A mutator makes two nodes, one of which others can find and the other through it; then it lets
/// go of the other, which somebody else takes and drops meanwhile.
fn taken((make, take): (Make, Take), fault: Option<Fault>) {
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
    let taker = spawn(&heap, move |heap| {
        let mut m = heap.attach(seat(2)).expect("a seat");
        for _ in 0..2 {
            take(&mut m);
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

/// Follows a published chain to its fourth node, which was too far for an escape one by one, and
/// counts that.
fn walk(m: &mut Model<'_>) {
    m.fetch(TOP, HOME);
    m.load(CHILD, TOP, FIRST);
    m.load(CHILD, CHILD, FIRST);
    for _ in 0..2 {
        m.load(COPY, CHILD, FIRST);
        check_registers(m);
        m.clear(COPY);
    }
}

/// A chain escapes, and its end still bears a brand. The brand is given again, while others use the
/// chain.
fn given_again(fault: Option<Fault>) {
    let heap = open(fault);
    let brand = BRANDS / 2 - 1;
    heap.core().brands.skip_to(brand);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(1)).expect("a seat");
        for _ in 0..4 {
            births.make(&mut m, TOP, Shape::Node);
            m.store(TOP, FIRST, Some(CHILD));
            m.copy(CHILD, TOP);
        }
        m.clear(CHILD);
        m.publish(HOME, TOP);
    }
    let other = spawn(&heap, |heap| {
        walk(&mut heap.attach(seat(2)).expect("a seat"))
    });
    let taker = spawn(&heap, move |heap| {
        heap.core().brands.skip_to(BRANDS - 1);
        heap.core().sweep_brands(&mut heap.core().cycles());
        // The first of its half would say that the other is to be swept.
        heap.core().brands.skip_to(brand);
        walk(&mut heap.attach(seat(3)).expect("a seat"));
    });
    other.join().expect("no panic");
    taker.join().expect("no panic");
    heap.attach(seat(0)).expect("a seat").publish(HOME, NONE);
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: what a maker counts alone is nobody else's; what others find has escaped.
#[test]
fn what_others_find_has_escaped() {
    with_private(|| {
        for way in WAYS {
            holds(move |fault| taken(way, fault));
        }
        holds(handed_over);
        holds(given_again);
    });
}

/// Goal: each step of an escape that is left out is caught.
#[test]
fn faults_break_escapes() {
    with_private(|| {
        breaks(Fault::EscapeShallow, &[|fault| taken(WAYS[0], fault)]);
        let store = |fault| taken(WAYS[1], fault);
        breaks(Fault::StoredUnescaped, &[store]);
        breaks(Fault::BrandKept, &[handed_over]);
        breaks(Fault::BrandsUnswept, &[given_again]);
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
