//! Every operation against a model that has no counts: after each step it looks at all references
//! there are, and what none leads to is dead.
//!
//! Of several objects that die at once and want to be resurrected in one shared root, the last one
//! wins, and which that is is the heap's choice. So the model asks the tags which finalizers ran,
//! and the roots what they hold, says why that was not allowed if it was not, and goes on from there.

use std::collections::{HashMap, VecDeque};

use gcstorm::heap::tag::Life;
use gcstorm::heap::{Field, Finalizer, Global, Heap, Mutator, ObjectId, Peek, Shape, Slot};
use gcstorm::plan::Op;
use proptest::prelude::*;

use crate::apply::{Answer, apply};
use crate::common::{Births, assert_sound, gil, seat};

const REGISTERS: u32 = 6;
const GLOBALS: u16 = 3;
/// A register that no operation uses, to look into shared roots with.
const SPARE: Slot = Slot(REGISTERS);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Register {
    Empty,
    Strong(usize),
    Weak(usize, Made),
}

/// When a weak reference was made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Made {
    BeforeFinalizer,
    AfterFinalizer,
}

#[derive(Debug)]
struct Object {
    shape: Shape,
    dead: bool,
    finalizer: Option<Finalizer>,
    /// Its finalizer has run.
    finalized: bool,
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

    /// What registers and these roots reach.
    fn reached(&self, globals: &[Option<usize>]) -> Vec<bool> {
        let registers = (0..REGISTERS).filter_map(|slot| self.strong(Slot(slot)));
        let mut found: Vec<usize> = registers.chain(globals.iter().copied().flatten()).collect();
        let mut reached = vec![false; self.objects.len()];
        while let Some(object) = found.pop() {
            if !std::mem::replace(&mut reached[object], true) {
                found.extend(self.objects[object].refs.iter().copied().flatten());
            }
        }
        reached
    }

    /// What no register and no global reaches dies.
    fn collect(&mut self) {
        let reached = self.reached(&self.globals);
        for (object, reached) in self.objects.iter_mut().zip(reached) {
            object.dead |= !reached;
        }
    }

    fn alive(&self) -> u64 {
        self.objects.iter().filter(|object| !object.dead).count() as u64
    }

    fn make(&mut self, dst: Slot, shape: Shape, finalizer: Option<Finalizer>) -> Answer {
        let refs = if shape == Shape::Node { 2 } else { 0 };
        self.objects.push(Object {
            shape,
            dead: false,
            finalizer,
            finalized: false,
            refs: vec![None; refs].into(),
            value: 0,
        });
        self.put(dst, Register::Strong(self.objects.len() - 1));
        Answer::Found(true)
    }

    fn made(&self, object: usize) -> Made {
        if self.objects[object].finalized {
            Made::AfterFinalizer
        } else {
            Made::BeforeFinalizer
        }
    }

    /// Takes over which finalizers the heap ran and what it put into the roots, after an operation
    /// was applied and before anything died of it.
    fn follow_finalizers(&mut self, ids: &[ObjectId], globals: Vec<Option<usize>>) {
        let ran: Vec<usize> = (0..ids.len())
            .filter(|&object| {
                let known = &self.objects[object];
                let state = ids[object].state();
                let ran = known.finalizer.is_some() && state != Life::Alive;
                assert_eq!(state == Life::Finalized, ran && state != Life::Dead);
                ran && !known.finalized
            })
            .collect();
        let wants = |object: usize, global: usize| {
            let global = u16::try_from(global).expect("there are few");
            self.objects[object].finalizer == Some(Finalizer::Resurrect(Global(global)))
        };
        let mut unchanged = globals.clone();
        for (global, now) in globals.iter().enumerate() {
            let risen = now.filter(|object| ran.contains(object));
            assert!(
                risen.is_some() || *now == self.globals[global],
                "root {global} holds {now:?}, which did not rise"
            );
            assert!(risen.is_none_or(|object| wants(object, global)));
            if risen.is_some() {
                unchanged[global] = None;
            }
        }
        // What is still held by what was there before was never garbage.
        let needed = self.reached(&unchanged);
        for &object in &ran {
            assert!(!needed[object], "object {object} was finalized while held");
            let last = (0..globals.len())
                .find(|&global| wants(object, global))
                .is_none_or(|global| globals[global].is_some_and(|now| ran.contains(&now)));
            assert!(last, "object {object} was finalized, and not resurrected");
        }
        for object in ran {
            self.objects[object].finalized = true;
        }
        self.globals = globals;
    }

    /// What dies of the last operation.
    fn settle(&mut self, op: Op) {
        if op == Op::Collect {
            self.collect();
        }
        self.bury();
        let missed =
            |object: &Object| object.dead && object.finalizer.is_some() && !object.finalized;
        let missed = self.objects.iter().position(missed);
        assert_eq!(missed, None, "it should have been finalized");
    }

