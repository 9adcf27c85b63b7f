//! How a soak stands: its records summed up, lane by lane.

use std::collections::{BTreeMap, VecDeque};

use super::trend::{self, Slope};
use super::{Came, Lane, Record};
use crate::median::median;
use crate::result::Outcome;

/// The first round of a stint is not that of a heap that grows old.
const WARM_UP: u64 = 1;
/// A heap keeps the memory that it once needed, and the most that it ever needed is passed again and again,
/// though ever more seldom: as often between the tenth and the hundredth round as between the first and the
/// tenth. So memory grows with the logarithm of the age without any leak. This is the share by which it may
/// for each factor of e, measured as some 0.1 to 0.3 % on the heaps here; and only what is surely more
/// than that is told of.
const FILLING: f64 = 0.004;
/// The same for what is allocated, in bytes: stacks and tables that become longer as something happens that
/// never happened before.
const FILLING_BYTES: f64 = 16_384.0;
/// What a process has anyway, and did not count: a heap that reserves nothing may end with less than that.
const BASE_BYTES: f64 = 16_777_216.0;
/// Besides, the first of so many parts of each stint is not looked at, where a heap fills fastest: some here
/// for half a minute, which is half of a stint of a soak of half an hour.
const FILLING_PART: usize = 2;
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
    fn relative(&self) -> impl Iterator<Item = Vec<(f64, f64)>> {
        self.beyond(|_| 0.0)
    }

    /// Likewise, less what a heap may have filled by then without a leak: for each factor of e in its age so
    /// much in all, `filling` of the middle.
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

/// How something changes as a heap grows old: slopes as shares a round (0.01 is one in a hundred).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Aging {
    /// Resident memory after a round, when all in the heap is dead.
    pub memory: Option<Growth>,
    /// What the process has allocated and not freed by then, where it counts that.
    pub allocated: Option<Growth>,
    /// The 99.9th percentile of the slowest operation.
    pub latency: Option<Slope>,
    /// Operations a second.
    pub throughput: Option<Slope>,
}

/// Less than this share a round is nothing that a heap would be blamed for: the machine itself changes by
/// more from minute to minute.
const SPEED_LEAST: f64 = 0.005;
/// And fewer stints than this do not tell the age of the heap from the time of day, at which other work on
/// the machine may begin.
const SPEED_STINTS: usize = 4;

/// How memory grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// By how much, in the second half of each stint.
    pub slope: Slope,
    /// By how much more than a heap may fill in that time.
    /// `None` if too few rounds tell.
    pub beyond: Option<Slope>,
    /// Whether it does not grow ever more slowly, as what only fills up does.
    pub keeps_pace: bool,
}

impl Growth {
    /// Whether it grows, surely, by more than a heap may fill, and without slowing down.
    pub fn is_leak(&self) -> bool {
        self.keeps_pace && self.beyond.is_some_and(|slope| slope.grows_by(0.0))
    }
}

/// One thing that changes with the age of a heap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// What: `resident memory`, `allocated memory`, `p99.9` or `throughput`.
    pub what: &'static str,
    /// By what share a round, of memory in the second half of each stint; `None` if too few rounds tell.
    pub slope: Option<Slope>,
    /// Of memory, by how much more than a heap may fill in that time: this is what is judged.
    pub beyond: Option<Slope>,
    /// Whether it surely becomes worse, by enough to be told.
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

    /// Whether memory grows, be it by what is resident or by what is allocated.
    pub fn leaks(&self) -> bool {
        let both = [self.memory, self.allocated];
        both.iter().flatten().any(Growth::is_leak)
    }

    /// Everything that changes, with whether it surely becomes worse, and by enough.
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
        self.ops += found.ops;
        self.elapsed_ns += found.elapsed_ns;
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
