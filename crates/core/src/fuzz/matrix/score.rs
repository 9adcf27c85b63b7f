//! The scores of a row's trials: how many seeds caught the fault, by which check, and after how
//! long; and whether that is what was expected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ending, Expect, Row, Tried, Verified};
use crate::fuzz::At;
use crate::fuzz::catalogue::Danger;
use crate::median;

/// A fault that is usually caught may be missed on one seed in this many. With fewer seeds, it must
/// be caught on each.
pub(super) const MISSES_ONE_IN: u64 = 20;

/// Whether a row is as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowStanding {
    /// As expected.
    Met,
    /// Not as expected.
    Failed,
    /// The trials ended before that could be decided.
    Untried,
}

/// The score of one row's trials in one lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneScore {
    /// The number of trials.
    pub tried: u64,
    /// Trials in which a named check, or the expected crash or hang, caught the fault.
    pub caught: u64,
    /// In how many trials each check was violated, first or not.
    pub fired: BTreeMap<String, u64>,
    /// Trials in which the heap panicked or was full, or the process died.
    pub crashed: u64,
    /// Trials that did not end within their time limit.
    pub hung: u64,
    /// Trials that could not be made.
    pub failed: u64,
    /// Trials in which the fault was caught only at the end of the run.
    pub late: u64,
    /// In how many trials each check was violated first. `crashed` and `hung` stand for trials that
    /// ended so.
    pub first: BTreeMap<String, u64>,
    /// The operations of a run that caught the fault, up to its end: the median.
    pub ops_median: Option<u64>,
    /// How long the mutators of such a run ran, in nanoseconds: the median.
    pub ns_median: Option<u64>,
    /// How long a trial took, however it ended, in nanoseconds: the median.
    pub wall_ns_median: Option<u64>,
    /// The seeds on which the fault was not caught, or, if no check may fire, on which something
    /// did.
    pub odd_seeds: Vec<u64>,
    /// Why a trial crashed, hung or could not be made: the first such reason.
    pub trouble: Option<String>,
}

impl LaneScore {
    /// Trials in which the fault was not caught.
    pub fn missed(&self) -> u64 {
        self.tried - self.caught
    }

    /// The check that was violated first most often. If several were so equally often, one of those
    /// that are `named` is preferred.
    pub fn foremost(&self, named: &[String]) -> Option<&str> {
        let mut first = self.first.iter();
        let most = self.first.values().max()?;
        let is_most = |(_, count): &(&String, &u64)| *count == most;
        let favourite = self.first.iter().filter(is_most);
        let favourite = favourite
            .map(|(name, _)| name)
            .find(|name| named.contains(name));
        let any = first.find(is_most).map(|(name, _)| name);
        favourite.or(any).map(String::as_str)
    }

    fn of<'t>(row: &Row<'_>, tried: impl Iterator<Item = &'t Tried>) -> Self {
        let mut score = Self::default();
        let (mut ops, mut ns, mut wall) = (Vec::new(), Vec::new(), Vec::new());
        for tried in tried {
            score.tried += 1;
            wall.push(tried.wall_ns);
            let is_caught = score.add(row, &tried.ending);
            score.caught += u64::from(is_caught);
            let is_odd = match row.expect {
                Expect::Nothing => !is_quiet(&tried.ending),
                Expect::Always | Expect::Usually => !is_caught,
            };
            if is_odd {
                score.odd_seeds.push(tried.trial.seed);
            }
            if let (true, Ending::Judged(sighting)) = (is_caught, &tried.ending) {
                ops.push(sighting.ops);
                ns.push(sighting.elapsed_ns);
            }
        }
        score.odd_seeds.sort_unstable();
        score.ops_median = median::of_sample(ops);
        score.ns_median = median::of_sample(ns);
        score.wall_ns_median = median::of_sample(wall);
        score
    }

    /// Counts one trial; answers whether it caught the fault.
    fn add(&mut self, row: &Row<'_>, ending: &Ending) -> bool {
        let mut first = |name: &str| *self.first.entry(name.to_owned()).or_default() += 1;
        match ending {
            Ending::Judged(sighting) => {
                sighting.first.iter().for_each(|name| first(name));
                for name in &sighting.fired {
                    *self.fired.entry(name.clone()).or_default() += 1;
                }
                let named = row.caught_by();
                let is_named = sighting
                    .fired
                    .iter()
                    .any(|name| named.contains(&name.as_str()));
                if let (false, Some(broke)) = (is_named, &sighting.broke) {
                    self.crashed += 1;
                    first("crashed");
                    self.trouble.get_or_insert(format!("the heap {broke}"));
                    return row.danger() == Some(Danger::Crash);
                }
                self.late += u64::from(is_named && sighting.at == At::End);
                is_named
            }
            Ending::Crashed(why) => {
                self.crashed += 1;
                first("crashed");
                self.trouble.get_or_insert(why.clone());
                row.danger() == Some(Danger::Crash)
            }
            Ending::Hung => {
                self.hung += 1;
                first("hung");
                self.trouble
                    .get_or_insert("it did not end in time".to_owned());
                row.danger() == Some(Danger::Hang)
            }
            Ending::Failed(why) => {
                self.failed += 1;
                self.trouble.get_or_insert(why.clone());
                false
            }
        }
    }
}

/// Whether no check fired and the run ended well.
fn is_quiet(ending: &Ending) -> bool {
    match ending {
        Ending::Judged(sighting) => sighting.fired.is_empty() && sighting.broke.is_none(),
        Ending::Crashed(_) | Ending::Hung | Ending::Failed(_) => false,
    }
}

/// The scores of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// The score of each lane; a lane that was not tried is absent.
    pub lanes: Vec<(Verified, LaneScore)>,
}

impl Score {
    /// Scores a row's trials.
    pub(super) fn of(row: &Row<'_>, tried: &[Tried]) -> Self {
        let lane = |lane: Verified| {
            let mine = tried.iter().filter(|tried| tried.trial.lane == lane);
            (lane, LaneScore::of(row, mine))
        };
        let lanes = Verified::ALL.into_iter().map(lane);
        Self {
            lanes: lanes.filter(|(_, score)| score.tried > 0).collect(),
        }
    }

    /// The score of one lane.
    pub fn lane(&self, lane: Verified) -> Option<&LaneScore> {
        let found = self.lanes.iter().find(|(which, _)| *which == lane);
        found.map(|(_, score)| score)
    }

    /// The score of the lane that rows with a fault are judged by.
    pub fn end(&self) -> Option<&LaneScore> {
        self.lane(Verified::End)
    }

    /// Whether the trials so far are as expected. If no check may fire, this must hold in both
    /// lanes. A trial that could not be made fails any row.
    pub(super) fn standing(&self, row: &Row<'_>) -> RowStanding {
        let Some(end) = self.end() else {
            return RowStanding::Untried;
        };
        let has_failed = self.lanes.iter().any(|(_, lane)| lane.failed > 0);
        let is_met = match row.expect {
            Expect::Always => end.missed() == 0,
            Expect::Usually => end.missed() <= end.tried / MISSES_ONE_IN,
            Expect::Nothing => self.lanes.iter().all(|(_, lane)| lane.odd_seeds.is_empty()),
        };
        if is_met && !has_failed {
            RowStanding::Met
        } else {
            RowStanding::Failed
        }
    }
}
