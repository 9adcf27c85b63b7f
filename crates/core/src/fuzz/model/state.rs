//! The model's state: registers, roots and objects, and the references between them.

use std::collections::VecDeque;

use crate::evidence::{Contents, Name, Picture, Place};
use crate::heap::{Caps, Finalizer, Global, Shape, Slot};
use crate::plan::Case;

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Register {
    Empty,
    Strong(usize),
    /// A weak reference, and whether its target's finalizer had already run when it was made.
    Weak(usize, bool),
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) name: Name,
    pub(super) shape: Shape,
    pub(super) dead: bool,
    pub(super) finalizer: Option<Finalizer>,
    /// Whether its finalizer has run.
    pub(super) finalized: bool,
    /// A node's two fields, or a list's elements.
    pub(super) refs: VecDeque<Option<usize>>,
    pub(super) value: i64,
}

/// The state after some turns of a case.
#[derive(Debug, Clone)]
pub(super) struct Model<'c> {
    pub(super) case: &'c Case,
    caps: Caps,
    /// By mutator.
    pub(super) registers: Vec<Vec<Register>>,
    pub(super) accumulators: Vec<i64>,
    pub(super) roots: Vec<Option<usize>>,
    pub(super) objects: Vec<Object>,
    /// The objects by maker, in the order of allocation; `None` for an allocation that was refused.
    births: Vec<Vec<Option<usize>>>,
    /// The objects whose finalizers run in this turn, whether before or after its operation.
    pub(super) running: Vec<usize>,
    /// The root in which this turn publishes. That may replace an object that was resurrected there
    /// earlier in the same turn.
    pub(super) published: Option<usize>,
    /// The register into which this turn fetched an object that was resurrected earlier in the same
    /// turn, or upgraded a weak reference that survived its finalizer then.
    pub(super) fetched: Option<(usize, Slot)>,
}

impl<'c> Model<'c> {
    pub(super) fn new(case: &'c Case, caps: Caps) -> Self {
        let mutators = case.mutators.len();
        let files = case.mutators.iter();
        let mut model = Self {
            case,
            caps,
            registers: files
                .map(|mutator| vec![Register::Empty; mutator.registers as usize])
                .collect(),
            accumulators: vec![0; mutators],
            roots: vec![None; usize::from(case.roots)],
            objects: Vec::with_capacity(case.turns.len()),
            births: vec![Vec::new(); mutators + 1],
            running: Vec::new(),
            published: None,
            fetched: None,
        };
        for (number, shared) in case.shared.iter().enumerate() {
            model.roots[number] = Some(model.make(mutators, shared.shape, None));
        }
        for number in 0..mutators {
            model.hold_shared(number);
        }
        model
    }

    /// Puts the shared objects into the registers that hold them from the start.
    pub(super) fn hold_shared(&mut self, mutator: usize) {
        for (slot, object) in &self.case.mutators[mutator].held {
            if let Some(object) = self.roots[*object] {
                self.registers[mutator][slot.0 as usize] = Register::Strong(object);
            }
        }
    }

    /// A new object, which nothing refers to yet.
    pub(super) fn make(
        &mut self,
        maker: usize,
        shape: Shape,
        finalizer: Option<Finalizer>,
    ) -> usize {
        let number = self.objects.len();
        let births = &mut self.births[maker];
        self.objects.push(Object {
            name: Name {
                maker: u32::try_from(maker).unwrap_or(u32::MAX),
                number: births.len() as u64,
            },
            shape,
            dead: false,
            finalizer,
            finalized: false,
            refs: match shape {
                Shape::Node => [None, None].into(),
                Shape::Leaf | Shape::List | Shape::Counter => VecDeque::new(),
            },
            value: 0,
        });
        births.push(Some(number));
        number
    }

    /// Notes an allocation that the heap refused for want of room.
    pub(super) fn refuse(&mut self, maker: usize) {
        self.births[maker].push(None);
    }

    /// The object of this name, if it was made.
    pub(super) fn named(&self, name: Name) -> Option<usize> {
        let births = self.births.get(name.maker as usize)?;
        *births.get(usize::try_from(name.number).ok()?)?
    }

