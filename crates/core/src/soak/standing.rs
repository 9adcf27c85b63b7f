//! The sums of a soak's records, lane by lane, and how its heaps change with age.

use std::collections::{BTreeMap, VecDeque};

use super::trend::{self, Slope};
use super::{Came, Lane, Record};
use crate::median::median;
use crate::result::Outcome;

/// How many rounds of a stint are left out as warm-up.
const WARM_UP: u64 = 1;
/// Memory also grows without a leak. A heap keeps the memory that it once needed, and its maximum
/// is exceeded again and again, though ever more rarely: as often between the tenth and the
/// hundredth round as between the first and the tenth. So memory grows with the logarithm of the
/// heap's age. Growth up to this share of the memory, for each factor of e in the age, is not
/// reported; on the heaps here it is 0.1 to 0.3 %.
const FILLING: f64 = 0.004;
/// The growth of allocated memory, in bytes for each factor of e in the age, that is not reported:
/// stacks and tables grow when something exceeds its former maximum.
const FILLING_BYTES: f64 = 16_384.0;
/// Added to what a process counts as allocated, in bytes: it does not count what it had allocated
/// before, and growth is taken as a share of the sum.
const BASE_BYTES: f64 = 16_777_216.0;
/// Of each stint, the first of this many parts is left out, since a heap fills up fastest at the
/// beginning: some here for half a minute, which is half of a stint in a soak of half an hour.
const FILLING_PART: usize = 2;
/// How many rounds are kept for charts of recent rounds.
const RECENT: usize = 120;

/// A quantity of a lane by the age of its heap. It is evaluated as a share of the median of its
/// stint, so that different lanes can be combined.
#[derive(Debug, Clone, Default, PartialEq)]
struct Series {
    /// The stints: the number of the first round, and (age, value) for each round.
    stints: Vec<(u64, Vec<(f64, f64)>)>,
}

impl Series {
    fn add(&mut self, stint: u64, age: u64, value: f64) {
        if age < WARM_UP || value <= 0.0 {
            return;
        }
        let point = (age as f64, value);
        match self.stints.last_mut() {
            Some((last, points)) if *last == stint => points.push(point),
            _ => self.stints.push((stint, vec![point])),
        }
    }

    /// The values of each stint as shares of their median.
    fn relative(&self) -> impl Iterator<Item = Vec<(f64, f64)>> {
        self.beyond(|_| 0.0)
    }

    /// The values of each stint as shares of their median, less the growth that is not a leak:
    /// `filling` of the median for each factor of e in the age.
    fn beyond(&self, filling: impl Fn(f64) -> f64) -> impl Iterator<Item = Vec<(f64, f64)>> {
        self.stints.iter().map(move |(_, points)| {
            let middle = middle(points);
            let filled = |age: f64| filling(middle) * age.ln();
            let share = |&(age, value): &(f64, f64)| (age, (value - filled(age)) / middle);
            points.iter().map(share).collect()
        })
    }
}

fn middle(points: &[(f64, f64)]) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    median(&mut values)
}

/// How a heap changes with age. Slopes are shares a round: 0.01 is 1 % a round.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Aging {
    /// Resident memory after a round, when everything in the heap is dead.
    pub memory: Option<Growth>,
    /// What the process has allocated and not freed by then, if it counts that.
    pub allocated: Option<Growth>,
    /// The 99.9th percentile of the slowest operation.
    pub latency: Option<Slope>,
    /// Operations a second.
    pub throughput: Option<Slope>,
}

/// The smallest change of speed that is reported, as a share a round: the machine itself changes by
/// as much from minute to minute.
const SPEED_LEAST: f64 = 0.005;
/// The fewest stints from which a change of speed is reported: in fewer, it may come from other
/// work on the machine that began at some time.
const SPEED_STINTS: usize = 4;

/// The growth of memory with age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Its slope in the second half of each stint.
    pub slope: Slope,
    /// The slope beyond the growth that is not a leak; `None` if there are too few rounds.
    pub beyond: Option<Slope>,
    /// Whether it does not slow down, as it would if a heap only filled up.
    pub keeps_pace: bool,
}

impl Growth {
    /// Whether it grows significantly, by more than a heap fills up, and without slowing down.
    pub fn is_leak(&self) -> bool {
        self.keeps_pace && self.beyond.is_some_and(|slope| slope.grows_by(0.0))
    }
}

/// One quantity that may change with the age of a heap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Its name: `resident memory`, `allocated memory`, `p99.9` or `throughput`.
    pub what: &'static str,
    /// Its slope as a share a round, for memory in the second half of each stint; `None` if there
    /// are too few rounds.
    pub slope: Option<Slope>,
    /// For memory, the slope beyond the growth that is not a leak. This is what is judged.
    pub beyond: Option<Slope>,
    /// Whether it becomes significantly worse, and by enough to be reported.
    pub is_worse: bool,
}

