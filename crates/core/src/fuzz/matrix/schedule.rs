//! Which trial comes next. The outer loop is over seeds and the inner one over rows, so that
//! whenever the test is interrupted, every row has been tried about equally often.

use super::score::MISSES_ONE_IN;
use super::{Ending, Expect, Row, RowStanding, Score, Trial, Tried, Verified};
use crate::fuzz::catalogue::Danger;

/// How many seeds to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Seeds for each fault. If a fault that is usually caught is missed on one of fewer than
    /// twenty seeds, it is tried on up to twenty before it is judged.
    pub seeds: u64,
    /// How many of these seeds are also run with verification at pauses.
    pub every: u64,
    /// Seeds for each fault that takes long to show.
    pub long: u64,
    /// Seeds without a fault, shared by all rows without one.
    pub sound: u64,
    /// The first seed.
    pub from: u64,
}

impl Depth {
    /// The full test.
    pub const FULL: Self = Self {
        seeds: MISSES_ONE_IN,
        every: MISSES_ONE_IN,
        long: MISSES_ONE_IN,
        sound: 200,
        from: 1,
    };
    /// A test that takes about a minute on two processors.
    pub const QUICK: Self = Self {
        seeds: 3,
        every: 1,
        long: 1,
        sound: 30,
        from: 1,
    };
}

/// The trials that were made, and those that are left.
#[derive(Debug)]
pub struct Schedule<'a> {
    rows: Vec<Row<'a>>,
    depth: Depth,
    /// Violations of this check are ignored.
    without: Option<&'a str>,
    pending: std::collections::VecDeque<Trial>,
    tried: Vec<Vec<Tried>>,
    /// Whether a row was given more seeds after a miss.
    extended: Vec<bool>,
    total: usize,
}

