//! Recalls: whoever is told that there is no memory must not be told so because another holds some
//! back, be it a mutator that releases what it dropped, or one that looks for memory as well.

use std::sync::Arc;

use super::explore::{Births, CAPACITY, Modelled, assert_empty, breaks, holds, open, seat};
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::lock_free::recall::{Outlook, Recall};
use crate::heap::lock_free::worker::{Whose, Worker};
use crate::heap::{Global, Heap, Mutator, Shape, Slot};

const LIST: Slot = Slot(0);
const LEAF: Slot = Slot(1);
const COPY: Slot = Slot(2);
const NONE: Slot = Slot(7);

/// Leaves that shared roots refer to as well, and how often each of them is in the list. Nothing waits
/// for a grace period while these are released, and no operation releases all of them.
const KEPT: u16 = 4;
const COPIES: usize = 13;
/// Leaves that are in the list and nowhere else, behind the others.
const OWN: usize = 6;
/// How often somebody who found no memory looks again. It is enough if some schedules come to a
/// conclusion.
const LOOKS: usize = 12;
/// What it releases at a time.
const BUDGET: usize = 4;

/// Makes a list, and drops it: most of its elements are still to be released then.
fn drop_list(m: &mut LockFreeMutator<'_, Option<Fault>>, births: &mut Births) {
    births.make(m, LIST, Shape::List);
    for global in (0..KEPT).map(Global) {
        births.make(m, LEAF, Shape::Leaf);
        for _ in 0..COPIES {
            m.copy(COPY, LEAF);
            m.append(LIST, COPY);
        }
        m.publish(global, LEAF);
    }
    for _ in 0..OWN {
        births.make(m, LEAF, Shape::Leaf);
        m.append(LIST, LEAF);
    }
    m.clear(LIST);
}

/// Does as an allocation does that finds no memory. The list was dropped before; so when it is told
/// that nobody holds anything back, there must be room for all objects but those that were kept.
fn ask(heap: &Modelled, number: u32) {
    let core = heap.core();
    let mut worker = Worker::new(core, number);
    let mut recall: Option<Recall> = None;
    for _ in 0..LOOKS {
        let outlook = recall.as_ref().map(|recall| core.outlook(recall));
        if outlook == Some(Outlook::Hopeless) {
            let room = CAPACITY as usize - usize::from(KEPT);
            assert_eq!(core.room(), room, "memory was held back");
        }
        worker.reap(Whose::Anyone, BUDGET);
        worker.unpinned(|| {
            if outlook != Some(Outlook::Open) {
                recall = Some(core.recall());
            }
            shuttle::thread::yield_now();
        });
    }
}

/// The mutator that dropped the list goes on from safepoint to safepoint, while another finds no
/// memory.
fn at_work(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    let mut m = heap.attach(seat(1)).expect("a seat");
    drop_list(&mut m, &mut births);
    let asker = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || ask(&heap, 2))
    };
    for _ in 0..LOOKS {
        m.safepoint().expect("no fault");
        shuttle::thread::yield_now();
    }
    drop(m);
    asker.join().expect("no panic");
    assert_over(&heap, &births);
}

/// The mutator has left, and two others find no memory, which both release what it left.
fn left(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    drop_list(&mut heap.attach(seat(1)).expect("a seat"), &mut births);
    let askers = [2, 3].map(|number| {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || ask(&heap, number))
    });
    for asker in askers {
        asker.join().expect("no panic");
    }
    assert_over(&heap, &births);
}

/// Afterwards nobody is at work, nobody owes an answer, and everything is released.
fn assert_over(heap: &Modelled, births: &Births) {
    let recalls = &heap.core().recalls;
    assert_eq!(recalls.at_work(), 0, "somebody did not leave");
    recalls.raise();
    assert!(recalls.is_answered(), "somebody owes an answer");
    let mut m = heap.attach(seat(1)).expect("a seat");
    for global in (0..KEPT).map(Global) {
        m.publish(global, NONE);
    }
    drop(m);
    assert_empty(heap);
    births.assert_dead();
}

/// Goal: whoever is told that nobody holds anything back finds everything that there is.
#[test]
fn recalls_bring_everything_back() {
    holds(at_work);
    holds(left);
}

/// Goal: it is not enough to answer, or to ask who has answered.
#[test]
fn faults_break_recalls() {
    breaks(Fault::AnswerFirst, &[at_work]);
    breaks(Fault::TakingUnseen, &[at_work]);
    breaks(Fault::TakingUnseen, &[left]);
}
