//! The contract, one operation at a time, and then all of them at once from several threads.

use std::sync::{Arc, Barrier};

use super::private::Birth;
use super::shared::CHUNK;
use super::worker::Worker;
use super::{open, open_born, open_with, word};
use crate::heap::tag::{Life, OwnedSegment};
use crate::heap::{
    Census, Fault, Faultless, Field, Global, Heap, HeapConfig, Mutator, ObjectId, OutOfMemory,
    Peek, Seat, Shape, Slot, Tag, Upkeep,
};

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;

/// Makes tags and remembers them.
#[derive(Default)]
pub(super) struct Births {
    segments: Vec<OwnedSegment>,
    ids: Vec<ObjectId>,
}

impl Births {
    fn new() -> Self {
        Self::default()
    }

    pub(super) fn node(&mut self) -> Tag {
        self.tag(Shape::Node)
    }

    fn tag(&mut self, shape: Shape) -> Tag {
        let tag = self
            .segments
            .last_mut()
            .and_then(|segment| segment.birth(shape))
            .unwrap_or_else(|| {
                let mut segment = OwnedSegment::take(0, self.ids.len() as u64).unwrap();
                let tag = segment.birth(shape).unwrap();
                self.segments.push(segment);
                tag
            });
        self.ids.push(tag.id());
        tag
    }

    pub(super) fn alive(&self) -> usize {
        let is_alive = |id: &&ObjectId| id.state() == Life::Alive;
        self.ids.iter().filter(is_alive).count()
    }

    pub(super) fn dead(&self) -> usize {
        let dead = |segment: &OwnedSegment| segment.segment().dead();
        self.segments.iter().map(dead).sum()
    }

    fn doubles(&self) -> u64 {
        let count = |segment: &OwnedSegment| segment.segment().take_notes().double_deaths.count;
        self.segments.iter().map(count).sum()
    }
}

fn seat(number: u32) -> Seat {
    Seat { number, slots: 8 }
}

fn alloc(mutator: &mut impl Mutator, births: &mut Births, slot: u32, shape: Shape) {
    let tag = births.tag(shape);
    mutator.alloc(Slot(slot), shape, tag).unwrap();
}

fn assert_clean(heap: &impl Heap, living: u64) {
    heap.settle().unwrap();
    let census: Census = heap.census(&mut |_| {}).unwrap();
    assert_eq!(census.living, living);
    assert_eq!(census.spoiled, 0);
    for leftover in &census.leftovers {
        assert_eq!(
            leftover.count, 0,
            "found {} {}",
            leftover.count, leftover.what
        );
    }
}

/// Goal: a list does what Python's does, across the borders of pages and of branches.
#[test]
fn lists_keep_order_across_pages() {
    let heap = open(&HeapConfig::with_capacity(400_000));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).unwrap();
        alloc(&mut m, &mut births, 0, Shape::List);
        for _ in 0..300_000 {
            alloc(&mut m, &mut births, 1, Shape::Leaf);
            m.append(Slot(0), Slot(1));
        }
        assert_eq!(m.peek(Slot(1)), Peek::Empty);
        assert_eq!(m.len(Slot(0)), 300_000);
        for index in [0, 15, 16, 17, 3, 1_023, 1_024, 262_143, 262_144, 299_999] {
            assert!(m.get(Slot(2), Slot(0), index));
            let id = births.ids[usize::try_from(index).unwrap() + 1];
            assert_eq!(m.peek(Slot(2)), Peek::Object(id));
        }
        assert!(!m.get(Slot(2), Slot(0), 300_000));
        m.truncate_front(Slot(0), 270_000);
        assert_eq!(m.len(Slot(0)), 30_000);
        assert!(m.get(Slot(2), Slot(0), 0));
        assert_eq!(m.peek(Slot(2)), Peek::Object(births.ids[270_001]));
        m.clear(Slot(2));
        m.truncate_back(Slot(0), 10);
        assert_eq!(m.len(Slot(0)), 29_990);
        assert!(m.pop(Slot(3), Slot(0)));
        assert_eq!(m.peek(Slot(3)), Peek::Object(births.ids[299_990]));
        assert!(m.set(Slot(0), 7, Slot(3)));
        assert!(m.get(Slot(4), Slot(0), 7));
        assert_eq!(m.peek(Slot(4)), Peek::Object(births.ids[299_990]));
        m.clear(Slot(4));
        m.idle(&mut || {
            heap.settle().unwrap();
        });
        assert_eq!(births.alive(), 29_990);
        m.truncate_front(Slot(0), u64::MAX);
        assert_eq!(m.len(Slot(0)), 0);
        assert!(!m.pop(Slot(3), Slot(0)));
        alloc(&mut m, &mut births, 1, Shape::Leaf);
        m.append(Slot(0), Slot(1));
        assert_eq!(m.len(Slot(0)), 1);
    }
    assert_clean(&heap, 0);
    assert_eq!((births.alive(), births.doubles()), (0, 0));
}

