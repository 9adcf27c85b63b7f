//! What the threads of one run share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

use super::any::Guarded;
use super::course::{Course, locked};
use super::first_done::FirstDone;
use super::record;
use super::rendezvous::Rendezvous;
use super::roots;
use super::settling::Settling;
use super::survey::Surveyor;
use super::writers::Writers;
use super::{Observer, Options};
use crate::evidence::ledger::{Producer, Roll};
use crate::evidence::{Ended, Moment, Survey};
use crate::heap::{Caps, ObjectId, Pauses, Stats};
use crate::plan::{Flow, Needs, Plan};

/// How many surveys made at pauses are kept whole. The observer found all others to be in order, or
/// the run would have ended there.
const SURVEYS_KEPT: usize = 32;

/// What the threads of one run share.
pub(super) struct Stage<'r> {
    pub(super) heap: Guarded<'r>,
    pub(super) caps: Caps,
    /// What the heap had counted before the run.
    pub(super) stats_before: Stats,
    /// Where the heap notes that it holds mutators up.
    pub(super) pauses: &'r Pauses,
    pub(super) plan: &'r Plan,
    pub(super) needs: Needs,
    /// By shared root: whether what mutators do to it is sampled.
    pub(super) roots: Vec<bool>,
    pub(super) options: &'r Options,
    pub(super) observer: &'r dyn Observer,
    /// The shared objects, by number.
    pub(super) objects: Vec<ObjectId>,
    pub(super) course: Course,
    pub(super) rendezvous: Rendezvous,
    pub(super) surveyor: Mutex<Option<Surveyor<'r>>>,
    pub(super) setup: Mutex<Producer>,
    pub(super) roll: Arc<Roll>,
    /// What there was when the first mutator was done.
    pub(super) first_done: OnceLock<FirstDone>,
    /// The mutators that record histories.
    pub(super) writers: Writers,
    pub(super) surveys: Mutex<Vec<Survey>>,
    surveys_made: AtomicU64,
    pub(super) settling: Settling,
    /// What the heap had counted when the mutators were done, before it was settled.
    pub(super) stats_done: OnceLock<Stats>,
    /// Whether the one allocation that is to fail on purpose is still to come.
    pub(super) refusal: Arc<AtomicBool>,
}

impl<'r> Stage<'r> {
    /// The stage of a run that has not begun. `setup` made the shared `objects`. If it met the
    /// allocation that is to be refused, `refusal` is no longer set.
    pub(super) fn new(
        (heap, stats_before, pauses): (Guarded<'r>, Stats, &'r Pauses),
        plan: &'r Plan,
        options: &'r Options,
        observer: &'r dyn Observer,
        course: Course,
        (setup, roll, objects, refusal): (Producer, Arc<Roll>, Vec<ObjectId>, Arc<AtomicBool>),
    ) -> Self {
        let flow = Flow::of(plan);
        Self {
            heap,
            // A heap that panics is asked again in the end, which is when it has crashed.
            caps: heap.caps().unwrap_or(Caps::NONE),
            stats_before,
            pauses,
            plan,
            needs: flow.needs,
            roots: roots::looked_at(flow, options),
            options,
            observer,
            objects,
            course,
            rendezvous: Rendezvous::new(plan.mutators.len()),
            surveyor: Mutex::new(None),
            setup: Mutex::new(setup),
            roll,
            first_done: OnceLock::new(),
            writers: Writers::new(record::involved(plan)),
            surveys: Mutex::new(Vec::new()),
            surveys_made: AtomicU64::new(0),
            settling: Settling::default(),
            stats_done: OnceLock::new(),
            refusal,
        }
    }

    /// How many surveys were made.
    pub(super) fn surveys_made(&self) -> u64 {
        self.surveys_made.load(Relaxed)
    }

    /// Keeps a survey, and asks whether to go on.
    pub(super) fn keep(&self, survey: Survey) {
        self.surveys_made.fetch_add(1, Relaxed);
        if self.observer.surveyed(&survey).is_break() && survey.moment == Moment::Pause {
            self.course.end(Ended::Violated);
        }
        let mut surveys = locked(&self.surveys);
        if surveys.len() >= SURVEYS_KEPT {
            surveys.remove(0);
        }
        surveys.push(survey);
    }
}
