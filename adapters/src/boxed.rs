//! A list of boxes under a lock, without any count: what `shared-list` costs if objects have one owner.
//!
//! It is a baseline for that workload, and no heap: there is one reference to an object, and a copy of it
//! is the object's name only. So whatever needs two references to a node or leaf is violated here, and
//! by rights. Nothing dangles, since a name leads nowhere. Lists are shared, and therefore counted.

use std::sync::Arc;

use gcstorm::heap::{
    Caps, Defect, Field, Global, Heap, HeapConfig, Mutator, ObjectId, OutOfMemory, Peek, Seat,
    Shape, Slot, Tag,
};
use parking_lot::Mutex;

/// A leaf or a node. Whether there are fields makes no difference to one that is never stored to; they
/// are there so that a node is as large as elsewhere.
pub(crate) struct Object {
    tag: Tag,
    _fields: [Option<Box<Object>>; 2],
}

pub(crate) struct List {
    tag: Tag,
    elements: Mutex<Vec<Box<Object>>>,
}

#[derive(Default)]
enum Register {
    #[default]
    Empty,
    Own(Box<Object>),
    /// Of an object that somebody else owns.
    Name(ObjectId),
    List(Arc<List>),
}

pub(crate) struct Boxed {
    roots: Vec<Mutex<Option<Arc<List>>>>,
}

impl Boxed {
    pub(crate) fn open(config: &HeapConfig) -> Result<Self, Defect> {
        let roots = (0..config.globals).map(|_| Mutex::default()).collect();
        Ok(Self { roots })
    }
}

impl Heap for Boxed {
    type Mutator<'h> = BoxedMutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            lists: true,
            globals: true,
            certifies_death: true,
            ..Caps::NONE
        }
    }

    fn attach(&self, seat: Seat) -> Result<BoxedMutator<'_>, Defect> {
        Ok(BoxedMutator {
            registers: Vec::new(),
            slots: seat.slots,
            roots: &self.roots,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }
}

pub(crate) struct BoxedMutator<'h> {
    /// As long as the highest register that was ever filled.
    registers: Vec<Register>,
    slots: u32,
    roots: &'h [Mutex<Option<Arc<List>>>],
}

fn index(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl BoxedMutator<'_> {
    #[inline]
    fn at(&mut self, slot: Slot) -> &mut Register {
        let at = slot.0 as usize;
        if at >= self.registers.len() {
            assert!(slot.0 < self.slots, "the mutator has no slot {}", slot.0);
            self.registers.resize_with(at + 1, Register::default);
        }
        &mut self.registers[at]
    }

    #[inline]
    fn list(&self, slot: Slot) -> Option<&Mutex<Vec<Box<Object>>>> {
        match self.registers.get(slot.0 as usize) {
            Some(Register::List(list)) => Some(&list.elements),
            _ => None,
        }
    }

    /// Fills a register if there is something to fill it with.
    #[inline]
    fn put(&mut self, dst: Slot, found: Option<Register>) -> bool {
        let is_there = found.is_some();
        if let Some(found) = found {
            *self.at(dst) = found;
        }
        is_there
    }
}

impl Mutator for BoxedMutator<'_> {
    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        *self.at(dst) = match shape {
            Shape::List => Register::List(Arc::new(List {
                tag,
                elements: Mutex::default(),
            })),
            _ => Register::Own(Box::new(Object {
                tag,
                _fields: [None, None],
            })),
        };
        Ok(())
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        let copy = match self.at(src) {
            Register::Empty => return,
            Register::Own(object) => Register::Name(object.tag.id()),
            Register::Name(id) => Register::Name(*id),
            Register::List(list) => Register::List(Arc::clone(list)),
        };
        *self.at(dst) = copy;
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        *self.at(slot) = Register::Empty;
    }

    /// Nothing is ever stored into a node.
    fn load(&mut self, dst: Slot, obj: Slot, _: Field) {
        if matches!(self.at(obj), Register::Own(_) | Register::Name(_)) {
            self.clear(dst);
        }
    }

    fn store(&mut self, _: Slot, _: Field, _: Option<Slot>) {}

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        match self.at(slot) {
            Register::Empty => Peek::Empty,
            Register::Own(object) => Peek::Object(object.tag.id()),
            Register::Name(id) => Peek::Object(*id),
            Register::List(list) => Peek::Object(list.tag.id()),
        }
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }

    #[inline]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let moved = std::mem::take(self.at(val));
        match (self.list(list), moved) {
            (Some(elements), Register::Own(object)) => {
                elements.lock().push(object);
                true
            }
            (_, other) => {
                *self.at(val) = other;
                false
            }
        }
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        self.list(list)
            .map_or(0, |elements| elements.lock().len() as u64)
    }

    fn get(&mut self, dst: Slot, list: Slot, at: u64) -> bool {
        let name = |object: &Box<Object>| Register::Name(object.tag.id());
        let elements = self.list(list);
        let found = elements.and_then(|elements| elements.lock().get(index(at)).map(name));
        self.put(dst, found)
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let elements = self.list(list);
        let popped = elements.and_then(|elements| elements.lock().pop());
        self.put(dst, popped.map(Register::Own))
    }

    /// What is cut off is dropped after the lock is released.
    fn truncate_front(&mut self, list: Slot, count: u64) {
        if let Some(elements) = self.list(list) {
            let mut elements = elements.lock();
            let count = index(count).min(elements.len());
            let cut: Vec<_> = elements.drain(..count).collect();
            drop(elements);
            drop(cut);
        }
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        if let Some(elements) = self.list(list) {
            let mut elements = elements.lock();
            let left = elements.len().saturating_sub(index(count));
            let cut = elements.split_off(left);
            drop(elements);
            drop(cut);
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        let moved = match std::mem::take(self.at(src)) {
            Register::List(list) => Some(list),
            _ => None,
        };
        let replaced = std::mem::replace(&mut *self.roots[usize::from(global.0)].lock(), moved);
        drop(replaced);
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let found = self.roots[usize::from(global.0)].lock().clone();
        self.put(dst, found.map(Register::List))
    }
}
