//! How to wait for other threads: first by giving the turn away, later by sleeping. And how not to
//! keep them waiting, where more workers are at work than there are processors.
//!
//! # Turns
//!
//! Then most workers wait for a processor at any time. The system takes it away wherever a worker
//! happens to be, which is under a pin; so no grace period would end before each of them had run
//! again, some 20 ms later with 16 workers on two processors. Until then nothing that dies is used
//! again: the workers run through all memory that there is, out of every cache, and then stand
//! still.
//!
//! So a worker gives its turn away by itself, *without a pin*, before the system would take it: at
//! the first refill or flush after [`TURN_NS`]. Then nobody waits for a grace period but for those
//! who run, and what a worker gives up comes back within its own turn. It is not held up by that,
//! since it stays ready to run: the system runs others meanwhile, as it would have done a little
//! later. So this is no pause of the heap's.
//!
//! Nothing depends on it but the pace. Neither place holds an uncounted pointer: a refill is the
//! middle of an allocation, which follows none, and a flush comes between operations.

use super::worker::Worker;
use crate::clock::Clock;
use crate::heap::fault::Faults;
use crate::sync::yield_now;

/// How long a turn is: short compared with what systems give (Linux some 1 to 4 ms), so that few
/// are cut off by it, and long compared with the cost of a switch between threads (some 2 us, and
/// what is not in the caches afterwards).
const TURN_NS: u64 = 250_000;

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

/// How many workers can run at the same time, as far as is known. In models all can: turns go by the
/// clock, and a model that is replayed must not.
pub(super) fn processors() -> u64 {
    match std::thread::available_parallelism() {
        Ok(most) if !cfg!(any(loom, shuttle)) => most.get() as u64,
        _ => u64::MAX,
    }
}

impl<F: Faults> Worker<'_, F> {
    /// Gives its turn away if others at work wait for one, and it is time: see the module.
    pub(super) fn take_turns(&mut self) {
        if !self.core.is_crowded() {
            return;
        }
        let clock = Clock::get();
        if clock.nanos(self.turn, clock.now()) >= TURN_NS {
            self.let_others(yield_now);
        }
    }
}

/// How often to wait before giving up: in all half a second or so where naps take as long as they
/// should, and longer on a machine that is overloaded.
pub(super) const PATIENCE: u32 = if cfg!(any(loom, shuttle)) { 16 } else { 5_000 };
