//! How to wait for other threads when there is nothing else to do: first by yielding, then by sleeping.

use crate::sync::yield_now;

/// How often a waiter yields before it sleeps.
#[cfg(not(any(loom, shuttle)))]
const YIELDS: u32 = 64;
/// How long a waiter sleeps: longer than a switch of threads costs, shorter than anybody notices.
#[cfg(not(any(loom, shuttle)))]
const NAP: std::time::Duration = std::time::Duration::from_micros(50);

/// Waits a little. `patience` is how many times in a row the caller has waited before.
pub(super) fn wait(patience: u32) {
    #[cfg(not(any(loom, shuttle)))]
    if patience >= YIELDS {
        std::thread::sleep(NAP);
        return;
    }
    let _ = patience;
    yield_now();
}

/// How often to wait before giving up: for about half a second.
pub(super) const PATIENCE: u32 = if cfg!(any(loom, shuttle)) { 16 } else { 5_000 };
