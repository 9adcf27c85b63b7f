//! How a soak stands: its records summed up, lane by lane.

use std::collections::{BTreeMap, VecDeque};

use super::trend::{self, Slope};
use super::{Came, Lane, Record};
use crate::report::Outcome;

/// The first round of a stint is not that of a heap that grows old.
const WARM_UP: u64 = 1;
/// A heap keeps the memory that it once needed, and the most that it ever needed is passed again and again,
/// though ever more seldom: as often between the tenth and the hundredth round as between the first and the
/// tenth. So memory grows with the logarithm of the age without any leak. This is the share by which it may
/// for each factor of e, measured as some 0.1 to 0.3 % on the heaps here; and only what is surely more
/// than that is told of.
const FILLING: f64 = 0.004;
/// Besides, the first of so many parts of each stint is not looked at, where a heap fills fastest.
const FILLING_PART: usize = 3;
/// How many rounds are kept for pictures of the last while.
const RECENT: usize = 120;

/// What a lane shows by the age of its heap: values relative to the middle of their stint, so that those
/// of different lanes can be put together.
#[derive(Debug, Clone, Default, PartialEq)]
struct Series {
    /// By stint: which, and its rounds so far as (age, value).
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

    /// Each stint's values as shares of their middle.
    fn relative(&self) -> impl Iterator<Item = Vec<(f64, f64)>> + '_ {
        self.stints.iter().map(|(_, points)| {
            let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
            values.sort_unstable_by(f64::total_cmp);
            let middle = trend::median(&values);
            points.iter().map(|(x, y)| (*x, y / middle)).collect()
        })
    }

    /// The later part of each stint, less what a heap may have filled by then without a leak.
    fn beyond_filling(&self) -> impl Iterator<Item = Vec<(f64, f64)>> + '_ {
        self.relative().map(|stint| {
            let later = &stint[stint.len() / FILLING_PART..];
            let beyond = |(age, value): &(f64, f64)| (*age, value - FILLING * age.ln());
            later.iter().map(beyond).collect()
        })
    }
}

/// How something changes as a heap grows old: slopes as shares a round (0.01 is one in a hundred).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Aging {
    /// Resident memory after a round, when all in the heap is dead, beyond what a heap may fill in its time.
    pub memory: Option<Slope>,
    /// Whether it does not grow ever more slowly, as what only fills up does.
    pub keeps_growing: bool,
    /// The 99.9th percentile of the slowest operation.
    pub latency: Option<Slope>,
    /// Operations a second.
    pub throughput: Option<Slope>,
}

/// Less than this share a round is nothing that a heap would be blamed for: the machine itself changes by
/// more from minute to minute.
const SPEED_LEAST: f64 = 0.005;

impl Aging {
    fn of<'a>(lanes: impl Iterator<Item = &'a LaneStanding> + Clone) -> Self {
        let slope = |stints: Vec<Vec<(f64, f64)>>| trend::slope(stints.iter().map(Vec::as_slice));
        let of_all = |series: fn(&LaneStanding) -> &Series| {
            let all = lanes.clone().flat_map(|lane| series(lane).relative());
            slope(all.collect())
        };
        let memory = lanes.clone().flat_map(|lane| lane.memory.beyond_filling());
        let whole: Vec<_> = (lanes.clone())
            .flat_map(|lane| lane.memory.relative())
            .collect();
        Self {
            memory: slope(memory.collect()),
            keeps_growing: trend::keeps_pace(whole.iter().map(Vec::as_slice)),
            latency: of_all(|lane| &lane.latency),
            throughput: of_all(|lane| &lane.throughput),
        }
    }

    /// Whether memory grows, surely, by more than a heap may fill, and without slowing down.
    pub fn leaks(&self) -> bool {
        self.keeps_growing && self.memory.is_some_and(|it| it.grows_by(0.0))
    }

    /// Whether operations become slower, surely and by enough.
    pub fn slows(&self) -> bool {
        self.latency.is_some_and(|it| it.grows_by(SPEED_LEAST))
    }

    /// Whether fewer operations are done, surely and by enough.
    pub fn tires(&self) -> bool {
        (self.throughput).is_some_and(|it| it.shrinks_by(SPEED_LEAST))
    }
}

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
    memory: Series,
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
        self.ops += found.ops;
        self.elapsed_ns += found.elapsed_ns;
        self.p99_9_ns_max = self.p99_9_ns_max.max(found.p99_9_ns);
        self.rss_bytes_peak = self.rss_bytes_peak.max(found.rss_bytes_peak);
        let age = record.round.saturating_sub(record.since);
        let show = |series: &mut Series, value: f64| series.add(record.since, age, value);
        show(&mut self.memory, found.rss_bytes_after as f64);
        show(&mut self.latency, found.p99_9_ns.unwrap_or(0) as f64);
        show(&mut self.throughput, found.throughput().unwrap_or(0.0));
    }

    /// Operations a second, over all rounds.
    pub fn throughput(&self) -> Option<f64> {
        (self.elapsed_ns > 0).then(|| self.ops as f64 * 1e9 / self.elapsed_ns as f64)
    }

    /// How its rounds change as their heap grows old.
    pub fn aging(&self) -> Aging {
        Aging::of(std::iter::once(self))
    }
}

/// A round of the last while, in short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recent {
    /// Which lane.
    pub lane: usize,
    /// What it came to.
    pub outcome: Outcome,
    /// Operations a second, if it has any to show.
    pub throughput: Option<f64>,
    /// The slowest operation's 99.9th percentile, in nanoseconds.
    pub p99_9_ns: Option<u64>,
    /// The most that were dead and not yet reclaimed, where the heap knows.
    pub unreclaimed_peak: Option<u64>,
    /// The most resident memory of its process, in bytes.
    pub rss_bytes_peak: u64,
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
    /// The last few, oldest first.
    pub recent: VecDeque<Recent>,
}

impl Standing {
    /// Of so many lanes, before the first round. More of them appear with their first records.
    pub fn of(lanes: usize) -> Self {
        Self {
            lanes: vec![LaneStanding::default(); lanes],
            rounds: 0,
            failures: 0,
            recent: VecDeque::new(),
        }
    }

    /// Another round is over.
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

    /// Rounds that did nothing of what was required of them, over all lanes.
    pub fn vacuous(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.vacuous).sum()
    }

    /// How each heap ages, over all of its lanes: one and the same heap with different faults counts as
    /// several.
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
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::soak::Found;

    /// So many rounds of one stint, whose memory is this function of their age.
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
        standing.aging()
    }

    /// Goal: a leak of a fiftieth of a percent a round is told from a heap that fills up, be it fast or slowly,
    /// and from one whose memory goes up and down.
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
