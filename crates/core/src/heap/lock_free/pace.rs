//! How to wait for other threads: first by giving the turn away, later by sleeping.

use crate::sync::yield_now;

/// How many times a waiter gives its turn away before it sleeps.
#[cfg(not(any(loom, shuttle)))]
const YIELDS: u32 = 64;
/// How long a waiter sleeps: long compared with the cost of a switch between threads, and too short
/// to matter to whoever waits for a collection.
#[cfg(not(any(loom, shuttle)))]
const NAP: std::time::Duration = std::time::Duration::from_micros(50);

/// Waits a little. `patience` is the number of waits in a row before this one.
pub(super) fn wait(patience: u32) {
    #[cfg(not(any(loom, shuttle)))]
    if patience >= YIELDS {
        std::thread::sleep(NAP);
        return;
    }
    let _ = patience;
    yield_now();
}

/// Lets others go on for the shortest time that the system knows: some 60 us.
pub(super) fn breathe() {
    #[cfg(not(any(loom, shuttle)))]
    std::thread::sleep(std::time::Duration::from_micros(1));
    #[cfg(any(loom, shuttle))]
    yield_now();
}

/// How often to wait before giving up: in all half a second or so where naps take as long as they
/// should, and longer on a machine that is overloaded.
pub(super) const PATIENCE: u32 = if cfg!(any(loom, shuttle)) { 16 } else { 5_000 };
