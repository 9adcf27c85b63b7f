//! The `lock-free` heap: no global lock, no stop-the-world, and the same results.

mod cell;
mod core;
mod cycles;
mod list;
#[cfg(test)]
#[cfg(any(loom, shuttle))]
mod models;
mod mutator;
mod pace;
mod release;
mod shared;
mod shortcut;
mod slab;
mod stack;
#[cfg(test)]
#[cfg(not(any(loom, shuttle)))]
mod tests;
mod weak;
mod word;
mod worker;

pub use mutator::LockFreeMutator;

use std::sync::Arc;

use self::core::Core;
use super::{Belief, Caps, Census, Collection, Fault, Heap, HeapConfig, Seat, Stats};

/// See the module.
#[derive(Debug)]
pub struct LockFree {
    /// Before the core, which it uses.
    #[cfg(not(any(loom, shuttle)))]
    _collector: cycles::thread::CollectorThread,
    core: Arc<Core>,
}

/// Opens a heap. Its collector of cycles runs on a thread of its own until the heap is dropped; not
/// in models, where cycles are collected by `collect` and `settle` only.
///
/// # Panics
///
/// If the operating system refuses the thread.
pub fn open(config: &HeapConfig) -> LockFree {
    let core = Arc::new(Core::new(config));
    LockFree {
        #[cfg(not(any(loom, shuttle)))]
        _collector: cycles::thread::CollectorThread::start(&core),
        core,
    }
}

impl LockFree {
    fn core(&self) -> &Core {
        &self.core
    }

    /// Objects that were taken out of use and are not reusable yet: truncated, or dead, and waiting
    /// for a grace period. May be called at any time; a mutator's own count lags by a chunk.
    pub fn unreclaimed(&self) -> u64 {
        self.core.shared.unreclaimed()
    }
}

impl Heap for LockFree {
    type Mutator<'h> = LockFreeMutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            cycles: true,
            lists: true,
            counters: true,
            globals: true,
            weak: true,
            finalizers: false,
            certifies_death: true,
        }
    }

    fn attach(&self, seat: Seat) -> Result<LockFreeMutator<'_>, Fault> {
        Ok(LockFreeMutator::new(self, seat))
    }

    fn collect(&self) -> Result<Collection, Fault> {
        let collection = self.core.collect_now();
        self.core.faults.check()?;
        Ok(collection)
    }

    fn settle(&self) -> Result<(), Fault> {
        self.core.settle_now();
        self.core.faults.check()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        Some(self.core.census(visit))
    }

    fn stats(&self) -> Stats {
        self.core.stats()
    }
}
