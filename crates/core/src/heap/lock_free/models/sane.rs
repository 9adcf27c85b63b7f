//! A heap with a planted fault frees what is in use. It must notice that, and stay sane: whoever
//! found its object alive under its pin works on a cell that has no other object before the pin
//! ends. If it had, a reference could be stored where a list keeps the address of its storage.

use super::explore::{Births, holds_scripted, open, seat, spawn};
use super::turns::Turn::{self, Part, Whole};
use crate::heap::fault::Fault;
use crate::heap::lock_free::cell::{self, Ref};
use crate::heap::{Field, Heap, Mutator, Shape, Slot};
use crate::sync::atomic::Ordering::Relaxed;

const A: Slot = Slot(0);
const COPY: Slot = Slot(1);
const LEAF: Slot = Slot(2);
/// As many as cells may have been freed, and more.
const LISTS: u32 = 6;

const HOLDER: usize = 1;
const COLLECTOR: usize = 2;

static STOPPED: [Turn; 5] = [
    Whole(HOLDER),
    Whole(COLLECTOR),
    Part(HOLDER),
    Whole(COLLECTOR),
    Whole(HOLDER),
];

/// A register leads to a node without being counted. The node is freed as garbage while its holder
/// is about to store something into it, and lists are made.
fn overwritten() {
    let heap = open(Some(Fault::CopyWithoutIncrement));
    let holder = spawn(&heap, |heap| {
        let mut births = Births::new();
        let mut m = heap.attach(seat(1)).expect("a seat");
        births.make(&mut m, A, Shape::Node);
        births.make(&mut m, LEAF, Shape::Leaf);
        m.copy(COPY, A);
        m.store(A, Field(1), Some(COPY));
        // Counted, and so a candidate when it goes.
        m.load(COPY, A, Field(1));
        m.clear(COPY);
        m.idle(&mut shuttle::thread::yield_now);
        m.store(A, Field(0), Some(LEAF));
    });
    let collector = spawn(&heap, |heap| {
        heap.core().collect_now();
        let mut births = Births::new();
        let mut m = heap.attach(seat(2)).expect("a seat");
        (0..LISTS).for_each(|slot| births.make(&mut m, Slot(slot), Shape::List));
        // Whatever befell them, they stay as they are.
        std::mem::forget(m);
    });
    holder.join().expect("no panic");
    collector.join().expect("no panic");
    let slab = &heap.core().slab;
    let is_spoiled = slab.used().any(|index| {
        let cell = slab.cell(index);
        let meta = cell.meta.load(Relaxed);
        let is_list = cell::is_alive(meta) && cell::shape_of(meta) == Shape::List;
        is_list && Ref::from_bits(cell.slots[0].load(Relaxed)).is_some()
    });
    if is_spoiled {
        // It would follow the reference as an address.
        std::mem::forget(heap);
        panic!("a reference lies where a list has its storage");
    }
}

/// Goal: what a broken heap frees too early is not another object under its users' pins.
#[test]
fn broken_heaps_stay_sane() {
    holds_scripted(&STOPPED, |_| overwritten());
}