    fn apply_to_objects(&mut self, op: Op, ids: &[ObjectId]) -> Answer {
        match op {
            Op::Alloc { dst, shape } => return self.make(dst, shape, None),
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            } => return self.make(dst, shape, Some(finalizer)),
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
                if !matches!(self.registers[src.0 as usize], Register::Weak(..)) {
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
                    self.put(dst, Register::Weak(object, self.made(object)));
                }
            }
            Op::Upgrade { dst, weak } => {
                let Register::Weak(target, made) = self.registers[weak.0 as usize] else {
                    return Answer::Found(false);
                };
                let stands = !self.objects[target].dead && made == self.made(target);
                return Answer::Found(stands && self.put_option(dst, Some(target)));
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
                    let count = refs
                        .len()
                        .min(usize::try_from(count).expect("a small count"));
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
    let finalizer = prop_oneof![
        1 => Just(Finalizer::Witness),
        2 => global().prop_map(Finalizer::Resurrect),
    ];
    let finalized =
        (slot(), shape.clone(), finalizer).prop_map(|(dst, shape, finalizer)| Op::AllocFinalized {
            dst,
            shape,
            finalizer,
        });
    let objects = prop_oneof![
        3 => finalized,
        5 => (slot(), shape).prop_map(|(dst, shape)| Op::Alloc { dst, shape }),
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

/// What each shared root holds, by the model's numbers.
fn look_at_roots(mutator: &mut impl Mutator, ids: &[ObjectId]) -> Vec<Option<usize>> {
    let look = |global| {
        let found = mutator.fetch(SPARE, Global(global));
        let seen = mutator.peek(SPARE);
        mutator.clear(SPARE);
        match seen {
            Peek::Object(id) if found => ids.iter().position(|other| *other == id),
            _ => None,
        }
    };
    (0..GLOBALS).map(look).collect()
}

/// Collects until nothing comes of it: a finalizer may have dropped a cycle from a root.
fn collect_all(mutator: &mut impl Mutator, births: &mut Births) {
    loop {
        let before = (births.alive(), births.finalized());
        mutator.collect();
        if (births.alive(), births.finalized()) == before {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Goal: every operation answers as the model does, exactly the model's objects are alive after
    /// every step, stored counts are the references there are, and settling leaves exactly what
    /// registers and globals reach. Finalizers run once, when nothing else holds their object and
    /// before it dies, and what they resurrect lives on.
    #[test]
    fn operations_follow_the_model(ops in prop::collection::vec(any_op(), 1..400)) {
        let heap = gil(1000);
        let mut births = Births::new(0);
        let mut model = Model::new();
        let mut ids = Vec::new();
        let mut mutator = heap.attach(seat(0, REGISTERS + 1)).unwrap();
        for op in ops {
            let found = apply(&mut mutator, &mut births, op);
            if op == Op::Collect {
                collect_all(&mut mutator, &mut births);
            }
            if let Op::Alloc { dst, .. } | Op::AllocFinalized { dst, .. } = op {
                let Answer::Seen(Peek::Object(id)) = apply(&mut mutator, &mut births, Op::Peek { slot: dst })
                else { panic!("nothing was made by {op:?}") };
                ids.push(id);
            }
            prop_assert_eq!(found, model.apply_to_objects(op, &ids), "{:?}", op);
            model.follow_finalizers(&ids, look_at_roots(&mut mutator, &ids));
            model.settle(op);
            for (object, id) in model.objects.iter().zip(&ids) {
                prop_assert_eq!(object.dead, id.state() == Life::Dead, "after {:?}", op);
            }
        }
        let counts = model.counts();
        let expected: HashMap<ObjectId, u64> = std::iter::zip(ids.iter().copied(), counts)
            .zip(&model.objects)
            .filter_map(|(counted, object)| (!object.dead).then_some(counted))
            .collect();
        let mut believed = HashMap::new();
        mutator.idle(&mut || {
            heap.census(&mut |belief| { believed.insert(belief.id, belief.count); });
        });
        prop_assert_eq!(believed, expected);
        drop(mutator);
        heap.settle().unwrap();
        model.registers.fill(Register::Empty);
        let roots = look_at_roots(&mut heap.attach(seat(0, REGISTERS + 1)).unwrap(), &ids);
        model.follow_finalizers(&ids, roots);
        model.settle(Op::Collect);
        prop_assert_eq!(births.alive(), model.alive());
        prop_assert_eq!((births.doubles(), births.misfinalized()), (0, 0));
        assert_sound(&heap, model.alive());
    }
}
