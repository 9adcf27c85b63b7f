//! Two collectors that count nothing, under gcstorm's global lock: one marks and sweeps, one moves what is
//! alive (Cheney's algorithm). They share the operations on objects, and differ in how they collect.
//!
//!     cargo run --release --example tracing -- run --duration 1s
//!     cargo run --release --example tracing -- fuzz --cases 1000

use std::process::ExitCode;

use gcstorm::heap::gil::Gil;
use gcstorm::heap::{
    Caps, Collector, Defect, Field, Global, HeapConfig, Mutator, OutOfMemory, Peek, Shape, Slot,
    Tag,
};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let heaps = Registry::builtin()
        .with(
            "mark-sweep",
            "marks what is alive, frees the rest",
            |config| open(config, mark_and_sweep),
        )
        .by_default()
        .with("moving", "moves what is alive, drops the rest", |config| {
            open(config, move_all)
        })
        .by_default();
    gcstorm::cli::main(heaps)
}

/// Everything except weak references and finalizers. The global lock makes it fit for threads.
const CAPS: Caps = Caps {
    threads: true,
    cycles: true,
    lists: true,
    counters: true,
    globals: true,
    certifies_death: true,
    ..Caps::NONE
};

/// Where an object is, among all cells.
type Reference = u32;

/// The tag's drop tells gcstorm that the object has died.
struct Object {
    tag: Tag,
    references: Vec<Option<Reference>>,
    number: i64,
}

enum Cell {
    Object(Object),
    Free,
    /// The object was moved, while this lasts.
    Moved(Reference),
}

struct Tracing {
    cells: Vec<Cell>,
    free: Vec<Reference>,
    /// Registers of all mutators. As long as the highest that was ever filled: most never are.
    registers: Vec<Option<Reference>>,
    globals: Vec<Option<Reference>>,
    capacity: usize,
    /// As many objects as there may be before the next collection.
    threshold: usize,
    collect: fn(&mut Tracing),
}

fn open(config: &HeapConfig, collect: fn(&mut Tracing)) -> Result<Gil<Tracing>, Defect> {
    let heap = Tracing {
        cells: Vec::new(),
        free: Vec::new(),
        registers: Vec::new(),
        globals: vec![None; config.globals.into()],
        capacity: config.capacity as usize,
        threshold: (config.nursery as usize).min(config.capacity as usize),
        collect,
    };
    let pauses = config.pauses.clone();
    Ok(Gil::new(heap, config.switch_interval, pauses))
}

/// Marks all that can be reached, with a list of what is still to be looked at, and frees the rest.
fn mark_and_sweep(heap: &mut Tracing) {
    let mut is_marked = vec![false; heap.cells.len()];
    let mut gray: Vec<Reference> = heap.roots().filter_map(|root| *root).collect();
    while let Some(reference) = gray.pop() {
        let is_new = !std::mem::replace(&mut is_marked[reference as usize], true);
        if let (true, Cell::Object(object)) = (is_new, &heap.cells[reference as usize]) {
            gray.extend(object.references.iter().flatten());
        }
    }
    heap.free.clear();
    for (at, (cell, is_marked)) in (0..).zip(heap.cells.iter_mut().zip(is_marked)) {
        if !is_marked {
            *cell = Cell::Free;
            heap.free.push(at);
        }
    }
}

/// Moves what the roots refer to, then what that refers to, and so on. What is left behind is garbage.
fn move_all(heap: &mut Tracing) {
    let mut old = std::mem::take(&mut heap.cells);
    let mut new = Vec::new();
    for root in heap.roots() {
        move_one(&mut old, &mut new, root);
    }
    let mut scanned = 0;
    while scanned < new.len() {
        let Cell::Object(object) = &mut new[scanned] else {
            unreachable!("nothing else was moved here");
        };
        let mut references = std::mem::take(&mut object.references);
        for reference in &mut references {
            move_one(&mut old, &mut new, reference);
        }
        if let Cell::Object(object) = &mut new[scanned] {
            object.references = references;
        }
        scanned += 1;
    }
    heap.cells = new;
    heap.free.clear();
}

