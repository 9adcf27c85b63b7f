//! What is known of a register without running the program: the values of [`Flow`](super::Flow).
//!
//! Everything here is a set of possibilities; `join` is their union, for places that several paths
//! lead to. Sets only ever grow, so walks that repeat until nothing changes come to an end.

use super::OpKind;
use crate::heap::{Shape, Slot};

/// A set of shapes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shapes(u8);

impl Shapes {
    pub(super) fn one(shape: Shape) -> Self {
        Self(1 << shape as u8)
    }

    pub(super) fn has(self, shape: Shape) -> bool {
        self.0 & Self::one(shape).0 != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether such an object can refer to others.
    pub(super) fn may_refer(self) -> bool {
        self.has(Shape::Node) || self.has(Shape::List)
    }
}

/// What a register that was written may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Referent {
    pub(super) shapes: Shapes,
    /// The shared objects it may be, by number.
    pub(super) objects: u64,
    /// Nothing else refers to it: it was made here and not copied or moved since.
    pub(super) private: bool,
    /// This is the reference with which the object was made, and not a copy; it was not moved
    /// since. So an object is moved out of a register as `new` at most once. Not claimed if a
    /// refused allocation may have left an older object in the register.
    pub(super) new: bool,
    pub(super) weak: bool,
}

impl Referent {
    pub(super) fn new_object(shape: Shape) -> Self {
        Self {
            shapes: Shapes::one(shape),
            objects: 0,
            private: true,
            new: true,
            weak: false,
        }
    }

    pub(super) fn shared(shape: Shape, object: usize) -> Self {
        Self {
            objects: 1 << object,
            ..Self::new_object(shape).once_more()
        }
    }

    /// Another reference to the same object.
    pub(super) fn once_more(self) -> Self {
        Self {
            private: false,
            new: false,
            ..self
        }
    }

    /// Whether it is known to be one certain shared object.
    pub(super) fn is_certain(self) -> bool {
        self.objects.count_ones() == 1
    }
}

/// What may be in the heap, over all lists, fields and mailboxes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pot {
    shapes: Shapes,
    objects: u64,
}

impl Pot {
    pub(super) fn add(&mut self, value: Referent) {
        self.shapes.0 |= value.shapes.0;
        self.objects |= value.objects;
    }

    pub(super) fn read(self) -> Referent {
        Referent {
            shapes: self.shapes,
            objects: self.objects,
            private: false,
            new: false,
            weak: false,
        }
    }
}

/// One register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegisterState {
    /// Not written on any path.
    Never,
    /// Emptied on every path that wrote it.
    Gone(OpKind),
    /// Written.
    Held(Referent),
}

impl RegisterState {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Held(a), Self::Held(b)) => Self::Held(Referent {
                shapes: Shapes(a.shapes.0 | b.shapes.0),
                objects: a.objects | b.objects,
                private: a.private && b.private,
                new: a.new && b.new,
                weak: a.weak && b.weak,
            }),
            // Where the register counts as emptied, an operation that had nowhere to move the
            // reference to may have left it there.
            (Self::Held(value), _) | (_, Self::Held(value)) => Self::Held(Referent {
                new: false,
                ..value
            }),
            (gone @ Self::Gone(_), _) | (_, gone @ Self::Gone(_)) => gone,
            (Self::Never, Self::Never) => Self::Never,
        }
    }
}

/// A register file, and what is known of the newest object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Registers {
    registers: Vec<RegisterState>,
    /// The register that certainly holds the only reference to the newest object of its mutator.
    newest: Option<Slot>,
    /// The newest object may not have been appended.
    pub(super) unappended: bool,
}

impl Registers {
    pub(super) fn reserve(&mut self, registers: u32) {
        self.registers
            .resize(registers as usize, RegisterState::Never);
    }

    pub(super) fn get(&self, slot: Slot) -> RegisterState {
        self.registers[slot.0 as usize]
    }

    pub(super) fn put(&mut self, slot: Slot, value: Referent) {
        self.forget_newest(slot);
        self.registers[slot.0 as usize] = RegisterState::Held(value);
    }

    /// Notes that an operation puts something into `slot`, or finds nothing and leaves what is there.
    pub(super) fn may_put(&mut self, slot: Slot, value: Referent) {
        let left = self.get(slot);
        self.put(slot, value);
        self.registers[slot.0 as usize] = left.join(RegisterState::Held(value));
    }

    pub(super) fn empty(&mut self, slot: Slot, by: OpKind) {
        self.forget_newest(slot);
        self.registers[slot.0 as usize] = RegisterState::Gone(by);
    }

    /// Empties every register that was written.
    pub(super) fn empty_all(&mut self, by: OpKind) {
        self.newest = None;
        for register in &mut self.registers {
            if *register != RegisterState::Never {
                *register = RegisterState::Gone(by);
            }
        }
    }

    pub(super) fn put_newest(&mut self, slot: Slot, shape: Shape) {
        self.put(slot, Referent::new_object(shape));
        self.newest = Some(slot);
        self.unappended = true;
    }

    /// Whether `slot` certainly holds the newest object of its mutator, which nothing else refers
    /// to.
    pub(super) fn is_newest(&self, slot: Slot) -> bool {
        self.newest == Some(slot)
    }

    /// Notes that a second reference to the object in `slot` was made.
    pub(super) fn share(&mut self, slot: Slot) {
        self.forget_newest(slot);
        if let RegisterState::Held(value) = &mut self.registers[slot.0 as usize] {
            value.private = false;
        }
    }

    /// `slot` may hold an older object than the newest, if its allocation was refused.
    pub(super) fn grow_old(&mut self, slot: Slot) {
        if let RegisterState::Held(value) = &mut self.registers[slot.0 as usize] {
            value.new = false;
        }
    }

    fn forget_newest(&mut self, slot: Slot) {
        if self.newest == Some(slot) {
            self.newest = None;
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (ours, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *ours = ours.join(*theirs);
        }
        if self.newest != other.newest {
            self.newest = None;
        }
        self.unappended |= other.unappended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a register holds a new object only if it does on every path; where it counts as empty,
    /// something else may have been left in it.
    #[test]
    fn new_is_new_on_every_path() {
        let new = RegisterState::Held(Referent::new_object(Shape::Leaf));
        let gone = RegisterState::Gone(OpKind::Append);
        let is_new = |state| matches!(state, RegisterState::Held(value) if value.new);
        assert!(is_new(new.join(new)));
        for other in [gone, RegisterState::Never] {
            assert!(!is_new(new.join(other)) && !is_new(other.join(new)));
        }
    }
}