/// Goal: operations on empty registers and wrong shapes do nothing.
#[test]
fn wrong_shapes_do_nothing() {
    let heap = open(&HeapConfig::with_capacity(100));
    let mut births = Births::new();
    let mut m = heap.attach(seat(0)).unwrap();
    alloc(&mut m, &mut births, 0, Shape::Leaf);
    alloc(&mut m, &mut births, 1, Shape::Leaf);
    m.append(Slot(0), Slot(1));
    m.store(Slot(0), Field(0), Some(Slot(1)));
    assert!(!m.set(Slot(0), 0, Slot(1)));
    assert_eq!(m.len(Slot(0)), 0);
    assert_eq!(m.len(Slot(5)), 0);
    m.add(Slot(0), 5);
    assert_eq!(m.read(Slot(0)), 0);
    assert!(matches!(m.peek(Slot(1)), Peek::Object(_)));
    m.append(Slot(5), Slot(1));
    assert!(matches!(m.peek(Slot(1)), Peek::Object(_)));
    m.safepoint().unwrap();
}

/// Goal: counters count, globals share, and both let go of what they held.
#[test]
fn counters_and_globals() {
    let heap = open(&HeapConfig::with_capacity(100));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).unwrap();
        alloc(&mut m, &mut births, 0, Shape::Counter);
        m.add(Slot(0), 5);
        m.add(Slot(0), -7);
        assert_eq!(m.read(Slot(0)), -2);
        m.write(Slot(0), 40);
        m.publish(Global(1), Slot(0));
        assert_eq!(m.peek(Slot(0)), Peek::Empty);
        assert!(m.fetch(Slot(2), Global(1)));
        assert_eq!(m.read(Slot(2)), 40);
        assert!(!m.fetch(Slot(2), Global(0)));
        m.publish(Global(1), Slot(7));
        assert!(!m.fetch(Slot(3), Global(1)));
    }
    assert_clean(&heap, 0);
    assert_eq!(births.alive(), 0);
}

/// Goal: a chain of a million objects dies without recursion, and in bounded steps.
#[test]
fn long_chains_die_without_recursion() {
    const LEN: usize = 1_000_000;
    let heap = open(&HeapConfig::with_capacity(1_100_000));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).unwrap();
        for _ in 0..LEN {
            alloc(&mut m, &mut births, 1, Shape::Node);
            m.store(Slot(1), Field(0), Some(Slot(0)));
            m.copy(Slot(0), Slot(1));
            m.clear(Slot(1));
        }
        m.clear(Slot(0));
        assert!(
            births.alive() > LEN / 2,
            "the whole chain died in one operation"
        );
    }
    assert_clean(&heap, 0);
    assert_eq!((births.alive(), births.doubles()), (0, 0));
}

