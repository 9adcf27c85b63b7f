//! dumpster 2.1.0 without gcstorm: two threads drop the last two references to an object without
//! children, and now and then neither of them destroys it.
//!
//! Each drop holds a weak count meanwhile. The thread whose drop is not the last gives that back
//! without looking whether it was the last weak one; the other has seen it and left the object to
//! it.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use dumpster_2_1_0::sync::{self, Gc};
use dumpster_2_1_0::{TraceWith, Visitor};

const OBJECTS: usize = 2_000_000;

static DEATHS: AtomicUsize = AtomicUsize::new(0);
static ARRIVALS: AtomicUsize = AtomicUsize::new(0);

struct Leaf;

impl Drop for Leaf {
    fn drop(&mut self) {
        DEATHS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: there is no `Gc` to visit.
unsafe impl<V: Visitor> TraceWith<V> for Leaf {
    fn accept(&self, _: &mut V) -> Result<(), ()> {
        Ok(())
    }
}

/// Drops each reference at the moment at which the other thread drops its own.
fn drop_together(references: Vec<Gc<Leaf>>) {
    for (place, reference) in references.into_iter().enumerate() {
        ARRIVALS.fetch_add(1, Ordering::AcqRel);
        let mut looks = 0u32;
        while ARRIVALS.load(Ordering::Acquire) < 2 * (place + 1) {
            looks += 1;
            if looks.is_multiple_of(1000) {
                std::thread::yield_now();
            }
        }
        drop(reference);
    }
}

fn main() -> ExitCode {
    let ours: Vec<_> = (0..OBJECTS).map(|_| Gc::new(Leaf)).collect();
    let theirs = ours.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| drop_together(theirs));
        drop_together(ours);
    });
    (0..3).for_each(|_| sync::collect());
    let lost = OBJECTS - DEATHS.load(Ordering::Relaxed);
    println!("{lost} of {OBJECTS} objects were never destroyed");
    ExitCode::from(u8::from(lost > 0))
}
