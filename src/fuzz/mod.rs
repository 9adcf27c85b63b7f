//! Proving that the checks can fail: faults planted on purpose, and what should become of them.
//!
//! A check that has never failed may be one that cannot. The [`catalogue`] says of each fault that
//! can be planted where it shows, which checks should catch it, and how surely. The [`matrix`] says
//! which runs are to be tried for that and what they came to, each of them in short a [`Sighting`].
//! Nothing here runs, reads time or prints.

pub mod catalogue;
pub mod matrix;
pub mod model;
mod programs;
mod sighting;
mod steps;

pub use model::{Finding, judge};
pub use programs::{CaseTree, Programs, programs};
pub use sighting::{At, Sighting};
pub use steps::check_steps;
