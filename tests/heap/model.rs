//! Every operation against a model that has no counts: after each step it looks at all references
//! there are, and what none leads to is dead.

use std::collections::{HashMap, VecDeque};

use gcstorm::heap::{Field, Global, Heap, Mutator, ObjectId, Peek, Shape, Slot};
use gcstorm::plan::Op;
use proptest::prelude::*;

use crate::apply::{Answer, apply};
use crate::common::{Births, assert_sound, gil, seat};

const REGISTERS: u32 = 6;
const GLOBALS: u16 = 3;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Register {
    Empty,
    Strong(usize),
    Weak(usize),
}

#[derive(Debug)]
struct Object {
    shape: Shape,
    dead: bool,
    /// A node's two fields, or a list's elements.
    refs: VecDeque<Option<usize>>,
    value: i64,
}

#[derive(Debug)]
struct Model {
    registers: Vec<Register>,
    globals: Vec<Option<usize>>,
    objects: Vec<Object>,
}

impl Model {
    fn new() -> Self {
        Self {
            registers: vec![Register::Empty; REGISTERS as usize],
            globals: vec![None; usize::from(GLOBALS)],
            objects: Vec::new(),
        }
    }

    fn strong(&self, slot: Slot) -> Option<usize> {
        match self.registers[slot.0 as usize] {
            Register::Strong(object) => Some(object),
            _ => None,
        }
    }

    fn shaped(&self, slot: Slot, shape: Shape) -> Option<usize> {
        self.strong(slot)
            .filter(|&object| self.objects[object].shape == shape)
    }

    fn put(&mut self, slot: Slot, register: Register) {
        self.registers[slot.0 as usize] = register;
    }

    fn put_option(&mut self, slot: Slot, object: Option<usize>) -> bool {
        self.put(slot, object.map_or(Register::Empty, Register::Strong));
        object.is_some()
    }

