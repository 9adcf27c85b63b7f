//! The monitor of a run: it ends the run when the budget is used up or the user interrupts it, and
//! samples it meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::hiccups::{self, Probed};
use super::stage::Stage;
use super::{Budget, Progress, Timing};
use crate::clock::Clock;
use crate::evidence::{Ended, Sample, Timeline};
use crate::heap::Gauge;
use crate::memory;
use crate::own_time;

/// How often the monitor looks: often enough for a progress bar and to find the peak of memory.
const LOOK_EVERY: Duration = Duration::from_nanos(LOOK_EVERY_NS);
const LOOK_EVERY_NS: u64 = 50_000_000;

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
        let (mut told, mut news) = ((None, None), 0_u64);
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
            let tells = (gauge.live.or(told.0), gauge.unreclaimed.or(told.1));
            news += u64::from(std::mem::replace(&mut told, tells) != tells);
            if let Some(&start) = self.course.started.get()
                && !is_over
            {
                is_over = self.course.stopping(true);
                let at_ns = clock.nanos(start, clock.now());
                watched.timeline.push(self.sample(at_ns, rss_bytes, gauge));
            }
            self.observer.progress(Progress {
                elapsed,
                ops: self.course.ops(),
                surveys: self.surveys_made(),
                steps: self.course.steps().wrapping_add(news),
                live: gauge.live,
                unreclaimed: gauge.unreclaimed,
                rss_bytes,
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
    fn sample(&self, at_ns: u64, rss_bytes: u64, gauge: Gauge) -> Sample {
        let slowest = self.course.slowest.iter();
        let slowest = slowest.map(|slowest| slowest.swap(0, Relaxed));
        Sample {
            at_ns,
            ops: self.course.ops(),
            live: gauge.live,
            unreclaimed: gauge.unreclaimed,
            rss_bytes,
            collections: gauge
                .collections
                .saturating_sub(self.stats_before.collections),
            slowest_ns: slowest.max().unwrap_or(0),
        }
    }
}
