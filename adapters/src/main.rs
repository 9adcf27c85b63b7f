//! Published crates of counted pointers, on gcstorm's command line.

mod arc_mutex;
mod dumpster_sync;
mod rust_cc;

use std::process::ExitCode;

use gcstorm::heap::{Owned, PointerHeap};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let heaps = Registry::empty()
        .with(
            "arc-mutex",
            "std's `Arc` and `Mutex`, no cycles",
            PointerHeap::<arc_mutex::ArcMutex>::open,
        )
        .by_default()
        .with("dumpster", "`dumpster::sync::Gc` 2.1", dumpster_sync::open)
        .by_default()
        .with("rust-cc", "`rust_cc::Cc` 0.6, on one thread", |config| {
            Owned::open(config, PointerHeap::<rust_cc::RustCc>::open)
        })
        .by_default();
    gcstorm::cli::main(heaps)
}
