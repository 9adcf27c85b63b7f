//! The same programs from several threads: with the lock nothing breaks, without it everything
//! does, and is recognised.

use std::sync::Barrier;
use std::time::Duration;

use gcstorm::heap::counted::{open_gil, open_racy};
use gcstorm::heap::{Field, Finalizer, Global, Heap, HeapConfig, Mutator, Shape, Slot};
use gcstorm::plan::Op;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::common::{Births, assert_sound, seat};

/// Every thread's registers for the shared list, counter and node; the rest is for anything.
const LIST: Slot = Slot(0);
const COUNTER: Slot = Slot(1);
const NODE: Slot = Slot(2);
const REGISTERS: u32 = 10;
const SHARED: [Shape; 3] = [Shape::List, Shape::Counter, Shape::Node];

fn config() -> HeapConfig {
    HeapConfig {
        switch_interval: Duration::from_micros(100),
        ..HeapConfig::with_capacity(20_000)
    }
}

fn publish_shared(heap: &impl Heap, births: &mut Births) {
    let mut mutator = heap.attach(seat(99, 1)).expect("a seat");
    for (global, shape) in (0..).zip(SHARED) {
        mutator
            .alloc(Slot(0), shape, births.tag(shape))
            .expect("room for the first objects");
        mutator.publish(Global(global), Slot(0));
    }
}

fn unpublish_shared(heap: &impl Heap) {
    let mut mutator = heap.attach(seat(99, 1)).expect("a seat");
    for global in 0..4 {
        mutator.publish(Global(global), Slot(0));
    }
}

/// Lets go of everything, until no finalizer brings anything back.
fn empty(heap: &impl Heap, births: &mut [Births]) {
    let mut finalized = || births.iter_mut().map(Births::finalized).sum::<u64>();
    loop {
        let before = finalized();
        unpublish_shared(heap);
        heap.settle().expect("settling does not fail");
        if finalized() == before {
            return;
        }
    }
}

/// An operation on shared objects and private ones, that keeps lists at some length.
fn draw(random: &mut ChaCha8Rng) -> Op {
    let any = |random: &mut ChaCha8Rng| Slot(random.random_range(3..REGISTERS));
    let (first, second) = (any(random), any(random));
    let field = Field(random.random_range(0..2));
    let node = *[NODE, first, first].choose(random).expect("not empty");
    match random.random_range(0..28_u32) {
        0..6 => draw_alloc(random, first),
        6..11 => Op::Append {
            list: LIST,
            val: first,
        },
        11..13 => Op::Append {
            list: first,
            val: second,
        },
        13 => Op::TruncateFrontTo {
            list: LIST,
            leave: random.random_range(0..3000),
        },
        14 => Op::TruncateBack {
            list: LIST,
            count: random.random_range(0..3),
        },
        15..17 => Op::Get {
            dst: first,
            list: LIST,
            index: random.random_range(0..3000),
        },
        17 => Op::Set {
            list: LIST,
            index: random.random_range(0..3000),
            val: first,
        },
        18 => Op::Pop {
            dst: first,
            list: LIST,
        },
        19 => Op::Add {
            counter: COUNTER,
            by: 1,
        },
        20..22 => Op::Store {
            obj: node,
            field,
            val: second,
        },
        22..24 => Op::Load {
            dst: first,
            obj: node,
            field,
        },
        24 => Op::Copy {
            dst: first,
            src: second,
        },
        25 => Op::Publish {
            global: Global(3),
            src: first,
        },
        26 => Op::Fetch {
            dst: first,
            global: Global(3),
        },
        _ => Op::Peek { slot: first },
    }
}

fn draw_alloc(random: &mut ChaCha8Rng, dst: Slot) -> Op {
    let shape = *[Shape::Leaf, Shape::Node, Shape::Node, Shape::List]
        .choose(random)
        .expect("not empty");
    let finalizer = match random.random_range(0..12) {
        0 => Finalizer::Witness,
        1 => Finalizer::Resurrect(Global(3)),
        _ => return Op::Alloc { dst, shape },
    };
    Op::AllocFinalized {
        dst,
        shape,
        finalizer,
    }
}

/// Runs `ops` operations on each of `threads` threads, whatever the heap says at safepoints;
/// their registers are empty when it returns.
fn hammer(heap: &(impl Heap + Sync), births: &mut [Births], ops: u32, seed: u64) {
    let start = Barrier::new(births.len());
    std::thread::scope(|scope| {
        for (number, births) in (0..).zip(births) {
            let start = &start;
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(number.into());
                let mut mutator = heap.attach(seat(number, REGISTERS)).expect("a seat");
                mutator.idle(&mut || {
                    start.wait();
                });
                for (global, slot) in [(0, LIST), (1, COUNTER), (2, NODE)] {
                    mutator.fetch(slot, Global(global));
                }
                for _ in 0..ops {
                    apply(&mut mutator, births, draw(&mut random));
                    // A broken heap says so here; how it fares nevertheless is the question.
                    let _ = mutator.safepoint();
                }
            });
        }
    });
}

