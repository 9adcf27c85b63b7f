//! The global lock: fairness, threads that come and go, and holders that panic.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{Cause, Heap, HeapConfig, Mutator, Shape, Slot};

use crate::common::{Births, assert_sound, gil, make, seat};

/// How often the lock must change hands in the tests below.
const SWITCHES: u64 = 40;

/// Goal: two threads that never stop running both run: the lock changes hands again and again, and
/// each wait is recorded.
#[test]
fn busy_threads_take_turns() {
    let config = HeapConfig {
        switch_interval: Duration::from_micros(200),
        ..HeapConfig::with_capacity(100)
    };
    let heap = open_gil(&config);
    let turns = [AtomicU64::new(0), AtomicU64::new(0)];
    // A turn begins when another thread was seen to have had the last one.
    let last = AtomicU64::new(u64::MAX);
    let pauses = &*config.pauses;
    std::thread::scope(|scope| {
        for number in 0..2_u32 {
            let (heap, turns, last) = (&heap, &turns, &last);
            scope.spawn(move || {
                let _seated = pauses.seat(number);
                let mut mutator = heap.attach(seat(number, 1)).unwrap();
                while turns.iter().any(|turns| turns.load(Relaxed) < SWITCHES / 2) {
                    if last.swap(number.into(), Relaxed) != u64::from(number) {
                        turns[number as usize].fetch_add(1, Relaxed);
                    }
                    mutator.safepoint().unwrap();
                }
            });
        }
    });
    let stats = heap.stats();
    assert!(stats.switches.unwrap_or(0) >= SWITCHES - 2, "{stats:?}");
    assert!(stats.contended.unwrap_or(0) >= SWITCHES - 2, "{stats:?}");
    let waits = config.pauses.histogram(Cause::GilWait).len();
    assert!(waits >= SWITCHES - 2, "{waits} waits");
}

/// Goal: threads that come and go use nothing up and leave nothing behind, while others run, and
/// none waits for one that has gone.
#[test]
fn threads_come_and_go() {
    let config = HeapConfig {
        switch_interval: Duration::from_micros(50),
        ..HeapConfig::with_capacity(100_000)
    };
    let heap = open_gil(&config);
    let alive: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|number| {
                let heap = &heap;
                scope.spawn(move || {
                    let mut births = Births::new(number);
                    for round in 0..200 {
                        let mut mutator = heap.attach(seat(number, 50 + round)).unwrap();
                        for slot in 0..50 {
                            make(&mut mutator, &mut births, Slot(slot), Shape::Node);
                            mutator.safepoint().unwrap();
                        }
                    }
                    births.alive()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert_eq!(alive, 0);
    assert_sound(&heap, 0);
}

/// Goal: a seat with ten million registers is free to take, and leaves its registers to the next.
#[test]
fn large_register_files_are_cheap() {
    const SLOTS: u32 = 10_000_000;
    let heap = gil(10);
    let mut births = Births::new(0);
    for _ in 0..3 {
        let mut small = heap.attach(seat(0, 1)).unwrap();
        make(&mut small, &mut births, Slot(0), Shape::Leaf);
        small.idle(&mut || {
            let mut large = heap.attach(seat(1, SLOTS)).unwrap();
            make(&mut large, &mut births, Slot(SLOTS - 1), Shape::Leaf);
            assert_eq!(births.alive(), 2);
        });
        assert_eq!(births.alive(), 1);
    }
    assert_eq!(births.alive(), 0);
    let resident = gcstorm::memory::resident_bytes(std::process::id());
    assert!(
        (1..3 * 8 * u64::from(SLOTS)).contains(&resident),
        "resident: {resident} bytes"
    );
}

/// Goal: a holder that panics lets the lock go, and the others go on.
#[test]
fn a_panicking_holder_lets_go() {
    let heap = gil(10);
    std::thread::scope(|scope| {
        let heap = &heap;
        let worker = scope.spawn(move || {
            let _mutator = heap.attach(seat(0, 1)).unwrap();
            std::panic::resume_unwind(Box::new("a panic in the middle of a program"));
        });
        assert!(worker.join().is_err());
    });
    let mut births = Births::new(1);
    let mut mutator = heap.attach(seat(1, 1)).unwrap();
    make(&mut mutator, &mut births, Slot(0), Shape::Leaf);
    drop(mutator);
    assert_eq!(births.alive(), 0);
}

/// Goal: an idle mutator lets others run without a safepoint, and has its registers afterwards.
#[test]
fn an_idle_mutator_holds_nobody_up() {
    let heap = gil(10);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 1)).unwrap();
    make(&mut mutator, &mut births, Slot(0), Shape::Counter);
    mutator.add(Slot(0), 7);
    mutator.idle(&mut || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut other = heap.attach(seat(1, 1)).unwrap();
                assert_eq!(other.read(Slot(0)), 0);
            });
        });
    });
    assert_eq!(mutator.read(Slot(0)), 7);
}

/// Goal: the counters can be asked for while a mutator holds the lock and never lets go.
#[test]
fn stats_do_not_wait_for_ever() {
    let heap = gil(10);
    let mut births = Births::new(0);
    let mut mutator = heap.attach(seat(0, 1)).unwrap();
    make(&mut mutator, &mut births, Slot(0), Shape::Leaf);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| heap.stats());
        assert_eq!(asked.join().unwrap().collections, None);
    });
    // The request that the visitor left behind has nobody behind it any more.
    mutator.safepoint().unwrap();
    mutator.idle(&mut || assert_eq!(heap.stats().collections, Some(0)));
}
