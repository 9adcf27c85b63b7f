//! Looking for what is wrong: random programs, and faults that are planted on purpose.
//!
//! [`programs`] is a strategy of random [cases](crate::plan::Case) that shrink. The [`model`] says what
//! must come of one where all is done in one order; a [`Hunt`] tries one after the other, and shrinks
//! what fails.
//!
//! A check that has never failed may be one that cannot. The [`catalogue`] says of each fault that
//! can be planted where it shows, which checks should catch it, and how surely. The [`matrix`] says
//! which runs are to be tried for that and what they came to, each of them in short a [`Sighting`].
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
pub use attempt::{by_steps, check_steps, on_threads};
pub use hunt::{Attempt, Bag, Failure, Hunt, HuntBudget, HuntProgress, HuntWatch};
pub use model::{CRASHED, Deaths, Finding, judge, judge_deaths, judge_race};
pub use programs::{CaseTree, Programs, programs};
pub use sighting::{At, Sighting};
