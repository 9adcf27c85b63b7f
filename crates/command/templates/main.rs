//! gcstorm with the heap `@HEAP@`: `cargo run --release -- run`.

use std::process::ExitCode;

use gcstorm::memory::Counting;
use gcstorm::run::Registry;
use @CRATE@::open;

/// Counts what is allocated, so that a leak of a few bytes shows.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let heaps = Registry::builtin()
        .with("@HEAP@", "the heap of src/lib.rs", open)
        .by_default();
    gcstorm::cli::main(heaps)
}
