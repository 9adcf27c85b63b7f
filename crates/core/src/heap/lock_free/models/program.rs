//! Small programs as data: the graph at the beginning, and the steps of a mutator.

use super::explore::{Births, Modelled, seat};
use crate::heap::fault::Fault;
use crate::heap::lock_free::LockFreeMutator;
use crate::heap::{Field, Global, Heap, Mutator, Peek, Shape, Slot};

/// Registers that programs use.
const REGISTERS: u32 = 8;

/// One step; registers by number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Pop(u32, u32),
    Get(u32, u32),
    /// Moves the second register's reference to index 0 of the first's list.
    Set(u32, u32),
    Store(u32, u8, u32),
    Append(u32, u32),
    Duplicate(u32, u32),
    Clear(u32),
    Cut(u32),
    /// `del l[:9]`
    CutAll(u32),
    /// `del l[-2:]`
    CutBack(u32),
    Weaken(u32, u32),
    Upgrade(u32, u32),
    Node(u32),
    /// Yields, which ends a turn: see [`turns`](super::turns).
    Yield,
    /// Gives up the pin, and then gives many turns away.
    Rest,
}

/// What a program starts with; register 0 of both mutators leads to `l`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Graph {
    /// `l = [a]`, `a.0 = b`, `b.0 = a`
    Tail,
    /// The same, and `a` is a candidate, too.
    Suspected,
    /// `l = [a, b]`, `a.0 = l`, `b.0 = l`
    Star,
    /// `l = [a]`, `a.0 = l`
    Loop,
    /// `l = [l]`
    Own,
}

/// Makes the graph, and publishes `l` twice, as 0 and 1. Only `l` is a candidate, unless the
/// graph's description says otherwise.
pub(super) fn build(heap: &Modelled, births: &mut Births, graph: Graph) {
    let mut m = heap.attach(seat(0)).expect("a seat");
    let [list, a, b, copy] = [0, 1, 2, 3].map(Slot);
    births.make(&mut m, list, Shape::List);
    if let Graph::Tail | Graph::Suspected | Graph::Star | Graph::Loop = graph {
        births.make(&mut m, a, Shape::Node);
    }
    if let Graph::Tail | Graph::Suspected | Graph::Star = graph {
        births.make(&mut m, b, Shape::Node);
    }
    match graph {
        Graph::Tail => {
            m.copy(copy, a);
            m.store(b, Field(0), Some(copy));
            m.store(a, Field(0), Some(b));
            m.append(list, a);
        }
        Graph::Suspected => {
            m.copy(copy, a);
            m.store(b, Field(0), Some(copy));
            m.copy(copy, a);
            m.append(list, copy);
            // The register that is left makes it a candidate when the mutator goes.
            m.store(a, Field(0), Some(b));
        }
        Graph::Star | Graph::Loop => {
            m.copy(copy, list);
            m.store(a, Field(0), Some(copy));
            m.append(list, a);
        }
        Graph::Own => {
            m.copy(copy, list);
            m.append(list, copy);
        }
    }
    if let Graph::Star = graph {
        m.copy(copy, list);
        m.store(b, Field(0), Some(copy));
        m.append(list, b);
    }
    m.copy(copy, list);
    m.publish(Global(0), list);
    m.publish(Global(1), copy);
}

/// Takes what is published as `number` into register 0.
pub(super) fn begin(m: &mut LockFreeMutator<'_, Option<Fault>>, number: u16) {
    m.fetch(Slot(0), Global(number));
    m.publish(Global(number), Slot(REGISTERS - 1));
}

pub(super) fn perform_act(
    m: &mut LockFreeMutator<'_, Option<Fault>>,
    births: &mut Births,
    act: Act,
) {
    match act {
        Act::Pop(dst, list) => {
            m.pop(Slot(dst), Slot(list));
        }
        Act::Get(dst, list) => {
            m.get(Slot(dst), Slot(list), 0);
        }
        Act::Set(list, val) => {
            m.set(Slot(list), 0, Slot(val));
        }
        Act::Store(obj, field, val) => m.store(Slot(obj), Field(field), Some(Slot(val))),
        Act::Append(list, val) => {
            m.append(Slot(list), Slot(val));
        }
        Act::Duplicate(dst, src) => m.copy(Slot(dst), Slot(src)),
        Act::Clear(slot) => m.clear(Slot(slot)),
        Act::Cut(list) => m.truncate_front(Slot(list), 1),
        Act::CutAll(list) => m.truncate_front(Slot(list), 9),
        Act::CutBack(list) => m.truncate_back(Slot(list), 2),
        Act::Weaken(dst, src) => m.downgrade(Slot(dst), Slot(src)),
        Act::Upgrade(dst, weak) => {
            m.upgrade(Slot(dst), Slot(weak));
        }
        Act::Node(dst) => births.make(m, Slot(dst), Shape::Node),
        Act::Rest => m.idle(&mut || (0..32).for_each(|_| shuttle::thread::yield_now())),
        Act::Yield => shuttle::thread::yield_now(),
    }
}

/// Fails if a register leads to a dead object, or if the heap has noted a defect.
pub(super) fn check_registers(m: &mut LockFreeMutator<'_, Option<Fault>>) {
    m.safepoint().expect("no fault");
    for slot in 0..REGISTERS {
        assert_ne!(m.peek(Slot(slot)), Peek::Stale, "register {slot} is stale");
    }
}
