//! What the operations of the `lock-free` heap cost, alone and in a fight.
//!
//! Targets, in nanoseconds on the machine that runs the checks (a read-modify-write costs 10 there):
//! allocate + append 12 alone and 30 while another thread calls `len`, its `len` 10; `del l[:n]` 5
//! an object, freed included; get + release 20; a two-object cycle made, dropped and collected 150
//! in all. Tags are real ones, so births and deaths are included.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::lock_free::{LockFree, LockFreeMutator, open, open_with};
use gcstorm::heap::{Field, Flaws, Global, Heap, HeapConfig, Mutator, Ordeal, Seat, Shape, Slot};

/// Objects per measured batch: the list that the harness's first workload truncates by.
const BATCH: u64 = 50_000;
const LIST: Slot = Slot(0);
const A: Slot = Slot(1);
const B: Slot = Slot(2);
const C: Slot = Slot(3);

fn heap() -> LockFree {
    open(&HeapConfig::with_capacity(4_000_000))
}

fn seat(number: u32) -> Seat {
    Seat { number, slots: 8 }
}

#[expect(
    clippy::disallowed_methods,
    reason = "criterion's own loops are replaced to leave set-up between batches out"
)]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Time for `times` operations, from batches that each return what they took.
fn batches(times: u64, mut batch: impl FnMut(u64) -> Duration) -> Duration {
    let mut left = times;
    let mut total = Duration::ZERO;
    while left > 0 {
        let now = left.min(BATCH);
        total += batch(now);
        left -= now;
    }
    total
}

#[inline(always)]
fn make(m: &mut impl Mutator, births: &mut Producer, dst: Slot, shape: Shape) {
    m.alloc(dst, shape, births.birth(shape).expect("room"))
        .expect("room");
}

fn fill(m: &mut impl Mutator, births: &mut Producer, shape: Shape, count: u64) {
    for _ in 0..count {
        make(m, births, A, shape);
        m.append(LIST, A);
    }
}

/// Truncates by `count`, and works until all of it is freed.
fn truncate<F: Flaws>(heap: &LockFree<F>, m: &mut impl Mutator, count: u64) {
    m.truncate_front(LIST, count);
    while heap.unreclaimed() > 0 {
        m.safepoint().expect("a sound heap");
    }
}

fn append_and_truncate(criterion: &mut Criterion) {
    for (shape, name) in [(Shape::Leaf, "leaf"), (Shape::Node, "node")] {
        append_and_truncate_on(&heap(), criterion, shape, name);
    }
    // The type that faults are planted in, with none planted: what it would cost to ask at run time.
    let askable = open_with(&HeapConfig::with_capacity(4_000_000), Ordeal::default());
    append_and_truncate_on(
        &askable,
        criterion,
        Shape::Leaf,
        "leaf, faults can be planted",
    );
}

fn append_and_truncate_on<F: Flaws>(
    heap: &LockFree<F>,
    criterion: &mut Criterion,
    shape: Shape,
    name: &str,
) {
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    criterion.bench_function(&format!("{name}: alloc + append"), |bencher| {
        bencher.iter_custom(|times| {
            batches(times, |now| {
                let took = timed(|| fill(&mut m, &mut births, shape, now));
                truncate(heap, &mut m, now);
                took
            })
        });
    });
    criterion.bench_function(&format!("{name}: del l[:n], freed"), |bencher| {
        bencher.iter_custom(|times| {
            batches(times, |now| {
                fill(&mut m, &mut births, shape, now);
                timed(|| truncate(heap, &mut m, now))
            })
        });
    });
}

fn get_and_release(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    fill(&mut m, &mut births, Shape::Leaf, 1_000);
    let mut index = 0;
    criterion.bench_function("get + release", |bencher| {
        bencher.iter(|| {
            index = (index + 1) % 1_000;
            assert!(m.get(B, LIST, index));
            m.clear(B);
        });
    });
    criterion.bench_function("len, alone", |bencher| bencher.iter(|| m.len(LIST)));
}

fn append_against_len(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    make(&mut m, &mut births, LIST, Shape::List);
    m.copy(A, LIST);
    m.publish(Global(0), A);
    let (stop, calls, nanos) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut reader = heap.attach(seat(1)).expect("a seat");
            assert!(reader.fetch(LIST, Global(0)));
            while !stop.load(Relaxed) {
                let took = timed(|| {
                    for _ in 0..1_000 {
                        std::hint::black_box(reader.len(LIST));
                    }
                });
                calls.fetch_add(1_000, Relaxed);
                nanos.fetch_add(u64::try_from(took.as_nanos()).expect("short"), Relaxed);
                reader.safepoint().expect("a sound heap");
            }
        });
        criterion.bench_function("leaf: alloc + append, against len", |bencher| {
            bencher.iter_custom(|times| {
                batches(times, |now| {
                    let took = timed(|| fill(&mut m, &mut births, Shape::Leaf, now));
                    truncate(&heap, &mut m, now);
                    took
                })
            });
        });
        stop.store(true, Relaxed);
    });
    let calls = calls.load(Relaxed);
    if calls == 0 {
        return;
    }
    let mean = nanos.load(Relaxed) as f64 / calls as f64;
    say(&format!("len, against append: {mean:.1} ns in the mean"));
}

#[expect(
    clippy::print_stderr,
    reason = "criterion measures one side of a fight only"
)]
fn say(what: &str) {
    eprintln!("{what}");
}

