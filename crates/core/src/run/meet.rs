//! What a mutator does at a rendezvous: it starts with the others, or takes its step of a survey.
//!
//! Every wait happens while the mutator is [idle](Mutator::idle), so that a heap that has a lock
//! can give it to those that have not arrived.

use std::sync::PoisonError;

use crate::clock::Clock;
use crate::evidence::{Ended, Moment};
use crate::heap::Defect;

use super::any::at_home;
use super::rendezvous::{Abandoned, Intent, Purpose, Round};
use super::seat::Sitter;
use super::stage::Stage;
use super::survey::{Surveyor, Witness};

/// How long a list may be whose elements are kept at the beginning of a window of the history: a
/// result with some of them remains a few megabytes.
const WINDOW_CONTENTS_MAX: u64 = 20_000;

impl Sitter<'_, '_> {
    /// Waits for the others, and takes part in the start or the survey.
    pub(super) fn meet(&mut self, intent: Intent) -> Purpose {
        let (rendezvous, number) = (&self.stage.rendezvous, self.number);
        let round = self.wait(|| rendezvous.arrive(number, intent));
        // An abandoned round has no survey; the thread that left has ended the run.
        let abandoned = match round.purpose {
            Intent::Start => {
                self.stage.course.started.get_or_init(|| Clock::get().now());
                false
            }
            Intent::Pause => self.survey(round, Moment::Pause).is_err(),
            Intent::Done => self.survey(round, Moment::End).is_err(),
        };
        if round.place == 0 && !abandoned {
            rendezvous.close();
        } else {
            self.wait(|| rendezvous.await_close());
        }
        round.purpose
    }

    /// Waits while the mutator is idle. A heap whose `idle` comes back without having waited ends
    /// the run; the others wait for this mutator all the same, so it waits here.
    fn wait<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let (mut wait, mut waited) = (Some(wait), None);
        self.place
            .mutator()
            .idle(&mut || waited = wait.take().map(|wait| wait()).or(waited.take()));
        match (waited, wait) {
            (Some(waited), _) => waited,
            (None, Some(wait)) => {
                self.stage.course.end(Ended::Defect {
                    mutator: self.plan.name.clone(),
                    defect: Defect::Other {
                        message: "`idle` returned without calling `wait`".to_owned(),
                    },
                });
                wait()
            }
            (None, None) => unreachable!("a wait that was called has returned"),
        }
    }

    fn survey(&mut self, round: Round, moment: Moment) -> Result<(), Abandoned> {
        let stage = self.stage;
        if round.place == 0 {
            self.wait(|| {
                let surveyor = open_survey(stage, moment);
                *stage
                    .surveyor
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(surveyor);
            });
            stage.rendezvous.finish_step();
        }
        self.await_step(1 + round.place)?;
        self.testify(round);
        stage.course.deeds[self.number].get_on();
        // The mutator is idle before the step ends, so that what the heap buffers for it is handed
        // over before anyone goes on, above all to the census.
        self.wait(|| stage.rendezvous.finish_step());
        if round.place == 0 {
            self.await_step(1 + round.present)?;
            self.wait(|| {
                let surveyor = stage
                    .surveyor
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                if let Some(mut surveyor) = surveyor {
                    if let Some(picture) = surveyor.take_picture() {
                        stage.observer.painted(picture);
                    }
                    stage.keep(surveyor.conclude(stage.heap.0));
                }
            });
        }
        Ok(())
    }

    fn await_step(&mut self, step: usize) -> Result<(), Abandoned> {
        let rendezvous = &self.stage.rendezvous;
        self.wait(|| rendezvous.await_step(step))
    }

    /// This mutator's step of a survey.
    fn testify(&mut self, round: Round) {
        let mut surveyor = self
            .stage
            .surveyor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(surveyor) = surveyor.as_mut() else {
            return;
        };
        let work = &mut self.executor.work;
        let witness = Witness {
            number: self.number,
            lists: &work.lists,
            counters: &work.counters,
            ops: work.ops(),
            scratch: self.plan.registers,
            depth_max: self.depth_max,
        };
        let attestor = work.attestor.as_ref();
        at_home(self.place.mutator().as_mutator(), &mut |mutator| {
            surveyor.visit(mutator, &witness);
            if let Some(attestor) = attestor {
                surveyor.probe(mutator, &witness, attestor);
            }
            if round.place == 0 {
                surveyor.visit_globals(mutator, &witness);
            }
        });
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        surveyor.count_births(number, &mut work.producer);
    }
}

/// The leader's first step: settles the heap, so that everything that can be reclaimed has been
/// before anyone looks.
fn open_survey<'r>(stage: &Stage<'r>, moment: Moment) -> Surveyor<'r> {
    let mut surveyor = Surveyor::new(stage.plan, moment, &stage.objects, stage.options.fault);
    if moment == Moment::End && stage.observer.wants_picture() {
        surveyor.begin_picture();
    }
    let window = match moment {
        Moment::Pause => stage.writers.begin_window(),
        Moment::End | Moment::Teardown => None,
    };
    if window.is_some() {
        surveyor.keep_contents(WINDOW_CONTENTS_MAX);
        surveyor.opens(window);
    }
    if let (Moment::End, Some(limit)) = (moment, stage.options.history) {
        // A list that was empty at the start holds no more than the history has room for.
        let room = limit.saturating_mul(stage.plan.mutators.len() as u64);
        surveyor.keep_contents(room.max(WINDOW_CONTENTS_MAX));
    }
    let first_done = stage.first_done.get().filter(|_| moment == Moment::End);
    let before = (first_done.zip(stage.course.started.get()))
        .and_then(|(first, start)| first.alive_at_the_end(*start));
    let alive = stage.roll.look().max(before.unwrap_or(0));
    surveyor.count_unsettled(alive);
    if moment == Moment::End
        && let Ok(stats) = stage.heap.stats()
    {
        // It is set once, since there is one end.
        let _ = stage.stats_done.set(stats);
    }
    let (settled, took_ns) = stage.settling.timed(|| stage.heap.0.settle());
    surveyor.has_settled(took_ns);
    if let Err(fault) = settled {
        surveyor.settle_failed(fault.to_string());
    }
    let mut setup = stage.setup.lock().unwrap_or_else(PoisonError::into_inner);
    let number = u32::try_from(stage.plan.mutators.len()).unwrap_or(u32::MAX);
    surveyor.count_births(number, &mut setup);
    surveyor
}
