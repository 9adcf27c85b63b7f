//! Collections of any generation on random graphs, against reachability.
//!
//! The fuzzer holds short programs against a model. Here young and middle collections come at any
//! time, and in tests some two dozen members already count as many ([`MANY`](super::walk::MANY)), so
//! what a collection does only in large heaps is tried as well.

use std::collections::{HashMap, HashSet};
use std::panic::catch_unwind;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::generations::{Generation, is_member};
use super::{Counted, CountedCollector};
use crate::heap::counted::cell::Ref;
use crate::heap::tag::OwnedSegment;
use crate::heap::{Collector, Fault, Field, Finalizer, Global, HeapConfig, Mutator, Shape, Slot};

const REGISTERS: u32 = 12;
/// Holds what is about to be moved.
const HAND: Slot = Slot(REGISTERS);

/// A heap, and what each object that ever lived in it referred to last.
struct World {
    heap: CountedCollector<Option<Fault>>,
    births: OwnedSegment,
    edges: HashMap<u64, Vec<u64>>,
    random: ChaCha8Rng,
    finalizers: bool,
}

impl World {
    fn new(seed: u64, fault: Option<Fault>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let config = HeapConfig {
            nursery: random.random_range(1..100),
            ..HeapConfig::with_capacity(random.random_range(3..300))
        };
        let counted = Box::new(Counted::new(&config, fault));
        Self {
            heap: CountedCollector::new(counted, REGISTERS + 1),
            births: OwnedSegment::take(0, 0).unwrap(),
            edges: HashMap::new(),
            finalizers: random.random(),
            random,
        }
    }

    fn any(&mut self) -> Slot {
        Slot(self.random.random_range(0..REGISTERS))
    }

    fn bits(&self, slot: Slot) -> u64 {
        self.heap.registers[slot.0 as usize]
    }

    fn lives(&self, bits: u64) -> bool {
        let object = Ref::from_bits(bits);
        let cell = self.heap.heap.cells.at(object.index());
        object.is_strong() && cell.unwrap().incarnation.get() == object.incarnation()
    }

    fn living(&self) -> HashSet<u64> {
        let all = self.edges.keys().copied();
        all.filter(|&object| self.lives(object)).collect()
    }

    /// What registers and shared roots refer to, once for each.
    fn roots(&self) -> Vec<u64> {
        let globals = self.heap.heap.globals.iter().map(|place| place.get());
        let registers = self.heap.registers.iter().copied();
        let all = globals.chain(registers);
        all.filter(|&bits| Ref::from_bits(bits).is_strong())
            .collect()
    }

    fn reachable(&self, mut from: Vec<u64>) -> HashSet<u64> {
        let mut reached = HashSet::new();
        while let Some(object) = from.pop() {
            if object != 0 && reached.insert(object) {
                from.extend(&self.edges[&object]);
            }
        }
        reached
    }

    /// How many references there are to each of `living`.
    fn counts(&self, living: &HashSet<u64>) -> HashMap<u64, u32> {
        let held = living.iter().flat_map(|object| &self.edges[object]);
        let mut counts: HashMap<_, _> = living.iter().map(|&object| (object, 0)).collect();
        for object in self
            .roots()
            .iter()
            .chain(held)
            .filter(|&&object| object != 0)
        {
            *counts.get_mut(object).expect("it refers to what is dead") += 1;
        }
        counts
    }

    fn make(&mut self) {
        let slot = self.any();
        let shape = match self.random.random_range(0..8) {
            0 => Shape::Leaf,
            1 => Shape::Counter,
            2 | 3 => Shape::List,
            _ => Shape::Node,
        };
        let Some(tag) = self.births.birth(shape) else {
            return;
        };
        let made = match self.random.random_range(0..6) {
            kind @ 0..2 if self.finalizers => {
                let finalizer = match kind {
                    0 => Finalizer::Witness,
                    _ => Finalizer::Resurrect(Global(self.random.random_range(0..4))),
                };
                self.heap.alloc_with_finalizer(slot, shape, tag, finalizer)
            }
            _ => self.heap.alloc(slot, shape, tag),
        };
        if made.is_ok() {
            let fields = vec![0; 2 * usize::from(shape == Shape::Node)];
            self.edges.insert(self.bits(slot), fields);
        }
    }

    /// One of the two registers' objects refers to the other from here on, perhaps several times.
    fn link(&mut self) {
        let (holder, held) = (self.any(), self.any());
        let (object, value) = (self.bits(holder), self.bits(held));
        if !self.lives(object) || !self.lives(value) {
            return;
        }
        for _ in 0..self.random.random_range(1..4) {
            self.heap.copy(HAND, held);
            let field = self.random.random_range(0..2);
            if self.heap.object(holder, Shape::Node).is_some() {
                self.heap.store(holder, Field(field), Some(HAND));
                self.edges.get_mut(&object).unwrap()[usize::from(field)] = value;
            } else if self.heap.append(holder, HAND) {
                self.edges.get_mut(&object).unwrap().push(value);
            }
            self.heap.clear(HAND);
        }
    }