/// Goal: cycles of nodes, of lists, of a list in itself, and long rings are all found.
#[test]
fn cycles_are_collected() {
    let heap = open(&HeapConfig::with_capacity(300_000));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).unwrap();
        for _ in 0..1_000 {
            alloc(&mut m, &mut births, 0, Shape::Node);
            alloc(&mut m, &mut births, 1, Shape::Node);
            alloc(&mut m, &mut births, 2, Shape::Leaf);
            m.store(Slot(1), Field(1), Some(Slot(2)));
            m.copy(Slot(2), Slot(0));
            m.store(Slot(1), Field(0), Some(Slot(2)));
            m.store(Slot(0), Field(0), Some(Slot(1)));
            m.clear(Slot(0));
        }
        alloc(&mut m, &mut births, 0, Shape::Node);
        m.store(Slot(0), Field(0), Some(Slot(0)));
        assert_eq!(m.peek(Slot(0)), Peek::Empty);
        alloc(&mut m, &mut births, 0, Shape::List);
        m.append(Slot(0), Slot(0));
        assert_eq!(m.peek(Slot(0)), Peek::Empty);
        // A ring that a live object hangs on to from outside, and that holds a live one.
        alloc(&mut m, &mut births, 0, Shape::Node);
        m.copy(Slot(1), Slot(0));
        for _ in 0..100_000 {
            alloc(&mut m, &mut births, 2, Shape::Node);
            m.copy(Slot(3), Slot(2));
            m.store(Slot(2), Field(0), Some(Slot(1)));
            m.copy(Slot(1), Slot(3));
            m.clear(Slot(2));
            m.clear(Slot(3));
        }
        m.store(Slot(0), Field(0), Some(Slot(1)));
        m.idle(&mut || assert_clean(&heap, 100_001));
        assert_eq!(births.alive(), 100_001);
        m.clear(Slot(0));
        m.idle(&mut || assert_clean(&heap, 0));
    }
    assert_eq!((births.alive(), births.doubles()), (0, 0));
    assert!(heap.stats().cycles_freed > Some(100_000));
}

/// Goal: a weak reference leads to its target as long as it lives, and never to another object.
#[test]
fn weak_references_die_with_their_target() {
    let heap = open(&HeapConfig::with_capacity(100));
    let mut births = Births::new();
    let mut m = heap.attach(seat(0)).unwrap();
    alloc(&mut m, &mut births, 0, Shape::Node);
    m.downgrade(Slot(1), Slot(0));
    assert!(m.upgrade(Slot(2), Slot(1)));
    assert_eq!(m.peek(Slot(2)), Peek::Object(births.ids[0]));
    m.append(Slot(1), Slot(1));
    m.publish(Global(0), Slot(1));
    m.store(Slot(0), Field(0), Some(Slot(2)));
    assert!(m.upgrade(Slot(2), Slot(1)));
    m.clear(Slot(2));
    m.clear(Slot(0));
    // Only the cycle holds it now; the weak reference does not.
    m.idle(&mut || {
        heap.settle().unwrap();
    });
    assert!(!m.upgrade(Slot(2), Slot(1)));
    for _ in 0..300 {
        alloc(&mut m, &mut births, 0, Shape::Node);
        assert!(!m.upgrade(Slot(2), Slot(1)));
        m.clear(Slot(0));
        m.safepoint().unwrap();
    }
}

/// Goal: with a planted fault a register may lead to a list that is gone. An append through what
/// the mutator remembers of that list finds out, and does not write to its storage.
#[test]
fn appends_to_dead_lists_are_recognised() {
    let config = HeapConfig::with_capacity(100);
    let heap = open_with(&config, Some(Fault::CopyWithoutIncrement));
    let mut births = Births::new();
    let mut m = heap.attach(seat(0)).unwrap();
    alloc(&mut m, &mut births, 0, Shape::List);
    alloc(&mut m, &mut births, 1, Shape::Leaf);
    assert!(m.append(Slot(0), Slot(1)));
    m.copy(Slot(2), Slot(0));
    m.clear(Slot(0));
    m.idle(&mut || heap.core.settle_now());
    alloc(&mut m, &mut births, 1, Shape::Leaf);
    assert!(
        !m.append(Slot(2), Slot(1)),
        "appended to a list that is gone"
    );
    assert_eq!(heap.stats().defects.stale, 1);
}

