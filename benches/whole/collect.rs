//! What a full collection costs on `gil`, in heaps of a million nodes that are all alive. The time goes
//! by where they lie: what an object refers to is found in the cache or must be waited for. It also goes
//! by what holds them: a register each, or others of them, and whether these were tracked before.

use criterion::{Criterion, Throughput};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::counted::{GilHeap, open_gil};
use gcstorm::heap::{Field, Heap, HeapConfig, Mutator, Seat, Shape, Slot};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

const NODES: u32 = 1_000_000;
/// How far a node's neighbours are at most.
const NEAR: u32 = 50;
const SEED: u64 = 1;
/// The register beyond those of the nodes.
const X: Slot = Slot(NODES);

pub(crate) fn collect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a full collection of a million live nodes");
    group.throughput(Throughput::Elements(NODES.into()));
    let random = || ChaCha8Rng::seed_from_u64(SEED);
    let in_order: Vec<u32> = (0..NODES).collect();
    let mut shuffled = in_order.clone();
    shuffled.shuffle(&mut random());
    let mut line = |name: &str, link: &dyn Fn(&mut dyn Mutator)| {
        let heap = heap();
        let mut mutator = nodes(&heap);
        link(&mut mutator);
        group.bench_function(name, |bencher| bencher.iter(|| mutator.collect()));
    };
    line("a chain, in order", &|m| chain(m, &in_order));
    line("a chain, in random order", &|m| chain(m, &shuffled));
    line("a chain, in another order than was tracked", &|m| {
        link(m, Field(1), &in_order);
        chain(m, &shuffled);
    });
    line("a chain, tracked from its end", &|m| {
        let backwards: Vec<u32> = in_order.iter().rev().copied().collect();
        link(m, Field(1), &in_order);
        chain(m, &backwards);
    });
    line("two references each, to the next few", &|m| {
        let mut random = random();
        graph(m, |at| (at + 1 + random.random_range(0..NEAR)) % NODES);
    });
    line("two references each, to any", &|m| {
        let mut random = random();
        graph(m, |_| random.random_range(0..NODES));
    });
    group.finish();
}

/// A heap that collects when it is asked to and not before.
fn heap() -> GilHeap {
    open_gil(&HeapConfig {
        nursery: u32::MAX,
        ..HeapConfig::with_capacity(NODES + 1)
    })
}

/// A mutator that holds each node in a register.
fn nodes(heap: &GilHeap) -> impl Mutator {
    let seat = Seat {
        number: 0,
        slots: NODES + 1,
    };
    let mut mutator = heap.attach(seat).expect("it is the first");
    let mut births = Producer::new(0);
    for slot in (0..NODES).map(Slot) {
        let tag = births.birth(Shape::Node).expect("there is room");
        let made = mutator.alloc(slot, Shape::Node, tag);
        made.expect("there is room");
    }
    mutator
}

/// Each node refers to the next in this order, and the last to the first. They are tracked so.
fn link(mutator: &mut dyn Mutator, field: Field, order: &[u32]) {
    let next = order.iter().cycle().skip(1);
    for (&node, &next) in order.iter().zip(next) {
        mutator.copy(X, Slot(next));
        mutator.store(Slot(node), field, Some(X));
    }
}

/// Each node refers to the next in this order, and to nothing else, and the first alone stays held.
fn chain(mutator: &mut dyn Mutator, order: &[u32]) {
    link(mutator, Field(0), order);
    for &node in order {
        mutator.store(Slot(node), Field(1), None);
    }
    for &node in &order[1..] {
        mutator.clear(Slot(node));
    }
}

/// Each node refers to two that are chosen by its number, and all stay held.
fn graph(mutator: &mut dyn Mutator, mut choose: impl FnMut(u32) -> u32) {
    for node in 0..NODES {
        for field in [0, 1] {
            mutator.copy(X, Slot(choose(node)));
            mutator.store(Slot(node), Field(field), Some(X));
        }
    }
}