    fn cut(&mut self) {
        let holder = self.any();
        let object = self.bits(holder);
        let field = self.random.random_range(0..2);
        if self.heap.object(holder, Shape::Node).is_some() {
            self.edges.get_mut(&object).unwrap()[usize::from(field)] = 0;
            self.heap.store(holder, Field(field), None);
        } else if self.heap.object(holder, Shape::List).is_some() {
            self.edges.get_mut(&object).unwrap().pop();
            self.heap.truncate_back(holder, 1);
        }
    }

    fn step(&mut self) {
        let (slot, other) = (self.any(), self.any());
        let global = Global(self.random.random_range(0..4));
        match self.random.random_range(0..100) {
            0..30 => self.make(),
            30..55 => self.link(),
            55..60 => self.cut(),
            60..65 => {
                let field = Field(self.random.random_range(0..2));
                self.heap.load(slot, other, field);
            }
            65..80 => self.heap.clear(slot),
            80..85 => self.heap.publish(global, slot),
            85..90 => drop(self.heap.fetch(slot, global)),
            90..93 => self.heap.downgrade(slot, other),
            93..96 => drop(self.heap.upgrade(slot, other)),
            96 => self.collect(Generation::Young),
            97 => self.collect(Generation::Middle),
            98 => self.collect(Generation::Old),
            _ => self.settle(),
        }
    }

    /// Collects. If no finalizer interferes, it must be known what dies: the members that nothing
    /// else reaches, and what their deaths leave without references.
    fn collect(&mut self, generation: Generation) {
        let counted = &self.heap.heap;
        let finalized = counted.finalized.get();
        let mut expected = self.living();
        let members = counted.generations.members(generation).iter();
        let members: HashSet<_> = members
            .map(|entry| entry.get())
            .filter(|&entry| is_member(Ref::from_bits(entry), &counted.cells).is_some())
            .collect();
        let elsewhere = expected.difference(&members).copied();
        let alive = self.reachable(elsewhere.chain(self.roots()).collect());
        expected.retain(|object| alive.contains(object));
        loop {
            // What is dead refers to nothing, so its references do not count here.
            let counts = self.counts(&expected);
            let before = expected.len();
            expected.retain(|object| counts[object] > 0);
            if expected.len() == before {
                break;
            }
        }
        self.heap.heap.collect(generation, &mut self.heap.work);
        if self.heap.heap.finalized.get() == finalized {
            assert_eq!(self.living(), expected, "{generation:?}");
        }
        self.check();
    }

    fn settle(&mut self) {
        self.heap.settle().unwrap();
        assert_eq!(self.living(), self.reachable(self.roots()));
        self.check();
    }

    /// All that is reachable lives, all counts are right, and no collection left anything behind.
    fn check(&mut self) {
        let living = self.living();
        assert!(self.reachable(self.roots()).is_subset(&living));
        for (object, count) in self.counts(&living) {
            let cell = self.heap.heap.cells.at(Ref::from_bits(object).index());
            assert_eq!(cell.unwrap().count.get(), count);
            assert!(count > 0, "nothing refers to it");
        }
        let census = self.heap.census_counted(&mut |_| ());
        let left = census.leftovers.iter().find(|leftover| leftover.count > 0);
        assert!(left.is_none() && census.spoiled == 0, "{left:?}");
        self.heap.safepoint().unwrap();
    }
}

fn live(seed: u64, fault: Option<Fault>) {
    let mut world = World::new(seed, fault);
    for _ in 0..400 {
        world.step();
    }
    for register in 0..REGISTERS {
        world.heap.clear(Slot(register));
    }
    world.settle();
}

/// Goal: a collection of any generation frees what is dead in it and nothing else, with finalizers
/// that bring objects back, lists, and objects that refer to themselves or to one thing twice.
#[test]
fn collections_free_what_is_dead_in_them() {
    for seed in 0..500 {
        live(seed, None);
    }
}

/// Goal: each rule of a collection that can be broken on purpose is missed soon.
#[test]
fn broken_rules_are_noticed() {
    for fault in [
        Fault::EdgesCountedOnce,
        Fault::LivenessOneLevel,
        Fault::PassedIsFinal,
        Fault::SecondReferenceForgotten,
        Fault::ReferencesSubtractedTwice,
        Fault::SearchStopsEarly,
        Fault::ExternalChildReleasedTwice,
        Fault::YoungSubtractsOld,
        Fault::RootSkipped,
        Fault::SurvivorsForgotten,
        Fault::MarkLeftBehind,
        Fault::ResurrectedFreedAnyway,
    ] {
        let fails = |seed| catch_unwind(|| live(seed, Some(fault))).is_err();
        assert!((0..100).any(fails), "{fault} was not noticed");
    }
}
