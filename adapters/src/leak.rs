//! Objects that are never freed: the least that a heap can cost, to measure others against.
//!
//! References are plain copies of an address, nothing is counted and nothing is collected. An object is
//! taken from a block of the mutator's own; fields are atomics, and only lists have a lock. So what
//! another heap costs more is what its counting and its collector cost.
//!
//! It says that it runs programs with cycles, and promises no death: nothing is asked about garbage then,
//! and a workload that requires collections is vacuous on it. All memory is spent on what was ever made,
//! so give it a number of operations (`--ops`) rather than a time. It refuses no allocation.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI64, AtomicPtr};
use std::{mem, ptr};

use gcstorm::heap::{
    Caps, Defect, Field, Global, Heap, HeapConfig, Mutator, OutOfMemory, Peek, Seat, Shape, Slot,
    Tag,
};
use parking_lot::Mutex;

/// Objects in a block: a few pages.
const BLOCK: usize = 1024;

type Ref = &'static Object;

pub(crate) struct Object {
    tag: Tag,
    body: Body,
}

enum Body {
    Leaf,
    Node([Cell; 2]),
    List(Box<Mutex<VecDeque<Ref>>>),
    Counter(AtomicI64),
}

/// A place that several threads may change, for a reference or none.
#[derive(Default)]
struct Cell(AtomicPtr<Object>);

impl Cell {
    fn get(&self) -> Option<Ref> {
        // Acquire: the object was written before its address was stored by `set`.
        let object = self.0.load(Acquire);
        // SAFETY: `set` stored null or the address of an object, and objects are never freed.
        unsafe { object.as_ref() }
    }

    fn set(&self, value: Option<Ref>) {
        let object = value.map_or(ptr::null_mut(), |object| ptr::from_ref(object).cast_mut());
        self.0.store(object, Release);
    }
}

pub(crate) struct Leak {
    roots: Vec<Cell>,
}

impl Leak {
    pub(crate) fn open(config: &HeapConfig) -> Result<Self, Defect> {
        let roots = (0..config.globals).map(|_| Cell::default()).collect();
        Ok(Self { roots })
    }
}

impl Heap for Leak {
    type Mutator<'h> = LeakMutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            cycles: true,
            lists: true,
            counters: true,
            globals: true,
            ..Caps::NONE
        }
    }

    fn attach(&self, seat: Seat) -> Result<LeakMutator<'_>, Defect> {
        Ok(LeakMutator {
            registers: vec![None; seat.slots as usize],
            room: &mut [],
            roots: &self.roots,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }
}

pub(crate) struct LeakMutator<'h> {
    registers: Vec<Option<Ref>>,
    /// What is left of this mutator's block.
    room: &'static mut [mem::MaybeUninit<Object>],
    roots: &'h [Cell],
}

fn index(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl LeakMutator<'_> {
    #[inline]
    fn at(&mut self, slot: Slot) -> &mut Option<Ref> {
        &mut self.registers[slot.0 as usize]
    }

    #[inline]
    fn node(&mut self, slot: Slot) -> Option<&'static [Cell; 2]> {
        match &(*self.at(slot))?.body {
            Body::Node(fields) => Some(fields),
            _ => None,
        }
    }

    #[inline]
    fn list(&mut self, slot: Slot) -> Option<&'static Mutex<VecDeque<Ref>>> {
        match &(*self.at(slot))?.body {
            Body::List(elements) => Some(elements),
            _ => None,
        }
    }

    #[inline]
    fn counter(&mut self, slot: Slot) -> Option<&'static AtomicI64> {
        match &(*self.at(slot))?.body {
            Body::Counter(number) => Some(number),
            _ => None,
        }
    }

    /// Fills a register if there is something to fill it with.
    #[inline]
    fn put(&mut self, dst: Slot, found: Option<Ref>) -> bool {
        if found.is_some() {
            *self.at(dst) = found;
        }
        found.is_some()
    }
}

impl Mutator for LeakMutator<'_> {
    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        if self.room.is_empty() {
            self.room = Box::leak(Box::new_uninit_slice(BLOCK));
        }
        let body = match shape {
            Shape::Leaf => Body::Leaf,
            Shape::Node => Body::Node(Default::default()),
            Shape::List => Body::List(Default::default()),
            Shape::Counter => Body::Counter(AtomicI64::new(0)),
        };
        let (first, rest) = mem::take(&mut self.room)
            .split_first_mut()
            .ok_or(OutOfMemory)?;
        self.room = rest;
        *self.at(dst) = Some(first.write(Object { tag, body }));
        Ok(())
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        let found = *self.at(src);
        self.put(dst, found);
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        *self.at(slot) = None;
    }

    #[inline]
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        if let Some(fields) = self.node(obj) {
            *self.at(dst) = fields[field.0 as usize].get();
        }
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let Some(fields) = self.node(obj) else { return };
        let field = &fields[field.0 as usize];
        match val.map(|val| self.at(val).take()) {
            Some(None) => {}
            value => field.set(value.flatten()),
        }
    }

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        self.at(slot)
            .map_or(Peek::Empty, |object| Peek::Object(object.tag.id()))
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }

    #[inline]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let Some(elements) = self.list(list) else {
            return false;
        };
        let moved = self.at(val).take();
        elements.lock().extend(moved);
        moved.is_some()
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        self.list(list)
            .map_or(0, |elements| elements.lock().len() as u64)
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, at: u64) -> bool {
        let elements = self.list(list);
        let found = elements.and_then(|elements| elements.lock().get(index(at)).copied());
        self.put(dst, found)
    }

    #[inline]
    fn set(&mut self, list: Slot, at: u64, val: Slot) -> bool {
        let (elements, value) = (self.list(list), *self.at(val));
        let (Some(elements), Some(value)) = (elements, value) else {
            return false;
        };
        let is_there = match elements.lock().get_mut(index(at)) {
            Some(element) => {
                *element = value;
                true
            }
            None => false,
        };
        if is_there {
            *self.at(val) = None;
        }
        is_there
    }

    #[inline]
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let popped = self
            .list(list)
            .and_then(|elements| elements.lock().pop_back());
        self.put(dst, popped)
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        if let Some(elements) = self.list(list) {
            let mut elements = elements.lock();
            let count = index(count).min(elements.len());
            elements.drain(..count);
        }
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        if let Some(elements) = self.list(list) {
            let mut elements = elements.lock();
            let left = elements.len().saturating_sub(index(count));
            elements.truncate(left);
        }
    }

    #[inline]
    fn add(&mut self, counter: Slot, by: i64) {
        if let Some(number) = self.counter(counter) {
            // Relaxed, like the others: a number by itself.
            number.fetch_add(by, Relaxed);
        }
    }

    #[inline]
    fn read(&mut self, counter: Slot) -> i64 {
        self.counter(counter)
            .map_or(0, |number| number.load(Relaxed))
    }

    #[inline]
    fn write(&mut self, counter: Slot, value: i64) {
        if let Some(number) = self.counter(counter) {
            number.store(value, Relaxed);
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        let moved = self.at(src).take();
        self.roots[usize::from(global.0)].set(moved);
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let found = self.roots[usize::from(global.0)].get();
        self.put(dst, found)
    }
}
