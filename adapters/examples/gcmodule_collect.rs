//! gcmodule 0.3.3 without gcstorm: two threads collect in one space, and one of them follows the
//! references of an object that the other has just destroyed.
//!
//! A collection lets go of its locks before it drops the garbage, which stays in the list of
//! objects until its memory is released.

use std::sync::{LazyLock, Mutex};

use gcmodule::{ThreadedCc, ThreadedObjectSpace, Trace, Tracer};

const THREADS: usize = 2;
const ROUNDS: usize = 2000;
const PAIRS: usize = 500;

static SPACE: LazyLock<ThreadedObjectSpace> = LazyLock::new(ThreadedObjectSpace::default);

struct Node(Mutex<Vec<ThreadedCc<Node>>>);

impl Trace for Node {
    /// Nobody holds the lock: to borrow an object keeps the collector out.
    fn trace(&self, tracer: &mut Tracer<'_>) {
        for reference in self.0.try_lock().expect("nobody holds it").iter() {
            reference.trace(tracer);
        }
    }

    fn is_type_tracked() -> bool {
        true
    }
}

fn node() -> ThreadedCc<Node> {
    SPACE.create(Node(Mutex::default()))
}

fn point(from: &ThreadedCc<Node>, to: &ThreadedCc<Node>) {
    from.borrow().0.lock().expect("no panic").push(to.clone());
}

fn main() {
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    for _ in 0..PAIRS {
                        let (left, right) = (node(), node());
                        point(&left, &right);
                        point(&right, &left);
                    }
                    SPACE.collect_cycles();
                }
            });
        }
    });
    println!("no crash; {} objects are left", SPACE.count_tracked());
}
