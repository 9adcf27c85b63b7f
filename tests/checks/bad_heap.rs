//! A small heap behind one mutex, right unless it is told to be wrong in one particular way.
//!
//! It counts references and lets a mark phase find cycles when it settles, so it shares no code and
//! hardly an idea with the heaps that ship.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gcstorm::heap::{
    Belief, Caps, Census, Collection, Fault, Field, Finalizer, Global, Heap, HeapConfig, Leftover,
    Mutator, ObjectId, OutOfMemory, Peek, Seat, Shape, Slot, Tag,
};

/// The one way in which a heap is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// The census reports one reference too many for every tenth object.
    CensusLies,
    /// A truncation frees what it removes, references or not.
    TruncationFrees,
    /// The same, but the cell stays readable: only the tag tells.
    TruncationDropsTags,
    /// What a truncation removes is never released.
    TruncationKeeps,
    /// Every tenth tag is dropped twice.
    DropsTwice,
    /// Every tenth append is lost, and its object properly released.
    AppendLoses,
    /// Every tenth append goes in before the last element.
    AppendSwaps,
    /// Every tenth addition is lost.
    AddLoses,
    /// Every tenth length is one too many.
    LenLies,
    /// The census admits a freed cell that was written to.
    Spoiled,
    /// The census admits a mark that was left behind.
    MarkLeft,
    /// Cycles are never looked for.
    CyclesKept,
    /// Weak references are never cleared: they lead to whatever is in the cell.
    WeakKept,
    /// Every tenth upgrade is lost.
    WeakLost,
    /// Weak references are cleared while everything stands still.
    WeakClearedAtRest,
    /// Finalizers leave weak references as they are.
    WeakOutlivesFinalizer,
    /// Every tenth finalizer runs twice.
    FinalizesTwice,
    /// Every tenth finalizer does not run.
    FinalizesNever,
    /// What is resurrected is dead all the same, by its tag.
    ResurrectsTheDead,
    /// The thousandth append panics.
    Panics,
    /// The thousandth safepoint reports a fault.
    Faults,
    /// A mutator that leaves releases nothing of what its registers hold.
    DetachKeeps,
    /// A mutator that leaves releases everything twice.
    DetachReleasesTwice,
    /// Releases by `clear` are buffered, and a mutator that leaves does not hand them over.
    DetachLosesBuffer,
    /// Nobody is let in from the thirtieth on.
    AttachFails,
    /// The thirtieth mutator that leaves panics.
    DetachPanics,
}

#[derive(Debug, Default)]
struct Object {
    tag: Option<Tag>,
    count: u64,
    shape: Option<Shape>,
    fields: [Option<usize>; 2],
    elements: VecDeque<usize>,
    value: i64,
    marked: bool,
    finalizer: Option<Finalizer>,
    finalized: bool,
}

/// A weak reference: where its target was, what it was, and whether its finalizer had run.
#[derive(Debug, Clone, Copy)]
struct Weak {
    object: usize,
    id: ObjectId,
    finalized: bool,
}

#[derive(Debug, Default)]
struct State {
    objects: Vec<Object>,
    free: Vec<usize>,
    globals: Vec<Option<usize>>,
    tick: u64,
    /// Settled, and nothing was made since.
    at_rest: bool,
    /// The numbers of those that are attached.
    seated: Vec<u32>,
    /// How many ever were.
    pub(crate) attached: u64,
}

pub(crate) struct BadHeap {
    flaw: Flaw,
    state: Mutex<State>,
}

pub(crate) struct BadMutator<'h> {
    heap: &'h BadHeap,
    seat: u32,
    registers: Vec<Option<usize>>,
    weak: Vec<Option<Weak>>,
    /// What is still to be released, if the flaw needs it.
    buffer: Vec<usize>,
}

/// How many come and go before something goes wrong with it.
const COMINGS: u64 = 30;

