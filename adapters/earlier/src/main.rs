//! Earlier versions of crates in gcstorm-adapters, by the same adapters.

#[path = "../../src/bacon_rajan_cc.rs"]
mod bacon_rajan_cc;
#[path = "../../src/rust_cc.rs"]
mod rust_cc;

use std::process::ExitCode;

use gcstorm::heap::{Owned, PointerHeap};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

bacon_rajan_cc::adapter!(bacon_0_3_0, bacon_rajan_cc);

fn main() -> ExitCode {
    let heaps = Registry::empty()
        .with("rust-cc-0.6.0", "`rust_cc::Cc`, on one thread", |config| {
            Owned::open(config, PointerHeap::<rust_cc::RustCc>::open)
        })
        .by_default()
        .with(
            "bacon-0.3.0",
            "`bacon_rajan_cc::Cc`, on one thread",
            |config| Owned::open(config, PointerHeap::<bacon_0_3_0::BaconRajan>::open),
        )
        .by_default();
    gcstorm::cli::main(heaps)
}
