//! Releases that race: the last decrement against an increment, a truncated element that another
//! list held a moment ago, and one that another worker releases in place of the one that truncated
//! it.

use super::explore::{
    Births, Modelled, assert_empty, breaks, breaks_scripted, holds, holds_scripted, open, seat,
    spawn,
};
use super::paced::visits;
use super::turns::Turn;
use crate::heap::fault::Fault;
use crate::heap::lock_free::home::COLLECTOR;
use crate::heap::lock_free::worker::Worker;
use crate::heap::{Global, Heap, Mutator, Peek, Shape, Slot};

const FIRST: Slot = Slot(0);
const SECOND: Slot = Slot(1);
const VAL: Slot = Slot(2);
const GOT: Slot = Slot(3);

const TRUNCATER: usize = 1;
const READER: usize = 2;

/// Turns in which both give up their pins, so that the truncated range's grace period passes and
/// the range is ripe, but nobody has looked at it yet.
const GRACE: usize = 4;

/// The reader has found the element, and not counted it yet; the other list lets go of it, and the
/// truncater looks at the range. The reader counts it between the look at its word and its death.
static SCRIPT: [Turn; 2 * GRACE + 6] = {
    let mut script = [Turn::Whole(TRUNCATER); 2 * GRACE + 6];
    let mut turn = 1;
    while turn < script.len() {
        script[turn] = Turn::Whole(READER);
        turn += 2;
    }
    script[2 * GRACE + 2] = Turn::Part(READER);
    script[2 * GRACE + 3] = Turn::Part(TRUNCATER);
    script[2 * GRACE + 4] = Turn::Whole(READER);
    script[2 * GRACE + 5] = Turn::Whole(TRUNCATER);
    script
};

/// Two lists that hold the same leaf; a mutator empties the first and then the second, and another
/// reads the second all the while.
fn run(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, FIRST, Shape::List);
        births.make(&mut m, SECOND, Shape::List);
        births.make(&mut m, VAL, Shape::Leaf);
        m.copy(GOT, VAL);
        m.append(FIRST, VAL);
        m.append(SECOND, GOT);
        m.publish(Global(0), FIRST);
        m.publish(Global(1), SECOND);
    }
    let truncater = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(1)).expect("a seat");
        assert!(m.fetch(FIRST, Global(0)));
        assert!(m.fetch(SECOND, Global(1)));
        m.truncate_front(FIRST, 1);
        for _ in 0..=GRACE {
            m.idle(&mut shuttle::thread::yield_now);
        }
        m.pop(VAL, SECOND);
        m.clear(VAL);
        for _ in 0..4 {
            m.safepoint().expect("no fault");
            m.idle(&mut shuttle::thread::yield_now);
        }
    });
    let reader = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(2)).expect("a seat");
        assert!(m.fetch(SECOND, Global(1)));
        for _ in 0..=GRACE {
            m.idle(&mut shuttle::thread::yield_now);
        }
        for _ in 0..4 {
            if m.get(GOT, SECOND, 0) {
                shuttle::thread::yield_now();
                assert_ne!(m.peek(GOT), Peek::Stale);
            }
            m.safepoint().expect("no fault");
            assert_ne!(m.peek(GOT), Peek::Stale);
            m.clear(GOT);
            shuttle::thread::yield_now();
        }
    });
    truncater.join().expect("no panic");
    reader.join().expect("no panic");
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        m.publish(Global(0), VAL);
        m.publish(Global(1), VAL);
    }
    assert_empty(&heap);
    births.assert_dead();
}

/// A mutator truncates a list that another reads, makes a new element and leaves; whoever stands in
/// for it releases what it left behind, and brings the cells to its home, from which it comes back
/// to take them.
fn left_behind(stand_in: fn(&Modelled), fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, FIRST, Shape::List);
        for _ in 0..2 {
            births.make(&mut m, VAL, Shape::Leaf);
            m.append(FIRST, VAL);
        }
        m.publish(Global(0), FIRST);
    }
    let truncater = spawn(&heap, |heap| {
        let mut births = Births::new();
        for _ in 0..2 {
            let mut m = heap.attach(seat(1)).expect("a seat");
            assert!(m.fetch(FIRST, Global(0)));
            m.truncate_front(FIRST, 1);
            births.make(&mut m, VAL, Shape::Leaf);
            m.append(FIRST, VAL);
            m.idle(&mut shuttle::thread::yield_now);
        }
        births
    });
    let reader = spawn(&heap, |heap| {
        let mut m = heap.attach(seat(2)).expect("a seat");
        assert!(m.fetch(FIRST, Global(0)));
        for _ in 0..GRACE {
            if m.get(GOT, FIRST, 0) {
                shuttle::thread::yield_now();
                assert_ne!(m.peek(GOT), Peek::Stale);
            }
            m.clear(GOT);
            m.safepoint().expect("no fault");
        }
    });
    let stand_in = spawn(&heap, stand_in);
    let theirs = truncater.join().expect("no panic");
    reader.join().expect("no panic");
    stand_in.join().expect("no panic");
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        m.publish(Global(0), VAL);
    }
    assert_empty(&heap);
    births.assert_dead();
    theirs.assert_dead();
}

/// A stand-in that releases whatever is ripe at the truncater's home.
fn at_once(heap: &Modelled) {
    let mut worker = Worker::new(heap.core(), COLLECTOR);
    for _ in 0..GRACE {
        worker.unpinned(shuttle::thread::yield_now);
        worker.stand_in_for(1, 2);
    }
}

/// A stand-in like the collector's thread: it releases what no worker has handled since its last
/// visit.
fn neglected(heap: &Modelled) {
    visits(heap, GRACE);
}

/// Goal: an element is released once, when nobody can find it any more.
#[test]
fn elements_are_released_once() {
    holds(run);
    holds_scripted(&SCRIPT, run);
}

/// Goal: what another worker releases in place of a mutator is released once, and its cells are fit
/// to be used again.
#[test]
pub(super) fn what_is_left_behind_is_released_once() {
    holds(|fault| left_behind(at_once, fault));
    holds(|fault| left_behind(neglected, fault));
}

/// Goal: without a grace period, whoever stands in frees what a reader has just found.
#[test]
fn faults_break_standing_in() {
    breaks(Fault::FreeAtOnce, &[|fault| left_behind(at_once, fault)]);
}

/// Goal: freeing an object without a read-modify-write only because its count is 1 is caught.
#[test]
fn faults_break_release() {
    breaks_scripted(Fault::SoleByCount, &SCRIPT, "Stale", run);
}
