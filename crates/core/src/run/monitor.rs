//! The monitor of a run: it ends the run when the budget is used up or the user interrupts it, and
//! samples it meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::hiccups::{self, Probed};
use super::stage::Stage;
use super::{Budget, Progress, Timing};
use crate::clock::{Clock, Stamp};
use crate::evidence::{Ended, Sample, Timeline};
use crate::heap::Gauge;
use crate::memory;
use crate::own_time;

/// How often the monitor looks: often enough for a progress bar and to find the peak of memory.
const LOOK_EVERY: Duration = Duration::from_nanos(LOOK_EVERY_NS);
const LOOK_EVERY_NS: u64 = 50_000_000;

/// The monitor counts living objects in a hundredth of the time at most.
const COUNTING: u64 = 100;

/// How many objects are alive, counted as often as the monitor looks or as seldom as it takes long.
struct Living {
    alive: u64,
    counted: Stamp,
    /// How long it was counted, in nanoseconds.
    took_ns: u64,
}

impl Living {
    fn now(&mut self, stage: &Stage<'_>) -> u64 {
        let clock = Clock::get();
        let now = clock.now();
        if clock.nanos(self.counted, now) >= self.took_ns.saturating_mul(COUNTING) {
            self.alive = stage.roll.look();
            self.counted = clock.now();
            self.took_ns = clock.nanos(now, self.counted);
        }
        self.alive
    }
}

/// What the monitor saw.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The peak of resident memory, in bytes.
    pub(super) rss_bytes_peak: u64,
    pub(super) timeline: Timeline,
    /// What the probe saw, if anything is timed.
    pub(super) probed: Option<Probed>,
}

impl Stage<'_> {
    /// Watches a run until all of its mutators have returned.
    pub(super) fn monitor<'s>(&'s self, scope: &'s Scope<'s, '_>) -> Watched {
        let is_over = Arc::new(AtomicBool::new(self.options.timing == Timing::Off));
        let probe = self.probe(scope, Arc::clone(&is_over));
        let mut watched = self.watch();
        // Relaxed: it only tells the probe to stop.
        is_over.store(true, Relaxed);
        watched.probed = probe.and_then(|probe| probe.join().ok());
        watched
    }

    /// Starts the thread that measures how long the machine itself holds threads up, if anything is
    /// timed. If the system cannot start the thread, that is not measured.
    fn probe<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        is_over: Arc<AtomicBool>,
    ) -> Option<ScopedJoinHandle<'s, Probed>> {
        if self.options.timing == Timing::Off {
            return None;
        }
        let is_on = || self.course.started.get().is_some() && !self.course.stopping(true);
        let probe = move || hiccups::probe(is_on, || is_over.load(Relaxed));
        let builder = Builder::new().name(own_time::PROBE.to_owned());
        builder.spawn_scoped(scope, probe).ok()
    }

    fn watch(&self) -> Watched {
        let clock = Clock::get();
        let mut watched = Watched {
            timeline: Timeline::new(LOOK_EVERY_NS),
            ..Watched::default()
        };
        let mut is_over = false;
        let mut is_answering = true;
        let (mut told, mut news) = ((0, None), 0_u64);
        let mut living = Living {
            alive: 0,
            counted: clock.now(),
            took_ns: 0,
        };
        loop {
            let started = self.course.started.get();
            let elapsed = started.map_or(Duration::ZERO, |&start| clock.since(start));
            let mut patience = LOOK_EVERY;
            if let Budget::Duration(budget) = self.options.budget {
                let left = budget.saturating_sub(elapsed);
                if left.is_zero() {
                    self.course.stop();
                } else {
                    patience = patience.min(left.max(Duration::from_millis(1)));
                }
            }
            if self.options.interrupt.load(Relaxed) {
                self.course.end(Ended::Interrupted);
            }
            let goes_on = self.course.await_return(patience);
            let rss_bytes = memory::resident_bytes(std::process::id());
            watched.rss_bytes_peak = watched.rss_bytes_peak.max(rss_bytes);
            let gauge = self.gauge(&mut is_answering);
            // Collections are no progress: a collector may run although all mutators hang. Nor is
            // it progress when a heap reports a number only now and then.
            let live = living.now(self);
            let tells = (live, gauge.unreclaimed.or(told.1));
            news += u64::from(std::mem::replace(&mut told, tells) != tells);
            if let Some(&start) = self.course.started.get()
                && !is_over
            {
                is_over = self.course.stopping(true);
                let at_ns = clock.nanos(start, clock.now());
                watched
                    .timeline
                    .push(self.sample(at_ns, rss_bytes, (live, gauge)));
            }
            self.observer.progress(Progress {
                elapsed,
                ops: self.course.ops(),
                surveys: self.surveys_made(),
                steps: self.course.steps().wrapping_add(news),
                live: Some(live),
                unreclaimed: gauge.unreclaimed,
                rss_bytes,
                settling: self.settling.lasts(),
            });
            if !goes_on {
                return watched;
            }
        }
    }

    /// What the heap reports of its state. A heap that panics when it is asked has crashed, and is
    /// not asked again.
    fn gauge(&self, is_answering: &mut bool) -> Gauge {
        if !*is_answering {
            return Gauge::default();
        }
        self.heap.gauge().unwrap_or_else(|panicked| {
            *is_answering = false;
            self.course.end_in_panic("the monitor", &panicked);
            Gauge::default()
        })
    }

    /// The state of the run now.
    fn sample(&self, at_ns: u64, rss_bytes: u64, (live, gauge): (u64, Gauge)) -> Sample {
        let slowest = self.course.slowest.iter();
        let slowest = slowest.map(|slowest| slowest.swap(0, Relaxed));
        Sample {
            at_ns,
            ops: self.course.ops(),
            live: Some(live),
            unreclaimed: gauge.unreclaimed,
            rss_bytes,
            collections: gauge
                .collections
                .saturating_sub(self.stats_before.collections.unwrap_or(0)),
            slowest_ns: slowest.max().unwrap_or(0),
        }
    }
}
