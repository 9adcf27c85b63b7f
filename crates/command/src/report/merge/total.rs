//! Adds up parts, lane by lane: all figures that reports of a merge show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::failure::FailureKind;
use super::{LaneKey, LaneSum, Merged, shards};
use crate::evidence::{Latency, Packed, Room, Sum};
use crate::result::{Outcome, figures};

/// One lane of all parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Total {
    /// The lane.
    pub lane: LaneKey,
    /// The number of finished rounds.
    pub rounds: u64,
    /// Rounds in which every check held.
    pub held: u64,
    /// Rounds that did not do what was required of them.
    pub vacuous: u64,
    /// Rounds that were interrupted.
    pub interrupted: u64,
    /// Rounds that failed.
    pub failures: u64,
    /// Operations in all rounds.
    pub ops: u64,
    /// How long mutators ran, in nanoseconds, summed over all machines.
    pub elapsed_ns: u64,
    /// The greatest 99.9th percentile of any round, in nanoseconds.
    pub p99_9_ns_max: Option<u64>,
    /// The largest resident memory of a process, in bytes.
    pub rss_bytes_peak: u64,
    /// Service times by operation, of all rounds.
    pub service: BTreeMap<String, Latency>,
}

impl Total {
    fn none(lane: &LaneKey) -> Self {
        Self {
            lane: lane.clone(),
            rounds: 0,
            held: 0,
            vacuous: 0,
            interrupted: 0,
            failures: 0,
            ops: 0,
            elapsed_ns: 0,
            p99_9_ns_max: None,
            rss_bytes_peak: 0,
            service: BTreeMap::new(),
        }
    }

    fn add(&mut self, sum: &LaneSum) {
        for (own, more) in [
            (&mut self.rounds, sum.rounds),
            (&mut self.held, sum.held),
            (&mut self.vacuous, sum.vacuous),
            (&mut self.interrupted, sum.interrupted),
            (&mut self.ops, sum.ops),
            (&mut self.elapsed_ns, sum.elapsed_ns),
        ] {
            *own = own.saturating_add(more);
        }
        let failed = sum.failed.iter().map(|(_, count)| *count);
        self.failures = failed.fold(self.failures, u64::saturating_add);
        self.p99_9_ns_max = self.p99_9_ns_max.max(sum.p99_9_ns_max);
        self.rss_bytes_peak = self.rss_bytes_peak.max(sum.rss_bytes_peak);
    }

    /// Operations a second on one machine, on average.
    pub fn throughput(&self) -> Option<f64> {
        (self.elapsed_ns > 0).then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }
}

/// The sums of a merge.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    /// How many parts there are.
    pub parts: u64,
    /// Each lane, in order.
    pub lanes: Vec<Total>,
    /// How often each kind of failure was seen.
    failed: BTreeMap<FailureKind, u64>,
    /// Notes for the reader: which shards are missing, and which heaps leak.
    pub notes: Vec<String>,
    /// Whether some soak found that a heap leaks.
    pub leaks: bool,
    /// The outcomes of all rounds, without counts.
    outcomes: Vec<Outcome>,
}

