//! Cycles, collected while two mutators change them; and everything that releases on the side.
//!
//! Programs are drawn from a number, so that a number and a schedule are a whole case. Two mutators
//! start with references to a list and two nodes that refer to each other, and then load, store,
//! move and drop at random, while the collector runs round after round. Whatever they do, no
//! register ever leads to a dead object, and once they are gone everything has died, once.

use std::sync::Arc;

use super::explore::{Births, assert_empty, breaks, holds, open, seat};
use crate::heap::lock_free::shortcut::Shortcut;
use crate::heap::lock_free::{LockFree, LockFreeMutator};
use crate::heap::{Field, Global, Heap, Mutator, Peek, Shape, Slot};

/// Numbers that the programs are drawn from.
const PROGRAMS: u64 = 24;
/// Operations of each mutator.
const OPS: usize = 4;
/// Objects to begin with, each published.
const OBJECTS: u16 = 3;
/// Registers that programs use.
const REGISTERS: u64 = 4;

/// A small generator: all that a model needs, and the same for ever.
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

/// `l = [a]`, `a.0 = b`, `b.0 = a`, `b.1 = l`: published as 0, 1 and 2.
fn prepare(heap: &LockFree, births: &mut Births) {
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

fn perform(heap: &LockFree, number: u32, seed: u64) -> Births {
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
    for _ in 0..OPS {
        step(&mut m, &mut births, &mut dice);
        m.safepoint().expect("no fault");
        for slot in 0..8 {
            assert_ne!(m.peek(Slot(slot)), Peek::Stale, "register {slot} is stale");
        }
    }
    drop(m);
    births
}

fn step(m: &mut LockFreeMutator<'_>, births: &mut Births, dice: &mut Dice) {
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

fn run(seed: u64, shortcut: Option<Shortcut>) {
    let heap = open(shortcut);
    let mut births = Births::new();
    prepare(&heap, &mut births);
    let mutators: Vec<_> = [1, 2]
        .map(|number| {
            let heap = Arc::clone(&heap);
            shuttle::thread::spawn(move || perform(&heap, number, seed))
        })
        .into();
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || {
            heap.core().collect_now();
            heap.core().collect_now();
        })
    };
    let mut born = vec![births];
    for mutator in mutators {
        born.push(mutator.join().expect("no panic"));
    }
    collector.join().expect("no panic");
    assert_empty(&heap);
    born.iter().for_each(Births::assert_dead);
}

/// Goal: the collector frees nothing that is in use, and everything that is not.
#[test]
fn cycles_are_collected_concurrently() {
    for seed in 0..PROGRAMS {
        println!("program {seed}");
        holds(move |shortcut| run(seed, shortcut));
    }
}

/// Goal: each shortcut through the collector's protocol is caught.
#[test]
fn shortcuts_break_collection() {
    let scenarios: Vec<_> = (0..PROGRAMS * 8)
        .map(|seed| move |shortcut| run(seed, shortcut))
        .collect();
    for shortcut in [
        Shortcut::CompareCounts,
        Shortcut::CountWhileClosing,
        Shortcut::NoGrace,
        Shortcut::MoveIntoItself,
        Shortcut::ClearOneByOne,
        Shortcut::ForgetSuspects,
        Shortcut::NoTouchOnMove,
        Shortcut::TouchBeforeMove,
        Shortcut::RereadSlots,
    ] {
        breaks(shortcut, &scenarios);
        println!("{shortcut:?}: caught");
    }
}
