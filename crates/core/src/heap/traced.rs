//! A heap of any collector that begins at the roots, finds what they lead to, and reclaims the rest.
//!
//! What is the collector's own is where objects are and what a collection does with them: [`Space`]. The
//! rest is here: registers, shared roots, every operation, and when to collect. It runs on one thread at
//! a time, under the lock of [`Gil`].
//!
//! Objects refer to each other by numbers, which the space gives out. All of them are shown in a
//! collection, in roots and in objects, so a space may move objects and change the numbers.

use std::fmt;
use std::sync::Arc;

use super::gil::Gil;
use super::{
    Caps, Cause, Collector, Defect, Field, Global, HeapConfig, Mutator, OutOfMemory, Pauses, Peek,
    Shape, Slot, Stats, Tag,
};

/// Everything except weak references and finalizers. The lock makes it fit for threads.
const CAPS: Caps = Caps {
    threads: true,
    cycles: true,
    lists: true,
    counters: true,
    globals: true,
    certifies_death: true,
    ..Caps::NONE
};

/// As many objects as there are at least between two collections, where they fit.
const THRESHOLD_MIN: usize = 1000;

/// Where objects are, and how those are reclaimed that nothing leads to.
pub trait Space: Send {
    /// Takes an object in, and returns its number.
    fn add(&mut self, object: TracedObject) -> u32;

    /// The object of this number, if it was not reclaimed.
    fn object(&mut self, number: u32) -> Option<&mut TracedObject>;

    /// How many objects there are.
    fn count(&self) -> usize;

    /// Drops every object to which no reference leads that begins at a root. If objects get other
    /// numbers, it changes all references to them, the roots included.
    fn collect(&mut self, roots: &mut [&mut u32]);
}

/// An object. When it is dropped, so is its tag, which is how gcstorm knows that it died.
#[derive(Debug)]
pub struct TracedObject {
    tag: Tag,
    /// Of a counter.
    value: i64,
    /// What it refers to, by number: the fields of a node, or the elements of a list.
    pub references: Vec<Option<u32>>,
}

/// The heap of a space.
pub struct Traced<S> {
    space: S,
    /// Registers of all mutators, up to the highest that is full: most never are.
    registers: Vec<Option<u32>>,
    globals: Vec<Option<u32>>,
    capacity: usize,
    /// As many objects as there may be before the next collection.
    threshold: usize,
    pauses: Arc<Pauses>,
    collections: u64,
}

impl<S: Space> Traced<S> {
    /// Opens a heap with this space, which is empty.
    ///
    /// # Errors
    ///
    /// None; this is what [`Registry::with`](crate::run::Registry::with) takes.
    pub fn open(space: S, config: &HeapConfig) -> Result<Gil<Self>, Defect> {
        let heap = Self {
            space,
            registers: Vec::new(),
            globals: vec![None; config.globals.into()],
            capacity: config.capacity as usize,
            threshold: config.nursery.min(config.capacity) as usize,
            pauses: Arc::clone(&config.pauses),
            collections: 0,
        };
        let pauses = Arc::clone(&config.pauses);
        Ok(Gil::new(heap, config.switch_interval, pauses))
    }

    fn at(&self, slot: Slot) -> Option<u32> {
        *self.registers.get(slot.0 as usize)?
    }

    fn fill(&mut self, slot: Slot, reference: Option<u32>) {
        let at = slot.0 as usize;
        if let Some(register) = self.registers.get_mut(at) {
            *register = reference;
        } else if reference.is_some() {
            self.registers.resize(at, None);
            self.registers.push(reference);
        }
        // A walk fills many registers once, and no collection should look at them for ever.
        while self.registers.last() == Some(&None) {
            self.registers.pop();
        }
    }

    /// Fills a register with what was found, if anything was.
    fn found(&mut self, dst: Slot, found: Option<u32>) -> bool {
        found.map(|found| self.fill(dst, Some(found))).is_some()
    }

    /// Moves what is in `val` to where `place` finds room for it among the references of an object.
    fn give(
        &mut self,
        (holder, shape): (Slot, Shape),
        val: Slot,
        place: impl FnOnce(&mut Vec<Option<u32>>) -> Option<&mut Option<u32>>,
    ) -> bool {
        let moved = self.at(val);
        let holder = self.shaped(holder, shape).filter(|_| moved.is_some());
        let place = holder.and_then(|holder| place(&mut holder.references));
        let is_given = place.map(|place| *place = moved).is_some();
        if is_given {
            self.fill(val, None);
        }
        is_given
    }

