//! The options of the commands, as clap reads them.
//!
//! Options know nothing of the commands that take them: those stand above. The command line as a
//! whole is put together in [`command_line`](super::command_line); `soak` keeps its options beside
//! itself.

mod begin;
mod duel;
mod fuzz;
mod results;
mod run;
mod selftest;

pub(super) use begin::{Init, Tour};
pub(super) use duel::Duel;
pub(super) use fuzz::{Fuzz, Replay, ScheduleArg};
pub(super) use results::{Compare, Format, FormatArg, Merge, ReportArgs};
pub(super) use run::{IsolateArg, Run, TimingArg};
pub(super) use selftest::Selftest;
