//! The `gcstorm` command.

fn main() {}