impl<'a> Schedule<'a> {
    /// A schedule of which nothing was tried yet. Violations of the check `without` are ignored.
    pub fn new(rows: Vec<Row<'a>>, depth: Depth, without: Option<&'a str>) -> Self {
        let mut pending: Vec<Trial> = Vec::new();
        let is_sound = |row: &&(usize, &Row<'_>)| row.1.fault.is_none();
        let numbered: Vec<(usize, &Row<'_>)> = rows.iter().enumerate().collect();
        let sound: Vec<usize> = numbered
            .iter()
            .filter(is_sound)
            .filter(|row| !row.1.is_long() || depth.long > 1)
            .map(|row| row.0)
            .collect();
        for seed in 0..depth.seeds {
            for &(row, which) in numbered.iter().filter(|row| row.1.fault.is_some()) {
                let is_long = which.is_long();
                if is_long && seed >= depth.long {
                    continue;
                }
                // Pauses make no difference to a run that hangs.
                let is_paused = seed < depth.every
                    && (!is_long || depth.long > 1)
                    && which.danger() != Some(Danger::Hang);
                pending.extend(trials(row, depth.from + seed, is_paused));
            }
        }
        // Each seed is tried on one row, and rows take turns. The share that is also verified at
        // pauses is the same as for faults.
        for (seed, row) in (0..depth.sound).zip(sound.iter().cycle()) {
            let is_paused = seed * depth.seeds < depth.sound * depth.every;
            pending.extend(trials(*row, depth.from + seed, is_paused));
        }
        Self {
            tried: rows.iter().map(|_| Vec::new()).collect(),
            extended: vec![false; rows.len()],
            total: pending.len(),
            pending: pending.into(),
            rows,
            depth,
            without,
        }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row<'a>] {
        &self.rows
    }

    /// How many trials are finished, and how many there will be in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.tried.iter().map(Vec::len).sum(), self.total)
    }

    /// The next trial.
    pub fn next_trial(&mut self) -> Option<Trial> {
        self.pending.pop_front()
    }

    /// Records a finished trial.
    pub fn report(&mut self, mut tried: Tried) {
        if let (Some(check), Ending::Judged(sighting)) = (self.without, &tried.ending) {
            tried.ending = Ending::Judged(sighting.clone().without(check));
        }
        let row = tried.trial.row;
        self.tried[row].push(tried);
        self.extend(row);
    }

    /// Gives a row whose fault is usually caught more seeds after a miss, so that it can be judged.
    fn extend(&mut self, row: usize) {
        if self.extended[row] || self.rows[row].expect != Expect::Usually {
            return;
        }
        let has_missed = self.score(row).end().is_some_and(|end| end.missed() > 0);
        if !has_missed {
            return;
        }
        self.extended[row] = true;
        let begun = if self.rows[row].is_long() {
            self.depth.long.min(self.depth.seeds)
        } else {
            self.depth.seeds
        };
        let more = begun..MISSES_ONE_IN.max(begun);
        for seed in more {
            self.total += 1;
            self.pending
                .extend(trials(row, self.depth.from + seed, false));
        }
    }

    /// The score of a row so far.
    pub fn score(&self, row: usize) -> Score {
        Score::of(&self.rows[row], &self.tried[row])
    }

    /// The score and standing of each row. A row that has trials left is never met, only failed or
    /// untried. A row for which no trial was planned (a long run without a fault, in a quick test)
    /// is left out.
    pub fn standings(&self) -> Vec<(usize, Score, RowStanding)> {
        let is_pending = |row, lane: Option<Verified>| {
            let mut pending = self.pending.iter();
            pending.any(|trial| trial.row == row && lane.is_none_or(|lane| lane == trial.lane))
        };
        let standing = |row: usize| {
            if self.tried[row].is_empty() && !is_pending(row, None) {
                return None;
            }
            let score = self.score(row);
            let standing = match score.standing(&self.rows[row]) {
                RowStanding::Met if is_pending(row, Some(Verified::End)) => RowStanding::Untried,
                standing => standing,
            };
            Some((row, score, standing))
        };
        (0..self.rows.len()).filter_map(standing).collect()
    }
}

fn trials(row: usize, seed: u64, is_paused: bool) -> impl Iterator<Item = Trial> {
    let lanes = Verified::ALL.into_iter();
    let lanes = lanes.filter(move |lane| *lane == Verified::End || is_paused);
    lanes.map(move |lane| Trial { row, lane, seed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::matrix::rows;
    use crate::heap::Fault;
    use crate::sample::{CATALOGUE, caught, missed};

    fn schedule(depth: Depth) -> Schedule<'static> {
        Schedule::new(
            rows(CATALOGUE, &[("gil", Fault::ALL.to_vec())], |_, _| true),
            depth,
            None,
        )
    }

    fn run(schedule: &mut Schedule<'_>, mut ending: impl FnMut(&Row<'_>, Trial) -> Ending) {
        while let Some(trial) = schedule.next_trial() {
            let row = schedule.rows()[trial.row];
            let ending = ending(&row, trial);
            schedule.report(Tried {
                trial,
                ending,
                wall_ns: 1,
            });
        }
    }

    /// Goal: every row with a fault is tried with every seed, rows without one share theirs, and a
    /// row that is as expected is met.
    #[test]
    fn everything_is_tried() {
        let mut schedule = schedule(Depth::FULL);
        let mut seeds = 0;
        run(&mut schedule, |row, trial| {
            seeds += u64::from(row.fault.is_none() && trial.lane == Verified::End);
            if row.expect == Expect::Nothing {
                missed()
            } else {
                caught("weak")
            }
        });
        assert_eq!(seeds, 200);
        let standings = schedule.standings();
        let met = |(_, _, standing): &(usize, Score, RowStanding)| *standing == RowStanding::Met;
        assert!(standings.iter().all(met), "{standings:?}");
        let (done, total) = schedule.progress();
        assert_eq!(done, total);
    }

    /// Goal: a fault that is usually caught may be missed on one seed of twenty, and is tried on
    /// twenty before it is judged; one that is always caught may never be missed.
    #[test]
    fn misses_are_counted() {
        for (misses, usually, always) in [
            (0, RowStanding::Met, RowStanding::Met),
            (1, RowStanding::Met, RowStanding::Failed),
            (2, RowStanding::Failed, RowStanding::Failed),
        ] {
            let mut schedule = schedule(Depth::QUICK);
            run(&mut schedule, |row, trial| {
                if row.expect == Expect::Nothing || trial.seed <= misses {
                    missed()
                } else {
                    caught("weak")
                }
            });
            for (number, score, standing) in schedule.standings() {
                let expected = match schedule.rows()[number].expect {
                    Expect::Usually => usually,
                    Expect::Always => always,
                    Expect::Nothing => RowStanding::Met,
                };
                assert_eq!(standing, expected, "{misses} missed: {score:?}");
            }
        }
    }

    /// Goal: after an interruption, a row with trials left is not met, and a failed row stays
    /// failed.
    #[test]
    fn what_is_left_is_untried() {
        let mut schedule = schedule(Depth::QUICK);
        let trial = schedule.next_trial().expect("there is one");
        schedule.report(Tried {
            trial,
            ending: missed(),
            wall_ns: 1,
        });
        let standings: Vec<RowStanding> = schedule.standings().iter().map(|row| row.2).collect();
        assert_eq!(standings[0], RowStanding::Failed);
        assert!(
            standings[1..].iter().all(|s| *s == RowStanding::Untried),
            "{standings:?}"
        );
    }

    /// Goal: if violations of the named check are ignored, the rows that name it fail.
    #[test]
    fn a_check_that_is_gone_is_missed() {
        let rows = rows(CATALOGUE, &[("gil", Fault::ALL.to_vec())], |_, _| true);
        let mut schedule = Schedule::new(rows, Depth::QUICK, Some("weak"));
        run(&mut schedule, |row, _| {
            if row.expect == Expect::Nothing {
                missed()
            } else {
                caught("weak")
            }
        });
        for (number, _, standing) in schedule.standings() {
            let is_sound = schedule.rows()[number].expect == Expect::Nothing;
            assert_eq!(standing == RowStanding::Met, is_sound);
        }
    }
}
