//! The exact model of what one mutator alone can reach: its registers, and the objects that it made
//! in the window and never put where others reach them.
//!
//! What a register holds is known whoever else can reach the object. What an object holds is known
//! while it is *mine*: made in this window, never stored into anything that is not mine, never the
//! target of a weak reference. Objects with finalizers never are: a finalizer may hand over all
//! that its object leads to.

use std::collections::BTreeMap;

use super::held::Held;
use super::sequence::Sequence;
use crate::heap::{Field, ObjectId, Shape, Slot};

/// Programs have a handful of registers. No more than this are followed. What is put into any other
/// register counts as shared.
const REGISTERS_MAX: u32 = 256;

/// What one of my objects holds.
#[derive(Debug)]
enum Contents {
    Leaf,
    Node([Held; 2]),
    List(Sequence),
    Counter(i64),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Model {
    registers: Vec<Held>,
    mine: BTreeMap<ObjectId, Contents>,
    /// Shared lists that this mutator alone changes. What is in them is shared.
    lists: Vec<(ObjectId, Sequence)>,
}

impl Model {
    /// One of so many registers, of which nothing is known.
    pub(super) fn new(registers: u32) -> Self {
        Self {
            registers: vec![Held::Unknown; registers.min(REGISTERS_MAX) as usize],
            mine: BTreeMap::new(),
            lists: Vec::new(),
        }
    }

    /// The registers that are followed.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..).map(Slot).take(self.registers.len())
    }

    /// From now on this shared list is followed.
    pub(super) fn follow_list(&mut self, list: ObjectId, sequence: Sequence) {
        self.lists.push((list, sequence));
    }

    pub(super) fn held(&self, slot: Slot) -> Held {
        let held = self.registers.get(slot.0 as usize);
        held.copied().unwrap_or(Held::Unknown)
    }

    pub(super) fn is_mine(&self, id: ObjectId) -> bool {
        self.mine.contains_key(&id)
    }

    /// What a field of my node holds.
    pub(super) fn field(&self, node: ObjectId, field: Field) -> Option<Held> {
        match self.mine.get(&node)? {
            Contents::Node(fields) => Some(fields[usize::from(field.0)]),
            _ => None,
        }
    }

    /// Puts something into a register in place of what was there.
    pub(super) fn put(&mut self, slot: Slot, held: Held) {
        match self.registers.get_mut(slot.0 as usize) {
            Some(register) => *register = held,
            None => self.share(held),
        }
    }

    /// Notes which object an element is, if that was not known.
    pub(super) fn learn(&mut self, list: Held, index: u64, element: Held) {
        let mut lists = self.lists.iter_mut();
        let list = lists.find(|(id, _)| list.object() == Some(*id));
        if let Some((_, sequence)) = list
            && sequence.get(index) == Some(Held::Unknown)
        {
            sequence.set(index, element);
        }
    }

    /// Forgets a register that an operation may or may not have changed.
    pub(super) fn blur(&mut self, slot: Slot) {
        self.share(self.held(slot));
        self.put(slot, Held::Unknown);
    }

    /// Others can reach this object from now on, so it leaves the model with all that it leads to.
    pub(super) fn share(&mut self, held: Held) {
        let (mut next, mut left) = (held.object(), Vec::new());
        while let Some(id) = next {
            match self.mine.remove(&id) {
                None | Some(Contents::Leaf | Contents::Counter(_)) => {}
                Some(Contents::Node(fields)) => {
                    left.extend(fields.iter().filter_map(|it| it.object()));
                }
                Some(Contents::List(sequence)) => left.extend(sequence.known().map(|(_, id)| id)),
            }
            next = left.pop();
        }
    }

    /// What a list holds, if that is known.
    pub(super) fn sequence(&self, list: ObjectId) -> Option<&Sequence> {
        match self.mine.get(&list) {
            Some(Contents::List(sequence)) => Some(sequence),
            Some(_) => None,
            None => {
                let mut lists = self.lists.iter();
                lists.find(|(id, _)| *id == list).map(|(_, it)| it)
            }
        }
    }

    /// The length of the register's list, if that is known.
    pub(super) fn len(&self, list: Slot) -> Option<u64> {
        Some(self.sequence(self.held(list).object()?)?.len())
    }

    /// What the register's list holds, if that is known, to be changed.
    pub(super) fn sequence_mut(&mut self, list: Slot) -> Option<&mut Sequence> {
        let id = self.held(list).object()?;
        match self.mine.get_mut(&id) {
            Some(Contents::List(sequence)) => Some(sequence),
            Some(_) => None,
            None => {
                let mut lists = self.lists.iter_mut();
                lists.find(|(list, _)| *list == id).map(|(_, it)| it)
            }
        }
    }

    /// A value is put into the object in `container`. Unless that object is mine, others can now
    /// reach the value.
    pub(super) fn put_into(&mut self, container: Slot, value: Held) {
        let is_mine = self
            .held(container)
            .object()
            .is_some_and(|id| self.is_mine(id));
        if !is_mine {
            self.share(value);
        }
    }

    /// The value of my counter.
    pub(super) fn counter(&self, counter: ObjectId) -> Option<i64> {
        match self.mine.get(&counter)? {
            Contents::Counter(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of my counter in a register, to be changed.
    pub(super) fn counter_mut(&mut self, counter: Slot) -> Option<&mut i64> {
        let id = self.held(counter).object()?;
        match self.mine.get_mut(&id)? {
            Contents::Counter(value) => Some(value),
            _ => None,
        }
    }

    /// A new object is mine.
    pub(super) fn make(&mut self, dst: Slot, shape: Shape, made: Option<ObjectId>) {
        let Some(id) = made else {
            return;
        };
        let contents = match shape {
            Shape::Leaf => Contents::Leaf,
            Shape::Node => Contents::Node([Held::NOTHING; 2]),
            Shape::List => Contents::List(Sequence::default()),
            Shape::Counter => Contents::Counter(0),
        };
        self.mine.insert(id, contents);
        self.put(dst, Held::Known(Some(id)));
    }

    /// Something is put into a field, in place of what was there.
    pub(super) fn put_into_field(&mut self, node: ObjectId, field: Field, value: Held) {
        match self.mine.get_mut(&node) {
            Some(Contents::Node(fields)) => fields[usize::from(field.0)] = value,
            _ => self.share(value),
        }
    }
}
