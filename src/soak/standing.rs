//! How a soak stands: its records summed up, lane by lane.

use super::trend::{Slope, theil_sen};
use super::{Came, Record};
use crate::report::Outcome;

/// One lane so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LaneStanding {
    /// Rounds that are over.
    pub rounds: u64,
    /// Those in which every check held.
    pub held: u64,
    /// Those that did not do what was required of them.
    pub vacuous: u64,
    /// Those that failed.
    pub failures: u64,
    /// Operations, all together.
    pub ops: u64,
    /// For how long mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
    /// The longest of the rounds' 99.9th percentiles, in nanoseconds.
    pub p99_9_ns_max: Option<u64>,
    /// The most resident memory, in bytes.
    pub rss_bytes_peak: u64,
    /// By round: resident memory, 99.9th percentile, throughput.
    memory: Vec<(f64, f64)>,
    latency: Vec<(f64, f64)>,
    throughput: Vec<(f64, f64)>,
}

impl LaneStanding {
    fn add(&mut self, record: &Record) {
        let round = self.rounds as f64;
        self.rounds += 1;
        match record.came {
            Came::Judged {
                outcome: Outcome::Held,
            } => self.held += 1,
            Came::Judged {
                outcome: Outcome::Vacuous,
            } => self.vacuous += 1,
            _ => {}
        }
        self.failures += u64::from(record.is_failure());
        self.ops += record.ops;
        self.elapsed_ns += record.elapsed_ns;
        self.p99_9_ns_max = self.p99_9_ns_max.max(record.p99_9_ns);
        self.rss_bytes_peak = self.rss_bytes_peak.max(record.rss_bytes_peak);
        if record.rss_bytes_peak > 0 {
            self.memory.push((round, record.rss_bytes_peak as f64));
        }
        if let Some(nanos) = record.p99_9_ns {
            self.latency.push((round, nanos as f64));
        }
        if let Some(throughput) = record.throughput() {
            self.throughput.push((round, throughput));
        }
    }

    /// Operations a second, over all rounds.
    pub fn throughput(&self) -> Option<f64> {
        (self.elapsed_ns > 0).then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }

    /// How resident memory changes, in bytes a round.
    pub fn memory_slope(&self) -> Option<Slope> {
        theil_sen(&self.memory)
    }

    /// How the 99.9th percentile changes, in nanoseconds a round.
    pub fn latency_slope(&self) -> Option<Slope> {
        theil_sen(&self.latency)
    }

    /// How throughput changes, in operations a second a round.
    pub fn throughput_slope(&self) -> Option<Slope> {
        theil_sen(&self.throughput)
    }
}

/// All lanes so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// By the lane's number.
    pub lanes: Vec<LaneStanding>,
    /// Rounds that are over.
    pub rounds: u64,
    /// Those that failed.
    pub failures: u64,
}

impl Standing {
    /// Of so many lanes, before the first round.
    pub fn of(lanes: usize) -> Self {
        Self {
            lanes: vec![LaneStanding::default(); lanes],
            rounds: 0,
            failures: 0,
        }
    }

    /// Another round is over.
    pub fn add(&mut self, record: &Record) {
        self.rounds += 1;
        self.failures += u64::from(record.is_failure());
        if let Some(lane) = self.lanes.get_mut(record.lane) {
            lane.add(record);
        }
    }

    /// Rounds that did nothing of what was required of them, over all lanes.
    pub fn vacuous(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.vacuous).sum()
    }
}
