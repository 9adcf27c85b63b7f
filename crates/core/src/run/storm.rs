//! One whole run: shared objects, threads, and the state that they share.
//!
//! What a mutator does is in [`seat`], what watches the mutators in `monitor`, what comes after
//! them in `teardown`, and how the evidence is put together in `assemble`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::evidence::ledger::{Producer, Roll};
use crate::evidence::{Ended, Evidence};
use crate::heap::{Heap, ObjectId, Pauses, Seat, Slot, Stats};
use crate::plan::Plan;

use super::any::{AnyHeap, Fast, Guarded, guarded};
use super::course::Course;
use super::monitor::Watched;
use super::place::Place;
use super::seat::{self, Outcome};
use super::stage::Stage;
use super::{Observer, Options};

/// Runs a plan on a heap, in which nothing is alive. `pauses` is what the heap was opened with.
pub fn run<H: Heap + Sync>(
    name: &str,
    heap: &H,
    pauses: &Pauses,
    plan: &Plan,
    options: &Options,
    observer: &dyn Observer,
) -> Evidence {
    run_any(name, &Fast(heap), pauses, plan, options, observer)
}

/// Runs a plan on a heap of any type.
pub(super) fn run_any(
    name: &str,
    heap: &dyn AnyHeap,
    pauses: &Pauses,
    plan: &Plan,
    options: &Options,
    observer: &dyn Observer,
) -> Evidence {
    let mutators = plan.mutators.len();
    let heap = Guarded(heap);
    let course = Course::new(plan);
    let stats_before = heap.stats().unwrap_or_else(|panicked| {
        course.end_in_panic("the setup", &panicked);
        Stats::default()
    });
    let roll = Arc::<Roll>::default();
    let number = u32::try_from(mutators).unwrap_or(u32::MAX);
    let mut setup = Producer::on(Arc::clone(&roll), number);
    let refusal = Arc::new(AtomicBool::new(options.fail_alloc.is_some()));
    let shared = guarded("attach", || share_objects(heap, plan, &mut setup, &refusal));
    let objects = match shared {
        Ok(Ok(objects)) => objects,
        Ok(Err(ended)) => {
            course.end(ended);
            Vec::new()
        }
        Err(panicked) => {
            course.end_in_panic("the setup", &panicked);
            Vec::new()
        }
    };
    let of_heap = (heap, stats_before, pauses);
    let made = (setup, roll, objects, refusal);
    let stage = Stage::new(of_heap, plan, options, observer, course, made);
    let (outcomes, watched) = match stage.course.reason() {
        Ended::Done => stage.perform(),
        _ => (Vec::new(), Watched::default()),
    };
    stage.evidence(name, outcomes, watched)
}

/// Makes the shared objects and publishes them. If one of these allocations is the one that is to
/// fail on purpose, it is repeated, since there is no run without its shared objects.
fn share_objects(
    heap: Guarded<'_>,
    plan: &Plan,
    producer: &mut Producer,
    refusal: &AtomicBool,
) -> Result<Vec<ObjectId>, Ended> {
    let setup = || "the setup".to_owned();
    let no_room = || Ended::OutOfMemory { mutator: setup() };
    let number = u32::try_from(plan.mutators.len()).unwrap_or(u32::MAX);
    let seat = Seat { number, slots: 1 };
    let mut mutator = heap.0.attach(seat).map_err(|defect| Ended::Defect {
        mutator: setup(),
        defect,
    })?;
    plan.objects
        .iter()
        .map(|object| {
            let mut make = || {
                let tag = producer.birth(object.shape)?;
                let id = tag.id();
                mutator.alloc(Slot(0), object.shape, tag).map(|()| id)
            };
            let made = match make() {
                // Relaxed: one mutator takes the refusal, and nothing else depends on it.
                Err(_) if refusal.swap(false, Relaxed) => make(),
                made => made,
            };
            let id = made.map_err(|_| no_room())?;
            mutator.publish(object.global, Slot(0));
            Ok(id)
        })
        .collect()
}

impl Stage<'_> {
    /// Starts every mutator on a thread of its own, and watches until all have returned.
    ///
    /// # Panics
    ///
    /// If the system cannot start a thread. The threads that were started return first, instead of
    /// waiting for the missing one for ever.
    fn perform(&self) -> (Vec<Outcome>, Watched) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.plan.mutators.len())
                .map(|number| {
                    std::thread::Builder::new()
                        .name(self.plan.mutators[number].name.clone())
                        .spawn_scoped(scope, move || self.thread(number))
                        .inspect_err(|_| {
                            self.course.stop();
                            self.depart(number);
                        })
                })
                .collect();
            let watched = self.monitor(scope);
            let outcomes = threads
                .into_iter()
                .map(|thread| thread.expect("the system can start a thread"))
                .filter_map(|thread| thread.join().ok().flatten());
            (outcomes.collect(), watched)
        })
    }

    /// What a mutator's thread does. A panic in it is the heap's: it becomes data and is not passed
    /// on.
    ///
    /// The mutator's place outlives the panic, so that it is not dropped while the thread unwinds:
    /// a heap whose lock was poisoned by the first panic panics again when its mutator is dropped,
    /// and would take the process with it.
    fn thread(&self, number: usize) -> Option<Outcome> {
        let name = &self.plan.mutators[number].name;
        let mut place: Option<Place<'_>> = None;
        let sat = guarded("an operation", || seat::sit(self, number, &mut place));
        let outcome = sat.unwrap_or_else(|panicked| {
            self.course.end(Ended::Panicked {
                mutator: name.clone(),
                message: panicked.message,
            });
            None
        });
        if let Err(panicked) = guarded("the drop of a mutator", || drop(place)) {
            self.course.end_in_panic(name, &panicked);
        }
        if !self.plan.mutators[number].background && outcome.is_none() {
            self.course.foreground_done();
        }
        self.depart(number);
        outcome
    }

    /// Makes sure that nobody waits for this mutator any more.
    fn depart(&self, number: usize) {
        self.rendezvous.leave(number);
        self.course.thread_returned();
    }
}
