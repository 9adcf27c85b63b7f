//! Lists: every history has an order, and every element dies once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::explore::{Births, Modelled, assert_empty, breaks, breaks_scripted, holds, open, seat};
use super::linearizable::{Call, Event, assert_linearizable};
use super::turns::Turn;
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::{Global, Heap, Mutator, ObjectId, Peek, Shape, Slot};

const LIST: Slot = Slot(0);
const VAL: Slot = Slot(1);
const GOT: Slot = Slot(2);
const POPPED: Slot = Slot(3);

#[derive(Debug, Clone, Copy)]
enum Op {
    Append,
    /// Appends what this thread popped last, if anything.
    Return,
    Len,
    Get(u64),
    Set(u64),
    Pop,
    Cut(u64),
    /// Judged as so many pops.
    CutBack(u64),
    /// Gives up the pin, so that what others deferred is freed.
    Rest,
}
use Op::{Append, Cut, CutBack, Get, Len, Pop, Rest, Return, Set};

/// A list to begin with (elements, of which some are popped again), and what each thread does.
struct Case {
    elements: u32,
    popped: u32,
    programs: &'static [&'static [Op]],
}

const fn case(elements: u32, popped: u32, programs: &'static [&'static [Op]]) -> Case {
    Case {
        elements,
        popped,
        programs,
    }
}

static CASES: [Case; 26] = [
    case(3, 0, &[&[Set(1)], &[Cut(1), Get(0)]]),
    case(1, 1, &[&[Append], &[Append, Append, Pop, Pop]]),
    case(1, 0, &[&[Append, Append], &[Pop, Pop]]),
    case(2, 0, &[&[Append, Len], &[Cut(1), Append]]),
    case(2, 0, &[&[Get(2), Get(1)], &[Cut(1), Append]]),
    case(2, 0, &[&[Set(0), Get(0)], &[Cut(1), Get(0)]]),
    case(2, 0, &[&[Cut(9), Len], &[Append, Set(0)]]),
    case(1, 0, &[&[Append], &[Append, Pop, Pop]]),
    case(1, 0, &[&[Len], &[Append, Pop, Pop]]),
    case(2, 1, &[&[Append, Pop], &[Append, Cut(9)]]),
    case(2, 0, &[&[Pop, Return], &[Pop, Return]]),
    case(3, 0, &[&[Pop], &[Cut(2), Append], &[Append]]),
    case(2, 0, &[&[Set(1), Len], &[Pop, Return], &[Get(1)]]),
    case(
        5,
        0,
        &[&[Append, Append, Append], &[Cut(4), Cut(1)], &[Len, Get(0)]],
    ),
    case(2, 0, &[&[Set(1)], &[Cut(9), Append], &[Append]]),
    case(1, 0, &[&[Cut(9), Append], &[Pop, Append]]),
    case(2, 2, &[&[Append], &[Append, Pop], &[Pop]]),
    case(9, 3, &[&[Cut(5), Append], &[Pop, Return], &[Append]]),
    case(9, 0, &[&[CutBack(2)], &[Append, Len]]),
    case(3, 0, &[&[CutBack(2), Len], &[CutBack(2)]]),
    case(2, 0, &[&[CutBack(3)], &[Cut(1), Append]]),
    // Pages are used up and retired while other threads are in them. The first page has 2 slots
    // here, the next 4.
    case(
        7,
        0,
        &[&[Get(0), Append], &[Cut(6), Rest, Rest, Cut(9), Rest]],
    ),
    case(7, 0, &[&[Pop, Return], &[Cut(6), Rest, Append, Rest, Len]]),
    case(
        6,
        0,
        &[&[Pop], &[Pop, Cut(9), Rest, Append], &[Rest, Len, Rest]],
    ),
    case(
        5,
        0,
        &[
            &[Set(0), Append, Append],
            &[Cut(5), Rest, Rest],
            &[Pop, Rest],
        ],
    ),
    // The page in which a mutator last appended, and which it remembers, is retired before its next
    // append.
    case(
        4,
        0,
        &[
            &[Append, Rest, Append],
            &[
                Append,
                Append,
                Append,
                Append,
                Cut(9),
                Rest,
                Rest,
                Rest,
                Len,
                Rest,
                Rest,
                Rest,
            ],
        ],
    ),
];

/// Runs one case and judges its history.
fn run(case: &'static Case, fault: Option<Fault>) {
    let heap = open(fault);
    let clock = Arc::new(AtomicU64::new(0));
    let mut births = Births::new();
    let initial = {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, LIST, Shape::List);
        for _ in 0..case.elements + case.popped {
            births.make(&mut m, VAL, Shape::Leaf);
            m.append(LIST, VAL);
        }
        for _ in 0..case.popped {
            assert!(m.pop(VAL, LIST));
        }
        let initial = contents(&mut m);
        m.publish(Global(0), LIST);
        initial
    };
    let threads: Vec<_> = case
        .programs
        .iter()
        .zip(1..)
        .map(|(program, number)| {
            let (heap, clock) = (Arc::clone(&heap), Arc::clone(&clock));
            shuttle::thread::spawn(move || perform(&heap, &clock, program, number))
        })
        .collect();
    let mut history = Vec::new();
    let mut born = vec![births];
    for thread in threads {
        let (events, births) = thread.join().expect("no panic");
        history.extend(events);
        born.push(births);
    }
    let last = {
        let mut m = heap.attach(seat(0)).expect("a seat");
        assert!(m.fetch(LIST, Global(0)));
        m.publish(Global(0), VAL);
        contents(&mut m)
    };
    assert_linearizable(&initial, &history, &last);
    assert_empty(&heap);
    born.iter().for_each(Births::assert_dead);
}

