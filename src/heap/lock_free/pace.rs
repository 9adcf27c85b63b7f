//! How to wait for others when there is nothing else to do: first politely, then at length.

use crate::sync::yield_now;

/// Turns given away before a waiter sleeps.
#[cfg(not(any(loom, shuttle)))]
const YIELDS: u32 = 64;
/// How long a sleeper sleeps: longer than a scheduler's tick costs, shorter than anyone notices.
#[cfg(not(any(loom, shuttle)))]
const NAP: std::time::Duration = std::time::Duration::from_micros(50);

/// Waits a little; `patience` counts the calls in a row.
pub(super) fn wait(patience: u32) {
    #[cfg(not(any(loom, shuttle)))]
    if patience >= YIELDS {
        std::thread::sleep(NAP);
        return;
    }
    let _ = patience;
    yield_now();
}

/// How often to wait before giving up: half a second or so.
pub(super) const PATIENCE: u32 = if cfg!(any(loom, shuttle)) { 16 } else { 5_000 };