impl BadHeap {
    pub(crate) fn open(config: &HeapConfig, flaw: Flaw) -> Self {
        let globals = vec![None; usize::from(config.globals)];
        Self {
            flaw,
            state: Mutex::new(State {
                globals,
                ..State::default()
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Every tenth time, if the flaw is the one asked for.
    fn strikes(&mut self, flaw: Flaw, wanted: Flaw) -> bool {
        self.tick += u64::from(flaw == wanted);
        flaw == wanted && self.tick.is_multiple_of(10)
    }

    fn release(&mut self, object: usize, flaw: Flaw) {
        let mut pending = vec![object];
        while let Some(object) = pending.pop() {
            let cell = &mut self.objects[object];
            cell.count = cell.count.saturating_sub(1);
            if cell.count == 0 && cell.shape.is_some() {
                pending.extend(self.finalize(object, flaw));
                let cell = &mut self.objects[object];
                if cell.count > 0 {
                    continue;
                }
                pending.extend(cell.fields.iter().flatten());
                pending.extend(cell.elements.drain(..));
                self.free(object, flaw);
            }
        }
    }

    /// Runs the finalizer, if it is still to run. Returns what was displaced from a shared root.
    fn finalize(&mut self, object: usize, flaw: Flaw) -> Option<usize> {
        let finalizer = self.objects[object].finalizer.take()?;
        if self.strikes(flaw, Flaw::FinalizesNever) {
            return None;
        }
        self.objects[object].finalized = flaw != Flaw::WeakOutlivesFinalizer;
        let id = self.objects[object].tag.as_ref().map(Tag::id)?;
        if self.strikes(flaw, Flaw::FinalizesTwice) {
            finalizer.run(id);
        }
        let global = finalizer.run(id)?;
        self.objects[object].count += 1;
        if flaw == Flaw::ResurrectsTheDead {
            let tag = self.objects[object].tag.take()?;
            let bits = tag.into_bits();
            drop(Tag::from_bits(bits));
            self.objects[object].tag = Some(Tag::from_bits(bits));
        }
        self.globals[usize::from(global.0)].replace(object)
    }

    fn free(&mut self, object: usize, flaw: Flaw) {
        if let Some(tag) = self.objects[object].tag.take() {
            let bits = tag.into_bits();
            drop(Tag::from_bits(bits));
            if self.strikes(flaw, Flaw::DropsTwice) {
                drop(Tag::from_bits(bits));
            }
        }
        self.objects[object] = Object::default();
        self.free.push(object);
    }

    fn alive(&self, register: Option<usize>) -> Option<usize> {
        register.filter(|&object| self.objects[object].shape.is_some())
    }

    fn list(&mut self, register: Option<usize>) -> Option<&mut VecDeque<usize>> {
        let object = self.alive(register)?;
        let cell = &mut self.objects[object];
        (cell.shape == Some(Shape::List)).then_some(&mut cell.elements)
    }

    /// What neither the counts' outside references nor the shared roots reach.
    fn garbage(&mut self) -> Vec<usize> {
        let mut internal = vec![0; self.objects.len()];
        for cell in &self.objects {
            for &child in cell.fields.iter().flatten().chain(&cell.elements) {
                internal[child] += 1;
            }
        }
        let mut pending: Vec<usize> = (0..self.objects.len())
            .filter(|&o| self.objects[o].count > internal[o])
            .collect();
        while let Some(object) = pending.pop() {
            let cell = &mut self.objects[object];
            if !std::mem::replace(&mut cell.marked, true) {
                pending.extend(cell.fields.iter().flatten().chain(&cell.elements));
            }
        }
        let unmarked =
            |cell: &mut Object| !std::mem::take(&mut cell.marked) && cell.shape.is_some();
        (0..self.objects.len())
            .filter(|&object| unmarked(&mut self.objects[object]))
            .collect()
    }

    /// Frees the garbage, once no finalizer of it is left to run.
    fn sweep(&mut self, flaw: Flaw) {
        let unfinalized = |state: &Self, garbage: &[usize]| {
            let mut garbage = garbage.iter();
            garbage.any(|&object| state.objects[object].finalizer.is_some())
        };
        let mut garbage = self.garbage();
        while unfinalized(self, &garbage) {
            for object in garbage {
                if let Some(displaced) = self.finalize(object, flaw) {
                    self.release(displaced, flaw);
                }
            }
            garbage = self.garbage();
        }
        for object in garbage {
            let cell = &self.objects[object];
            // Only garbage refers to garbage here: nothing alive loses its last reference.
            let children = cell.fields.iter().flatten().chain(&cell.elements);
            for child in children.copied().collect::<Vec<_>>() {
                let count = &mut self.objects[child].count;
                *count = count.saturating_sub(1);
            }
            self.free(object, flaw);
        }
    }
}

impl Heap for BadHeap {
    type Mutator<'h> = BadMutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            cycles: true,
            lists: true,
            counters: true,
            globals: true,
            weak: true,
            finalizers: true,
            certifies_death: true,
        }
    }

    fn attach(&self, seat: Seat) -> Result<BadMutator<'_>, Fault> {
        let mut state = self.state();
        let number = seat.number;
        assert!(!state.seated.contains(&number), "seat {number} is taken");
        state.attached += 1;
        if self.flaw == Flaw::AttachFails && state.attached >= COMINGS {
            return Err(Fault::Other {
                message: "the planted refusal".to_owned(),
            });
        }
        state.seated.push(number);
        Ok(BadMutator {
            heap: self,
            seat: number,
            registers: vec![None; seat.slots as usize],
            weak: vec![None; seat.slots as usize],
            buffer: Vec::new(),
        })
    }

    fn collect(&self) -> Result<Collection, Fault> {
        self.settle().map(|()| Collection::default())
    }

    fn settle(&self) -> Result<(), Fault> {
        if self.flaw != Flaw::CyclesKept && self.flaw != Flaw::TruncationFrees {
            self.state().sweep(self.flaw);
        }
        self.state().at_rest = true;
        Ok(())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let mut state = self.state();
        let mut living = 0;
        for object in 0..state.objects.len() {
            let Object {
                count,
                tag: Some(tag),
                ..
            } = &state.objects[object]
            else {
                continue;
            };
            let (id, count) = (tag.id(), *count);
            living += 1;
            let lie = u64::from(state.strikes(self.flaw, Flaw::CensusLies));
            visit(Belief {
                id,
                count: count + lie,
            });
        }
        let mark = Leftover {
            what: "cells with a mark".to_owned(),
            count: u64::from(self.flaw == Flaw::MarkLeft),
        };
        Some(Census {
            living,
            free_examined: state.free.len() as u64,
            spoiled: u64::from(self.flaw == Flaw::Spoiled),
            leftovers: vec![mark],
        })
    }
}

impl BadMutator<'_> {
    fn put(&mut self, state: &mut State, dst: Slot, object: Option<usize>) {
        self.weak[dst.0 as usize] = None;
        let old = std::mem::replace(&mut self.registers[dst.0 as usize], object);
        if let Some(old) = old {
            state.release(old, self.heap.flaw);
        }
    }

