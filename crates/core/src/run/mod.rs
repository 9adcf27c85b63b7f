//! One plan on one heap: attach, start together, run, settle, survey.
//!
//! A run is a function of a plan, a heap and a schedule, and its outcome is
//! [`Evidence`](crate::evidence::Evidence). What went wrong with the heap is data in it; a run
//! itself cannot fail. It does not know how the evidence is judged or displayed. An [`Observer`] is
//! told of progress, and asked after each survey at a pause whether to go on.

mod any;
mod assemble;
mod attest;
mod builtin;
#[cfg(shuttle)]
mod controlled;
mod course;
mod entry;
mod executor;
mod first_done;
mod forced;
mod gap;
mod held_up;
mod hiccups;
mod histories;
mod host;
mod interleavings;
mod libraries;
mod meet;
mod monitor;
mod paced;
mod pacer;
mod painter;
mod patience;
mod place;
mod pops;
mod python;
mod record;
mod recording;
mod registry;
mod rendezvous;
mod roots;
mod seat;
mod settling;
mod shadow;
mod slow;
mod stage;
mod stamps;
mod steps;
mod stops;
mod stopwatch;
mod storm;
mod stride;
mod survey;
mod teardown;
mod times;
mod walk;
mod watch;
mod writers;

#[cfg(shuttle)]
pub use controlled::{Exploration, Explored, Judge, SCHEDULES};
pub use entry::{Entry, Opened};
pub use host::HostFacts;
pub use libraries::{is_path, library_file};
pub use patience::Patience;
pub use python::{found as pythons, is_python};
pub use registry::Registry;
pub use steps::{config_for, step_through};
pub use storm::run;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::evidence::{Picture, Survey};
use crate::heap::{Fault, Ordeal, Points};

/// How a plan is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// When to stop.
    pub budget: Budget,
    /// When to survey.
    pub verify: Verify,
    /// Which operations to time.
    pub timing: Timing,
    /// How long a waiter leaves the holder of a global lock alone.
    pub switch_interval: Duration,
    /// A fault to plant in the heap, or in how the harness sees it.
    pub fault: Option<Fault>,
    /// Hold threads up at these points of the heap's operations, for times drawn from the seed.
    pub delays: Option<Points>,
    /// Refuse the allocation of this number, counted over all mutators.
    pub fail_alloc: Option<u64>,
    /// Make a collection take this much longer, again and again but for less than a fifth of the
    /// time.
    pub slow_collection: Option<Duration>,
    /// Each mutator collects after so many operations of its own, drawn anew from the seed.
    pub collect_every: Option<CollectEvery>,
    /// Record the history of what threads share: up to this many events of each mutator at the
    /// beginning of the run, and a quarter of that in each of a few windows later on.
    pub history: Option<u64>,
    /// Ask the interpreter when its collector begins and ends, which changes when it does.
    pub gc_callbacks: Callbacks,
    /// How long a run in a process of its own may make no progress before it counts as hung.
    pub patience: Option<Duration>,
    /// Set from outside to end the run early; what it did until then is judged.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget: Budget::Workload,
            verify: Verify::End,
            timing: Timing::Every,
            switch_interval: Duration::from_millis(5),
            fault: None,
            delays: None,
            fail_alloc: None,
            slow_collection: None,
            collect_every: None,
            history: None,
            gc_callbacks: Callbacks::Unused,
            patience: None,
            interrupt: Arc::default(),
        }
    }
}

impl Options {
    /// What is to be done to the heap on purpose, if anything.
    fn ordeal(&self, seed: u64) -> Option<Ordeal> {
        let fault = self
            .fault
            .filter(|fault| !Fault::OF_HARNESS.contains(fault));
        let is_sound = fault.is_none() && self.delays.is_none() && self.fail_alloc.is_none();
        if is_sound && self.slow_collection.is_none() {
            return None;
        }
        let mut ordeal = Ordeal::default().with_fault(fault);
        if let Some(points) = self.delays {
            ordeal = ordeal.with_delays(points, seed);
        }
        if let Some(at) = self.fail_alloc {
            ordeal = ordeal.with_refusal(at);
        }
        if let Some(span) = self.slow_collection {
            ordeal = ordeal.with_slow_collection(span, Arc::clone(&self.interrupt));
        }
        Some(ordeal)
    }
}

/// When a run ends, if nothing ends it earlier. Threads in the background end with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// When the workload's own `rounds` are done.
    Workload,
    /// After this time.
    Duration(Duration),
    /// After this many rounds of each thread.
    Rounds(u64),
    /// After this many operations, shared evenly between the threads.
    Ops(u64),
}

/// How many operations lie between two forced collections of one mutator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectEvery {
    /// At least this many, and at least one.
    pub least: u64,
    /// At most this many.
    pub most: u64,
}

/// When the heap is surveyed. It always is at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Only at the end.
    End,
    /// Also at a pause whenever a mutator has done this many operations since the last pause.
    Every(u64),
}

/// Which operations are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// All.
    Every,
    /// One in 61.
    Sampled,
    /// None.
    Off,
}

/// Whether `gc.callbacks` of an interpreter are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callbacks {
    /// To measure how long collections take.
    Used,
    /// They are not.
    Unused,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Since the common start.
    pub elapsed: Duration,
    /// Operations done, over all mutators; a batch late.
    pub ops: u64,
    /// Surveys made.
    pub surveys: u64,
    /// A number that changes whenever the run makes progress: with operations, with parts of the
    /// setup and of surveys, with what the heap reports of itself, and while a mutator waits
    /// because its program says so.
    pub steps: u64,
    /// Objects that were made and have not died, by their tags.
    pub live: Option<u64>,
    /// Objects that were unlinked, or died, and whose memory cannot be used again yet, if the heap
    /// reports that.
    pub unreclaimed: Option<u64>,
    /// Resident memory of the process, in bytes; 0 if the system does not report it.
    pub rss_bytes: u64,
    /// For how long the heap has been settling, while it is: nothing else goes on meanwhile.
    pub settling: Option<Duration>,
}

/// Watches a run.
pub trait Observer: Sync {
    /// Called some times a second.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }

    /// Asked after each survey at a pause, on the thread of a mutator, whether to go on.
    fn surveyed(&self, survey: &Survey) -> ControlFlow<()> {
        let _ = survey;
        ControlFlow::Continue(())
    }

    /// Asked before the survey at the end whether the observer wants a picture, which takes a
    /// second walk.
    fn wants_picture(&self) -> bool {
        false
    }

    /// Receives the picture of the state at the end, if it wanted one.
    fn painted(&self, picture: Picture) {
        let _ = picture;
    }
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
