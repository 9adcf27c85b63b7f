//! One run that can start, with everything that code needs which makes, shows or reproduces it.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use crate::heap::Fault;
use crate::plan::{Pace, Plan, Requirement};
use crate::result;
use crate::run::{Entry, Options};

/// One run that can start.
#[derive(Debug)]
pub(super) struct RunTask<'r> {
    pub(super) heap: &'r Entry,
    pub(super) plan: Arc<Plan>,
    pub(super) options: Options,
    /// The runs on the same heap, if runs share one.
    pub(super) series: Option<Series>,
    /// The arguments that named the workload or the case.
    pub(super) asked_as: Vec<OsString>,
    /// The text of the workload or the case, if it is in a file: what was planned is what is run,
    /// even if the file has changed since, or can be read only once.
    pub(super) text: Option<Arc<str>>,
    /// The arguments that set parameters.
    pub(super) overrides_as: Vec<OsString>,
    /// The rate that the command line sets.
    pub(super) rate: Option<Pace>,
    /// The limit that the command line sets on time without progress.
    pub(super) time_limit: Option<Duration>,
    /// What the command line requires in addition to the workload.
    pub(super) required: Vec<Requirement>,
    /// The case names a fault, but the command line says `--fault none`.
    pub(super) fault_is_waived: bool,
}

/// Runs of one workload that share a heap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    /// The seed of the first.
    pub(super) first_seed: u64,
    /// How many there are; each seed is one more than the one before.
    pub(super) runs: u64,
}

impl RunTask<'_> {
    /// What the runs on one heap have in common.
    pub(super) fn heap_key(&self) -> (Vec<OsString>, String) {
        (self.asked_as.clone(), self.subject())
    }

    /// Whether no later run is on the same heap.
    pub(super) fn is_last_on_its_heap(&self) -> bool {
        self.series
            .is_none_or(|series| self.plan.seed == series.first_seed.wrapping_add(series.runs - 1))
    }

    /// The heap, and the fault that is planted in it.
    pub(super) fn subject(&self) -> String {
        result::subject(&self.heap.name, self.options.fault.map(Fault::name))
    }

    /// How many threads the run needs at a time: one for each mutator, one that measures how the
    /// system schedules threads, and one that the heap may have for itself.
    pub(super) fn threads(&self) -> usize {
        self.plan.mutators.len() + 2
    }
}