    fn reg(&self, slot: Slot) -> Option<usize> {
        self.registers[slot.0 as usize]
    }

    fn share(&mut self, dst: Slot, find: impl FnOnce(&mut State, &Self) -> Option<usize>) -> bool {
        let heap = self.heap;
        let mut state = heap.state();
        let found = find(&mut state, self);
        if let Some(object) = found {
            state.objects[object].count += 1;
        }
        self.put(&mut state, dst, found);
        found.is_some()
    }

    fn cut(&mut self, list: Slot, remove: impl FnOnce(&mut VecDeque<usize>) -> Vec<usize>) {
        let (heap, flaw) = (self.heap, self.heap.flaw);
        let mut state = heap.state();
        let Some(removed) = state.list(self.reg(list)).map(remove) else {
            return;
        };
        for object in removed {
            match flaw {
                Flaw::TruncationKeeps => {}
                Flaw::TruncationFrees if state.objects[object].shape.is_some() => {
                    state.free(object, flaw);
                }
                Flaw::TruncationDropsTags if state.objects[object].count > 1 => {
                    // The tag dies; what stays readable is a copy of it.
                    if let Some(tag) = state.objects[object].tag.take() {
                        let bits = tag.into_bits();
                        drop(Tag::from_bits(bits));
                        state.objects[object].tag = Some(Tag::from_bits(bits));
                    }
                    state.release(object, flaw);
                }
                _ => state.release(object, flaw),
            }
        }
    }
}

