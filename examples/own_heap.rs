//! How to test your own heap: here one of `Arc`s, which count references and never collect cycles.
//!
//! A fault can be planted in it, so that `selftest --heap arc` shows that the checks can fail on
//! this heap too.

use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gcstorm::heap::{
    Caps, Defect, Fault, Faults, Field, Global, Heap, HeapConfig, Mutator, Ordeal, OutOfMemory,
    Peek, Point, Seat, Shape, Slot, Tag,
};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

/// Counts allocated bytes, so that a soak notices a leak of a few bytes.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let heaps = Registry::builtin()
        .with("arc", "plain `Arc`s, no cycles", ArcHeap::open)
        .plantable(&[Fault::LenOffByOne], ArcHeap::open_with);
    gcstorm::cli::main(heaps.by_default())
}

/// What this heap supports: everything except cycles, weak references and finalizers.
const CAPS: Caps = Caps {
    threads: true,
    lists: true,
    counters: true,
    globals: true,
    certifies_death: true,
    ..Caps::NONE
};

type Ref = Arc<Object>;

/// Owns its tag, whose drop tells gcstorm that this object has died.
struct Object {
    tag: Tag,
    shape: Shape,
    references: Mutex<Vec<Option<Ref>>>,
    number: AtomicI64,
}

impl Object {
    fn references(&self) -> MutexGuard<'_, Vec<Option<Ref>>> {
        lock(&self.references)
    }
}

/// Drops references iteratively: the recursive drop of a long chain would overflow the stack.
impl Drop for Object {
    fn drop(&mut self) {
        let mut doomed = std::mem::take(&mut *self.references());
        while let Some(next) = doomed.pop() {
            if let Some(object) = next.and_then(Arc::into_inner) {
                doomed.append(&mut object.references());
            }
        }
    }
}

struct ArcHeap {
    globals: Vec<Mutex<Option<Ref>>>,
    ordeal: Ordeal,
}

impl ArcHeap {
    fn open(config: &HeapConfig) -> Result<Self, Defect> {
        Self::open_with(config, Ordeal::default())
    }

    /// Opens a heap with what `--fault`, `--fail-alloc` and `--delays` ask for. Where looking for
    /// that costs too much, make the heap generic over [`Faults`]: `gcstorm::heap::Faultless` costs
    /// nothing.
    fn open_with(config: &HeapConfig, ordeal: Ordeal) -> Result<Self, Defect> {
        let globals = (0..config.globals).map(|_| Mutex::new(None)).collect();
        Ok(Self { globals, ordeal })
    }
}

impl Heap for ArcHeap {
    type Mutator<'h> = Registers<'h>;

    fn caps(&self) -> Caps {
        CAPS
    }

    fn attach(&self, seat: Seat) -> Result<Registers<'_>, Defect> {
        let slots = (0..seat.slots).map(|_| None).collect();
        Ok(Registers { heap: self, slots })
    }

    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }
}

/// One mutator's registers.
struct Registers<'h> {
    heap: &'h ArcHeap,
    slots: Vec<Option<Ref>>,
}

