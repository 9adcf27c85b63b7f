//! The heaps that come with the program.

use crate::heap::counted::{self, CAPACITY_MAX, open_gil, open_gil_with, open_racy};
use crate::heap::lock_free;
use crate::heap::{Defect, Heap, HeapConfig};

use super::Registry;

impl Registry {
    /// The heaps that come with the program.
    pub fn builtin() -> Self {
        Self::empty()
            .with(
                "gil",
                "counts references and collects cycles under a global lock",
                |config| within_capacity(config, open_gil),
            )
            .plantable(counted::PLANTABLE, |config, ordeal| {
                within_capacity(config, |config| open_gil_with(config, ordeal))
            })
            .by_default()
            .with(
                "lock-free",
                "shared lists without a lock, and cycles collected while the program runs",
                |config| Ok(lock_free::open(config)),
            )
            .plantable(lock_free::PLANTABLE, |config, ordeal| {
                Ok(lock_free::open_with(config, ordeal))
            })
            .by_default()
            .with(
                "racy",
                "broken on purpose: `gil` with the lock taken away",
                |config| within_capacity(config, open_racy),
            )
            .broken()
            .built_in()
    }
}

fn within_capacity<H: Heap>(
    config: &HeapConfig,
    open: impl FnOnce(&HeapConfig) -> H,
) -> Result<H, Defect> {
    if config.capacity > CAPACITY_MAX {
        return Err(Defect::Other {
            message: format!(
                "failed to make room for {} objects: the heap holds {CAPACITY_MAX} at most",
                config.capacity
            ),
        });
    }
    Ok(open(config))
}