/// Goal: under the lock, threads that hammer one list, counter and graph meet no fault, and
/// everything is dead in the end, once.
#[test]
fn with_the_lock_nothing_breaks() {
    let heap = open_gil(&config());
    let mut births: Vec<Births> = (0..4).map(Births::new).collect();
    publish_shared(&heap, &mut births[0]);
    hammer(&heap, &mut births[1..], 100_000, 1);
    let alive: u64 = births.iter().map(Births::alive).sum();
    assert_sound(&heap, alive);
    empty(&heap, &mut births);
    assert_sound(&heap, 0);
    let stats = heap.stats();
    assert!(stats.switches.unwrap_or(0) > 10, "{stats:?}");
    assert!(stats.collections > Some(2), "{stats:?}");
    assert!(stats.cycles_freed > Some(100), "{stats:?}");
    assert!(births.iter().all(|births| births.alive() == 0));
    assert!(
        births[1..]
            .iter_mut()
            .all(|births| births.finalized() > 100)
    );
    assert!(births.iter_mut().all(|births| births.doubles() == 0));
    assert!(births.iter_mut().all(|births| births.misfinalized() == 0));
}

/// Goal: without the lock the same programs never crash and never hang, also long after the heap
/// broke, nor does anything that is asked of the broken heap; and the faults are recognised.
#[test]
fn without_the_lock_faults_are_recognised() {
    /// Each round is twice as long as the one before. On an idle machine the first suffices; where
    /// the threads share one processor, a short one is over before they ever meet.
    const ROUNDS_MAX: u32 = 8;
    for threads in 2..=4 {
        let mut rounds = 0..ROUNDS_MAX;
        let recognised = rounds.any(|round| {
            let heap = open_racy(&config());
            let mut births: Vec<Births> = (0..=threads).map(Births::new).collect();
            publish_shared(&heap, &mut births[0]);
            hammer(&heap, &mut births[1..], 50_000 << round, round.into());
            unpublish_shared(&heap);
            heap.settle().unwrap();
            assert!(heap.census(&mut |_| ()).is_some());
            heap.stats().defects.total() > 0
        });
        assert!(recognised, "{threads} threads broke nothing");
    }
}

/// Goal: one thread alone does not break the heap without a lock, so that its faults are due to
/// the missing lock and to nothing else.
#[test]
fn one_thread_alone_needs_no_lock() {
    let heap = open_racy(&config());
    let mut births: Vec<Births> = (0..2).map(Births::new).collect();
    publish_shared(&heap, &mut births[0]);
    hammer(&heap, &mut births[1..], 100_000, 1);
    empty(&heap, &mut births);
    assert_eq!(heap.stats().defects.total(), 0);
    assert!(births.iter().all(|births| births.alive() == 0));
    assert!(
        births[1..]
            .iter_mut()
            .all(|births| births.finalized() > 100)
    );
    assert!(births.iter_mut().all(|births| births.doubles() == 0));
    assert!(births.iter_mut().all(|births| births.misfinalized() == 0));
}

/// Applies an operation; one that the heap has no room for does nothing.
fn apply(mutator: &mut impl Mutator, births: &mut Births, op: Op) {
    match op {
        Op::Alloc { dst, shape } => _ = mutator.alloc(dst, shape, births.tag(shape)),
        Op::AllocFinalized {
            dst,
            shape,
            finalizer,
        } => {
            let tag = births.tag_with_finalizer(shape);
            _ = mutator.alloc_with_finalizer(dst, shape, tag, finalizer);
        }
        Op::Copy { dst, src } => mutator.copy(dst, src),
        Op::Clear { slot } => mutator.clear(slot),
        Op::Load { dst, obj, field } => mutator.load(dst, obj, field),
        Op::Store { obj, field, val } => mutator.store(obj, field, Some(val)),
        Op::Erase { obj, field } => mutator.store(obj, field, None),
        Op::Peek { slot } => _ = mutator.peek(slot),
        Op::Append { list, val } => _ = mutator.append(list, val),
        Op::Get { dst, list, index } => _ = mutator.get(dst, list, index.into()),
        Op::Set { list, index, val } => _ = mutator.set(list, index.into(), val),
        Op::Pop { dst, list } => _ = mutator.pop(dst, list),
        Op::TruncateFrontTo { list, leave } => {
            let count = mutator.len(list).saturating_sub(leave);
            mutator.truncate_front(list, count);
        }
        Op::TruncateBack { list, count } => mutator.truncate_back(list, count),
        Op::Add { counter, by } => mutator.add(counter, by),
        Op::Publish { global, src } => mutator.publish(global, src),
        Op::Fetch { dst, global } => _ = mutator.fetch(dst, global),
        Op::Downgrade { dst, src } => mutator.downgrade(dst, src),
        Op::Upgrade { dst, weak } => _ = mutator.upgrade(dst, weak),
        _ => unreachable!("{op:?} is not drawn"),
    }
}