impl Registers<'_> {
    fn at(&self, slot: Slot) -> Option<&Ref> {
        self.slots[slot.0 as usize].as_ref()
    }

    /// The object in `slot` if it has this shape: an operation on another shape does nothing.
    fn shaped(&self, slot: Slot, shape: Shape) -> Option<&Ref> {
        self.at(slot).filter(|object| object.shape == shape)
    }

    fn put(&mut self, slot: Slot, value: Option<Ref>) -> bool {
        let is_there = value.is_some();
        self.slots[slot.0 as usize] = value;
        is_there
    }

    /// Takes the reference in `val` and lets `place` put it into the container, if both exist.
    /// `place` returns the reference that it replaced, or as an error the value if it has no place
    /// for it.
    fn move_into<F>(&mut self, (container, shape): (Slot, Shape), val: Slot, place: F) -> bool
    where
        F: FnOnce(&mut Vec<Option<Ref>>, Ref) -> Result<Option<Ref>, Ref>,
    {
        let Some(container) = self.shaped(container, shape).cloned() else {
            return false;
        };
        let Some(value) = self.slots[val.0 as usize].take() else {
            return false;
        };
        self.heap.ordeal.pass(Point::Change);
        // A replaced reference is dropped after the lock is released, since it may free many
        // objects.
        let placed = place(&mut container.references(), value);
        match placed {
            Ok(_replaced) => true,
            Err(value) => {
                self.put(val, Some(value));
                false
            }
        }
    }

    fn cut(&self, list: Slot, count: u64, front: bool) {
        let Some(list) = self.shaped(list, Shape::List) else {
            return;
        };
        let mut elements = list.references();
        let count = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(elements.len());
        let doomed = if front {
            let rest = elements.split_off(count);
            std::mem::replace(&mut *elements, rest)
        } else {
            let left = elements.len() - count;
            elements.split_off(left)
        };
        drop(elements);
        drop(doomed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn index(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Mutator for Registers<'_> {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        if self.heap.ordeal.refuses() {
            return Err(OutOfMemory);
        }
        let fields = if shape == Shape::Node { 2 } else { 0 };
        let object = Object {
            tag,
            shape,
            references: Mutex::new(vec![None; fields]),
            number: AtomicI64::new(0),
        };
        self.put(dst, Some(Arc::new(object)));
        Ok(())
    }

    fn copy(&mut self, dst: Slot, src: Slot) {
        if let Some(value) = self.at(src).cloned() {
            self.put(dst, Some(value));
        }
    }

    fn clear(&mut self, slot: Slot) {
        self.put(slot, None);
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        if let Some(node) = self.shaped(obj, Shape::Node) {
            let value = node.references()[field.0 as usize].clone();
            self.put(dst, value);
        }
    }

    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let field = field.0 as usize;
        match val {
            Some(val) => {
                self.move_into((obj, Shape::Node), val, |fields, value| {
                    Ok(fields[field].replace(value))
                });
            }
            None => {
                let node = self.shaped(obj, Shape::Node);
                let erased = node.and_then(|obj| obj.references()[field].take());
                drop(erased);
            }
        }
    }

    fn peek(&mut self, slot: Slot) -> Peek {
        self.at(slot)
            .map_or(Peek::Empty, |object| Peek::Object(object.tag.id()))
    }

    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }

    fn append(&mut self, list: Slot, val: Slot) -> bool {
        self.move_into((list, Shape::List), val, |elements, value| {
            elements.push(Some(value));
            Ok(None)
        })
    }

    fn len(&mut self, list: Slot) -> u64 {
        let more = u64::from(self.heap.ordeal.has(Fault::LenOffByOne));
        self.shaped(list, Shape::List)
            .map_or(0, |list| list.references().len() as u64 + more)
    }

    fn get(&mut self, dst: Slot, list: Slot, at: u64) -> bool {
        let found = self
            .shaped(list, Shape::List)
            .and_then(|list| list.references().get(index(at)).cloned());
        found.is_some_and(|value| self.put(dst, value))
    }

    fn set(&mut self, list: Slot, at: u64, val: Slot) -> bool {
        self.move_into((list, Shape::List), val, |elements, value| {
            match elements.get_mut(index(at)) {
                Some(element) => Ok(element.replace(value)),
                None => Err(value),
            }
        })
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let popped = self
            .shaped(list, Shape::List)
            .and_then(|list| list.references().pop());
        popped.is_some_and(|value| self.put(dst, value))
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        self.cut(list, count, true);
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        self.cut(list, count, false);
    }

    fn add(&mut self, counter: Slot, by: i64) {
        if let Some(counter) = self.shaped(counter, Shape::Counter) {
            counter.number.fetch_add(by, Relaxed);
        }
    }

    fn read(&mut self, counter: Slot) -> i64 {
        self.shaped(counter, Shape::Counter)
            .map_or(0, |counter| counter.number.load(Relaxed))
    }

    fn write(&mut self, counter: Slot, value: i64) {
        if let Some(counter) = self.shaped(counter, Shape::Counter) {
            counter.number.store(value, Relaxed);
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        let value = self.slots[src.0 as usize].take();
        let replaced =
            std::mem::replace(&mut *lock(&self.heap.globals[usize::from(global.0)]), value);
        drop(replaced);
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let value = lock(&self.heap.globals[usize::from(global.0)]).clone();
        value.is_some_and(|value| self.put(dst, Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use gcstorm::fuzz::{check_steps, programs};
    use proptest::prelude::*;

    use super::{ArcHeap, CAPS};

    proptest! {
        #[test]
        fn my_heap_follows_the_model(case in programs().for_caps(CAPS)) {
            check_steps(ArcHeap::open, &case)?;
        }
    }

    /// Goal: programs on free threads close cycles by chance, for which a heap that collects none is not
    /// blamed.
    #[test]
    fn my_heap_is_judged_by_what_it_can_do() {
        let registry = super::Registry::empty().with("arc", "", ArcHeap::open);
        for seed in 0..300 {
            let case = programs().for_caps(CAPS).draw(seed);
            let found = gcstorm::fuzz::on_threads(&registry.entries()[0], None, &case);
            assert_eq!(found, Ok(None), "{case}");
        }
    }
}