    /// How many references lead to each object, from what is not dead.
    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.objects.len()];
        let registers = (0..REGISTERS).filter_map(|slot| self.strong(Slot(slot)));
        let globals = self.globals.iter().copied().flatten();
        let living = self.objects.iter().filter(|object| !object.dead);
        let fields = living.flat_map(|object| object.refs.iter().copied().flatten());
        for object in registers.chain(globals).chain(fields) {
            counts[object] += 1;
        }
        counts
    }

    /// What none refers to dies, and then what only that referred to.
    fn bury(&mut self) {
        loop {
            let counts = self.counts();
            let mut died = false;
            for (object, count) in self.objects.iter_mut().zip(counts) {
                died |= !object.dead && count == 0;
                object.dead |= count == 0;
            }
            if !died {
                return;
            }
        }
    }

    /// What no register and no global reaches dies.
    fn collect(&mut self) {
        let registers = (0..REGISTERS).filter_map(|slot| self.strong(Slot(slot)));
        let mut found: Vec<usize> = registers
            .chain(self.globals.iter().copied().flatten())
            .collect();
        let mut reached = vec![false; self.objects.len()];
        while let Some(object) = found.pop() {
            if !std::mem::replace(&mut reached[object], true) {
                found.extend(self.objects[object].refs.iter().copied().flatten());
            }
        }
        for (object, reached) in self.objects.iter_mut().zip(reached) {
            object.dead |= !reached;
        }
    }

    fn alive(&self) -> u64 {
        self.objects.iter().filter(|object| !object.dead).count() as u64
    }

    fn apply(&mut self, op: Op, ids: &[ObjectId]) -> Answer {
        let answer = self.apply_to_objects(op, ids);
        if op == Op::Collect {
            self.collect();
        }
        self.bury();
        answer
    }

    fn apply_to_objects(&mut self, op: Op, ids: &[ObjectId]) -> Answer {
        match op {
            Op::Alloc { dst, shape } => {
                let refs = if shape == Shape::Node { 2 } else { 0 };
                self.objects.push(Object {
                    shape,
                    dead: false,
                    refs: vec![None; refs].into(),
                    value: 0,
                });
                self.put(dst, Register::Strong(self.objects.len() - 1));
                return Answer::Found(true);
            }
            Op::Copy { dst, src } => match self.registers[src.0 as usize] {
                Register::Empty => {}
                held => self.put(dst, held),
            },
            Op::Clear { slot } => self.put(slot, Register::Empty),
            Op::Load { dst, obj, field } => {
                if let Some(node) = self.shaped(obj, Shape::Node) {
                    self.put_option(dst, self.objects[node].refs[usize::from(field.0)]);
                }
            }
            Op::Store { obj, field, val } => {
                if let (Some(node), Some(value)) = (self.shaped(obj, Shape::Node), self.strong(val))
                {
                    self.objects[node].refs[usize::from(field.0)] = Some(value);
                    self.put(val, Register::Empty);
                }
            }
            Op::Erase { obj, field } => {
                if let Some(node) = self.shaped(obj, Shape::Node) {
                    self.objects[node].refs[usize::from(field.0)] = None;
                }
            }
            Op::Peek { slot } => {
                let seen = self.strong(slot).map(|object| Peek::Object(ids[object]));
                return Answer::Seen(seen.unwrap_or(Peek::Empty));
            }
            Op::Safepoint => return Answer::Found(true),
            Op::Publish { global, src } => {
                if !matches!(self.registers[src.0 as usize], Register::Weak(_)) {
                    self.globals[usize::from(global.0)] = self.strong(src);
                    self.put(src, Register::Empty);
                }
            }
            Op::Fetch { dst, global } => {
                let found = self.globals[usize::from(global.0)];
                return Answer::Found(found.is_some() && self.put_option(dst, found));
            }
            Op::Downgrade { dst, src } => {
                if let Some(object) = self.strong(src) {
                    self.put(dst, Register::Weak(object));
                }
            }
            Op::Upgrade { dst, weak } => {
                let Register::Weak(target) = self.registers[weak.0 as usize] else {
                    return Answer::Found(false);
                };
                let lives = !self.objects[target].dead;
                return Answer::Found(lives && self.put_option(dst, Some(target)));
            }
            Op::Add { .. } | Op::Read { .. } | Op::WriteBack { .. } => {
                return self.apply_to_counter(op);
            }
            _ => return self.apply_to_list(op),
        }
        Answer::Nothing
    }

    fn apply_to_counter(&mut self, op: Op) -> Answer {
        let (Op::Add { counter, .. } | Op::Read { counter } | Op::WriteBack { counter, .. }) = op
        else {
            return Answer::Nothing;
        };
        let counter = self.shaped(counter, Shape::Counter);
        let value = counter.map(|counter| &mut self.objects[counter].value);
        match (op, value) {
            (Op::Read { .. }, value) => return Answer::Value(value.map_or(0, |value| *value)),
            (Op::Add { by, .. }, Some(value)) => *value = value.wrapping_add(by),
            (Op::WriteBack { add, .. }, Some(value)) => *value = add,
            _ => {}
        }
        Answer::Nothing
    }

    fn apply_to_list(&mut self, op: Op) -> Answer {
        match op {
            Op::Append { list, val } => {
                let (Some(list), Some(value)) = (self.shaped(list, Shape::List), self.strong(val))
                else {
                    return Answer::Found(false);
                };
                self.objects[list].refs.push_back(Some(value));
                self.put(val, Register::Empty);
                return Answer::Found(true);
            }
            Op::Len { list, .. } => {
                let list = self.shaped(list, Shape::List);
                return Answer::Number(list.map_or(0, |list| self.objects[list].refs.len() as u64));
            }
            Op::Get { dst, list, index } => {
                let element = self
                    .shaped(list, Shape::List)
                    .and_then(|list| *self.objects[list].refs.get(index as usize)?);
                return Answer::Found(element.is_some() && self.put_option(dst, element));
            }
            Op::Set { list, index, val } => {
                let (Some(list), Some(value)) = (self.shaped(list, Shape::List), self.strong(val))
                else {
                    return Answer::Found(false);
                };
                let Some(place) = self.objects[list].refs.get_mut(index as usize) else {
                    return Answer::Found(false);
                };
                *place = Some(value);
                self.put(val, Register::Empty);
                return Answer::Found(true);
            }
            Op::Pop { dst, list } => {
                let popped = self
                    .shaped(list, Shape::List)
                    .and_then(|list| self.objects[list].refs.pop_back()?);
                return Answer::Found(popped.is_some() && self.put_option(dst, popped));
            }
            Op::TruncateFront { list, count } | Op::TruncateBack { list, count } => {
                if let Some(list) = self.shaped(list, Shape::List) {
                    let refs = &mut self.objects[list].refs;
                    let count = refs.len().min(usize::try_from(count).unwrap());
                    if matches!(op, Op::TruncateFront { .. }) {
                        refs.drain(..count);
                    } else {
                        refs.truncate(refs.len() - count);
                    }
                }
            }
            _ => {}
        }
        Answer::Nothing
    }
}