/// Goal: one reference too many makes an object immortal, which is reported to the run.
#[test]
fn immortal_objects_are_told_of() {
    let heap = open(&HeapConfig::with_capacity(100));
    let mut births = Births::new();
    let mut m = heap.attach(seat(0)).unwrap();
    alloc(&mut m, &mut births, 0, Shape::Leaf);
    m.copy(Slot(1), Slot(0));
    // As if it were in a list a hundred million times.
    for index in heap.core.slab.used() {
        let word = &heap.core.slab.cell(index).word;
        let missing = word::MOST - word::count(word.load(Relaxed));
        word.fetch_add(missing, Relaxed);
    }
    m.copy(Slot(2), Slot(0));
    let defect = m.safepoint().unwrap_err();
    assert!(defect.to_string().contains("references"), "{defect}");
    (0..3).map(Slot).for_each(|slot| m.clear(slot));
    assert_eq!(births.alive(), 1);
    assert_eq!(heap.stats().defects.total(), 1);
}

/// Goal: the capacity is a limit, and memory that is given back can be used again.
#[test]
fn memory_runs_out_and_comes_back() {
    let heap = open(&HeapConfig::with_capacity(1_000));
    let mut births = Births::new();
    let mut m = heap.attach(seat(0)).unwrap();
    alloc(&mut m, &mut births, 0, Shape::List);
    for _ in 1..1_000 {
        alloc(&mut m, &mut births, 1, Shape::Leaf);
        m.append(Slot(0), Slot(1));
    }
    for _ in 0..3 {
        let tag = births.tag(Shape::Leaf);
        assert_eq!(m.alloc(Slot(1), Shape::Leaf, tag), Err(OutOfMemory));
    }
    for _ in 0..100 {
        m.truncate_front(Slot(0), 500);
        for _ in 0..500 {
            alloc(&mut m, &mut births, 1, Shape::Leaf);
            m.append(Slot(0), Slot(1));
        }
    }
    assert_eq!(m.len(Slot(0)), 999);
}

/// Goal: mutators that come, need or free one cell and go leave no more chunks behind than a few:
/// memory for free cells does not grow with how many there were.
#[test]
fn remnants_are_put_together() {
    let heap = open(&HeapConfig::with_capacity(10_000));
    let mut births = Births::new();
    for _ in 0..300 {
        let mut first = heap.attach(seat(1)).unwrap();
        alloc(&mut first, &mut births, 0, Shape::Leaf);
        first.publish(Global(0), Slot(0));
        drop(first);
        let mut second = heap.attach(seat(2)).unwrap();
        second.publish(Global(0), Slot(0));
        drop(second);
        heap.settle().unwrap();
    }
    let worker = Worker::new(&heap.core, 1);
    let take = || heap.core.shared.homes.take_cells(1, worker.guard());
    let chunks: Vec<Vec<u32>> = std::iter::from_fn(take).collect();
    let room: usize = chunks.iter().map(Vec::capacity).sum();
    assert!(chunks.len() < 10, "{} chunks", chunks.len());
    assert!(room < 10 * CHUNK, "room for {room} cells");
}

/// Goal: where many mutators come together, all find cells again, round after round, whatever the
/// pieces are in which they came home: with few objects alive memory does not run out.
#[test]
fn many_that_come_together_find_cells() {
    let heap = open(&HeapConfig::with_capacity(10_000));
    let mut births = Births::new();
    for round in 0..20 {
        let attach = |number| heap.attach(seat(number)).unwrap();
        let mut all: Vec<_> = (0..64).map(attach).collect();
        for m in &mut all {
            for _ in 0..if round % 2 == 0 { 400 } else { 1 } {
                alloc(m, &mut births, 0, Shape::Leaf);
            }
            m.publish(Global(0), Slot(0));
        }
        drop(all);
        heap.settle().unwrap();
    }
}