impl Drop for BadMutator<'_> {
    fn drop(&mut self) {
        let heap = self.heap;
        let mut state = heap.state();
        state.seated.retain(|&number| number != self.seat);
        if heap.flaw == Flaw::DetachKeeps {
            return;
        }
        for object in self.registers.iter_mut().filter_map(Option::take) {
            state.release(object, heap.flaw);
            if heap.flaw == Flaw::DetachReleasesTwice {
                state.release(object, heap.flaw);
            }
        }
        let leaves_in_peace = heap.flaw != Flaw::DetachPanics || state.attached < COMINGS;
        drop(state);
        assert!(leaves_in_peace, "the planted panic");
    }
}

impl Mutator for BadMutator<'_> {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        let heap = self.heap;
        let mut state = heap.state();
        state.at_rest = false;
        let cell = Object {
            tag: Some(tag),
            count: 1,
            shape: Some(shape),
            ..Object::default()
        };
        // A heap that frees what is in use must not hand it out again, or it would only get
        // more confused than it is meant to be.
        let reused = if heap.flaw == Flaw::TruncationFrees {
            None
        } else {
            state.free.pop()
        };
        let object = reused.unwrap_or(state.objects.len());
        if object == state.objects.len() {
            state.objects.push(cell);
        } else {
            state.objects[object] = cell;
        }
        self.put(&mut state, dst, Some(object));
        Ok(())
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        self.alloc(dst, shape, tag)?;
        if let Some(object) = self.reg(dst) {
            self.heap.state().objects[object].finalizer = Some(finalizer);
        }
        Ok(())
    }

    fn copy(&mut self, dst: Slot, src: Slot) {
        self.share(dst, |_, myself| myself.reg(src));
    }

    fn clear(&mut self, slot: Slot) {
        let heap = self.heap;
        if heap.flaw == Flaw::DetachLosesBuffer {
            self.buffer.extend(self.registers[slot.0 as usize].take());
            return;
        }
        self.put(&mut heap.state(), slot, None);
    }

    fn idle(&mut self, wait: &mut dyn FnMut()) {
        for object in self.buffer.drain(..) {
            self.heap.state().release(object, self.heap.flaw);
        }
        wait();
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        self.share(dst, |state, myself| {
            state
                .alive(myself.reg(obj))
                .and_then(|o| state.objects[o].fields[usize::from(field.0)])
        });
    }

    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let heap = self.heap;
        let mut state = heap.state();
        let Some(object) = state.alive(self.reg(obj)) else {
            return;
        };
        if state.objects[object].shape != Some(Shape::Node) {
            return;
        }
        let new = val.and_then(|val| self.registers[val.0 as usize].take());
        let place = &mut state.objects[object].fields[usize::from(field.0)];
        if let Some(old) = std::mem::replace(place, new) {
            state.release(old, heap.flaw);
        }
    }

    fn peek(&mut self, slot: Slot) -> Peek {
        let Some(object) = self.reg(slot) else {
            return Peek::Empty;
        };
        match &self.heap.state().objects[object].tag {
            Some(tag) => Peek::Object(tag.id()),
            None => Peek::Stale,
        }
    }

    fn safepoint(&mut self) -> Result<(), Fault> {
        let mut state = self.heap.state();
        state.tick += u64::from(self.heap.flaw == Flaw::Faults);
        if self.heap.flaw == Flaw::Faults && state.tick == 1000 {
            return Err(Fault::Other {
                message: "the planted fault".to_owned(),
            });
        }
        Ok(())
    }

    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let (heap, flaw) = (self.heap, self.heap.flaw);
        let mut state = heap.state();
        let register = self.reg(list);
        let Some(object) = self.reg(val) else {
            return false;
        };
        if state.list(register).is_none() {
            return false;
        }
        self.registers[val.0 as usize] = None;
        state.tick += u64::from(flaw == Flaw::Panics);
        assert!(
            flaw != Flaw::Panics || state.tick != 1000,
            "the planted panic"
        );
        if state.strikes(flaw, Flaw::AppendLoses) {
            state.release(object, flaw);
            return true;
        }
        let swaps = state.strikes(flaw, Flaw::AppendSwaps);
        let Some(elements) = state.list(register) else {
            return false;
        };
        let place = elements.len().saturating_sub(usize::from(swaps));
        elements.insert(place, object);
        true
    }

    fn len(&mut self, list: Slot) -> u64 {
        let mut state = self.heap.state();
        let lie = u64::from(state.strikes(self.heap.flaw, Flaw::LenLies));
        state
            .list(self.reg(list))
            .map_or(0, |elements| elements.len() as u64 + lie)
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let there = self
            .heap
            .state()
            .list(self.reg(list))
            .is_some_and(|e| index < e.len());
        there
            && self.share(dst, |state, me| {
                state.list(me.reg(list))?.get(index).copied()
            })
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let heap = self.heap;
        let mut state = heap.state();
        let (register, Some(object)) = (self.reg(list), self.reg(val)) else {
            return false;
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(place) = state.list(register).and_then(|e| e.get_mut(index)) else {
            return false;
        };
        let old = std::mem::replace(place, object);
        self.registers[val.0 as usize] = None;
        state.release(old, heap.flaw);
        true
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let heap = self.heap;
        let mut state = heap.state();
        let popped = state.list(self.reg(list)).and_then(VecDeque::pop_back);
        if popped.is_some() {
            self.put(&mut state, dst, popped);
        }
        popped.is_some()
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.cut(list, |elements| {
            elements.drain(..count.min(elements.len())).collect()
        });
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.cut(list, |e| e.split_off(e.len().saturating_sub(count)).into());
    }

    fn add(&mut self, counter: Slot, by: i64) {
        let mut state = self.heap.state();
        if state.strikes(self.heap.flaw, Flaw::AddLoses) {
            return;
        }
        if let Some(object) = state.alive(self.reg(counter)) {
            state.objects[object].value += by;
        }
    }

    fn read(&mut self, counter: Slot) -> i64 {
        let state = self.heap.state();
        state
            .alive(self.reg(counter))
            .map_or(0, |object| state.objects[object].value)
    }

    fn write(&mut self, counter: Slot, value: i64) {
        let mut state = self.heap.state();
        if let Some(object) = state.alive(self.reg(counter)) {
            state.objects[object].value = value;
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        let heap = self.heap;
        let mut state = heap.state();
        let new = self.registers[src.0 as usize].take();
        let place = &mut state.globals[usize::from(global.0)];
        if let Some(old) = std::mem::replace(place, new) {
            state.release(old, heap.flaw);
        }
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        self.share(dst, |state, _| state.globals[usize::from(global.0)])
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        let heap = self.heap;
        let mut state = heap.state();
        let Some(object) = state.alive(self.reg(src)) else {
            return;
        };
        let Some(id) = state.objects[object].tag.as_ref().map(Tag::id) else {
            return;
        };
        let finalized = state.objects[object].finalized;
        self.put(&mut state, dst, None);
        self.weak[dst.0 as usize] = Some(Weak {
            object,
            id,
            finalized,
        });
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let (heap, flaw) = (self.heap, self.heap.flaw);
        let Some(weak) = self.weak[weak.0 as usize] else {
            return false;
        };
        let mut state = heap.state();
        let at_rest = state.at_rest && flaw == Flaw::WeakClearedAtRest;
        if at_rest || state.strikes(flaw, Flaw::WeakLost) {
            return false;
        }
        let cell = &state.objects[weak.object];
        let id = cell.tag.as_ref().map(Tag::id);
        let stands = id == Some(weak.id) && cell.finalized == weak.finalized;
        drop(state);
        if !stands && flaw != Flaw::WeakKept {
            return false;
        }
        self.share(dst, |_, _| Some(weak.object))
    }
}
