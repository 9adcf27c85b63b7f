//! What a register or a place may hold, as far as that is known without running the program: so a
//! Python statement is guarded only where it could find something that its operation passes over.
//!
//! Like [`Flow`](crate::plan::Flow), but places are told apart (each shared root, each shared list,
//! the fields of nodes, the elements of other lists), since a guard that is not needed costs a
//! Python program time, and there only a message.

use crate::heap::Shape;
use crate::plan::Plan;

/// A set of possibilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct May {
    bits: u8,
    /// The shared objects it may be, by number.
    objects: u64,
}

const EMPTY: u8 = 1;
const WEAK: u8 = 2;

impl May {
    /// Nothing.
    pub(super) const EMPTY: Self = Self {
        bits: EMPTY,
        objects: 0,
    };
    /// A weak reference.
    pub(super) const WEAK: Self = Self {
        bits: WEAK,
        objects: 0,
    };

    /// An object of this shape that a mutator made.
    pub(super) fn made(shape: Shape) -> Self {
        Self {
            bits: 4 << shape as u8,
            objects: 0,
        }
    }

    /// A shared object.
    pub(super) fn shared(object: usize) -> Self {
        Self {
            bits: 0,
            objects: 1 << object,
        }
    }

    /// Either.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            bits: self.bits | other.bits,
            objects: self.objects | other.objects,
        }
    }

    /// What is a strong reference.
    pub(super) fn strong(self) -> Self {
        Self {
            bits: self.bits & !(EMPTY | WEAK),
            ..self
        }
    }

    /// What is a weak reference.
    pub(super) fn weak(self) -> Self {
        Self {
            bits: self.bits & WEAK,
            objects: 0,
        }
    }

    /// What is a strong reference to an object of this shape.
    pub(super) fn shaped(self, shape: Shape, plan: &Plan) -> Self {
        let objects = (0..plan.objects.len())
            .filter(|&object| plan.objects[object].shape == shape)
            .fold(0, |objects, object| objects | 1 << object);
        Self {
            bits: self.bits & (4 << shape as u8),
            objects: self.objects & objects,
        }
    }

    pub(super) fn may_be_empty(self) -> bool {
        self.bits & EMPTY != 0
    }

    pub(super) fn may_be_weak(self) -> bool {
        self.bits & WEAK != 0
    }

    /// Nothing at all is possible.
    pub(super) fn is_impossible(self) -> bool {
        self == Self::default()
    }

    /// The shared objects among them, by number.
    pub(super) fn shared_objects(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |object| self.objects >> object & 1 == 1)
    }

    /// Whether it may be an object of this shape that a mutator made.
    pub(super) fn may_be_made(self, shape: Shape) -> bool {
        self.bits & (4 << shape as u8) != 0
    }
}

/// What may be where, over the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    /// In each shared root.
    pub(super) roots: Vec<May>,
    /// In each shared object.
    pub(super) shared: Vec<May>,
    /// In the fields of nodes.
    pub(super) fields: May,
    /// In lists that are not shared.
    pub(super) elements: May,
    /// Behind weak references.
    pub(super) weak: May,
}

impl Contents {
    /// Before anything has run.
    pub(super) fn at_first(plan: &Plan) -> Self {
        let roots = (0..usize::from(plan.globals)).map(|root| match root < plan.objects.len() {
            true => May::shared(root),
            false => May::EMPTY,
        });
        Self {
            roots: roots.collect(),
            shared: vec![May::default(); plan.objects.len()],
            fields: May::EMPTY,
            elements: May::default(),
            weak: May::default(),
        }
    }

    /// What may be in any of these nodes, or lists.
    pub(super) fn of(&self, containers: May, shape: Shape) -> May {
        let made = match shape {
            Shape::Node => self.fields,
            _ => self.elements,
        };
        let own = if containers.may_be_made(shape) {
            made
        } else {
            May::default()
        };
        let empty = if shape == Shape::Node {
            May::EMPTY
        } else {
            May::default()
        };
        let shared = containers.shared_objects();
        shared.fold(own.or(empty), |all, object| all.or(self.shared[object]))
    }

    /// This may get into any of these nodes, or lists.
    pub(super) fn put(&mut self, containers: May, shape: Shape, value: May) {
        if containers.may_be_made(shape) {
            let made = match shape {
                Shape::Node => &mut self.fields,
                _ => &mut self.elements,
            };
            *made = made.or(value);
        }
        for object in containers.shared_objects() {
            self.shared[object] = self.shared[object].or(value);
        }
    }
}
