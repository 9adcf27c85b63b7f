//! What gcstorm runs and judges: the contract of heaps and the heaps that come with it, plans and the
//! workloads that they are made of, runs, their evidence, and the checks.
//!
//! It is a crate of its own so that it alone is optimised, and so that what shows results can be compiled
//! beside it. Use it through the crate `gcstorm`, which hands it on; only that name is promised to stay.

pub mod check;
pub mod clock;
#[doc(hidden)]
pub mod diagnostic;
#[doc(hidden)]
pub mod digest;
pub mod evidence;
pub mod heap;
pub mod memory;
#[doc(hidden)]
pub mod own_time;
pub mod plan;
pub mod run;
pub mod sync;
pub mod workload;
