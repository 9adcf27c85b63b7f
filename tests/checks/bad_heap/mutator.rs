//! The operations of the bad heap: each takes the mutex, and some are wrong if they are told to be.

use std::collections::VecDeque;

use gcstorm::heap::{
    Cause, Defect, Field, Finalizer, Global, Mutator, OutOfMemory, Peek, Shape, Slot, Tag,
};

use super::{BadMutator, COMINGS, Fault, Object, State, Weak};

impl BadMutator<'_> {
    fn put(&mut self, state: &mut State, dst: Slot, object: Option<usize>) {
        self.weak[dst.0 as usize] = None;
        let old = std::mem::replace(&mut self.registers[dst.0 as usize], object);
        if let Some(old) = old {
            state.release(old, self.heap.fault);
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
        let (heap, fault) = (self.heap, self.heap.fault);
        let mut state = heap.state();
        let Some(removed) = state.list(self.reg(list)).map(remove) else {
            return;
        };
        for object in removed {
            match fault {
                Fault::TruncationKeeps => {}
                Fault::TruncationFrees if state.objects[object].shape.is_some() => {
                    state.free(object, fault);
                }
                Fault::TruncationDropsTags if state.objects[object].count > 1 => {
                    // The tag dies; what stays readable is a copy of it.
                    if let Some(tag) = state.objects[object].tag.take() {
                        let bits = tag.into_bits();
                        drop(Tag::from_bits(bits));
                        state.objects[object].tag = Some(Tag::from_bits(bits));
                    }
                    state.release(object, fault);
                }
                _ => state.release(object, fault),
            }
        }
    }
}

impl Drop for BadMutator<'_> {
    fn drop(&mut self) {
        let heap = self.heap;
        let mut state = heap.state();
        state.seated.retain(|&number| number != self.seat);
        if heap.fault == Fault::DetachKeeps {
            return;
        }
        for object in self.registers.iter_mut().filter_map(Option::take) {
            state.release(object, heap.fault);
            if heap.fault == Fault::DetachReleasesTwice {
                state.release(object, heap.fault);
            }
        }
        let leaves_in_peace = heap.fault != Fault::DetachPanics || state.attached < COMINGS;
        drop(state);
        assert!(leaves_in_peace, "the planted panic");
    }
}

impl Mutator for BadMutator<'_> {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        let heap = self.heap;
        let mut state = heap.state();
        assert!(heap.fault != Fault::PanicsAtOnce, "the planted panic");
        state.at_rest = false;
        let cell = Object {
            tag: Some(tag),
            count: 1,
            shape: Some(shape),
            ..Object::default()
        };
        // A heap that frees what is in use must not hand it out again, or it would only get
        // more confused than it is meant to be.
        let reused = if heap.fault == Fault::TruncationFrees {
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
        if heap.fault == Fault::DetachLosesBuffer {
            self.buffer.extend(self.registers[slot.0 as usize].take());
            return;
        }
        self.put(&mut heap.state(), slot, None);
    }

    fn idle(&mut self, wait: &mut dyn FnMut()) {
        for object in self.buffer.drain(..) {
            self.heap.state().release(object, self.heap.fault);
        }
        if self.heap.fault != Fault::NeverWaits {
            wait();
        }
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
        // Not every tenth: a round of `MIXED` has five stores, of which it would always be the
        // same.
        if state.strikes_every(7, heap.fault, Fault::StoreLoses)
            && let Some(new) = new
        {
            return state.release(new, heap.fault);
        }
        let place = &mut state.objects[object].fields[usize::from(field.0)];
        if let Some(old) = std::mem::replace(place, new) {
            state.release(old, heap.fault);
        }
    }

    fn peek(&mut self, slot: Slot) -> Peek {
        let Some(object) = self.reg(slot) else {
            return Peek::Empty;
        };
        let fault = self.heap.fault;
        let mut state = self.heap.state();
        if state.strikes(fault, Fault::PeekStale) {
            return Peek::Stale;
        }
        let Some(id) = state.objects[object].tag.as_ref().map(Tag::id) else {
            return Peek::Stale;
        };
        if state.strikes(fault, Fault::PeekDead) {
            state.objects[object].tag = None;
        }
        Peek::Object(id)
    }

    fn safepoint(&mut self) -> Result<(), Defect> {
        let mut state = self.heap.state();
        if state.strikes(self.heap.fault, Fault::HoldsForgotten) {
            std::mem::forget(self.heap.pauses.hold(Cause::Collect));
        }
        state.tick += u64::from(self.heap.fault == Fault::Faults);
        if self.heap.fault == Fault::Faults && state.tick == 1000 {
            return Err(Defect::Other {
                message: "the planted fault".to_owned(),
            });
        }
        Ok(())
    }

    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let (heap, fault) = (self.heap, self.heap.fault);
        let mut state = heap.state();
        let register = self.reg(list);
        let Some(object) = self.reg(val) else {
            return false;
        };
        if state.list(register).is_none() || fault == Fault::AppendRefuses {
            return false;
        }
        self.registers[val.0 as usize] = None;
        state.tick += u64::from(fault == Fault::Panics);
        assert!(
            fault != Fault::Panics || state.tick != 1000,
            "the planted panic"
        );
        if state.strikes(fault, Fault::AppendLoses) {
            state.release(object, fault);
            return true;
        }
        let swaps = state.strikes(fault, Fault::AppendSwaps);
        let Some(elements) = state.list(register) else {
            return false;
        };
        let place = elements.len().saturating_sub(usize::from(swaps));
        elements.insert(place, object);
        true
    }

    fn len(&mut self, list: Slot) -> u64 {
        let mut state = self.heap.state();
        let lie = u64::from(state.strikes(self.heap.fault, Fault::LenLies));
        state
            .list(self.reg(list))
            .map_or(0, |elements| elements.len() as u64 + lie)
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let (heap, register) = (self.heap, self.reg(list));
        let mut state = heap.state();
        let element = state.list(register).and_then(|it| it.get(index).copied());
        if let Some(object) = element {
            state.objects[object].count += 1;
            self.put(&mut state, dst, element);
        }
        element.is_some()
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
        state.release(old, heap.fault);
        true
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let heap = self.heap;
        let mut state = heap.state();
        let swaps = state.strikes_every(7, heap.fault, Fault::PopSwaps);
        let register = self.reg(list);
        if let Some(elements) = state.list(register).filter(|e| swaps && e.len() > 1) {
            let last = elements.len() - 1;
            elements.swap(last - 1, last);
        }
        let popped = state.list(register).and_then(VecDeque::pop_back);
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
        if state.strikes(self.heap.fault, Fault::AddLoses) {
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
            state.release(old, heap.fault);
        }
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let lost = self.heap.fault == Fault::RootsLost;
        !lost && self.share(dst, |state, _| state.globals[usize::from(global.0)])
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
        let (heap, fault) = (self.heap, self.heap.fault);
        let Some(weak) = self.weak[weak.0 as usize] else {
            return false;
        };
        let mut state = heap.state();
        let at_rest = state.at_rest && fault == Fault::WeakClearedAtRest;
        if at_rest || state.strikes(fault, Fault::WeakLost) {
            return false;
        }
        let cell = &state.objects[weak.object];
        let id = cell.tag.as_ref().map(Tag::id);
        let stands = id == Some(weak.id) && cell.finalized == weak.finalized;
        drop(state);
        if !stands && fault != Fault::WeakKept {
            return false;
        }
        self.share(dst, |_, _| Some(weak.object))
    }
}
