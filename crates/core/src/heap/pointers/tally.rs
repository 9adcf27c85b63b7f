//! How many objects died in collections, which most crates do not count.
//!
//! Collectors belong to the process or to a thread and not to a heap, so the sums are those of the
//! process; a run takes the difference.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Collections in which something died. One that found nothing is not seen from outside.
static COLLECTIONS: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

/// Who is at work on a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The program.
    Program,
    /// The collector, since it said that a collection was due.
    Due,
    /// The collector, within [`collecting`].
    Within,
}

thread_local! {
    static STAGE: Cell<Stage> = const { Cell::new(Stage::Program) };
    /// Deaths since the collector began.
    static DEATHS: Cell<u64> = const { Cell::new(0) };
}

/// Calls what may collect on this thread: what dies meanwhile counts as freed by a collection.
pub fn collecting<R>(collect: impl FnOnce() -> R) -> R {
    let _ends = Ends(STAGE.replace(Stage::Within));
    collect()
}

/// Ends a collection when it is dropped, also if that panicked. Holds who was at work before.
struct Ends(Stage);

impl Drop for Ends {
    fn drop(&mut self) {
        STAGE.set(self.0);
        if self.0 == Stage::Program {
            add();
        }
    }
}

/// For crates that ask a function whether a collection is due, and then collect on the same thread:
/// what dies from now on until the next question counts as freed by a collection. Returns its
/// argument.
pub fn collection_due(is_due: bool) -> bool {
    if STAGE.get() != Stage::Within {
        add();
        STAGE.set(if is_due { Stage::Due } else { Stage::Program });
    }
    is_due
}

fn add() {
    let deaths = DEATHS.take();
    if deaths > 0 {
        // Relaxed: two sums.
        COLLECTIONS.fetch_add(1, Relaxed);
        FREED.fetch_add(deaths, Relaxed);
    }
}

pub(super) fn collections() -> u64 {
    COLLECTIONS.load(Relaxed)
}

pub(super) fn freed() -> u64 {
    FREED.load(Relaxed)
}

/// Counts a death when it is dropped, beside the tag, which records it.
#[derive(Debug)]
pub(super) struct Death;

impl Drop for Death {
    #[inline]
    fn drop(&mut self) {
        if STAGE.get() != Stage::Program {
            DEATHS.set(DEATHS.get() + 1);
        }
    }
}
