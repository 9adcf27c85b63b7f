//! What gcstorm runs and judges: the contract of heaps and the heaps that come with it, plans and
//! the workloads that they are made of, runs, their evidence, the checks, random programs, results,
//! and the journals of soaks.
//!
//! This is a separate crate so that the command line and reports can be compiled in parallel with
//! it, and without the optimisation that is needed here. Use it through the crate `gcstorm`, which
//! re-exports it: only the paths there are stable.

pub mod check;
pub mod clock;
#[doc(hidden)]
pub mod diagnostic;
#[doc(hidden)]
pub mod digest;
pub mod evidence;
pub mod fuzz;
pub mod heap;
#[doc(hidden)]
pub mod median;
pub mod memory;
#[doc(hidden)]
pub mod own_time;
pub mod plan;
pub mod result;
pub mod run;
#[doc(hidden)]
pub mod sample;
pub mod soak;
pub mod sync;
pub mod workload;
