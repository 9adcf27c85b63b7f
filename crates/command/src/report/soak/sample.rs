//! A soak for tests of the formats.

use std::time::Duration;

use super::{Age, Failed, Phase, Watched, ages};
use crate::result::Outcome;
use crate::sample;
use crate::soak::trend::Slope;
use crate::soak::{
    Beat, Came, Era, Found, Growth, Header, Lane, Lately, Record, Round, Snapshot, Standing,
};

/// Everything that a [`Snapshot`] and a [`Watched`] borrow from.
pub(super) struct Sample {
    pub(super) header: Header,
    pub(super) standing: Standing,
    pub(super) lately: Lately,
    pub(super) ages: Vec<Age>,
    pub(super) failures: Vec<Failed>,
    pub(super) beat: Option<Beat>,
}

/// Two lanes; the second one has a planted fault.
pub(super) fn header(workload: &str, fault: &str) -> Header {
    let lane = |fault: Option<&str>| Lane {
        workload: workload.to_owned(),
        fault: fault.map(str::to_owned),
        ..sample::lane(1)
    };
    sample::header(vec![lane(None), lane(Some(fault))])
}

pub(super) fn record(round: u64, outcome: Outcome) -> Record {
    Record {
        round,
        lane: usize::from(round >= 24),
        seed: round,
        since: round / 12 * 12,
        ended_unix_ms: 0,
        era: None,
        took_ms: 5100,
        came: Came::Judged { outcome },
        last_seen: None,
        found: Found {
            ops: 1_000_000 + round * 1000,
            elapsed_ns: 5_000_000_000,
            p99_9_ns: Some(1500 + round),
            rss_bytes_peak: 100 << 20,
            rss_bytes_after: (90 << 20) + (round << 16),
            ..Found::default()
        },
        reproduce: format!("gcstorm run churn --seed {round}"),
    }
}

impl Sample {
    /// A soak of these lanes before its first round.
    pub(super) fn begun(header: Header) -> Self {
        Self {
            standing: Standing::of(header.lanes.len()),
            header,
            lately: Lately::default(),
            ages: Vec::new(),
            failures: Vec::new(),
            beat: None,
        }
    }

    /// A soak of these lanes in its thirty-first round. One round was vacuous and one failed.
    pub(super) fn full(header: Header) -> Self {
        let mut sample = Self::begun(header);
        let mut lately = Lately::default();
        lately.note(&sample.snapshot(0));
        for round in 0..30 {
            let outcome = match round {
                5 => Outcome::Vacuous,
                28 => Outcome::Violated,
                _ => Outcome::Held,
            };
            let record = record(round, outcome);
            sample.standing.add(&record);
            if record.is_failure() {
                let lane = &sample.header.lanes[record.lane];
                sample.failures.push(Failed::of(&record, lane));
            }
        }
        sample.ages = ages(&sample.snapshot(100));
        // Given, since thirty rounds are too few to find a leak.
        let slope = Slope {
            per_unit: 0.0007,
            low: 0.0006,
            high: 0.0008,
        };
        sample.ages[0].aging.memory = Some(Growth {
            slope,
            beyond: Some(slope),
            keeps_pace: true,
        });
        for second in 1..100 {
            sample.beat = Some(Beat {
                elapsed_ms: second * 50,
                ops: second * second * 1000,
                live: Some(1_950_001),
                unreclaimed: Some(12),
                rss_bytes: 134 << 20,
            });
            lately.note(&sample.snapshot(second));
        }
        sample.lately = lately;
        sample
    }

    /// The state this many seconds after the beginning.
    pub(super) fn snapshot(&self, elapsed_s: u64) -> Snapshot<'_> {
        let round = Round {
            number: 30,
            stint: 24,
            lane: 1,
            seed: 9,
            era: Era::first(12),
        };
        Snapshot {
            header: &self.header,
            standing: &self.standing,
            current: Some((round, self.beat)),
            elapsed: Duration::from_secs(elapsed_s),
            left: Duration::from_secs(8 * 3600 - elapsed_s),
            unix_ms: 1_795_000_000_000 + elapsed_s * 1000,
        }
    }

    /// What is shown.
    pub(super) fn watched<'a>(&'a self, now: &'a Snapshot<'a>) -> Watched<'a> {
        Watched {
            now,
            lately: &self.lately,
            ages: &self.ages,
            failures: &self.failures,
            phase: Phase::Rounds,
            between: None,
        }
    }
}