fn contents(m: &mut LockFreeMutator<'_, Option<Fault>>) -> Vec<ObjectId> {
    let len = m.len(LIST);
    let contents = (0..len)
        .map(|index| {
            assert!(m.get(GOT, LIST, index), "a hole at {index}");
            named(m, GOT).expect("an element")
        })
        .collect();
    m.clear(GOT);
    contents
}

fn named(m: &mut LockFreeMutator<'_, Option<Fault>>, slot: Slot) -> Option<ObjectId> {
    match m.peek(slot) {
        Peek::Object(id) => Some(id),
        Peek::Empty => None,
        Peek::Stale => panic!("a stale reference"),
    }
}

fn perform(
    heap: &Modelled,
    clock: &AtomicU64,
    program: &[Op],
    number: u32,
) -> (Vec<Event>, Births) {
    let mut births = Births::new();
    let mut m = heap.attach(seat(number)).expect("a seat");
    assert!(m.fetch(LIST, Global(0)));
    let mut events = Vec::new();
    for &op in program {
        if matches!(op, Append | Set(_)) {
            births.make(&mut m, VAL, Shape::Leaf);
        }
        let from = if matches!(op, Return) { POPPED } else { VAL };
        let element = named(&mut m, from);
        let start = clock.fetch_add(1, Ordering::Relaxed);
        let call = match (op, element) {
            (Append | Return, Some(element)) => {
                assert!(m.append(LIST, from));
                Call::Append(element)
            }
            (Set(index), Some(element)) => Call::Set(index, element, m.set(LIST, index, VAL)),
            (Append | Return | Set(_), None) => continue,
            (Len, _) => Call::Len(m.len(LIST)),
            (Get(index), _) => {
                let is_there = m.get(GOT, LIST, index);
                let found = if is_there { named(&mut m, GOT) } else { None };
                Call::Get(index, found)
            }
            (Pop, _) => {
                let is_there = m.pop(POPPED, LIST);
                let popped = if is_there {
                    named(&mut m, POPPED)
                } else {
                    None
                };
                Call::Pop(popped)
            }
            (Cut(count), _) => {
                m.truncate_front(LIST, count);
                Call::Cut(count)
            }
            (CutBack(count), _) => {
                m.truncate_back(LIST, count);
                // The last of them is noted below.
                let end = clock.fetch_add(1, Ordering::Relaxed);
                let call = Call::Drop;
                events.extend((1..count).map(|_| Event { call, start, end }));
                call
            }
            (Rest, _) => {
                m.idle(&mut shuttle::thread::yield_now);
                continue;
            }
        };
        let end = clock.fetch_add(1, Ordering::Relaxed);
        events.push(Event { call, start, end });
        m.safepoint().expect("no fault");
    }
    (events, births)
}

/// Goal: lists are linearizable, help whoever is stopped, and free every element once.
#[test]
fn lists_are_linearizable() {
    for case in &CASES {
        holds(move |fault| run(case, fault));
    }
}

fn breaks_lists(fault: Fault) {
    let scenarios: Vec<_> = CASES
        .iter()
        .map(|case| move |fault| run(case, fault))
        .collect();
    breaks(fault, &scenarios);
}

/// Goal: each fault through the list's protocol is caught.
#[test]
fn faults_break_lists() {
    for fault in [
        Fault::TrustHint,
        Fault::LookBelowFirst,
        Fault::FastOnAnyStamp,
        Fault::LocalStamps,
        Fault::NoHeadLoad,
        Fault::GetNotPassed,
        Fault::PlainSet,
        Fault::ClampedTruncate,
    ] {
        breaks_lists(fault);
    }
}

/// Goal: an append that trusts the page that its mutator remembers is caught in a page that was
/// freed.
#[test]
fn faults_break_appends() {
    // Thread 1 appends and rests; thread 2 uses up the page and truncates it; thread 1 appends
    // again.
    static SCRIPT: [Turn; 9] = [
        Turn::Whole(1),
        Turn::Whole(2),
        Turn::Whole(2),
        Turn::Whole(2),
        Turn::Whole(2),
        Turn::Whole(2),
        Turn::Whole(2),
        Turn::Whole(2),
        Turn::Whole(1),
    ];
    let [.., case] = &CASES;
    breaks_scripted(
        Fault::CursorUnchecked,
        &SCRIPT,
        "a page is used",
        move |fault| run(case, fault),
    );
}