fn any_op() -> impl Strategy<Value = Op> {
    let slot = || (0..REGISTERS).prop_map(Slot);
    let field = || (0_u8..2).prop_map(Field);
    let global = || (0..GLOBALS).prop_map(Global);
    let shape = prop::sample::select(vec![
        Shape::Leaf,
        Shape::Node,
        Shape::Node,
        Shape::List,
        Shape::List,
        Shape::Counter,
    ]);
    let objects = prop_oneof![
        6 => (slot(), shape).prop_map(|(dst, shape)| Op::Alloc { dst, shape }),
        3 => (slot(), slot()).prop_map(|(dst, src)| Op::Copy { dst, src }),
        1 => slot().prop_map(|slot| Op::Clear { slot }),
        2 => (slot(), slot(), field()).prop_map(|(dst, obj, field)| Op::Load { dst, obj, field }),
        4 => (slot(), field(), slot()).prop_map(|(obj, field, val)| Op::Store { obj, field, val }),
        1 => (slot(), field()).prop_map(|(obj, field)| Op::Erase { obj, field }),
        2 => slot().prop_map(|slot| Op::Peek { slot }),
        1 => Just(Op::Safepoint),
        1 => Just(Op::Collect),
    ];
    let lists = prop_oneof![
        6 => (slot(), slot()).prop_map(|(list, val)| Op::Append { list, val }),
        1 => slot().prop_map(|list| Op::Len { list, note_above: 0 }),
        1 => (slot(), slot(), 0_u32..4).prop_map(|(dst, list, index)| Op::Get { dst, list, index }),
        1 => (slot(), 0_u32..4, slot()).prop_map(|(list, index, val)| Op::Set { list, index, val }),
        1 => (slot(), slot()).prop_map(|(dst, list)| Op::Pop { dst, list }),
        1 => (slot(), 0_u64..4).prop_map(|(list, count)| Op::TruncateFront { list, count }),
        1 => (slot(), 0_u64..4).prop_map(|(list, count)| Op::TruncateBack { list, count }),
    ];
    let rest = prop_oneof![
        (slot(), any::<i64>()).prop_map(|(counter, by)| Op::Add { counter, by }),
        slot().prop_map(|counter| Op::Read { counter }),
        (slot(), any::<i64>()).prop_map(|(counter, add)| Op::WriteBack { counter, add }),
        (global(), slot()).prop_map(|(global, src)| Op::Publish { global, src }),
        (slot(), global()).prop_map(|(dst, global)| Op::Fetch { dst, global }),
        (slot(), slot()).prop_map(|(dst, src)| Op::Downgrade { dst, src }),
        (slot(), slot()).prop_map(|(dst, weak)| Op::Upgrade { dst, weak }),
    ];
    prop_oneof![4 => objects, 3 => lists, 2 => rest]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Goal: every operation answers as the model does, exactly the model's objects are alive after
    /// every step, stored counts are the references there are, and settling leaves exactly what
    /// registers and globals reach.
    #[test]
    fn operations_follow_the_model(ops in prop::collection::vec(any_op(), 1..400)) {
        let heap = gil(1000);
        let mut births = Births::new(0);
        let mut model = Model::new();
        let mut ids = Vec::new();
        let mut mutator = heap.attach(seat(0, REGISTERS)).unwrap();
        for op in ops {
            let found = apply(&mut mutator, &mut births, op);
            if let Op::Alloc { dst, .. } = op {
                let Answer::Seen(Peek::Object(id)) = apply(&mut mutator, &mut births, Op::Peek { slot: dst })
                else { panic!("nothing was made by {op:?}") };
                ids.push(id);
            }
            prop_assert_eq!(found, model.apply(op, &ids), "{:?}", op);
            prop_assert_eq!(births.alive(), model.alive(), "after {:?}", op);
        }
        let counts = model.counts();
        let expected: HashMap<ObjectId, u64> = std::iter::zip(ids, counts)
            .zip(&model.objects)
            .filter_map(|(counted, object)| (!object.dead).then_some(counted))
            .collect();
        let mut believed = HashMap::new();
        mutator.idle(&mut || {
            heap.census(&mut |belief| { believed.insert(belief.id, belief.count); });
        });
        prop_assert_eq!(believed, expected);
        drop(mutator);
        model.registers.fill(Register::Empty);
        model.collect();
        heap.settle().unwrap();
        prop_assert_eq!(births.alive(), model.alive());
        assert_sound(&heap, model.alive());
    }
}
