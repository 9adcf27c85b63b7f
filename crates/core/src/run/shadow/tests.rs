//! One mutator on a heap of its own, followed by its shadow.

use super::*;
use crate::evidence::ledger::Producer;
use crate::heap::counted::open_gil_with;
use crate::heap::{Fault, Field, Global, Heap as _, HeapConfig, Seat};
use crate::plan::{ListUsage, MutatorPlan, SharedObject};

const REGISTERS: u32 = 4;

fn plan() -> Plan {
    Plan {
        mutators: vec![MutatorPlan {
            name: "only".to_owned(),
            registers: REGISTERS,
            names: Vec::new(),
            held: Vec::new(),
            setup: Vec::new(),
            body: Vec::new(),
            rounds: None,
            background: false,
            pace: None,
        }],
        workload: String::new(),
        workload_hash: String::new(),
        parameters: Default::default(),
        seed: 1,
        objects: Vec::new(),
        globals: 1,
        live_limit: 100,
        require: Vec::new(),
        budget: Vec::new(),
        notes: Vec::new(),
    }
}

/// The same, with a shared list in this register, which nobody else changes.
fn plan_with_list(list: Slot) -> Plan {
    let mut plan = plan();
    plan.mutators[0].held.push((list, 0));
    plan.objects.push(SharedObject {
        name: "list".to_owned(),
        shape: Shape::List,
        global: Global(0),
        usage: ListUsage {
            writers: vec![0],
            ..ListUsage::default()
        },
    });
    plan
}

/// Does operations on a heap with this fault, all in one window.
fn followed(fault: Option<Fault>, ops: &[Op], times: usize) -> AnswerTally {
    followed_after(fault, &[], ops, times)
}

/// The same in a window that opens after `setup`. What that leaves in register `A` is a shared
/// list.
fn followed_after(fault: Option<Fault>, setup: &[Op], ops: &[Op], times: usize) -> AnswerTally {
    let heap = open_gil_with(&HeapConfig::with_capacity(100), fault);
    let seat = Seat {
        number: 0,
        slots: REGISTERS + 8,
    };
    let mut mutator = heap.attach(seat).expect("there is room");
    let mut producer = Producer::new(0);
    let mut list = None;
    for op in setup {
        let heard = perform(&mut mutator, &mut producer, op);
        list = list.or(heard.made);
    }
    let plan = list.map_or_else(plan, |_| plan_with_list(A));
    let needs = Needs {
        weak: setup.iter().any(|op| matches!(op, Op::Downgrade { .. })),
        ..Needs::default()
    };
    let mut shadow = Shadow::new(0, &plan, needs, list.as_slice(), Roots::new(0, &[]));
    shadow.open(&mut mutator, &[ListTally::default()]);
    for op in ops.iter().cycle().take(ops.len() * times) {
        let heard = perform(&mut mutator, &mut producer, op);
        shadow.follow(&mut mutator, op, heard);
    }
    shadow.close(&mut mutator);
    shadow.into_parts().0
}

fn perform(mutator: &mut dyn Mutator, producer: &mut Producer, op: &Op) -> Heard {
    let mut listening = Listening::to(mutator);
    match *op {
        Op::Alloc { dst, shape } => {
            let tag = producer.birth(shape).expect("a segment is free");
            listening.alloc(dst, shape, tag).expect("there is room");
        }
        Op::Copy { dst, src } => listening.copy(dst, src),
        Op::Store { obj, field, val } => listening.store(obj, field, Some(val)),
        Op::Load { dst, obj, field } => listening.load(dst, obj, field),
        Op::Publish { global, src } => listening.publish(global, src),
        Op::Fetch { dst, global } => drop(listening.fetch(dst, global)),
        Op::Append { list, val } => drop(listening.append(list, val)),
        Op::Get { dst, list, index } => drop(listening.get(dst, list, index.into())),
        Op::Pop { dst, list } => drop(listening.pop(dst, list)),
        Op::TruncateFront { list, count } => listening.truncate_front(list, count),
        Op::Add { counter, by } => listening.add(counter, by),
        Op::Downgrade { dst, src } => listening.downgrade(dst, src),
        _ => unreachable!("{op:?} is in no test"),
    }
    listening.heard()
}

const A: Slot = Slot(0);
const B: Slot = Slot(1);

fn alloc(dst: Slot, shape: Shape) -> Op {
    Op::Alloc { dst, shape }
}

/// Goal: a store that stores nothing, a load of the other field and a get of the neighbour are seen
/// where one mutator does all, and a heap without a fault is not accused.
#[test]
fn wrong_answers_are_seen() {
    let field = Field(0);
    let nodes = [
        alloc(A, Shape::Node),
        alloc(B, Shape::Leaf),
        Op::Store {
            obj: A,
            field,
            val: B,
        },
        Op::Load {
            dst: B,
            obj: A,
            field,
        },
    ];
    let list = [
        alloc(A, Shape::List),
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        Op::Get {
            dst: B,
            list: A,
            index: 0,
        },
    ];
    for (ops, fault) in [
        (&nodes[..], Fault::StoreLost),
        (&nodes[..], Fault::LoadOtherField),
        (&list[..], Fault::GetNeighbour),
    ] {
        // The rarest of them strikes once in 10,000 operations.
        let sound = followed(None, ops, 10_000);
        assert!(sound.judged > 10_000, "{sound:?}");
        assert_eq!(sound.wrong.count, 0, "{sound:?}");
        let tally = followed(Some(fault), ops, 10_000);
        assert!(tally.wrong.count > 0, "{fault}: {tally:?}");
    }
}

