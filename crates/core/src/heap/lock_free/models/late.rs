//! Helpers that come late to a pop: each met the pop's seal, was stopped before it could claim the
//! element, and goes on when the pop is over. If a second reference to the same element was
//! appended in the same slot meanwhile, the helper claims that one. It gives the claim up again,
//! but others may meet the claim until then.
//!
//! Every thread yields wherever a heap that is held up on purpose would stop (see [`Point`]), so
//! that scripts can say exactly who is where.

use std::sync::Arc;

use super::explore::{Births, assert_empty, breaks_scripted, holds_scripted, open_as, seat};
use super::turns::Turn::{self, Part, Whole};
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::{LockFree, LockFreeMutator};
use crate::heap::{Global, Heap, Mutator, Shape, Slot};

const LIST: Slot = Slot(0);
const VAL: Slot = Slot(1);

/// The threads' numbers: one pops, one appends what it got from the list, one comes late.
const POPPER: usize = 1;
const APPENDER: usize = 2;
const LATE: usize = 3;
/// The fourth thread truncates the list, or is a second one that comes late.
const OTHER: usize = 4;

/// How often a thread gives up its pin, so that a grace period passes.
const RESTS: usize = 6;

/// A fault, or none, in a heap whose threads yield at each point.
#[derive(Debug, Clone, Copy)]
struct Stops(Option<Fault>);

impl Faults for Stops {
    fn has(&self, fault: Fault) -> bool {
        self.0 == Some(fault)
    }

    fn pass(&self, _: Point) {
        shuttle::thread::yield_now();
    }
}

