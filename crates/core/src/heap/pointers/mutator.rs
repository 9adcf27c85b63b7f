//! One mutator's registers, and every operation over pointers.

use std::fmt;

use super::head::{Head, SharedRoots, let_go};
use super::{Pointer, collecting};
use crate::heap::{Defect, Field, Finalizer, Global, Mutator, OutOfMemory, Peek, Shape, Slot, Tag};
use crate::sync::atomic::Ordering::Relaxed;

/// What a register holds.
enum Register<P: Pointer> {
    Empty,
    Strong(P),
    Weak(P::Weak),
}

/// A mutator of a heap of counted pointers.
pub struct PointerMutator<P: Pointer> {
    /// As long as the highest register that was ever filled: most are never touched.
    registers: Vec<Register<P>>,
    slots: u32,
    roots: SharedRoots<P>,
}

fn index(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn fields(shape: Shape) -> usize {
    if shape == Shape::Node { 2 } else { 0 }
}

impl<P: Pointer> PointerMutator<P> {
    pub(super) fn new(slots: u32, roots: SharedRoots<P>) -> Self {
        Self {
            registers: Vec::new(),
            slots,
            roots,
        }
    }

    /// The pointer in a register.
    #[inline]
    fn at(&self, slot: Slot) -> Option<&P> {
        match self.registers.get(slot.0 as usize) {
            Some(Register::Strong(pointer)) => Some(pointer),
            _ => None,
        }
    }

    /// The pointer in a register, if its object has this shape.
    #[inline]
    fn shaped(&self, slot: Slot, shape: Shape) -> Option<&P> {
        self.at(slot)
            .filter(|pointer| pointer.head().id().shape() == shape)
    }

    /// Fills a register. What was there is dropped after the register has been changed.
    #[inline]
    fn fill(&mut self, slot: Slot, register: Register<P>) {
        let at = slot.0 as usize;
        if at >= self.registers.len() {
            self.lengthen(slot);
        }
        let replaced = std::mem::replace(&mut self.registers[at], register);
        drop(replaced);
    }

    #[cold]
    fn lengthen(&mut self, slot: Slot) {
        assert!(slot.0 < self.slots, "the mutator has no slot {}", slot.0);
        let len = slot.0 as usize + 1;
        self.registers.resize_with(len, || Register::Empty);
    }

    /// Fills or empties a register. Returns whether there was something to fill it with.
    #[inline]
    fn put(&mut self, slot: Slot, pointer: Option<P>) -> bool {
        let is_there = pointer.is_some();
        if is_there || (slot.0 as usize) < self.registers.len() {
            self.fill(slot, pointer.map_or(Register::Empty, Register::Strong));
        }
        is_there
    }

    #[inline]
    fn take(&mut self, slot: Slot) -> Option<P> {
        let register = self.registers.get_mut(slot.0 as usize)?;
        match std::mem::replace(register, Register::Empty) {
            Register::Strong(pointer) => Some(pointer),
            other => {
                *register = other;
                None
            }
        }
    }

    /// Moves the pointer in `val` to where `place` puts it in the object in `holder`. `place` gives
    /// back what was replaced, or the pointer itself if there is no place for it.
    #[inline]
    fn move_into<F>(&mut self, (holder, shape): (Slot, Shape), val: Slot, place: F) -> bool
    where
        F: FnOnce(&mut Vec<Option<P>>, P) -> Result<Option<P>, P>,
    {
        let Some(moved) = self.take(val) else {
            return false;
        };
        // An object that is moved into itself has left the register that named it.
        let itself = (holder == val).then(|| moved.clone());
        let found = itself.as_ref().or_else(|| self.at(holder));
        let placed = match found.filter(|found| found.head().id().shape() == shape) {
            Some(found) => found.edit(|references| place(references, moved)),
            None => Err(moved),
        };
        match placed {
            Ok(_replaced) => true,
            Err(moved) => {
                self.fill(val, Register::Strong(moved));
                false
            }
        }
    }

    /// What is cut off is dropped after the lock is released.
    fn cut(&self, list: Slot, cut: impl FnOnce(&mut Vec<Option<P>>) -> Vec<Option<P>>) {
        if let Some(list) = self.shaped(list, Shape::List) {
            drop(list.edit(cut));
        }
    }
}

impl<P: Pointer> Mutator for PointerMutator<P> {
    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        let object = P::new(Head::new(tag), fields(shape));
        self.fill(dst, Register::Strong(object));
        Ok(())
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        let head = Head::with_finalizer(tag, finalizer, self.roots.clone());
        let object = P::new(head, fields(shape));
        self.fill(dst, Register::Strong(object));
        Ok(())
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        let copy = match self.registers.get(src.0 as usize) {
            Some(Register::Strong(pointer)) => Register::Strong(pointer.clone()),
            Some(Register::Weak(weak)) => Register::Weak(weak.clone()),
            Some(Register::Empty) | None => return,
        };
        self.fill(dst, copy);
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        self.put(slot, None);
    }

    #[inline]
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        if let Some(node) = self.shaped(obj, Shape::Node) {
            let found = node.edit(|fields| fields[field.0 as usize].clone());
            self.put(dst, found);
        }
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let field = field.0 as usize;
        if let Some(val) = val {
            self.move_into((obj, Shape::Node), val, |fields, moved| {
                Ok(fields[field].replace(moved))
            });
        } else if let Some(node) = self.shaped(obj, Shape::Node) {
            drop(node.edit(|fields| fields[field].take()));
        }
    }

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        self.at(slot)
            .map_or(Peek::Empty, |object| Peek::Object(object.head().id()))
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        Ok(())
    }

    fn rest(&mut self) {
        P::flush();
    }

    fn collect(&mut self) {
        collecting(P::collect);
    }

    #[inline]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        self.move_into((list, Shape::List), val, |elements, moved| {
            elements.push(Some(moved));
            Ok(None)
        })
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        self.shaped(list, Shape::List)
            .map_or(0, |list| list.edit(|elements| elements.len() as u64))
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, at: u64) -> bool {
        let list = self.shaped(list, Shape::List);
        let found =
            list.and_then(|list| list.edit(|elements| elements.get(index(at)).cloned().flatten()));
        found.is_some() && self.put(dst, found)
    }

    #[inline]
    fn set(&mut self, list: Slot, at: u64, val: Slot) -> bool {
        self.move_into((list, Shape::List), val, |elements, moved| {
            match elements.get_mut(index(at)) {
                Some(element) => Ok(element.replace(moved)),
                None => Err(moved),
            }
        })
    }

    #[inline]
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let list = self.shaped(list, Shape::List);
        let popped = list.and_then(|list| list.edit(|elements| elements.pop().flatten()));
        popped.is_some() && self.put(dst, popped)
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        self.cut(list, |elements| {
            let count = index(count).min(elements.len());
            elements.drain(..count).collect()
        });
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        self.cut(list, |elements| {
            let left = elements.len().saturating_sub(index(count));
            elements.split_off(left)
        });
    }

    #[inline]
    fn add(&mut self, counter: Slot, by: i64) {
        if let Some(counter) = self.shaped(counter, Shape::Counter) {
            // Relaxed, like the others: a number by itself.
            counter.head().number.fetch_add(by, Relaxed);
        }
    }

    #[inline]
    fn read(&mut self, counter: Slot) -> i64 {
        self.shaped(counter, Shape::Counter)
            .map_or(0, |counter| counter.head().number.load(Relaxed))
    }

    #[inline]
    fn write(&mut self, counter: Slot, value: i64) {
        if let Some(counter) = self.shaped(counter, Shape::Counter) {
            counter.head().number.store(value, Relaxed);
        }
    }

    fn publish(&mut self, global: Global, src: Slot) {
        match self.registers.get(src.0 as usize) {
            Some(Register::Weak(_)) => {}
            _ => {
                let moved = self.take(src);
                self.roots.put(global, moved);
            }
        }
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let found = self.roots.get(global);
        found.is_some() && self.put(dst, found)
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        if let Some(weak) = self.at(src).and_then(P::downgrade) {
            self.fill(dst, Register::Weak(weak));
        }
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let Some(Register::Weak(weak)) = self.registers.get(weak.0 as usize) else {
            return false;
        };
        let found = P::upgrade(weak);
        found.is_some() && self.put(dst, found)
    }
}

/// What the registers hold is leaked while a panic unwinds, since a second one would end the
/// process.
impl<P: Pointer> Drop for PointerMutator<P> {
    fn drop(&mut self) {
        let registers = std::mem::take(&mut self.registers);
        if std::thread::panicking() {
            std::mem::forget(registers);
        } else {
            let_go(registers);
            P::flush();
        }
    }
}

impl<P: Pointer> fmt::Debug for PointerMutator<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PointerMutator")
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}