impl Totals {
    pub(super) fn of(merged: &Merged) -> Result<Self, String> {
        let mut lanes = BTreeMap::<&LaneKey, Total>::new();
        let mut packed = BTreeMap::<(&LaneKey, &str), Vec<&Packed>>::new();
        let mut failed = BTreeMap::new();
        let mut notes = shards::notes(merged);
        let mut leaks = false;
        for part in merged.parts() {
            for sum in &part.lanes {
                let total = lanes.entry(&sum.lane);
                total.or_insert_with(|| Total::none(&sum.lane)).add(sum);
                for (operation, times) in &sum.service {
                    packed
                        .entry((&sum.lane, operation))
                        .or_default()
                        .push(times);
                }
                for (how, count) in sum.failed.iter().filter(|(_, count)| *count > 0) {
                    let own: &mut u64 = failed.entry(FailureKind::on(&sum.lane, how)).or_default();
                    *own = own.saturating_add(*count);
                }
            }
            for subject in &part.leaks {
                leaks = true;
                notes.push(format!(
                    "memory grows with the age of {subject}, in {}",
                    part.key
                ));
            }
        }
        let mut room = Room::default();
        for ((lane, operation), times) in packed {
            let mut sum = Sum::default();
            for times in times {
                sum.add(times, &mut room)
                    .map_err(|what| format!("the times of {operation} in {lane}: {what}"))?;
            }
            if let Some(total) = lanes.get_mut(lane) {
                total.service.insert(operation.to_owned(), sum.latency());
            }
        }
        let lanes: Vec<Total> = lanes.into_values().collect();
        let mut outcomes = outcomes(&lanes);
        let counted = failed
            .keys()
            .map(|kind: &FailureKind| kind.how.lost.outcome());
        outcomes.extend(counted);
        // A failure may come from a part that was replaced by a longer copy.
        outcomes.extend(merged.failures().map(|(kind, _)| kind.how.lost.outcome()));
        Ok(Self {
            parts: merged.parts().count() as u64,
            lanes,
            failed,
            notes,
            leaks,
            outcomes,
        })
    }

    /// The outcomes that occurred; some may be listed more than once.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The worst outcome that occurred; vacuous if nothing ran at all.
    pub fn verdict(&self) -> Outcome {
        let ranked = [
            Outcome::Crashed,
            Outcome::Hung,
            Outcome::Violated,
            Outcome::Interrupted,
            Outcome::Vacuous,
        ];
        let mut ranked = ranked.into_iter();
        let worst = ranked.find(|outcome| self.outcomes.contains(outcome));
        worst.unwrap_or(Outcome::Held)
    }

    /// How often this kind of failure was seen. At least once: it may come from a part that was
    /// replaced by a longer copy, which does not count it.
    pub fn times(&self, kind: &FailureKind) -> u64 {
        self.failed.get(kind).copied().unwrap_or(0).max(1)
    }

    /// The names of the lanes that had no round in any part.
    pub(super) fn idle(&self) -> Vec<String> {
        let idle = self.lanes.iter().filter(|total| total.rounds == 0);
        idle.map(|total| total.lane.to_string()).collect()
    }

    fn sum(&self, of: impl Fn(&Total) -> u64) -> u64 {
        self.lanes.iter().map(of).fold(0, u64::saturating_add)
    }

    /// The line that follows the verdict.
    pub fn conclusion(&self) -> String {
        let rounds = self.sum(|lane| lane.rounds);
        let ops = self.sum(|lane| lane.ops) as f64;
        let elapsed_ns = self.sum(|lane| lane.elapsed_ns);
        let lanes = self.lanes.iter().filter(|lane| lane.rounds > 0).count();
        let mut text = format!(
            "{} of {} on {}, {} operations in {}",
            figures::several(rounds, "round", "rounds"),
            figures::several(self.parts, "part", "parts"),
            figures::several(lanes as u64, "lane", "lanes"),
            figures::short(ops),
            figures::span(elapsed_ns),
        );
        for (count, what) in [
            (self.sum(|lane| lane.failures), "failed"),
            (self.sum(|lane| lane.vacuous), "vacuous"),
            (self.sum(|lane| lane.interrupted), "interrupted"),
        ] {
            if count > 0 {
                text += &format!(", {} {what}", figures::count(count));
            }
        }
        text
    }
}

fn outcomes(lanes: &[Total]) -> Vec<Outcome> {
    let any = |of: fn(&Total) -> u64| lanes.iter().any(|lane| of(lane) > 0);
    let seen = [
        (any(|lane| lane.held), Outcome::Held),
        (any(|lane| lane.vacuous), Outcome::Vacuous),
        (any(|lane| lane.interrupted), Outcome::Interrupted),
        // Without a round nothing was examined.
        (!any(|lane| lane.rounds), Outcome::Vacuous),
    ];
    let seen = seen.into_iter().filter(|(is_seen, _)| *is_seen);
    seen.map(|(_, outcome)| outcome).collect()
}
