//! When to collect, for crates that never do so by themselves: by the number of births.

use std::cell::Cell;

/// Births on a thread between two collections, at least.
const LEAST: usize = 20_000;

thread_local! {
    /// Births until the next collection.
    static LEFT: Cell<usize> = const { Cell::new(LEAST) };
}

/// Notes a birth on this thread. A collection is due again after half as many births as there are
/// objects, which `tracked` counts, so that a large heap is not looked through all the time.
pub(crate) fn collection_is_due(tracked: impl FnOnce() -> usize) -> bool {
    let left = LEFT.get();
    if left == 0 {
        LEFT.set(LEAST.max(tracked() / 2));
    } else {
        LEFT.set(left - 1);
    }
    left == 0
}
