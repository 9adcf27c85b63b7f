//! One thread appends to a list while another reads its length without pause.
//!
//! The writer writes to the cache line that the reader has just read, so this line moves back and
//! forth between them whatever the implementation of the list. The time of a move depends on the
//! machine: two processors may be threads of one core or be far apart, and a virtual machine may
//! switch between these cases while it runs. So each round measures three things, for some
//! milliseconds each: the round trip of a word; then a plain array, which one thread fills word by
//! word with exchanges while the other looks for the first empty word; then the list. The rounds
//! are divided by their round-trip time into near and far ones, because the other figures depend on
//! it.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use criterion::Criterion;
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::lock_free::LockFree;
use gcstorm::heap::{Global, Heap, Mutator, Shape};

use crate::{A, BATCH, LIST, batches, fill, heap, make, say, seat, timed, truncate};

/// The number of rounds; each measures one piece of each kind.
const ROUNDS: usize = 300;
/// Round trips of the word in a piece.
const TRIPS: u64 = 5_000;
/// Reads between two readings of the clock.
const LOOKS: u64 = 100;

/// The times that one round measured, in nanoseconds: of a round trip; and, for the array and the
/// list, of one word or object of the writer and of one read of the reader.
struct Round {
    trip: f64,
    array: [f64; 2],
    list: [f64; 2],
}

/// What the two threads share. Aligned so that it has its cache lines to itself.
#[repr(align(256))]
struct Fight {
    words: Vec<AtomicU64>,
    ball: AtomicU64,
    /// Both threads wait here before and after each piece.
    line: Barrier,
    /// Becomes 1 when the writer has finished its part of a piece.
    is_over: AtomicU64,
    looks: AtomicU64,
    nanos: AtomicU64,
}

impl Fight {
    fn new() -> Self {
        Self {
            words: (0..=BATCH).map(|_| AtomicU64::new(0)).collect(),
            ball: AtomicU64::new(0),
            line: Barrier::new(2),
            is_over: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
        }
    }

    /// The writer's part of a piece. Returns the time of one of its `times` steps, and of one read.
    fn piece(&self, times: u64, work: impl FnOnce()) -> [f64; 2] {
        for counter in [&self.is_over, &self.looks, &self.nanos] {
            counter.store(0, Relaxed);
        }
        self.line.wait();
        let took = timed(work);
        self.is_over.store(1, Relaxed);
        self.line.wait();
        let [looks, nanos] = [&self.looks, &self.nanos].map(|counter| counter.load(Relaxed));
        [
            took.as_nanos() as f64 / times as f64,
            nanos as f64 / looks.max(1) as f64,
        ]
    }

    /// The reader's part of a piece.
    fn look(&self, mut look: impl FnMut() -> u64) {
        let (mut looks, mut nanos) = (0, Duration::ZERO);
        while self.is_over.load(Relaxed) == 0 {
            nanos += timed(|| {
                for _ in 0..LOOKS {
                    black_box(look());
                }
            });
            looks += LOOKS;
        }
        self.looks.store(looks, Relaxed);
        let nanos = u64::try_from(nanos.as_nanos()).expect("short");
        self.nanos.store(nanos, Relaxed);
    }

    fn serve(&self) {
        for trip in 0..TRIPS {
            self.ball.store(2 * trip + 1, Release);
            self.wait_for(2 * trip + 2);
        }
    }

    fn answer(&self) {
        for trip in 0..TRIPS {
            self.wait_for(2 * trip + 1);
            self.ball.store(2 * trip + 2, Release);
        }
    }

    fn wait_for(&self, ball: u64) {
        while self.ball.load(Acquire) != ball {}
    }

    fn write_words(&self, count: u64) {
        for (word, number) in self.words.iter().zip(1..=count) {
            let exchanged = word.compare_exchange(0, number, SeqCst, Relaxed);
            exchanged.expect("nobody else writes");
        }
    }

    fn clear_words(&self) {
        self.words.iter().for_each(|word| word.store(0, Relaxed));
    }

    fn writer(&self, heap: &LockFree) -> Vec<Round> {
        let mut births = Producer::new(0);
        let mut m = heap.attach(seat(0)).expect("a seat");
        make(&mut m, &mut births, LIST, Shape::List);
        m.copy(A, LIST);
        m.publish(Global(0), A);
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (mut trip, mut array) = (0.0, [0.0; 2]);
            m.idle(&mut || {
                [trip, _] = self.piece(TRIPS, || self.serve());
                array = self.piece(BATCH, || self.write_words(BATCH));
                self.clear_words();
                self.line.wait();
            });
            let list = self.piece(BATCH, || fill(&mut m, &mut births, Shape::Leaf, BATCH));
            truncate(heap, &mut m, BATCH);
            rounds.push(Round { trip, array, list });
        }
        rounds
    }

    fn reader(&self, heap: &LockFree) {
        let mut m = heap.attach(seat(1)).expect("a seat");
        for round in 0..ROUNDS {
            let mut last = 0;
            m.idle(&mut || {
                self.line.wait();
                self.answer();
                self.line.wait();
                self.line.wait();
                self.look(|| {
                    while self.words[last].load(SeqCst) != 0 {
                        last += 1;
                    }
                    last as u64
                });
                self.line.wait();
                self.line.wait();
            });
            assert!(round > 0 || m.fetch(LIST, Global(0)));
            self.line.wait();
            self.look(|| m.len(LIST));
            self.line.wait();
        }
    }
}

/// Criterion measures only the array without a reader: it cannot measure both threads and alternate
/// between kinds, so the rest is measured here.
pub(crate) fn append_against_len(criterion: &mut Criterion) {
    let (fight, heap) = (Fight::new(), heap());
    let mut is_wanted = false;
    criterion.bench_function("words of an array, alone", |bencher| {
        is_wanted = true;
        bencher.iter_custom(|times| {
            batches(times, |now| {
                let took = timed(|| fight.write_words(now));
                fight.clear_words();
                took
            })
        });
    });
    if !is_wanted {
        return;
    }
    let mut rounds = std::thread::scope(|scope| {
        scope.spawn(|| fight.reader(&heap));
        fight.writer(&heap)
    });
    rounds.sort_by(|one, other| one.trip.total_cmp(&other.trip));
    let (least, most) = (rounds[0].trip, rounds[ROUNDS - 1].trip);
    let far = rounds.partition_point(|round| round.trip <= (least * most).sqrt());
    let (near, far) = rounds.split_at(far);
    tell(near);
    tell(far);
}

fn tell(rounds: &[Round]) {
    if rounds.is_empty() {
        return;
    }
    let middle = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    say(&format!(
        "{} rounds with a round trip of {:.0} ns: a word of the array {:.1} ns, a read of it {:.1}; \
         alloc + append {:.1}, len {:.1}",
        rounds.len(),
        middle(|round| round.trip),
        middle(|round| round.array[0]),
        middle(|round| round.array[1]),
        middle(|round| round.list[0]),
        middle(|round| round.list[1]),
    ));
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
