//! dumpster 2.1.0 without gcstorm: a collection destroys what was dropped while it was under way.
//! That drops children, which asks whether a collection is due. If one is, the thread waits for
//! itself. Now and then an assertion of dumpster's fails instead (`drop_weak_zero`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use dumpster_2_1_0::sync::{self, Gc};
use dumpster_2_1_0::{TraceWith, Visitor};

const THREADS: usize = 3;
/// As long as this without progress is a hang.
const PATIENCE: Duration = Duration::from_secs(10);

static ROUNDS: AtomicUsize = AtomicUsize::new(0);
static PLACES: [Mutex<Option<Gc<Node>>>; 8] = [const { Mutex::new(None) }; 8];

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
        let mut place = PLACES[round % PLACES.len()].lock().expect("no panic");
        let replaced = place.replace(parent);
        drop(place);
        drop(replaced);
        // Hands the candidates over.
        if round % 64 == 0 {
            sync::collect();
        }
        ROUNDS.fetch_add(1, Relaxed);
    }
}

fn main() {
    std::thread::scope(|scope| {
        (0..THREADS).for_each(|_| drop(scope.spawn(work)));
        let mut seen = 0;
        for _ in 0..10 {
            std::thread::sleep(PATIENCE);
            let rounds = ROUNDS.load(Relaxed);
            if rounds == seen {
                println!("hung after {rounds} rounds");
                std::process::exit(1);
            }
            seen = rounds;
        }
        println!("no hang in {seen} rounds");
        std::process::exit(0);
    });
}
