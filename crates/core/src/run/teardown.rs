//! What happens after all mutators have left: everything is let go of, and the heap must be empty.

use std::time::Duration;

use crate::clock::Clock;
use crate::evidence::Moment;
use crate::evidence::ledger::Producer;
use crate::heap::{Defect, Global, Seat, Slot};
use crate::memory;

use super::Progress;
use super::any::guarded;
use super::stage::Stage;
use super::survey::Surveyor;

impl Stage<'_> {
    /// Makes the survey after all mutators have left, when nothing is reachable. `is_whole` says
    /// whether the births of all mutators are known.
    pub(super) fn teardown(&self, producers: &mut [&mut Producer], is_whole: bool) {
        let mut surveyor = Surveyor::new(
            self.plan,
            Moment::Teardown,
            &self.objects,
            self.options.fault,
        );
        if !is_whole {
            surveyor.give_up("a mutator was lost, and its births with it");
        }
        // The monitor tells nothing any more, and this may take long.
        self.observer.progress(Progress {
            elapsed: (self.course.started.get())
                .map_or(Duration::ZERO, |&at| Clock::get().since(at)),
            ops: self.course.ops(),
            surveys: self.surveys_made(),
            steps: self.course.steps(),
            live: Some(self.roll.look()),
            unreclaimed: None,
            rss_bytes: memory::resident_bytes(std::process::id()),
            settling: Some(Duration::ZERO),
        });
        let (settled, took_ns) =
            (self.settling).timed(|| guarded("settle", || self.let_go(producers)));
        surveyor.has_settled(took_ns);
        match settled {
            Ok(Ok(())) => {}
            Ok(Err(defect)) => surveyor.settle_failed(defect.to_string()),
            Err(panicked) => {
                surveyor.give_up("the heap panicked while it settled");
                self.course.end_in_panic("the teardown", &panicked);
            }
        }
        for (number, producer) in (0..).zip(producers) {
            surveyor.count_births(number, producer);
        }
        surveyor.count_ops(self.course.ops());
        match guarded("census", || surveyor.conclude(self.heap.0)) {
            Ok(survey) => self.keep(survey),
            Err(panicked) => self.course.end_in_panic("the teardown", &panicked),
        }
    }

    /// Empties the shared roots and settles the heap until no finalizer runs any more. Finalizers
    /// may have published objects since the mutators emptied the roots, and may do so again, but
    /// each of them only once.
    fn let_go(&self, producers: &mut [&mut Producer]) -> Result<(), Defect> {
        self.heap.0.settle()?;
        if !self.needs.finalizers {
            return Ok(());
        }
        let mut finalized = || -> u64 { producers.iter_mut().map(|p| p.notes().finalized).sum() };
        loop {
            let before = finalized();
            self.empty_roots()?;
            self.heap.0.settle()?;
            if finalized() == before {
                return Ok(());
            }
        }
    }

    fn empty_roots(&self) -> Result<(), Defect> {
        let number = u32::try_from(self.plan.mutators.len()).unwrap_or(u32::MAX);
        let mut mutator = self.heap.0.attach(Seat { number, slots: 1 })?;
        for global in 0..self.plan.globals {
            mutator.publish(Global(global), Slot(0));
        }
        Ok(())
    }
}