    pub(super) fn register(&self, mutator: usize, slot: Slot) -> Register {
        self.registers[mutator][slot.0 as usize]
    }

    pub(super) fn put(&mut self, mutator: usize, slot: Slot, register: Register) {
        self.registers[mutator][slot.0 as usize] = register;
    }

    pub(super) fn strong(&self, mutator: usize, slot: Slot) -> Option<usize> {
        match self.register(mutator, slot) {
            Register::Strong(object) => Some(object),
            Register::Empty | Register::Weak(..) => None,
        }
    }

    /// The object of this shape that a register holds.
    pub(super) fn shaped(&self, mutator: usize, slot: Slot, shape: Shape) -> Option<usize> {
        let object = self.strong(mutator, slot);
        object.filter(|&object| self.objects[object].shape == shape)
    }

    /// Whether a weak reference is still valid: its target is alive and was not finalized since, unless
    /// the heap's weak references survive that.
    /// `made_finalized` says whether the target's finalizer had run when the reference was made.
    pub(super) fn stands(&self, target: usize, made_finalized: bool) -> bool {
        let target = &self.objects[target];
        !target.dead && (self.caps.weak_survives || target.finalized == made_finalized)
    }

    /// Whether a weak reference to this object survived its finalizer in this turn, and nothing else
    /// leads to it.
    pub(super) fn survives_alone(&self, target: usize) -> bool {
        let is_finalized = self.caps.weak_survives && self.running.contains(&target);
        is_finalized && !self.reached(&self.roots)[target]
    }

    fn held(&self) -> impl Iterator<Item = usize> {
        let registers = self.registers.iter().flatten();
        registers.filter_map(|register| match register {
            Register::Strong(object) => Some(*object),
            Register::Empty | Register::Weak(..) => None,
        })
    }

    /// Which objects are reachable from the registers and these roots.
    pub(super) fn reached(&self, roots: &[Option<usize>]) -> Vec<bool> {
        let mut reached = vec![false; self.objects.len()];
        let mut found: Vec<usize> = self.held().chain(roots.iter().copied().flatten()).collect();
        while let Some(object) = found.pop() {
            if !std::mem::replace(&mut reached[object], true) {
                found.extend(self.objects[object].refs.iter().copied().flatten());
            }
        }
        reached
    }

    /// How many references to each object there are in registers, roots and living objects.
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.objects.len()];
        let roots = self.roots.iter().copied().flatten();
        let living = self.objects.iter().filter(|object| !object.dead);
        let fields = living.flat_map(|object| object.refs.iter().copied().flatten());
        for object in self.held().chain(roots).chain(fields) {
            counts[object] += 1;
        }
        counts
    }

    /// The picture that a walk over the heap should produce.
    pub(super) fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        let name = |object: usize| self.objects[object].name;
        for (mutator, file) in (0..).zip(&self.registers) {
            for (slot, register) in (0..).zip(file) {
                if let Register::Strong(object) = register {
                    let place = Place::Register(mutator, slot);
                    picture.places.push((place, name(*object)));
                }
            }
        }
        // The range comes second: with the greatest number of roots, taking a number first would
        // overflow.
        for (object, root) in self.roots.iter().zip(0..) {
            picture
                .places
                .extend(object.map(|object| (Place::Root(root), name(object))));
        }
        let reached = self.reached(&self.roots);
        for (object, _) in self.objects.iter().zip(reached).filter(|(_, it)| *it) {
            let mut refs = object.refs.iter().map(|target| target.map(name));
            let contents = match object.shape {
                Shape::Leaf => Contents::Leaf,
                Shape::Node => Contents::Node(std::array::from_fn(|_| refs.next().flatten())),
                Shape::List => Contents::List(refs.collect()),
                Shape::Counter => Contents::Counter(object.value),
            };
            picture.objects.insert(object.name, contents);
        }
        picture
    }

    /// The number of a shared root.
    pub(super) fn root(global: Global) -> usize {
        usize::from(global.0)
    }
}