/// Goal: what a change leaves behind in a list or a counter is looked at, although no operation of
/// the program reads it.
#[test]
fn changes_that_nobody_reads_are_seen() {
    let list = [
        alloc(A, Shape::List),
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        Op::TruncateFront { list: A, count: 1 },
    ];
    let counter = [alloc(A, Shape::Counter), Op::Add { counter: A, by: 3 }];
    for (ops, fault) in [
        (&list[..], Fault::AppendLost),
        (&list[..], Fault::AppendOutOfOrder),
        (&list[..], Fault::TruncateOffByOne),
        (&counter[..], Fault::AdditionLost),
    ] {
        let sound = followed(None, ops, 10_000);
        assert_eq!((sound.wrong.count, sound.refused), (0, 0), "{sound:?}");
        let tally = followed(Some(fault), ops, 10_000);
        assert!(tally.wrong.count > 0, "{fault}: {tally:?}");
    }
}

/// Goal: lists that hold themselves many times are not followed along all of their paths.
#[test]
fn comparing_comes_to_an_end() {
    let mut ops = vec![alloc(A, Shape::List)];
    for _ in 0..40 {
        ops.extend([Op::Copy { dst: B, src: A }, Op::Append { list: A, val: B }]);
    }
    let tally = followed(None, &ops, 1);
    assert_eq!(tally.wrong.count, 0, "{tally:?}");
    assert!((4096..10_000).contains(&tally.judged), "{tally:?}");
}

/// Goal: a pop of the wrong element is seen in a list that nobody else changes, also where
/// registers hold weak references.
#[test]
fn wrong_pops_are_seen() {
    let weak = Slot(2);
    let setup = [
        alloc(A, Shape::List),
        alloc(B, Shape::Leaf),
        Op::Downgrade { dst: weak, src: B },
    ];
    let ops = [
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        alloc(B, Shape::Leaf),
        Op::Append { list: A, val: B },
        Op::Pop { dst: B, list: A },
        Op::Pop { dst: B, list: A },
        Op::Pop { dst: B, list: A },
    ];
    for setup in [&setup[..1], &setup] {
        let sound = followed_after(None, setup, &ops, 100);
        assert_eq!(sound.wrong.count, 0, "{sound:?}");
        let tally = followed_after(Some(Fault::PopTakesSecond), setup, &ops, 100);
        assert!(tally.wrong.count > 0, "{tally:?}");
    }
}

/// Goal: what was put where others reach it is not judged any more, with all that it leads to.
#[test]
fn what_is_shared_is_let_go() {
    let (field, global) = (Field(0), Global(0));
    let ops = [
        alloc(A, Shape::Node),
        alloc(B, Shape::Node),
        Op::Store {
            obj: A,
            field,
            val: B,
        },
        Op::Load {
            dst: B,
            obj: A,
            field,
        },
        Op::Publish { global, src: A },
        Op::Fetch { dst: A, global },
        // Others could have done this to the node by now.
        Op::Load {
            dst: A,
            obj: A,
            field,
        },
    ];
    let tally = followed(None, &ops, 100);
    assert_eq!((tally.followed, tally.wrong.count), (700, 0), "{tally:?}");
    let mut model = Model::new(2);
    let mut producer = Producer::new(0);
    let mut heard = Heard::default();
    let mut ids = Vec::new();
    for op in &ops[..5] {
        if let Op::Alloc { shape, .. } = *op {
            heard.made = Some(producer.birth(shape).expect("a segment is free").id());
            ids.extend(heard.made);
        }
        model.apply(op, &heard, &[], &mut |_, _| {});
        let is_shared = matches!(op, Op::Publish { .. });
        assert!(
            ids.iter().all(|&id| model.is_mine(id) != is_shared),
            "{op:?}"
        );
    }
}

/// Goal: windows are as long as they should be, and less than a hundredth of all operations.
#[test]
fn windows_are_rare() {
    let heap = open_gil_with(&HeapConfig::with_capacity(1), None::<Fault>);
    let seat = Seat {
        number: 0,
        slots: REGISTERS + 8,
    };
    let mut mutator = heap.attach(seat).expect("there is room");
    let mut shadow = Shadow::new(0, &plan(), Needs::default(), &[], Roots::new(0, &[]));
    let (mut inside, mut outside) = (0, 0);
    for _ in 0..200 {
        shadow.turn(&mut mutator, &[]);
        let counted = if shadow.is_open() {
            &mut inside
        } else {
            &mut outside
        };
        *counted += shadow.left();
    }
    assert_eq!(inside, 100 * WINDOW_OPS);
    assert!(outside > 100 * inside, "{outside}");
}
