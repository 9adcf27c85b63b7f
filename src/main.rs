//! The `gcstorm` command.

use std::process::ExitCode;

use gcstorm::run::Registry;

fn main() -> ExitCode {
    gcstorm::cli::main(Registry::builtin())
}