/// Goal: whatever several mutators do to shared lists and nodes at once, nothing is freed early,
/// twice or never, and what remains is exactly what is reachable.
#[test]
fn everything_at_once() {
    const THREADS: u32 = 3;
    let heap = open(&HeapConfig::with_capacity(200_000));
    let barrier = Barrier::new(THREADS as usize);
    let births: Vec<Births> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|number| {
                let (heap, barrier) = (&heap, &barrier);
                scope.spawn(move || {
                    let mut births = Births::new();
                    let mut m = heap.attach(seat(number)).unwrap();
                    if number == 0 {
                        alloc(&mut m, &mut births, 0, Shape::List);
                        m.publish(Global(0), Slot(0));
                        alloc(&mut m, &mut births, 0, Shape::Node);
                        m.publish(Global(1), Slot(0));
                    }
                    m.idle(&mut || {
                        barrier.wait();
                    });
                    churn(&mut m, &mut births, u64::from(number) + 1);
                    m.idle(&mut || {
                        barrier.wait();
                    });
                    births
                })
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    {
        let mut m = heap.attach(seat(0)).unwrap();
        m.publish(Global(0), Slot(0));
        m.publish(Global(1), Slot(0));
    }
    assert_clean(&heap, 0);
    for births in births {
        assert_eq!((births.alive(), births.doubles()), (0, 0));
    }
}

fn churn(m: &mut impl Mutator, births: &mut Births, seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % below
    };
    assert!(m.fetch(Slot(0), Global(0)));
    assert!(m.fetch(Slot(1), Global(1)));
    for _ in 0..150_000 {
        let shape = [Shape::Leaf, Shape::Node, Shape::List][usize::try_from(draw(3)).unwrap()];
        match draw(16) {
            0..5 => {
                alloc(m, births, 2, shape);
                m.append(Slot(0), Slot(2));
            }
            5 => {
                let _ = m.pop(Slot(3), Slot(0));
            }
            6 => {
                let index = draw(64);
                alloc(m, births, 2, shape);
                let _ = m.set(Slot(0), index, Slot(2));
            }
            7 => {
                let index = draw(64);
                let _ = m.get(Slot(4), Slot(0), index);
            }
            8 => {
                let len = m.len(Slot(0));
                m.truncate_front(Slot(0), if draw(8) == 0 { u64::MAX } else { len / 2 });
            }
            9 => m.truncate_back(Slot(0), 3),
            10 => {
                // The node's fields, from everywhere to everywhere: cycles come and go.
                m.load(Slot(5), Slot(1), Field(0));
                m.store(Slot(1), Field(0), Some(Slot(3)));
                m.store(Slot(3), Field(1), Some(Slot(5)));
            }
            11 => {
                m.copy(Slot(6), Slot(4));
                m.append(Slot(4), Slot(6));
                m.copy(Slot(6), Slot(4));
                m.store(Slot(4), Field(0), Some(Slot(6)));
            }
            12 => m.downgrade(Slot(7), Slot(4)),
            13 => {
                let _ = m.upgrade(Slot(3), Slot(7));
            }
            14 => {
                m.copy(Slot(6), Slot(0));
                m.append(Slot(4), Slot(6));
            }
            _ => m.clear(Slot(u32::try_from(2 + draw(5)).unwrap())),
        }
        m.safepoint().unwrap();
    }
}

