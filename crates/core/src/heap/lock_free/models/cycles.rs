//! Cycles that are collected while two mutators change them, and everything that they release.
//!
//! A program is drawn from a number, so a number and a schedule make a complete case. Two mutators
//! start with references to a list and to two nodes that refer to each other. Then they load,
//! store, move and drop at random while the collector runs one round after the other. Whatever they
//! do, no register ever leads to a dead object, and in the end every object has died exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::explore::{
    Births, Modelled, assert_empty, breaks, breaks_scripted, holds, holds_scripted, open, seat,
    spawn,
};
use super::paced::visits;
use super::program::Act::{self, Clear, Cut, Duplicate, Get, Node, Pop, Store, Upgrade, Weaken};
use super::program::{Graph, build, check_registers, perform_act};
use super::turns::Turn::{self, Part, Whole};
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::{Field, Global, Heap, Mutator, Shape, Slot};

/// Numbers that the programs are drawn from.
const PROGRAMS: u64 = 24;
/// Operations of each mutator.
const OPS: usize = 4;
/// Objects at the beginning. Each is in a shared root.
const OBJECTS: u16 = 3;
/// Registers that programs use.
const REGISTERS: u64 = 4;

/// A generator of random numbers whose sequence never changes, so that numbers of programs stay
/// valid.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % below
    }

    fn slot(&mut self) -> Slot {
        Slot(u32::try_from(self.draw(REGISTERS)).expect("a small number"))
    }

    fn field(&mut self) -> Field {
        Field(u8::try_from(self.draw(2)).expect("a small number"))
    }
}

/// Makes `l = [a]`, `a.0 = b`, `b.0 = a`, `b.1 = l`, and publishes `l`, `a`, `b` as 0, 1, 2.
fn prepare(heap: &Modelled, births: &mut Births) {
    let mut m = heap.attach(seat(0)).expect("a seat");
    let [list, a, b, copy] = [0, 1, 2, 3].map(Slot);
    births.make(&mut m, list, Shape::List);
    births.make(&mut m, a, Shape::Node);
    births.make(&mut m, b, Shape::Node);
    m.copy(copy, a);
    m.append(list, copy);
    m.copy(copy, b);
    m.store(a, Field(0), Some(copy));
    m.copy(copy, a);
    m.store(b, Field(0), Some(copy));
    m.copy(copy, list);
    m.store(b, Field(1), Some(copy));
    for (global, slot) in (0..OBJECTS).zip([list, a, b]) {
        m.publish(Global(global), slot);
    }
}

fn perform(heap: &Modelled, start: &Start, number: u32, seed: u64) -> Births {
    let mut dice = Dice::new(seed * 2 + u64::from(number));
    let mut births = Births::new();
    let mut m = heap.attach(seat(number)).expect("a seat");
    for global in 0..OBJECTS {
        if dice.draw(3) > 0 {
            m.fetch(Slot(u32::from(global)), Global(global));
        }
        if number == 1 {
            m.publish(Global(global), Slot(7));
        }
    }
    start.ready();
    for _ in 0..OPS {
        step(&mut m, &mut births, &mut dice);
        check_registers(&mut m);
    }
    drop(m);
    births
}

fn step(m: &mut LockFreeMutator<'_, Option<Fault>>, births: &mut Births, dice: &mut Dice) {
    let (one, other) = (dice.slot(), dice.slot());
    match dice.draw(14) {
        0 | 1 => m.load(one, other, dice.field()),
        2 | 3 => m.store(one, dice.field(), Some(other)),
        4 => m.store(one, dice.field(), None),
        5 => m.copy(one, other),
        6 | 7 => m.clear(one),
        8 => {
            m.append(one, other);
        }
        9 | 10 => {
            m.pop(one, Slot(0));
        }
        11 => m.truncate_front(one, 1),
        12 => {
            m.set(Slot(0), 0, one);
        }
        _ => births.make(m, one, Shape::Node),
    }
}

/// How the collector works beside the mutators.
type Collect = fn(&Modelled);

/// Everything at once, twice.
const AT_ONCE: Collect = |heap| {
    heap.core().collect_now();
    heap.core().collect_now();
};
/// In bounded rounds.
const BY_AND_BY: Collect = |heap| visits(heap, 3);

fn run(seed: u64, collect: Collect, fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    prepare(&heap, &mut births);
    let work = [1, 2]
        .map(|number| move |heap: &Modelled, start: &Start| perform(heap, start, number, seed));
    finish(&heap, births, work, collect);
}

