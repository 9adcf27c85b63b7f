//! The `gcstorm` command.

use std::process::ExitCode;

use gcstorm::memory::Counting;
use gcstorm::run::Registry;

/// So that a soak sees a leak of a few bytes.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    gcstorm::cli::main(Registry::builtin())
}