type Program = fn(&mut LockFreeMutator<'_, Stops>);

fn rest(m: &mut LockFreeMutator<'_, Stops>) {
    m.idle(&mut shuttle::thread::yield_now);
    m.safepoint().expect("no fault");
}

fn pop(m: &mut LockFreeMutator<'_, Stops>) {
    assert!(m.pop(VAL, LIST));
    m.clear(VAL);
    (0..RESTS).for_each(|_| rest(m));
}

fn append(m: &mut LockFreeMutator<'_, Stops>) {
    assert!(m.get(VAL, LIST, 0));
    rest(m);
    assert!(m.append(LIST, VAL));
}

fn look(m: &mut LockFreeMutator<'_, Stops>) {
    m.len(LIST);
}

fn truncate(m: &mut LockFreeMutator<'_, Stops>) {
    m.truncate_front(LIST, 1);
    (0..2 * RESTS).for_each(|_| rest(m));
}

fn leave(_: &mut LockFreeMutator<'_, Stops>) {}

/// Runs the programs on a list of one leaf, which lies at this position.
fn run(fault: Option<Fault>, position: u64, programs: [Program; 4]) {
    let heap = open_as(Stops(fault));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, LIST, Shape::List);
        for _ in 0..=position {
            births.make(&mut m, VAL, Shape::Leaf);
            m.append(LIST, VAL);
        }
        m.truncate_front(LIST, position);
        m.publish(Global(0), LIST);
    }
    heap.settle().expect("no fault");
    let threads: Vec<_> = (1..)
        .zip(programs)
        .map(|(number, program)| {
            let heap: Arc<LockFree<Stops>> = Arc::clone(&heap);
            shuttle::thread::spawn(move || {
                let mut m = heap.attach(seat(number)).expect("a seat");
                assert!(m.fetch(LIST, Global(0)));
                program(&mut m);
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    heap.attach(seat(0))
        .expect("a seat")
        .publish(Global(0), VAL);
    assert_empty(&heap);
    births.assert_dead();
}

/// The walker meets the claim. The appender loaded the head before the truncation, so it may append
/// below the head that there is now, and the late helper's pin began after the truncation.
fn walked_over(fault: Option<Fault>) {
    run(fault, 0, [pop, append, look, truncate]);
}

static WALKED_OVER: [Turn; 26] = [
    // It has a second reference to the element.
    Whole(APPENDER),
    Whole(APPENDER),
    Whole(APPENDER),
    // It has found the tail, and is about to move the head.
    Whole(OTHER),
    Whole(OTHER),
    // In one of these schedules, it has loaded the head and nothing more.
    Part(APPENDER),
    // The seal is in its place.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // The head moves, and the range is deferred.
    Whole(OTHER),
    // It meets the seal, and is about to claim the element.
    Whole(LATE),
    Whole(LATE),
    // The pop comes to its end.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // The second reference lies where the first was.
    Whole(APPENDER),
    Whole(APPENDER),
    // The claim lies there.
    Whole(LATE),
    // The grace period passes, and the range is walked.
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    // The claim is given up.
    Whole(LATE),
    Whole(OTHER),
];

/// Another helper meets the claim, and its pin began after the pop was over.
fn met_again(fault: Option<Fault>) {
    run(fault, 0, [pop, append, look, look]);
}

static MET_AGAIN: [Turn; 23] = [
    // It has a second reference to the element.
    Whole(APPENDER),
    Whole(APPENDER),
    Whole(APPENDER),
    // The seal is in its place.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // It meets the seal, and is about to claim the element.
    Whole(LATE),
    Whole(LATE),
    // The pop comes to its end, and its seal is deferred.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // The second reference lies where the first was.
    Whole(APPENDER),
    Whole(APPENDER),
    Whole(APPENDER),
    // The claim lies there.
    Whole(LATE),
    Whole(OTHER),
    // In one of these schedules, it has met the claim and not followed it yet.
    Part(OTHER),
    // The claim is given up, and the grace period of the seal passes.
    Whole(LATE),
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(OTHER),
];

/// The pop itself comes late to its first claim, which lies in its seal: a helper has finished the
/// pop, and the second reference lies where the first was. Somebody meets the claim.
static OWN_CLAIM: [Turn; 20] = [
    // It has a second reference to the element.
    Whole(APPENDER),
    Whole(APPENDER),
    Whole(APPENDER),
    // The seal is in its place, and it is about to claim the element.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // It finishes the pop.
    Whole(LATE),
    Whole(LATE),
    Whole(LATE),
    Whole(LATE),
    // The second reference lies where the first was.
    Whole(APPENDER),
    Whole(APPENDER),
    Whole(APPENDER),
    // The claim lies there.
    Whole(POPPER),
    // In one of these schedules, it has met the claim and not followed it yet.
    Part(OTHER),
    // The claim is given up, and the pop comes to its end.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(OTHER),
];

/// A helper is stopped when its claim has won and still lies in the slot. The pop comes to its end,
/// and then somebody meets the claim, if it is still there.
static WINNER: [Turn; 19] = [
    // The seal is in its place.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // It meets the seal, and its claim lies in the slot.
    Whole(LATE),
    Whole(LATE),
    Whole(LATE),
    // In one of these schedules, the claim has won.
    Part(LATE),
    // The pop comes to its end, and its seal is deferred.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // Its pin begins after that.
    Whole(OTHER),
    Part(OTHER),
    // The claim is taken out, and the grace period of the seal passes.
    Whole(LATE),
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    Whole(OTHER),
];

fn won(fault: Option<Fault>) {
    run(fault, 0, [pop, leave, look, look]);
}

/// The helper is about to claim an element in a page that is retired meanwhile: the first page has
/// two slots here, and the pop and the truncation are through with both.
fn page_gone(fault: Option<Fault>) {
    run(fault, 1, [pop, leave, look, truncate]);
}

static PAGE_GONE: [Turn; 18] = [
    // It has found the tail, and is about to move the head.
    Whole(OTHER),
    Whole(OTHER),
    // The seal is in its place.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // The head moves, and the range is deferred.
    Whole(OTHER),
    // It meets the seal, and is about to claim the element.
    Whole(LATE),
    Whole(LATE),
    // The pop comes to its end.
    Whole(POPPER),
    Whole(POPPER),
    Whole(POPPER),
    // The grace period passes, and the range is walked.
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(OTHER),
    Whole(LATE),
];

/// Goal: a late claim hides no element from the walk over a truncated range, and does not lead to a
/// seal that was freed.
#[test]
fn late_claims_do_no_harm() {
    holds_scripted(&WALKED_OVER, walked_over);
    holds_scripted(&MET_AGAIN, met_again);
    holds_scripted(&OWN_CLAIM, met_again);
    holds_scripted(&WINNER, won);
    holds_scripted(&PAGE_GONE, page_gone);
}

/// Goal: an element that a late claim hides is lost if the walk passes over it.
#[test]
fn faults_break_the_walk() {
    breaks_scripted(Fault::StuckAsEmpty, &WALKED_OVER, "something", walked_over);
}

/// Goal: a claim that does not count its seal leads to a seal that was freed.
#[test]
fn faults_break_claims() {
    breaks_scripted(
        Fault::ClaimUncounted,
        &MET_AGAIN,
        "a seal is used",
        met_again,
    );
}

/// Goal: a claim that won and is left in its slot at the end of its pop is met after it was freed.
#[test]
fn faults_break_winners() {
    breaks_scripted(Fault::WinnerLeft, &WINNER, "a seal is used", won);
}

/// Goal: a page that is freed without a grace period of its own is still used by a late helper.
#[test]
fn faults_break_pages() {
    breaks_scripted(Fault::PagesAtOnce, &PAGE_GONE, "a page is used", page_gone);
}
