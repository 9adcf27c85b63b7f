//! What is not a race: a round that broke off, settling in vain, and how much a collection does.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::BATCH;
use super::paced::Paced;
use super::settle::ATTEMPTS;
use crate::heap::lock_free::private::Birth;
use crate::heap::lock_free::shared::CANDIDATES;
use crate::heap::lock_free::tests::Births;
use crate::heap::lock_free::worker::Worker;
use crate::heap::lock_free::{LockFree, LockFreeMutator, open_born};
use crate::heap::tag::OwnedSegment;
use crate::heap::{
    Fault, Faultless, Faults, Field, Global, Heap, HeapConfig, Mutator, Point, Seat, Shape, Slot,
    Upkeep,
};

/// Panics in the middle of the next round.
#[derive(Debug, Clone, Default)]
struct Trap(Arc<AtomicBool>);

impl Faults for Trap {
    fn has(&self, _: Fault) -> bool {
        false
    }

    fn pass(&self, point: Point) {
        let is_sprung = point == Point::Verdict && self.0.swap(false, Relaxed);
        assert!(!is_sprung, "the trap was sprung");
    }
}

fn config() -> HeapConfig {
    HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100)
    }
}

/// A heap all of whose garbage cycles are the collector's.
fn open(config: &HeapConfig) -> LockFree {
    open_with(config, Faultless)
}

fn open_with<F: Faults>(config: &HeapConfig, faults: F) -> LockFree<F> {
    open_born(config, Birth::Shared, faults)
}

fn seat() -> Seat {
    Seat {
        number: 0,
        slots: 4,
    }
}

/// Two nodes that refer to each other, and a weak reference to one of them in register 3.
fn drop_pair(m: &mut LockFreeMutator<'_, impl Faults>, births: &mut OwnedSegment) {
    let [first, second, copy, weak] = [0, 1, 2, 3].map(Slot);
    for node in [first, second] {
        m.alloc(
            node,
            Shape::Node,
            births.birth(Shape::Node).expect("there is room"),
        )
        .expect("there is room");
    }
    m.downgrade(weak, first);
    m.copy(copy, first);
    m.store(second, Field(0), Some(copy));
    m.store(first, Field(0), Some(second));
    m.clear(first);
}

/// Stores a copy of the reference in `hub` into a node, by way of a third register: a node that
/// refers to nothing is no candidate.
fn refer(m: &mut LockFreeMutator<'_, impl Faults>, node: Slot, hub: Slot, by: Slot) {
    m.copy(by, hub);
    m.store(node, Field(0), Some(by));
}

/// Goal: after a panic in the middle of a round the next one trusts nothing of it: it finds the
/// same garbage again, leaves nothing condemned, and the heap says that something is wrong.
#[test]
fn rounds_that_panic_leave_nothing_behind() {
    let trap = Trap::default();
    let heap = open_with(&config(), trap.clone());
    let mut births = OwnedSegment::take(0, 0).expect("there is room");
    drop_pair(
        &mut heap.attach(seat()).expect("there is room"),
        &mut births,
    );
    trap.0.store(true, Relaxed);
    catch_unwind(AssertUnwindSafe(|| heap.core.collect_now())).unwrap_err();
    // Its cells are not those that the broken round looked at.
    drop_pair(
        &mut heap.attach(seat()).expect("there is room"),
        &mut births,
    );
    let defect = heap.settle().unwrap_err();
    assert!(defect.to_string().contains("ended in a panic"), "{defect}");
    let segment = births.segment();
    assert_eq!((segment.born(), segment.dead()), (4, 4));
    let census = heap.census(&mut |_| {}).expect("there is room");
    assert_eq!(census.living, 0);
    for leftover in census.leftovers {
        assert_eq!(leftover.count, 0, "{}", leftover.what);
    }
}