/// Moves an object unless it was moved before, and mends the reference.
fn move_one(old: &mut [Cell], new: &mut Vec<Cell>, reference: &mut Option<Reference>) {
    let Some(at) = *reference else { return };
    let to = u32::try_from(new.len()).expect("there are fewer than before");
    *reference = match std::mem::replace(&mut old[at as usize], Cell::Moved(to)) {
        Cell::Object(object) => {
            new.push(Cell::Object(object));
            Some(to)
        }
        Cell::Moved(before) => {
            old[at as usize] = Cell::Moved(before);
            Some(before)
        }
        Cell::Free => unreachable!("what is referred to is not free"),
    };
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Tracing {
    fn roots(&mut self) -> impl Iterator<Item = &mut Option<Reference>> {
        self.registers.iter_mut().chain(&mut self.globals)
    }

    fn live(&self) -> usize {
        self.cells.len() - self.free.len()
    }

    fn at(&self, slot: Slot) -> Option<Reference> {
        *self.registers.get(slot.0 as usize)?
    }

    fn fill(&mut self, slot: Slot, reference: Option<Reference>) {
        let at = slot.0 as usize;
        if at >= self.registers.len() && reference.is_some() {
            self.registers.resize(at + 1, None);
        }
        if let Some(register) = self.registers.get_mut(at) {
            *register = reference;
        }
        // A walk fills many registers once, and no collection should look at them for ever.
        while self.registers.last() == Some(&None) {
            self.registers.pop();
        }
    }

    /// The object in a register, if it has this shape.
    fn object(&mut self, slot: Slot, shape: Shape) -> Option<&mut Object> {
        let at = self.at(slot)? as usize;
        match &mut self.cells[at] {
            Cell::Object(object) if object.tag.id().shape() == shape => Some(object),
            _ => None,
        }
    }

    fn list(&mut self, slot: Slot) -> Option<&mut Vec<Option<Reference>>> {
        Some(&mut self.object(slot, Shape::List)?.references)
    }

    fn collect_when_due(&mut self) -> Result<(), OutOfMemory> {
        if self.live() >= self.threshold {
            (self.collect)(self);
            self.threshold = (2 * self.live()).max(1000).min(self.capacity);
        }
        match self.live() < self.capacity {
            true => Ok(()),
            false => Err(OutOfMemory),
        }
    }
}

impl Mutator for Tracing {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        self.collect_when_due()?;
        let fields = if shape == Shape::Node { 2 } else { 0 };
        let object = Cell::Object(Object {
            tag,
            references: vec![None; fields],
            number: 0,
        });
        let at = match self.free.pop() {
            Some(at) => {
                self.cells[at as usize] = object;
                at
            }
            None => {
                self.cells.push(object);
                u32::try_from(self.cells.len() - 1).expect("the capacity is a u32")
            }
        };
        self.fill(dst, Some(at));
        Ok(())
    }

    fn copy(&mut self, dst: Slot, src: Slot) {
        if let Some(reference) = self.at(src) {
            self.fill(dst, Some(reference));
        }
    }

    fn clear(&mut self, slot: Slot) {
        self.fill(slot, None);
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        if let Some(node) = self.object(obj, Shape::Node) {
            let found = node.references[usize::from(field.0)];
            self.fill(dst, found);
        }
    }

    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let moved = val.and_then(|val| self.at(val));
        if moved.is_some() == val.is_some()
            && let Some(node) = self.object(obj, Shape::Node)
        {
            node.references[usize::from(field.0)] = moved;
            val.into_iter().for_each(|val| self.fill(val, None));
        }
    }

    fn peek(&mut self, slot: Slot) -> Peek {
        match self.at(slot).map(|at| &self.cells[at as usize]) {
            None => Peek::Empty,
            Some(Cell::Object(object)) => Peek::Object(object.tag.id()),
            Some(Cell::Free | Cell::Moved(_)) => Peek::Stale,
        }
    }

    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }

    fn collect(&mut self) {
        (self.collect)(self);
    }

    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let moved = self.at(val);
        let list = self.list(list).filter(|_| moved.is_some());
        list.map(|list| list.push(moved))
            .map(|()| self.fill(val, None))
            .is_some()
    }

    fn len(&mut self, list: Slot) -> u64 {
        self.list(list).map_or(0, |list| list.len() as u64)
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let found = self.list(list).and_then(|list| *list.get(place(index))?);
        found.map(|found| self.fill(dst, Some(found))).is_some()
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let moved = self.at(val);
        let list = self.list(list).filter(|_| moved.is_some());
        let element = list.and_then(|list| list.get_mut(place(index)));
        element
            .map(|element| *element = moved)
            .map(|()| self.fill(val, None))
            .is_some()
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let popped = self.list(list).and_then(|list| list.pop()?);
        popped.map(|popped| self.fill(dst, Some(popped))).is_some()
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
        if let Some(counter) = self.object(counter, Shape::Counter) {
            counter.number = counter.number.wrapping_add(by);
        }
    }

    fn read(&mut self, counter: Slot) -> i64 {
        (self.object(counter, Shape::Counter)).map_or(0, |counter| counter.number)
    }

    fn write(&mut self, counter: Slot, value: i64) {
        if let Some(counter) = self.object(counter, Shape::Counter) {
            counter.number = value;
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        self.globals[usize::from(global.0)] = self.at(src);
        self.fill(src, None);
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let found = self.globals[usize::from(global.0)];
        found.map(|found| self.fill(dst, Some(found))).is_some()
    }
}

impl Collector for Tracing {
    fn caps(&self) -> Caps {
        CAPS
    }

    /// Registers grow when they are filled.
    fn reserve_slots(&mut self, _: u32) {}

    fn settle(&mut self) -> Result<(), Defect> {
        (self.collect)(self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod mark_sweep {
        use super::{mark_and_sweep, open};

        gcstorm::conformance_tests!(|config| open(config, mark_and_sweep));
    }

    /// Goal: the collector that moves objects follows the model, and holds where threads race.
    #[test]
    fn moving() {
        let opened = |config: &HeapConfig| open(config, move_all);
        gcstorm::conformance::step_through(opened);
        gcstorm::conformance::race(opened);
        for workload in ["shared-list", "cycles", "graph"] {
            gcstorm::conformance::run_workload(workload, opened);
        }
    }
}