/// Makes the collector wait until the mutators have what they start with.
#[derive(Default)]
struct Start(AtomicU64);

impl Start {
    fn ready(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs two mutators and the collector to their ends, and judges what is left.
fn finish<F>(heap: &Arc<Modelled>, births: Births, work: [F; 2], collect: Collect)
where
    F: FnOnce(&Modelled, &Start) -> Births + Send + 'static,
{
    let start = Arc::new(Start::default());
    let mutators = work.map(|work| {
        let (heap, start) = (Arc::clone(heap), Arc::clone(&start));
        shuttle::thread::spawn(move || work(&heap, &start))
    });
    let collector = {
        let (heap, start) = (Arc::clone(heap), Arc::clone(&start));
        shuttle::thread::spawn(move || {
            // Bounded, because some schedules never let a program say that it is ready.
            for _ in 0..20 {
                if start.0.load(Ordering::Relaxed) == 2 {
                    break;
                }
                shuttle::thread::yield_now();
            }
            collect(&heap);
        })
    };
    let mut born = vec![births];
    for mutator in mutators {
        born.push(mutator.join().expect("no panic"));
    }
    collector.join().expect("no panic");
    assert_empty(heap);
    born.iter().for_each(Births::assert_dead);
}

/// The smallest programs that are known to fail if a step of the protocol is left out.
static DIRECTED: [(Graph, [&[Act]; 2]); 7] = [
    (
        Graph::Suspected,
        [
            &[Pop(1, 0), Store(1, 1, 0), Clear(1)],
            &[Get(1, 0), Clear(0)],
        ],
    ),
    (
        Graph::Suspected,
        [
            &[Pop(1, 0), Store(1, 1, 0)],
            &[Get(1, 0), Clear(0), Clear(1)],
        ],
    ),
    (
        Graph::Star,
        [
            &[Pop(1, 0), Store(1, 1, 0)],
            &[Pop(1, 0), Clear(0), Clear(1)],
        ],
    ),
    (
        Graph::Loop,
        [&[Duplicate(1, 0), Clear(1), Clear(0)], &[Clear(0)]],
    ),
    (
        Graph::Loop,
        [
            &[Weaken(1, 0), Clear(0), Upgrade(0, 1), Cut(0)],
            &[Clear(0)],
        ],
    ),
    (Graph::Loop, [&[Node(1), Store(1, 0, 1)], &[Clear(0)]]),
    (
        Graph::Star,
        [
            &[Get(1, 0), Cut(0), Store(1, 1, 0)],
            &[Get(1, 0), Clear(0), Clear(1)],
        ],
    ),
];

fn direct(case: usize, collect: Collect, fault: Option<Fault>) {
    let (graph, programs) = DIRECTED[case];
    let heap = open(fault);
    let mut births = Births::new();
    build(&heap, &mut births, graph);
    let work = [0, 1].map(|number| {
        let program = programs[number];
        move |heap: &Modelled, start: &Start| {
            let mut births = Births::new();
            let seated = u32::try_from(number).expect("0 or 1");
            let mut m = heap.attach(seat(seated + 1)).expect("a seat");
            let global = Global(u16::try_from(number).expect("0 or 1"));
            m.fetch(Slot(0), global);
            m.publish(global, Slot(7));
            start.ready();
            for &act in program {
                perform_act(&mut m, &mut births, act);
                check_registers(&mut m);
            }
            drop(m);
            births
        }
    });
    finish(&heap, births, work, collect);
}

fn hold_all(collect: Collect) {
    for seed in 0..PROGRAMS {
        println!("program {seed}");
        holds(move |fault| run(seed, collect, fault));
    }
    for case in 0..DIRECTED.len() {
        println!("directed program {case}");
        holds(move |fault| direct(case, collect, fault));
    }
}

/// Goal: the collector frees everything that is garbage and nothing that is in use.
#[test]
pub(super) fn cycles_are_collected_concurrently() {
    hold_all(AT_ONCE);
}

/// Goal: a collector whose rounds are cut short, too, frees everything that is garbage and nothing
/// that is in use.
#[test]
pub(super) fn cycles_are_collected_in_bounded_rounds() {
    hold_all(BY_AND_BY);
}

/// Goal: each fault through the collector's protocol is caught.
#[test]
fn faults_break_collection() {
    let scenarios: Vec<_> = (0..DIRECTED.len())
        .map(|case| move |fault| direct(case, AT_ONCE, fault))
        .collect();
    for fault in [
        Fault::MoveIntoItself,
        Fault::CompareCounts,
        Fault::ClearOneByOne,
        Fault::RereadSlots,
    ] {
        breaks(fault, &scenarios);
    }
}

/// A round gives up because a mutator keeps its pin. A later round finds what the first one
/// suspected.
fn stalled(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(1)).expect("a seat");
        births.make(&mut m, Slot(0), Shape::Node);
        m.copy(Slot(1), Slot(0));
        m.store(Slot(0), Field(0), Some(Slot(1)));
        m.clear(Slot(0));
        let heap = Arc::clone(&heap);
        let collector = shuttle::thread::spawn(move || heap.core().collect_now());
        // PCT requires that there is a choice between threads somewhere.
        shuttle::thread::yield_now();
        let collection = collector.join().expect("no panic");
        assert_eq!(collection.freed, 0, "freed under a pin");
    }
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: garbage of a round that was given up is collected in the end, and forgetting it is caught.
#[test]
fn abandoned_rounds_are_made_up_for() {
    holds(stalled);
    breaks(Fault::ForgetSuspects, &[stalled]);
}

/// A mutator goes on in the middle of a round.
static IN_A_ROUND: [Turn; 4] = [Whole(1), Part(2), Whole(1), Whole(2)];

/// Two nodes refer to each other. Both are candidates and in use, as the collector finds. Then each
/// gets one reference more to the other, and the mutator lets go of both: the counts are what they
/// were.
fn balanced(fault: Option<Fault>) {
    let heap = open(fault);
    let mutator = spawn(&heap, |heap| {
        let mut births = Births::new();
        let mut m = heap.attach(seat(1)).expect("a seat");
        let [a, b, copy] = [0, 1, 2].map(Slot);
        births.make(&mut m, a, Shape::Node);
        births.make(&mut m, b, Shape::Node);
        for field in [0, 1].map(Field) {
            for (of, to) in [(a, b), (b, a)] {
                m.copy(copy, to);
                m.store(of, field, Some(copy));
            }
            if field == Field(0) {
                for object in [a, b] {
                    m.copy(copy, object);
                    m.clear(copy);
                }
                shuttle::thread::yield_now();
            }
        }
        m.clear(a);
        m.clear(b);
        drop(m);
        births
    });
    let collector = spawn(&heap, |heap| {
        heap.core().collect_now();
    });
    let births = mutator.join().expect("no panic");
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: what became garbage in the middle of a round is found by another, even if its counts are
/// what they were; and a collector that looks at counts alone is caught.
#[test]
fn what_changes_in_a_round_is_looked_at_again() {
    holds_scripted(&IN_A_ROUND, balanced);
    let symptom = "something is left";
    breaks_scripted(Fault::SecondLookByCount, &IN_A_ROUND, symptom, balanced);
}

/// A mutator is stopped while it lets go of a node; another makes the node refer to itself, and the
/// collector looks at it.
static AS_IT_LETS_GO: [Turn; 6] = [Whole(1), Whole(2), Part(1), Whole(2), Whole(3), Whole(1)];

/// Two mutators have a node that refers to nothing. One of them stores it into itself.
fn closed_meanwhile(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    let [node, copy] = [0, 1].map(Slot);
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, node, Shape::Node);
        m.copy(copy, node);
        m.publish(Global(0), node);
        m.publish(Global(1), copy);
    }
    let mutators = [0, 1].map(|number| {
        spawn(&heap, move |heap| {
            let mut m = heap.attach(seat(1 + u32::from(number))).expect("a seat");
            m.fetch(node, Global(number));
            m.publish(Global(number), copy);
            shuttle::thread::yield_now();
            if number == 1 {
                m.copy(copy, node);
                m.store(node, Field(1), Some(copy));
            }
            m.clear(node);
        })
    });
    let collector = spawn(&heap, |heap| {
        heap.core().collect_now();
    });
    for mutator in mutators {
        mutator.join().expect("no panic");
    }
    collector.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: a node that became part of a cycle while somebody let go of it is found; and a look that
/// comes before the decrement is caught.
#[test]
fn what_is_closed_while_it_is_let_go_is_found() {
    holds_scripted(&AS_IT_LETS_GO, closed_meanwhile);
    let symptom = "something is left";
    breaks_scripted(Fault::LookFirst, &AS_IT_LETS_GO, symptom, closed_meanwhile);
}
