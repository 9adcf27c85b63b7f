//! What people see of gcstorm: the command line and reports.
//!
//! It is a crate of its own so that it can be compiled beside what runs and judges (`gcstorm-core`), and
//! without optimisation, which takes most of the time of a build. Nothing here is called during a run. Use
//! it through the crate `gcstorm`, which hands it on; only that name is promised to stay.

pub mod cli;
pub mod report;

use gcstorm_core::{
    check, clock, diagnostic, digest, evidence, fuzz, heap, median, memory, own_time, plan, result,
    run, soak, workload,
};