impl Aging {
    fn of<'a>(lanes: impl Iterator<Item = &'a LaneStanding> + Clone) -> Self {
        let slope = |stints: Vec<Vec<(f64, f64)>>| trend::slope(stints.iter().map(Vec::as_slice));
        let of_all = |series: fn(&LaneStanding) -> &Series| {
            let all = lanes.clone().flat_map(|lane| series(lane).relative());
            let stints: Vec<_> = all.collect();
            if stints.len() < SPEED_STINTS {
                return None;
            }
            slope(stints)
        };
        let growth = |series: fn(&LaneStanding) -> &Series, filling: fn(f64) -> f64| {
            let all = || lanes.clone().map(series);
            let later = |mut stint: Vec<_>| stint.split_off(stint.len() / FILLING_PART);
            let beyond = all().flat_map(|series| series.beyond(filling)).map(later);
            let whole: Vec<_> = all().flat_map(Series::relative).collect();
            Some(Growth {
                keeps_pace: trend::keeps_pace(whole.iter().map(Vec::as_slice)),
                beyond: slope(beyond.collect()),
                slope: slope(whole.into_iter().map(later).collect())?,
            })
        };
        Self {
            memory: growth(|lane| &lane.memory, |middle| FILLING * middle),
            allocated: growth(|lane| &lane.allocated, |_| FILLING_BYTES),
            latency: of_all(|lane| &lane.latency),
            throughput: of_all(|lane| &lane.throughput),
        }
    }

    /// Whether memory leaks, resident or allocated.
    pub fn leaks(&self) -> bool {
        let both = [self.memory, self.allocated];
        both.iter().flatten().any(Growth::is_leak)
    }

    /// All quantities.
    pub fn drifts(&self) -> [Drift; 4] {
        let memory = |what, growth: Option<Growth>| Drift {
            what,
            slope: growth.map(|growth| growth.slope),
            beyond: growth.and_then(|growth| growth.beyond),
            is_worse: growth.is_some_and(|growth| growth.is_leak()),
        };
        let speed = |what, slope: Option<Slope>, is_worse: fn(&Slope) -> bool| Drift {
            what,
            slope,
            beyond: None,
            is_worse: slope.as_ref().is_some_and(is_worse),
        };
        [
            memory("resident memory", self.memory),
            memory("allocated memory", self.allocated),
            speed("p99.9", self.latency, |it| it.grows_by(SPEED_LEAST)),
            speed("throughput", self.throughput, |it| {
                it.shrinks_by(SPEED_LEAST)
            }),
        ]
    }
}

/// The sums of one lane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LaneStanding {
    /// Rounds that are over.
    pub rounds: u64,
    /// Rounds in which every check held.
    pub held: u64,
    /// Rounds that did not do what was required of them.
    pub vacuous: u64,
    /// Those that failed.
    pub failures: u64,
    /// Operations done.
    pub ops: u64,
    /// How long mutators ran, in nanoseconds.
    pub elapsed_ns: u64,
    /// The largest of the rounds' 99.9th percentiles, in nanoseconds.
    pub p99_9_ns_max: Option<u64>,
    /// The peak resident memory, in bytes.
    pub rss_bytes_peak: u64,
    memory: Series,
    allocated: Series,
    latency: Series,
    throughput: Series,
}

impl LaneStanding {
    fn add(&mut self, record: &Record) {
        let found = &record.found;
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
        self.ops = self.ops.saturating_add(found.ops);
        self.elapsed_ns = self.elapsed_ns.saturating_add(found.elapsed_ns);
        self.p99_9_ns_max = self.p99_9_ns_max.max(found.p99_9_ns);
        self.rss_bytes_peak = self.rss_bytes_peak.max(found.rss_bytes_peak);
        let age = record.round.saturating_sub(record.since);
        let show = |series: &mut Series, value: f64| series.add(record.since, age, value);
        show(&mut self.memory, found.rss_bytes_after as f64);
        if let Some(bytes) = found.allocated_after {
            show(&mut self.allocated, BASE_BYTES + bytes as f64);
        }
        show(&mut self.latency, found.p99_9_ns.unwrap_or(0) as f64);
        show(&mut self.throughput, found.throughput().unwrap_or(0.0));
    }

    /// Operations a second, over all rounds.
    pub fn throughput(&self) -> Option<f64> {
        (self.elapsed_ns > 0).then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }
}

/// What charts show of a recent round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recent {
    /// Which lane.
    pub lane: usize,
    /// Its verdict.
    pub outcome: Outcome,
    /// Operations a second, if any were done.
    pub throughput: Option<f64>,
    /// The 99.9th percentile of the slowest kind of operation, in nanoseconds.
    pub p99_9_ns: Option<u64>,
    /// The maximum number of objects that were dead and not yet reclaimed, if the heap reports it.
    pub unreclaimed_peak: Option<u64>,
    /// The peak resident memory of its process, in bytes.
    pub rss_bytes_peak: u64,
}