/// Goal: where a stalled mutator has made many small truncations wait, safepoints work them off
/// many at a time once it is gone.
#[test]
fn what_a_stall_left_is_soon_released() {
    const TRUNCATIONS: u64 = 5_000;
    let heap = open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(10_000)
    });
    let mut births = Births::new();
    let stalled = heap.attach(seat(0)).unwrap();
    let mut m = heap.attach(seat(1)).unwrap();
    let [list, leaf] = [0, 1];
    alloc(&mut m, &mut births, list, Shape::List);
    for _ in 0..TRUNCATIONS {
        alloc(&mut m, &mut births, leaf, Shape::Leaf);
        m.append(Slot(list), Slot(leaf));
        m.truncate_front(Slot(list), 1);
        m.safepoint().unwrap();
    }
    let unreclaimed = || heap.gauge().unreclaimed.expect("it tells");
    assert!(unreclaimed() >= TRUNCATIONS);
    drop(stalled);
    for _ in 0..TRUNCATIONS / 20 {
        // A grace period goes by.
        m.idle(&mut || ());
        m.safepoint().unwrap();
    }
    assert!(unreclaimed() < TRUNCATIONS / 10);
}

/// Goal: while nobody stalls, what many small truncations leave to reclaim does not grow with their
/// number, though each takes several deferred jobs.
#[test]
fn small_truncations_do_not_pile_up() {
    const TRUNCATIONS: usize = 50_000;
    let heap = open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100)
    });
    let mut births = Births::new();
    let mut m = heap.attach(seat(1)).unwrap();
    let [list, leaf, copy] = [0, 1, 2];
    alloc(&mut m, &mut births, list, Shape::List);
    alloc(&mut m, &mut births, leaf, Shape::Leaf);
    for _ in 0..TRUNCATIONS {
        m.copy(Slot(copy), Slot(leaf));
        m.append(Slot(list), Slot(copy));
        m.truncate_front(Slot(list), 1);
        m.safepoint().unwrap();
    }
    let peak = heap.stats().unreclaimed_peak.expect("it tells");
    assert!(peak < 4 * CHUNK as u64, "{peak} elements waited");
}

/// Goal: jobs for which no object waits do not pile up either, and those that a stalled mutator has
/// made wait are soon done once it is gone.
#[test]
fn deferred_jobs_do_not_pile_up() {
    const JOBS: usize = 50_000;
    let heap = open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100)
    });
    let done = Arc::new(AtomicUsize::new(0));
    let stalled = Worker::new(heap.core(), 0);
    let mut worker = Worker::new(heap.core(), 1);
    let mut work = || {
        for _ in 0..JOBS {
            worker.enter();
            let done = Arc::clone(&done);
            worker.defer(0, move || {
                done.fetch_add(1, Relaxed);
            });
            worker.safepoint();
        }
        done.load(Relaxed)
    };
    assert_eq!(work(), 0, "a job ran under a pin that it had to wait for");
    drop(stalled);
    // Of the bags that one flush runs, more than half are needed for what was deferred meanwhile.
    work();
    let left = 3 * JOBS - work();
    assert!(left < 4 * CHUNK, "{left} jobs wait");
}

/// Goal: a cell that has had all its lives is not used again, whichever way its last object died:
/// incarnations never come full circle.
#[test]
fn a_cell_has_its_last_life() {
    const LAST: u64 = u32::MAX as u64 - 1;
    for birth in [Birth::Private, Birth::Shared] {
        let heap = open_born(&HeapConfig::with_capacity(100), birth, Faultless);
        let mut births = Births::new();
        let mut m = heap.attach(seat(0)).unwrap();
        alloc(&mut m, &mut births, 0, Shape::Node);
        let cell = m.cell_of(Slot(0));
        m.clear(Slot(0));
        drop(m);
        heap.settle().unwrap();
        heap.core().slab.cell(cell).meta.store(LAST, Relaxed);
        let mut m = heap.attach(seat(0)).unwrap();
        let mut lives = 0;
        for _ in 0..200 * CHUNK {
            alloc(&mut m, &mut births, 0, Shape::Node);
            lives += u32::from(m.cell_of(Slot(0)) == cell);
            m.clear(Slot(0));
            m.safepoint().unwrap();
        }
        assert_eq!(lives, 1, "{birth:?}");
    }
}
