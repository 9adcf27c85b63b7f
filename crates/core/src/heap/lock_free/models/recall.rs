//! Recalls: whoever is told that there is no memory must not be told so because another holds some
//! back, be it a mutator that releases what it dropped, one that looks for memory as well, or one
//! that has not reported yet that objects died.

use std::sync::Arc;

use super::explore::{
    Births, CAPACITY, Modelled, assert_empty, breaks, holds, open, open_for, seat,
};
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::cycles::paced::Paced;
use crate::heap::lock_free::recall::{Outlook, Recall};
use crate::heap::lock_free::worker::{Whose, Worker};
use crate::heap::{Field, Global, Heap, Mutator, Shape, Slot};
use crate::sync::atomic::Ordering::SeqCst;

const LIST: Slot = Slot(0);
const LEAF: Slot = Slot(1);
const COPY: Slot = Slot(2);
const NONE: Slot = Slot(7);

/// Leaves that shared roots refer to as well, and how often each of them is in the list. Nothing
/// waits for a grace period while these are released, and no operation releases all of them.
const KEPT: u16 = 4;
const COPIES: usize = 13;
/// Leaves that are in the list and nowhere else, behind the others.
const OWN: usize = 6;
/// How often somebody who found no memory looks again. It is enough if some schedules come to a
/// conclusion.
const LOOKS: usize = 12;
/// What it releases at a time.
const BUDGET: usize = 4;
/// The capacity: two objects in shared roots, and one in the hands of each of three mutators, of
/// which one is asking for it.
const FEW: u32 = 5;
/// How many objects are published at a time, and how often.
const BURST: usize = 8;
const BURSTS: usize = 3;
/// How often a root is looked into, to drop what is there.
const DROPS: u16 = 96;
/// Half of the nodes of a chain, which is more than a round of the collector looks at or releases.
const CHAIN: usize = 8;

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
        let outlook = core.outlook(recall.as_ref());
        if outlook == Outlook::Hopeless {
            let room = CAPACITY as usize - usize::from(KEPT);
            assert_eq!(core.room(), room, "memory was held back");
        }
        worker.reap(Whose::Anyone, BUDGET);
        worker.unpinned(|| {
            if outlook != Outlook::Open {
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

/// Two mutators allocate. One makes several objects at a time and puts them into two shared roots,
/// from where a third mutator drops them; the other drops its own. There is room for one object
/// more than can be alive.
fn two_that_allocate(fault: Option<Fault>) {
    let heap = open_for(FEW, fault);
    let publisher = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || publish(&heap))
    };
    let asker = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || allocate_without_hope(&heap))
    };
    let mut m = heap.attach(seat(3)).expect("a seat");
    let mut vain = 0;
    for number in 0..DROPS {
        vain = if m.fetch(LEAF, Global(number % 2)) {
            0
        } else {
            vain + 1
        };
        m.publish(Global(number % 2), NONE);
        m.clear(LEAF);
        // It does not report deaths while there is something to drop.
        if vain > 4 {
            m.safepoint().expect("no fault");
        }
        shuttle::thread::yield_now();
    }
    drop(m);
    let births = [publisher, asker].map(|allocator| allocator.join().expect("no panic"));
    assert_over(&heap, &births[0]);
    births[1].assert_dead();
}

/// Makes some objects, one after the other, and then none for a while, so that nothing waits for a
/// grace period any more.
fn publish(heap: &Modelled) -> Births {
    let core = heap.core();
    let mut births = Births::new();
    let mut worker = Worker::new(core, 1);
    for number in 0..4 * BURST * BURSTS {
        worker.enter();
        if number / BURST % 4 == 3
            && let Ok(cell) = worker.search(Whose::Anyone, None, Outlook::Unclear)
        {
            let object = allocate(&mut worker, &mut births, cell);
            let old = core.globals[number % 2].swap(object.bits(), SeqCst);
            if let Some(old) = Ref::from_bits(old) {
                worker.release(old);
            }
        }
        worker.safepoint();
        shuttle::thread::yield_now();
    }
    drop(worker);
    births
}

/// Does as an allocation does, but looks for cells only when the outlook is hopeless, and some time
/// later. There must be room, or hope again.
fn allocate_without_hope(heap: &Modelled) -> Births {
    let core = heap.core();
    let mut births = Births::new();
    let mut worker = Worker::new(core, 2);
    let mut recall = None;
    for _ in 0..2 * BURST * BURSTS {
        let outlook = core.outlook(recall.as_ref());
        if outlook == Outlook::Hopeless {
            (0..BURST + 2).for_each(|_| shuttle::thread::yield_now());
            match worker.search(Whose::Anyone, recall.as_ref(), outlook) {
                Ok(cell) => {
                    let object = allocate(&mut worker, &mut births, cell);
                    worker.release(object);
                }
                Err(outlook) => assert_ne!(outlook, Outlook::Hopeless, "there was room"),
            }
        }
        worker.unpinned(|| {
            if outlook != Outlook::Open {
                recall = Some(core.recall());
            }
            shuttle::thread::yield_now();
        });
    }
    drop(worker);
    births
}

/// Makes an object in a free cell.
fn allocate(worker: &mut Worker<'_, Option<Fault>>, births: &mut Births, cell: u32) -> Ref {
    worker.reuse(cell);
    let tag = births.tag(Shape::Leaf);
    worker.allocate(Shape::Leaf, tag).expect("a free cell")
}

/// The collector frees a garbage pair off which a chain hangs, most of which it leaves to others,
/// and somebody asks meanwhile whether anything waits to be reclaimed.
fn collector_at_work(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    let mut m = heap.attach(seat(1)).expect("a seat");
    let [first, second, copy, chain] = [0, 1, 2, 3].map(Slot);
    births.make(&mut m, chain, Shape::Node);
    for _ in 0..CHAIN {
        // Without a copy, which would be dropped, and so make the node a candidate.
        births.make(&mut m, first, Shape::Node);
        m.store(first, Field(0), Some(chain));
        births.make(&mut m, chain, Shape::Node);
        m.store(chain, Field(0), Some(first));
    }
    births.make(&mut m, first, Shape::Node);
    births.make(&mut m, second, Shape::Node);
    m.copy(copy, first);
    m.store(second, Field(0), Some(copy));
    m.store(second, Field(1), Some(chain));
    m.store(first, Field(0), Some(second));
    drop(m);
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || {
            Paced::new(heap.core()).visit();
        })
    };
    for _ in 0..LOOKS {
        if heap.core().is_clean() {
            births.assert_dead();
        }
        shuttle::thread::yield_now();
    }
    collector.join().expect("no panic");
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
pub(super) fn recalls_bring_everything_back() {
    holds(at_work);
    holds(left);
}

/// Goal: whoever allocates is not refused because others allocate and report births sooner than
/// deaths.
#[test]
pub(super) fn nobody_is_refused_while_few_objects_live() {
    holds(two_that_allocate);
}

/// Goal: a heap is not taken for clean between a round of the collector and what is to be released
/// because of it.
#[test]
fn what_a_round_leaves_is_not_missed() {
    holds(collector_at_work);
}

/// Goal: it is not enough to answer, or to ask who has answered.
#[test]
fn faults_break_recalls() {
    breaks(Fault::AnswerFirst, &[at_work]);
    breaks(Fault::TakingUnseen, &[at_work]);
    breaks(Fault::TakingUnseen, &[left]);
    breaks(Fault::BirthsUnseen, &[two_that_allocate]);
    breaks(Fault::QuietFirst, &[collector_at_work]);
}
