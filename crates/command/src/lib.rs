//! What people see of gcstorm: the command line and reports.
//!
//! This is a separate crate so that it can be compiled in parallel with `gcstorm-core`, and without
//! optimisation, which takes most of the time of a build. It needs none, since nothing here is
//! called during a run. Use it through the crate `gcstorm`, which re-exports it: only the paths
//! there are stable.

pub mod cli;
pub mod report;

use gcstorm_core::{
    check, clock, diagnostic, digest, evidence, fuzz, heap, median, memory, plan, result, run,
    soak, workload,
};

#[cfg(test)]
use gcstorm_core::sample;