/// Goal: beside a mutator that keeps its pin, settling gives up after a few attempts and says so;
/// afterwards it does what was left.
#[test]
fn settling_beside_a_pin_gives_up() {
    let heap = open(&config());
    let mut births = OwnedSegment::take(0, 0).expect("there is room");
    let mut m = heap.attach(seat()).expect("there is room");
    drop_pair(&mut m, &mut births);
    m.safepoint().expect("there is room");
    m.idle(&mut || ());
    m.clear(Slot(0));
    let defect = heap.settle().unwrap_err();
    assert!(defect.to_string().contains("keeps its pin"), "{defect}");
    let abandoned = heap.core.shared.rounds.abandoned.load(Relaxed);
    assert_eq!(abandoned, u64::from(ATTEMPTS));
    assert_eq!(births.segment().dead(), 0);
    m.idle(&mut || {
        // It still says what it met before.
        heap.settle().unwrap_err();
    });
    assert_eq!(births.segment().dead(), 2);
}

/// Asks for garbage at the beginning of each round, and waits until it was made.
#[derive(Debug, Clone)]
struct Litter(SyncSender<Option<SyncSender<()>>>);

impl Faults for Litter {
    fn has(&self, _: Fault) -> bool {
        false
    }

    fn collecting(&self) {
        let (done, is_done) = sync_channel(0);
        if self.0.send(Some(done)).is_ok() {
            is_done.recv().expect("the other thread answers");
        }
    }
}

/// Goal: a collection ends, although another mutator makes garbage in each of its rounds.
#[test]
fn collections_end_beside_mutators_that_litter() {
    const ROUNDS: usize = 100;
    let (ask, asked) = sync_channel(0);
    let heap = open_with(&config(), Litter(ask.clone()));
    thread::scope(|threads| {
        let litterer = threads.spawn(|| {
            let mut births = OwnedSegment::take(0, 0).expect("there is room");
            let mut m = heap.attach(seat()).expect("there is room");
            m.rest();
            for done in asked.into_iter().take(ROUNDS).map_while(|done| done) {
                m.wake();
                drop_pair(&mut m, &mut births);
                m.rest();
                done.send(()).expect("somebody waits");
            }
        });
        let mut births = OwnedSegment::take(1, 0).expect("there is room");
        let mut m = heap.attach(seat()).expect("there is room");
        drop_pair(&mut m, &mut births);
        m.collect();
        let rounds = heap.core.shared.rounds.all.load(Relaxed);
        // The other thread has ended by itself if there were too many.
        let _ = ask.send(None);
        // The thread sanitizer sees a join, and not that a scope ends.
        litterer.join().expect("it does not panic");
        assert!(rounds < 10, "the collection had {rounds} rounds");
    });
}

/// Goal: whatever died before its mutator hands its candidates over is none; and however many
/// candidates there are, a round looks at some of them only, and says that there are more.
#[test]
fn rounds_look_at_a_bounded_number_of_candidates() {
    const MOST: u64 = 4 * BATCH as u64;
    let heap = open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100_000)
    });
    let waiting = || heap.core.shared.candidates_len.load(Relaxed);
    let mut births = Births::default();
    let mut m = heap.attach(seat()).expect("there is room");
    let [list, node, copy, hub] = [0, 1, 2, 3].map(Slot);
    m.alloc(list, Shape::List, births.node())
        .expect("there is room");
    m.alloc(hub, Shape::Node, births.node())
        .expect("there is room");
    let mut candidates = |m: &mut LockFreeMutator<'_, _>| {
        for _ in 0..3 * MOST {
            m.alloc(node, Shape::Node, births.node())
                .expect("there is room");
            refer(m, node, hub, copy);
            m.copy(copy, node);
            m.clear(copy);
            m.append(list, node);
            m.clear(node);
        }
    };
    // In no list: they die at once.
    m.publish(Global(0), list);
    candidates(&mut m);
    m.idle(&mut || ());
    assert_eq!(waiting(), 0, "dead candidates wait for the collector");
    m.fetch(list, Global(0));
    candidates(&mut m);
    m.idle(&mut || ());
    assert_eq!(waiting(), 3 * MOST);
    m.truncate_front(list, u64::MAX);
    m.idle(&mut || heap.core.quiesce(&mut Worker::new(heap.core(), 1)));
    let mut paced = Paced::new(heap.core());
    m.idle(&mut || {
        for done in 1..=3 {
            assert_eq!(paced.visit(), done < 3);
            assert_eq!(waiting(), (3 - done) * MOST);
        }
    });
}