    /// The object in a register, if it has this shape.
    fn shaped(&mut self, slot: Slot, shape: Shape) -> Option<&mut TracedObject> {
        let object = self.space.object(self.at(slot)?)?;
        (object.tag.id().shape() == shape).then_some(object)
    }

    fn list(&mut self, slot: Slot) -> Option<&mut Vec<Option<u32>>> {
        Some(&mut self.shaped(slot, Shape::List)?.references)
    }

    fn make_room(&mut self) -> Result<(), OutOfMemory> {
        if self.space.count() >= self.threshold {
            self.collect();
            let twice = 2 * self.space.count();
            self.threshold = twice.max(THRESHOLD_MIN).min(self.capacity);
        }
        match self.space.count() < self.capacity {
            true => Ok(()),
            false => Err(OutOfMemory),
        }
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<S: Space> Mutator for Traced<S> {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        self.make_room()?;
        let fields = if shape == Shape::Node { 2 } else { 0 };
        let at = self.space.add(TracedObject {
            tag,
            value: 0,
            references: vec![None; fields],
        });
        self.fill(dst, Some(at));
        Ok(())
    }

    fn copy(&mut self, dst: Slot, src: Slot) {
        let found = self.at(src);
        self.found(dst, found);
    }

    fn clear(&mut self, slot: Slot) {
        self.fill(slot, None);
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        if let Some(node) = self.shaped(obj, Shape::Node) {
            let found = node.references[usize::from(field.0)];
            self.fill(dst, found);
        }
    }

    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let at = usize::from(field.0);
        if let Some(val) = val {
            self.give((obj, Shape::Node), val, |fields| fields.get_mut(at));
        } else if let Some(node) = self.shaped(obj, Shape::Node) {
            node.references[at] = None;
        }
    }

    fn peek(&mut self, slot: Slot) -> Peek {
        let Some(at) = self.at(slot) else {
            return Peek::Empty;
        };
        let object = self.space.object(at);
        object.map_or(Peek::Stale, |object| Peek::Object(object.tag.id()))
    }

    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }

    fn collect(&mut self) {
        let _held = self.pauses.hold(Cause::Collect);
        let roots = self.registers.iter_mut().chain(&mut self.globals);
        let mut roots: Vec<&mut u32> = roots.flatten().collect();
        self.space.collect(&mut roots);
        self.collections += 1;
    }

    fn append(&mut self, list: Slot, val: Slot) -> bool {
        self.give((list, Shape::List), val, |elements| {
            elements.push(None);
            elements.last_mut()
        })
    }

    fn len(&mut self, list: Slot) -> u64 {
        self.list(list).map_or(0, |list| list.len() as u64)
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let found = self.list(list).and_then(|list| *list.get(place(index))?);
        self.found(dst, found)
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        self.give((list, Shape::List), val, |elements| {
            elements.get_mut(place(index))
        })
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let popped = self.list(list).and_then(|list| list.pop()?);
        self.found(dst, popped)
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        if let Some(list) = self.list(list) {
            drop(list.drain(..list.len().min(place(count))));
        }
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        if let Some(list) = self.list(list) {
            list.truncate(list.len().saturating_sub(place(count)));
        }
    }

    fn add(&mut self, counter: Slot, by: i64) {
        if let Some(counter) = self.shaped(counter, Shape::Counter) {
            counter.value = counter.value.wrapping_add(by);
        }
    }

    fn read(&mut self, counter: Slot) -> i64 {
        (self.shaped(counter, Shape::Counter)).map_or(0, |counter| counter.value)
    }

    fn write(&mut self, counter: Slot, value: i64) {
        if let Some(counter) = self.shaped(counter, Shape::Counter) {
            counter.value = value;
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        self.globals[usize::from(global.0)] = self.at(src);
        self.fill(src, None);
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let found = self.globals[usize::from(global.0)];
        self.found(dst, found)
    }
}

impl<S: Space> Collector for Traced<S> {
    fn caps(&self) -> Caps {
        CAPS
    }

    /// Registers grow when they are filled.
    fn reserve_slots(&mut self, _: u32) {}

    fn settle(&mut self) -> Result<(), Defect> {
        self.collect();
        Ok(())
    }

    fn stats(&self) -> Stats {
        Stats {
            collections: Some(self.collections),
            ..Stats::default()
        }
    }
}

impl<S> fmt::Debug for Traced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").finish_non_exhaustive()
    }
}