/// The sums of all lanes.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// By the lane's number.
    pub lanes: Vec<LaneStanding>,
    /// Rounds that are over.
    pub rounds: u64,
    /// Those that failed.
    pub failures: u64,
    /// The last few, oldest first.
    pub recent: VecDeque<Recent>,
}

impl Standing {
    /// The standing of this many lanes before the first round. A record of a further lane adds that
    /// lane.
    pub fn of(lanes: usize) -> Self {
        Self {
            lanes: vec![LaneStanding::default(); lanes],
            rounds: 0,
            failures: 0,
            recent: VecDeque::new(),
        }
    }

    /// Adds a round.
    pub fn add(&mut self, record: &Record) {
        self.rounds += 1;
        self.failures += u64::from(record.is_failure());
        if record.lane >= self.lanes.len() {
            self.lanes
                .resize_with(record.lane + 1, LaneStanding::default);
        }
        self.lanes[record.lane].add(record);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Recent {
            lane: record.lane,
            outcome: record.came.outcome(),
            throughput: record.found.throughput(),
            p99_9_ns: record.found.p99_9_ns,
            unreclaimed_peak: record.found.unreclaimed_peak,
            rss_bytes_peak: record.found.rss_bytes_peak,
        });
    }

    /// Rounds that did not do what was required of them, over all lanes.
    pub fn vacuous(&self) -> u64 {
        self.sum(|lane| lane.vacuous)
    }

    /// Operations done, over all lanes.
    pub fn ops(&self) -> u64 {
        self.sum(|lane| lane.ops)
    }

    /// How long mutators ran, in nanoseconds, over all lanes.
    pub fn elapsed_ns(&self) -> u64 {
        self.sum(|lane| lane.elapsed_ns)
    }

    /// The largest of all rounds' 99.9th percentiles, in nanoseconds.
    pub fn p99_9_ns_max(&self) -> Option<u64> {
        self.lanes.iter().filter_map(|lane| lane.p99_9_ns_max).max()
    }

    /// A sum over all lanes. It saturates, since a journal may have any numbers.
    fn sum(&self, of: fn(&LaneStanding) -> u64) -> u64 {
        self.lanes.iter().map(of).fold(0, u64::saturating_add)
    }

    /// How each heap changes with age, over all of its lanes. A heap with a planted fault counts as
    /// another heap.
    pub fn aging<'h>(&self, lanes: &'h [Lane]) -> BTreeMap<(&'h str, Option<&'h str>), Aging> {
        let subject = |lane: &'h Lane| (lane.heap.as_str(), lane.fault.as_deref());
        let subjects = lanes.iter().map(subject);
        let aging = |wanted| {
            let all = std::iter::zip(lanes, &self.lanes);
            let own = all.filter(move |(lane, _)| subject(lane) == wanted);
            (wanted, Aging::of(own.map(|(_, standing)| standing)))
        };
        subjects.map(aging).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;
    use crate::soak::Found;

    /// The aging of this many rounds of one stint, whose memory is this function of their age.
    fn stint(rounds: u32, memory: impl Fn(f64) -> f64) -> Aging {
        let mut standing = LaneStanding::default();
        for round in 0..rounds {
            let bytes = memory(f64::from(round));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "some megabytes"
            )]
            let rss_bytes_after = bytes as u64;
            standing.add(&Record {
                round: round.into(),
                lane: 0,
                seed: 0,
                since: 0,
                ended_unix_ms: 0,
                era: None,
                took_ms: 0,
                came: Came::Judged {
                    outcome: Outcome::Held,
                },
                last_seen: None,
                found: Found {
                    rss_bytes_after,
                    ..Found::default()
                },
                reproduce: String::new(),
            });
        }
        Aging::of(std::iter::once(&standing))
    }

    /// Goal: a leak of a fiftieth of a percent a round is distinguished from a heap that fills up,
    /// fast or slowly, and from one whose memory goes up and down.
    #[test]
    fn leaks_are_told_from_filling() {
        let noise = |round: f64| {
            let mut rng = ChaCha8Rng::seed_from_u64(round.to_bits());
            250_000.0 * rng.random::<f64>()
        };
        let base = |round: f64| 50e6 + noise(round);
        let filling = |round: f64| base(round) + 100_000.0 * (round + 1.0).ln();
        assert!(stint(120, |round| filling(round) + 10_000.0 * round).leaks());
        assert!(stint(60, |round| filling(round) + 40_000.0 * round).leaks());
        assert!(!stint(120, base).leaks());
        assert!(!stint(120, filling).leaks());
        assert!(!stint(120, |round| base(round) + 8e6 * (round + 1.0).ln()).leaks());
        assert!(!stint(120, |round| base(round) + 1e6 * round.min(40.0)).leaks());
        assert!(!stint(120, |round| base(round) - 10_000.0 * round).leaks());
        assert!(!stint(9, |round| base(round) + 1e6 * round).leaks());
    }
}