/// Goal: a reference that is given back makes a node a candidate if the node refers to another by
/// then, and only then: what refers to nothing is in no cycle.
#[test]
fn what_refers_to_nothing_is_no_candidate() {
    let heap = open(&config());
    let waiting = || heap.core.shared.candidates_len.load(Relaxed);
    let mut births = Births::default();
    let mut m = heap.attach(seat()).expect("there is room");
    let [node, copy, other] = [0, 1, 2].map(Slot);
    for slot in [node, other] {
        m.alloc(slot, Shape::Node, births.node())
            .expect("there is room");
    }
    m.copy(copy, node);
    m.clear(copy);
    m.idle(&mut || ());
    assert_eq!(waiting(), 0);
    m.copy(copy, node);
    m.store(node, Field(1), Some(other));
    m.clear(copy);
    m.idle(&mut || ());
    assert_eq!(waiting(), 1);
}

/// Goal: candidates that are in use are told from those that the collector has not looked at: the
/// former are no reason to slow anybody down.
#[test]
fn candidates_in_use_do_not_wait() {
    const NODES: u64 = 1_000;
    let heap = open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100_000)
    });
    let shared = &heap.core.shared;
    let counts = || {
        let counts = [&shared.candidates_len, &shared.candidates_known];
        counts.map(|count| count.load(Relaxed))
    };
    let mut births = Births::default();
    let mut m = heap.attach(seat()).expect("there is room");
    let [list, node, copy, hub] = [0, 1, 2, 3].map(Slot);
    m.alloc(list, Shape::List, births.node())
        .expect("there is room");
    m.alloc(hub, Shape::Node, births.node())
        .expect("there is room");
    for _ in 0..NODES {
        m.alloc(node, Shape::Node, births.node())
            .expect("there is room");
        refer(&mut m, node, hub, copy);
        m.append(list, node);
    }
    let mut paced = Paced::new(heap.core());
    // A round finds them alive; the next one that has them sees that their words have changed.
    for known in [0, NODES, NODES] {
        for index in 0..NODES {
            m.get(copy, list, index);
        }
        m.clear(copy);
        m.idle(&mut || {
            paced.visit();
        });
        assert_eq!(counts(), [known; 2]);
    }
    drop(paced);
    m.truncate_front(list, u64::MAX);
    m.idle(&mut || heap.settle().expect("no fault"));
    assert_eq!(counts(), [0; 2]);
}

