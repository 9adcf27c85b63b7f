//! Two mutators that share no object: on one heap, and on a heap each.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::Criterion;
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::lock_free::{LockFree, LockFreeMutator};
use gcstorm::heap::{Heap, Mutator, Shape};

use crate::{BATCH, LIST, batches, fill, heap, make, say, seat};

/// Two mutators with a list each, which live as long as the measurement. The measured time is that
/// of their work, from the first start to the last end. It excludes the start and the end of
/// threads and the first allocations of a fresh mutator.
struct Race {
    /// How many of the two work in the next race; 0 ends both.
    runners: AtomicU32,
    /// Objects that each working mutator makes.
    times: AtomicU64,
    /// The mutators and the measuring thread wait here before and after each race.
    line: Barrier,
    zero: Instant,
    /// The start and the end of each, in nanoseconds since `zero`.
    laps: [[AtomicU64; 2]; 2],
}

impl Race {
    #[expect(
        clippy::disallowed_methods,
        reason = "the times of both runners are compared, so they need a common zero"
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

    /// The time that the first `runners` mutators take for `times` objects each.
    fn run(&self, runners: u32, times: u64) -> Duration {
        // All accesses here can be relaxed, because the barrier orders them.
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

/// Passes a safepoint after every append, as the harness does.
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

/// Criterion's lines are means, and load on the machine affects that of two mutators most. So races
/// of one and of two also alternate here, each shorter than a time slice of the scheduler, and the
/// best of each are compared.
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

/// On one heap, and then on a heap each. Mutators with a heap each share nothing, so they show the
/// speed-up that the machine itself allows.
pub(crate) fn two_lists(criterion: &mut Criterion) {
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
                    // A start takes some microseconds; a minimum number of objects keeps their
                    // share small.
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
