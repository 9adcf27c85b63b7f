//! What is kept of a run: the evidence, put together from what its threads left behind.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock::{self, Clock, Stamp};
use crate::evidence::ledger::Producer;
use crate::evidence::{Ended, Evidence, Latency, Recorded, Slow, Stalls};
use crate::heap::pause::Kept;
use crate::heap::{Caps, Stats};

use super::course::locked;
use super::held_up;
use super::histories;
use super::monitor::Watched;
use super::roots;
use super::seat::Outcome;
use super::slow::SlowOps;
use super::stage::Stage;
use super::stops::Stops;
use super::times::Times;

impl Stage<'_> {
    /// When the mutators started together, in milliseconds since 1970; 0 if they never did.
    fn started_unix_ms(&self) -> u64 {
        self.course.started.get().map_or(0, |&started| {
            let since = Clock::get().since(started).as_millis();
            clock::unix_millis().saturating_sub(u64::try_from(since).unwrap_or(u64::MAX))
        })
    }

    /// Tears the run down, and returns everything that is known of it.
    pub(super) fn evidence(
        self,
        name: &str,
        mut outcomes: Vec<Outcome>,
        watched: Watched,
    ) -> Evidence {
        {
            let mut setup = locked(&self.setup);
            let whole = outcomes.len() == self.plan.mutators.len();
            let mut producers: Vec<&mut Producer> = outcomes
                .iter_mut()
                .map(|outcome| &mut outcome.producer)
                .collect();
            producers.push(&mut setup);
            self.teardown(&mut producers, whole);
        }
        let started = self.course.started.get().copied();
        let started = started.unwrap_or_else(|| Clock::get().now());
        let probed = watched.probed;
        let stamps = probed.as_ref().map_or(&[][..], |probed| &probed.stops);
        let stops = Stops::new(stamps, started);
        let mut service = sums(outcomes.iter().map(|outcome| &outcome.service));
        let response = sums(outcomes.iter().map(|outcome| &outcome.response));
        for outcome in &mut outcomes {
            outcome.take_out(&stops, started, &mut service);
        }
        let mut timeline = watched.timeline;
        stops.take_out_of(&mut timeline);
        let kept = self.pauses.kept();
        let (stats, caps) = self.told_at_last();
        let times = outcomes.iter().flat_map(|it| [&it.service, &it.response]);
        let timing_bytes = times.map(Times::bytes).sum();
        let slow = slow(&mut outcomes, started, &stops);
        let history = self.history(&outcomes);
        let roots = roots::gather(outcomes.iter_mut().map(|outcome| &mut outcome.roots));
        let elapsed = outcomes.iter().map(|it| it.evidence.elapsed_ns);
        let elapsed_ns = elapsed.max().unwrap_or(0);
        let refused: u64 = outcomes.iter().map(|it| it.evidence.refused).sum();
        let was_refused = self.options.fail_alloc.is_some() && !self.refusal.load(Relaxed);
        let fault = self.options.fault.map(|fault| fault.name().to_owned());
        let mut evidence = Evidence {
            unended_holds: self.unended_holds(&kept),
            started_unix_ms: self.started_unix_ms(),
            elapsed_ns,
            mutators: outcomes
                .into_iter()
                .map(|outcome| outcome.evidence)
                .collect(),
            // There is one refusal in all, and whoever of them did not meet it leaves it.
            refused_in_setup: u64::from(was_refused).saturating_sub(refused),
            surveys: std::mem::take(&mut *locked(&self.surveys)),
            surveys_made: self.surveys_made(),
            history,
            roots,
            service,
            response,
            pauses: held_up::by_cause(self.pauses, started, &stops),
            timeline,
            stalls: held_up::stalls(&kept, started, &stops),
            slow,
            // Only a heap with a global lock counts switches.
            mmu: held_up::utilization(&kept, started, &stops, stats.switches.is_some()),
            stats,
            live_peak: self.roll.most(),
            hiccups: probed.map(|probed| probed.late),
            stopped: stops.told(),
            reclaim_lag: held_up::reclaim_lag(self.pauses),
            rss_bytes_peak: watched.rss_bytes_peak,
            timing_bytes,
            // The clock, and what is there only of a run in another process.
            ..Evidence::of_lost(name, caps, fault, self.course.reason())
        };
        if evidence.rate().is_some_and(|rate| rate.saturated) {
            evidence.response.clear();
        }
        match evidence.unended_holds {
            0 => evidence,
            _ => without_pauses(evidence),
        }
    }

    /// How many holds the heap has forgotten to end. A panic takes mutators out of the midst of some.
    fn unended_holds(&self, kept: &[Kept]) -> u64 {
        match self.course.reason() {
            Ended::Panicked { .. } => 0,
            _ => kept.iter().map(|kept| kept.unended).sum(),
        }
    }

    /// What the heap counted during the run, and what it says that it can do. One that panics ends
    /// the run as crashed.
    fn told_at_last(&self) -> (Stats, Caps) {
        let stats = self.heap.stats().unwrap_or_else(|panicked| {
            self.course.end_in_panic("the teardown", &panicked);
            Stats::default()
        });
        let caps = self.heap.caps().unwrap_or_else(|panicked| {
            self.course.end_in_panic("the teardown", &panicked);
            Caps::NONE
        });
        // What settling the heap in the end makes its collector do is no part of the run.
        let stats = match self.stats_done.get() {
            None => stats,
            Some(done) => Stats {
                collections: done.collections,
                full_collections: done.full_collections,
                examined: done.examined,
                cycles_freed: done.cycles_freed,
                local_collections: done.local_collections,
                local_cycles_freed: done.local_cycles_freed,
                ..stats
            },
        };
        (stats.since(&self.stats_before), caps)
    }

    /// The histories that mutators recorded, put together, if they were asked to.
    fn history(&self, outcomes: &[Outcome]) -> Option<Recorded> {
        let limit = self.options.history?;
        let recorders = outcomes.iter().filter_map(|it| it.recorder.as_deref());
        let recorders: Vec<_> = recorders.collect();
        Some(histories::gather(
            self.plan,
            &self.objects,
            limit,
            &recorders,
        ))
    }
}

/// The evidence without what the heap said of its pauses, where that cannot be right.
fn without_pauses(evidence: Evidence) -> Evidence {
    Evidence {
        pauses: BTreeMap::new(),
        stalls: Stalls::default(),
        mmu: Vec::new(),
        ..evidence
    }
}

/// What all mutators recorded, by operation.
fn sums<'o>(recorded: impl Iterator<Item = &'o Times>) -> BTreeMap<String, Latency> {
    let mut sums = BTreeMap::new();
    recorded.for_each(|times| times.add_to(&mut sums));
    sums
}

/// The slow operations of all mutators.
fn slow(outcomes: &mut [Outcome], started: Stamp, stops: &Stops) -> Slow {
    let slow = outcomes
        .iter_mut()
        .filter_map(|outcome| outcome.slow.take());
    SlowOps::sum(&slow.collect::<Vec<_>>(), started, stops)
}