thread_local! {
    static NODES: RefCell<Births> = RefCell::default();
    /// How many objects were about to die so far, and how many of them were not dead yet at most.
    static DYING: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Looks, now and then, at how many objects are about to die.
#[derive(Debug, Clone)]
struct Count;

impl Faults for Count {
    fn has(&self, _: Fault) -> bool {
        false
    }

    fn pass(&self, point: Point) {
        if point != Point::Dying {
            return;
        }
        let (count, most) = DYING.get();
        let count = count + 1;
        let mut pending = 0;
        if count.is_multiple_of(1_000) {
            NODES.with_borrow(|nodes| {
                pending = count.saturating_sub(nodes.dead());
            });
        }
        DYING.set((count, most.max(pending)));
    }
}

/// Goal: what follows from the death of a long list is done piece by piece, and does not pile up,
/// whether its count fell to 0 or it was a garbage cycle that a round had not budget enough for,
/// and also where an element leads to a chain.
#[test]
fn the_elements_of_long_lists_do_not_pile_up() {
    const LEN: usize = 300_000;
    /// From each of this many elements a chain of so many nodes hangs off. They are the last ones,
    /// at which the round does not look.
    const CHAINS: usize = 20_000;
    const CHAIN: usize = 10;
    let capacity = u32::try_from(2 * (LEN + CHAINS * CHAIN)).expect("few");
    let [list, copy, mut node, mut before] = [0, 1, 2, 3].map(Slot);
    for is_cycle in [false, true] {
        let heap = open_with(
            &HeapConfig {
                upkeep: Upkeep::WithinCalls,
                ..HeapConfig::with_capacity(capacity)
            },
            Count,
        );
        NODES.take();
        let birth = || NODES.with_borrow_mut(Births::node);
        let mut m = heap.attach(seat()).expect("there is room");
        m.alloc(list, Shape::List, birth()).expect("there is room");
        if is_cycle {
            m.copy(copy, list);
            m.append(list, copy);
        }
        for number in 0..LEN {
            m.alloc(node, Shape::Node, birth()).expect("there is room");
            for _ in 0..if number < LEN - CHAINS { 0 } else { CHAIN } {
                // Without a copy, which would be dropped, and so make the node a candidate.
                std::mem::swap(&mut node, &mut before);
                m.alloc(node, Shape::Node, birth()).expect("there is room");
                m.store(node, Field(0), Some(before));
            }
            m.append(list, node);
        }
        DYING.take();
        m.clear(list);
        m.idle(&mut || {
            if is_cycle {
                Paced::new(heap.core()).visit();
            } else {
                heap.core().quiesce(&mut Worker::new(heap.core(), 1));
            }
        });
        let (count, most) = DYING.get();
        assert!(count > 10_000, "only {count} objects died by their counts");
        assert!(most < 2_000, "{most} objects were about to die");
    }
}

/// Goal: a collection also frees the garbage cycles that hang off what is still to be released when
/// it begins.
#[test]
fn what_is_still_to_be_released_is_collected() {
    const LEN: usize = 2_000;
    let heap = open(&HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(10_000)
    });
    let mut births = Births::default();
    let mut m = heap.attach(seat()).expect("there is room");
    let [list, node, copy] = [0, 1, 2].map(Slot);
    m.alloc(list, Shape::List, births.node())
        .expect("there is room");
    for _ in 0..LEN {
        m.alloc(node, Shape::Node, births.node())
            .expect("there is room");
        m.copy(copy, node);
        m.store(node, Field(0), Some(copy));
        m.append(list, node);
    }
    m.clear(list);
    m.collect();
    assert_eq!(births.dead(), LEN + 1);
}

thread_local! {
    /// How many candidates were moved to the queue under this pin, and the most under any.
    static MOVED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Counts candidates that are moved to the queue. It is asked for one fault at each new pin, and
/// for another with each candidate.
#[derive(Debug, Clone)]
struct CountMoved;

impl Faults for CountMoved {
    fn has(&self, fault: Fault) -> bool {
        let (now, most) = MOVED.get();
        match fault {
            Fault::StalledPin => MOVED.set((0, most)),
            Fault::NewestFirst => MOVED.set((now + 1, most.max(now + 1))),
            _ => {}
        }
        false
    }
}

/// Goal: however many candidates mutators handed over, a round moves no more of them to the queue
/// under one pin than there are in a buffer.
#[test]
fn each_buffer_of_candidates_is_moved_under_a_pin_of_its_own() {
    for birth in [Birth::Shared, Birth::Private] {
        assert_eq!(most_moved_at_once(birth), CANDIDATES);
    }
}

fn most_moved_at_once(birth: Birth) -> usize {
    let config = HeapConfig {
        upkeep: Upkeep::WithinCalls,
        ..HeapConfig::with_capacity(100_000)
    };
    let heap = open_born(&config, birth, CountMoved);
    let mut births = Births::default();
    let mut m = heap.attach(seat()).expect("there is room");
    let [list, node, copy, hub] = [0, 1, 2, 3].map(Slot);
    m.alloc(list, Shape::List, births.node())
        .expect("there is room");
    m.alloc(hub, Shape::Node, births.node())
        .expect("there is room");
    for _ in 0..10 * CANDIDATES {
        m.alloc(node, Shape::Node, births.node())
            .expect("there is room");
        refer(&mut m, node, hub, copy);
        m.copy(copy, node);
        m.clear(copy);
        m.append(list, node);
    }
    m.idle(&mut || {
        MOVED.take();
        Paced::new(heap.core()).visit();
    });
    MOVED.get().1
}
