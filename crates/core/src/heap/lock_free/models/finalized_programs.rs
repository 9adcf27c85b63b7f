//! Random programs of two mutators that make, link, drop, weaken and find objects with finalizers
//! while the collector runs. The state of an object does not change while a register holds it, and
//! every upgrade is checked against the state in which the weak reference was made. In the end
//! every object has been finalized and has died, exactly once.

use std::sync::Arc;

use super::explore::{Births, Modelled, assert_emptied, holds, open, seat};
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::tag::Life;
use crate::heap::{Field, Finalizer, Global, Heap, Mutator, ObjectId, Peek, Shape, Slot};

/// Numbers that the programs are drawn from.
const PROGRAMS: u64 = 12;
/// Operations of each mutator.
const OPS: usize = 6;
/// How many registers hold counted references; those after them hold weak ones.
const STRONG: u32 = 4;
const WEAK: u32 = 2;
/// The last register is never filled.
const NONE: Slot = Slot(7);
const GLOBALS: u16 = 3;

type State = Option<(ObjectId, Life)>;

/// A mutator, and what it knows.
struct Witness<'h> {
    m: LockFreeMutator<'h, Option<Fault>>,
    births: Births,
    strong: [State; STRONG as usize],
    weak: [State; WEAK as usize],
    dice: u64,
}

impl<'h> Witness<'h> {
    fn new(heap: &'h Modelled, number: u32, seed: u64) -> Self {
        Self {
            m: heap.attach(seat(number)).expect("a seat"),
            births: Births::new(),
            strong: [None; STRONG as usize],
            weak: [None; WEAK as usize],
            dice: (seed * 4 + u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        }
    }

    fn draw(&mut self, below: u32) -> u32 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        u32::try_from((self.dice >> 33) % u64::from(below)).expect("less than `below`")
    }

    fn global(&mut self) -> Global {
        Global(u16::try_from(self.draw(u32::from(GLOBALS))).expect("a small number"))
    }

    fn slot(&mut self) -> Slot {
        Slot(self.draw(STRONG))
    }

    fn finalizer(&mut self) -> Option<Finalizer> {
        match self.draw(4) {
            0 => None,
            1 => Some(Finalizer::Witness),
            _ => Some(Finalizer::Resurrect(self.global())),
        }
    }

    fn make(&mut self, slot: Slot) {
        match self.finalizer() {
            None => self.births.make(&mut self.m, slot, Shape::Node),
            Some(finalizer) => {
                self.births
                    .make_finalized(&mut self.m, slot, Shape::Node, finalizer);
            }
        }
    }

    fn step(&mut self) {
        let (one, other) = (self.slot(), self.slot());
        let field = Field(u8::from(self.draw(2) == 0));
        let global = self.global();
        let weak = self.draw(WEAK);
        match self.draw(14) {
            0 | 1 => self.m.load(one, other, field),
            2 | 3 => self.m.store(one, field, Some(other)),
            4 => self.m.store(one, field, None),
            5 => self.m.copy(one, other),
            6 | 7 => self.m.clear(one),
            8 => self.m.publish(global, one),
            9 => {
                self.m.fetch(one, global);
            }
            10 | 11 => self.downgrade(weak, one),
            12 => self.upgrade(one, weak),
            _ => self.make(one),
        }
        self.look();
    }

    /// Checks that every object that a register still holds is in the same state as at the last
    /// look.
    fn look(&mut self) {
        self.m.safepoint().expect("no fault");
        for (slot, known) in (0..).map(Slot).zip(&mut self.strong) {
            *known = match self.m.peek(slot) {
                Peek::Empty => None,
                Peek::Stale => panic!("{slot:?} is stale"),
                Peek::Object(id) => {
                    let state = id.state();
                    assert!(state.is_alive(), "{slot:?} leads to the dead");
                    if let Some((same, before)) = *known
                        && same == id
                    {
                        assert_eq!(before, state, "{slot:?} changed while it was held");
                    }
                    Some((id, state))
                }
            };
        }
    }

    fn downgrade(&mut self, weak: u32, src: Slot) {
        self.m.downgrade(Slot(STRONG + weak), src);
        if let Some(known) = self.strong[src.0 as usize] {
            self.weak[weak as usize] = Some(known);
        }
    }

    fn upgrade(&mut self, dst: Slot, weak: u32) {
        let Some((target, state)) = self.weak[weak as usize] else {
            return;
        };
        if self.m.upgrade(dst, Slot(STRONG + weak)) {
            assert_eq!(self.m.peek(dst), Peek::Object(target), "another object");
            assert_eq!(target.state(), state, "the reference was void");
        } else {
            let is_held = self.strong.contains(&Some((target, state)));
            assert!(!is_held, "lost while it was held");
        }
    }
}

/// `a.0 = b`, `b.0 = a`, `a.1 = c`: published as 0, 1 and 2.
fn prepare(heap: &Modelled, seed: u64) -> Births {
    let mut w = Witness::new(heap, 0, seed);
    let [a, b, c, copy] = [0, 1, 2, 3].map(Slot);
    for slot in [a, b, c] {
        w.make(slot);
    }
    w.m.copy(copy, b);
    w.m.store(a, Field(0), Some(copy));
    w.m.copy(copy, a);
    w.m.store(b, Field(0), Some(copy));
    w.m.copy(copy, c);
    w.m.store(a, Field(1), Some(copy));
    for (global, slot) in (0..GLOBALS).zip([a, b, c]) {
        w.m.publish(Global(global), slot);
    }
    w.births
}

fn perform(heap: &Modelled, number: u32, seed: u64) -> Births {
    let mut w = Witness::new(heap, number, seed);
    for (global, slot) in (0..GLOBALS).zip(0..) {
        w.m.fetch(Slot(slot), Global(global));
        if number == 1 {
            w.m.publish(Global(global), NONE);
        }
    }
    w.look();
    for _ in 0..OPS {
        w.step();
    }
    w.births
}

fn run(seed: u64, fault: Option<Fault>) {
    let heap = open(fault);
    let mut born = vec![prepare(&heap, seed)];
    let mutators = [1, 2].map(|number| {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || perform(&heap, number, seed))
    });
    let collector = {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || {
            heap.core().collect_now();
            shuttle::thread::yield_now();
            heap.core().collect_now();
        })
    };
    for mutator in mutators {
        born.push(mutator.join().expect("no panic"));
    }
    collector.join().expect("no panic");
    assert_emptied(&heap, &born);
}

/// Goal: whatever two mutators do, no object is finalized while a register holds it, and in the end
/// every object with a finalizer has been.
#[test]
pub(super) fn nothing_is_finalized_while_it_is_held() {
    for seed in 0..PROGRAMS {
        println!("program {seed}");
        holds(move |fault| run(seed, fault));
    }
}
