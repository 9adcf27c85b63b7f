//! One output format a file; pure functions of [results](crate::result).
//!
//! Text formats carry ANSI styles; whoever prints them strips the styles where they are not wanted.

mod beside;
mod collected;
mod columns;
mod commonmark;
pub mod compare;
pub(crate) mod crash;
mod failure;
pub mod headline;
pub mod history;
mod hlog;
mod html;
pub mod hunt;
mod junit;
mod lane_row;
mod look;
mod markdown;
pub mod matrix;
pub mod merge;
pub(crate) mod prose;
pub mod soak;
pub(crate) mod stacks;
mod style;
mod summary;
mod table;
mod versus;

pub use collected::{Absence, Absent, Collected, Group, Member, skips};
pub use failure::{TURNS_MAX, failure, recipe};
pub use hlog::hlog;
pub use html::html;
pub use junit::{JunitHunt, junit, junit_of_hunts};
pub use look::{Detail, Look, Width};
pub use markdown::markdown;
pub(crate) use prose::{only_styled, shown, wrapped};
pub use style::{ERROR, FAINT, HELP, STRONG, WARNING, of_outcome, of_verdict, paint};
pub use summary::summary;
pub use table::table;