fn cycles(criterion: &mut Criterion) {
    let heap = heap();
    let mut births = Producer::new(0);
    let mut m = heap.attach(seat(0)).expect("a seat");
    criterion.bench_function("cycle of 2: made, dropped, collected", |bencher| {
        bencher.iter_custom(|times| {
            timed(|| {
                for _ in 0..times {
                    make(&mut m, &mut births, A, Shape::Node);
                    make(&mut m, &mut births, B, Shape::Node);
                    m.copy(C, A);
                    m.store(B, Field(0), Some(C));
                    m.store(A, Field(0), Some(B));
                    m.clear(A);
                }
                m.idle(&mut || heap.settle().expect("a sound heap"));
            })
        });
    });
}

/// Two mutators with a list each, that live as long as the measurement. What is measured is their
/// work, from a common start to the last end: not the start and the end of threads, nor how a fresh
/// mutator comes by its first cells.
struct Race {
    /// How many of the two work next; 0 sends them home.
    runners: AtomicU32,
    /// Objects that each of those makes.
    times: AtomicU64,
    /// Met by both and the referee, before each race and after it.
    line: Barrier,
    zero: Instant,
    /// When each began and ended, in nanoseconds from `zero`.
    laps: [[AtomicU64; 2]; 2],
}

impl Race {
    #[expect(
        clippy::disallowed_methods,
        reason = "what the runners time is compared, so it has a common zero"
    )]
    fn new() -> Self {
        Self {
            runners: AtomicU32::new(0),
            times: AtomicU64::new(0),
            line: Barrier::new(3),
            zero: Instant::now(),
            laps: Default::default(),
        }
    }

    /// What the first `runners` mutators take for `times` objects each.
    fn run(&self, runners: u32, times: u64) -> Duration {
        // Relaxed, as all here: the line orders it.
        self.runners.store(runners, Relaxed);
        self.times.store(times, Relaxed);
        self.line.wait();
        self.line.wait();
        let laps = &self.laps[..runners as usize];
        let starts = laps.iter().map(|lap| lap[0].load(Relaxed));
        let ends = laps.iter().map(|lap| lap[1].load(Relaxed));
        Duration::from_nanos(ends.max().unwrap_or(0) - starts.min().unwrap_or(0))
    }

    fn runner(&self, heap: &LockFree, number: u32) {
        let mut births = Producer::new(0);
        let mut m = heap.attach(seat(number)).expect("a seat");
        make(&mut m, &mut births, LIST, Shape::List);
        loop {
            self.meet(&mut m);
            let runners = self.runners.load(Relaxed);
            if runners == 0 {
                return;
            }
            if number < runners {
                self.lap(number, 0);
                append_steadily(&mut m, &mut births, self.times.load(Relaxed));
                self.lap(number, 1);
            }
            self.meet(&mut m);
        }
    }

    fn meet(&self, m: &mut LockFreeMutator<'_>) {
        m.idle(&mut || {
            self.line.wait();
        });
    }

    fn lap(&self, number: u32, end: usize) {
        let now = u64::try_from(self.zero.elapsed().as_nanos()).expect("short");
        self.laps[number as usize][end].store(now, Relaxed);
    }
}

/// With a safepoint after every operation, as the harness has it.
fn append_steadily(m: &mut LockFreeMutator<'_>, births: &mut Producer, times: u64) {
    batches(times, |now| {
        for _ in 0..now {
            fill(m, births, Shape::Leaf, 1);
            m.safepoint().expect("a sound heap");
        }
        m.truncate_front(LIST, now);
        Duration::ZERO
    });
}

/// The criterion lines are means, and a busy machine spoils that of two first. So one and two race
/// in turn besides, in pieces that are shorter than a turn of the scheduler, and the best of each are
/// compared.
fn compare(race: &Race, what: &str) {
    const ROUNDS: usize = 400;
    let mut least = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (runners, least) in (1..).zip(&mut least) {
            *least = (*least).min(race.run(runners, 2 * BATCH));
        }
    }
    let ratio = 2.0 * least[0].as_secs_f64() / least[1].as_secs_f64();
    say(&format!(
        "two mutators, {what}: {ratio:.2} times as fast as one, at best"
    ));
}

/// On one heap, and then on a heap each: these share nothing, so what they make of two processors
/// is what the machine has to give.
fn two_lists(criterion: &mut Criterion) {
    let (heap, other) = (heap(), heap());
    race(criterion, "a list each", [&heap, &heap]);
    race(criterion, "a heap each", [&heap, &other]);
}

fn race(criterion: &mut Criterion, what: &str, heaps: [&LockFree; 2]) {
    let race = Race::new();
    let mut is_wanted = false;
    std::thread::scope(|scope| {
        for (number, heap) in (0..).zip(heaps) {
            let race = &race;
            scope.spawn(move || race.runner(heap, number));
        }
        for runners in [1, 2] {
            criterion.bench_function(&format!("{runners} mutators, {what}"), |bencher| {
                is_wanted = true;
                bencher.iter_custom(|times| {
                    // A start costs some microseconds, which a floor makes small.
                    let floor = times.max(4 * BATCH);
                    race.run(runners, floor)
                        .mul_f64(times as f64 / floor as f64)
                });
            });
        }
        if is_wanted {
            compare(&race, what);
        }
        race.runners.store(0, Relaxed);
        race.line.wait();
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = append_and_truncate, get_and_release, append_against_len, cycles, two_lists
}
criterion_main!(benches);
