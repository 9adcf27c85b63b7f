//! How to wait for other threads: first by giving the turn away, later by sleeping.
//!
//! Where more mutators run than there are processors, most are put aside in the middle of an
//! operation, under a pin, and a grace period takes as long as it takes each of them to run again.
//! It was tried to let each give its turn away without a pin before the system takes it. With 16
//! threads on two processors garbage came back sooner (a tenth was unreclaimed, and operations took
//! a fifth less processor time), but hardly an operation was interrupted any more, and beside other
//! busy processes hardly any two ran at the same time: churn of four threads met 4 contended slots
//! in four million operations where it had met hundreds. A heap that is here to be stressed must
//! not avoid the stress.

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
