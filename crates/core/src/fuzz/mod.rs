//! Random programs against heaps, and planted faults against checks.
//!
//! [`programs`] is a proptest strategy of random [cases](crate::plan::Case) that shrink. The
//! [`model`] says what the result of a case must be, given the order of its operations. A [`Hunt`]
//! tries case after case and shrinks those that fail.
//!
//! A check that has never failed may be unable to fail. So the [`catalogue`] lists, for each fault
//! that can be planted, the runs that show it, the checks that should catch it, and how reliably
//! they do. The [`matrix`] plans these runs and scores their results; each result is summed up as a
//! [`Sighting`].
//!
//! Nothing here prints.

mod attempt;
pub mod catalogue;
#[cfg(all(test, shuttle))]
mod controlled;
mod hunt;
pub mod matrix;
pub mod model;
mod programs;
mod sighting;

#[cfg(shuttle)]
pub use attempt::{Raced, by_schedules};
pub use attempt::{by_steps, check_steps, lacking, on_threads};
pub use hunt::{
    AsFound, Attempt, Bag, Elsewhere, Failure, HangLimit, Hunt, HuntBudget, HuntProgress,
};
pub use hunt::{HuntWatch, SWEEP_MAX, Sweep, Swept};
pub use model::{CRASHED, Deaths, Finding, HUNG, judge, judge_deaths, judge_race};
pub use programs::{CaseTree, Programs, programs};
pub use sighting::{At, Sighting};
