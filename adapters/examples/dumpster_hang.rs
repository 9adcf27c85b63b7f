//! dumpster 2.1.0 without gcstorm: a collection destroys what was dropped while it was under way.
//! That drops children, which asks whether a collection is due. If one is, the thread waits for
//! itself.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use dumpster_2_1_0::sync::Gc;
use dumpster_2_1_0::{TraceWith, Visitor};

const THREADS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(60);

static ROUNDS: AtomicUsize = AtomicUsize::new(0);
static PLACES: [Mutex<Option<Gc<Node>>>; 64] = [const { Mutex::new(None) }; 64];

struct Node(Option<Gc<Node>>);

// SAFETY: the only `Gc` is visited.
unsafe impl<V: Visitor> TraceWith<V> for Node {
    fn accept(&self, visitor: &mut V) -> Result<(), ()> {
        self.0.accept(visitor)
    }
}

/// Puts parents in places that all threads share. What was there is dropped.
fn work() {
    for round in 0.. {
        let parent = Gc::new(Node(Some(Gc::new(Node(None)))));
        // Now it is a candidate, which a collection looks at.
        drop(parent.clone());
        let place = &PLACES[round * 7 % PLACES.len()];
        let replaced = place.lock().expect("no panic").replace(parent);
        drop(replaced);
        ROUNDS.fetch_add(1, Relaxed);
    }
}

fn main() -> ExitCode {
    (0..THREADS).for_each(|_| drop(std::thread::spawn(work)));
    let (start, mut seen) = (Instant::now(), (0, Instant::now()));
    while start.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(100));
        let rounds = ROUNDS.load(Relaxed);
        if rounds != seen.0 {
            seen = (rounds, Instant::now());
        } else if seen.1.elapsed() > PATIENCE {
            println!("hung after {rounds} rounds");
            return ExitCode::FAILURE;
        }
    }
    println!("no hang in {} rounds", seen.0);
    ExitCode::SUCCESS
}
