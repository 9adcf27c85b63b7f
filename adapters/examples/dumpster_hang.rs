//! dumpster 2.1.0 without gcstorm: a collection destroys what was dropped while it was under way.
//! That drops children, which asks whether a collection is due. If one is, the thread waits for
//! itself.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use dumpster_2_1_0::sync::Gc;
use dumpster_2_1_0::{TraceWith, Visitor};

const THREADS: usize = 3;
/// Seconds without progress that count as a hang, and seconds to wait for one.
const PATIENCE: u32 = 10;
const LIMIT: u32 = 100;

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
        let mut place = PLACES[round % PLACES.len()].lock().expect("no panic");
        let replaced = place.replace(parent);
        drop(place);
        drop(replaced);
        ROUNDS.fetch_add(1, Relaxed);
    }
}

/// Whether the threads got stuck.
fn hung() -> bool {
    let (mut seen, mut idle) = (0, 0);
    for _ in 0..LIMIT {
        std::thread::sleep(Duration::from_secs(1));
        let rounds = ROUNDS.load(Relaxed);
        idle = if rounds == seen { idle + 1 } else { 0 };
        if idle == PATIENCE {
            println!("hung after {rounds} rounds");
            return true;
        }
        seen = rounds;
    }
    false
}

fn main() {
    std::thread::scope(|scope| {
        (0..THREADS).for_each(|_| drop(scope.spawn(work)));
        // Ends the threads too.
        std::process::exit(i32::from(hung()));
    });
}
