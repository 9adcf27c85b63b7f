//! Which round comes when.
//!
//! Stints come in *turns*: a turn has every lane as often as its weight says, in an order of its
//! own. So a lane is never ahead of its share by more than its weight, and the same two lanes do
//! not always follow each other. The seed of a stint is drawn from the soak's seed and the stint's
//! number; its first round has that seed and each further one the next, as with `run --repeat`.
//!
//! A soak that goes on for longer than it was meant to may do so in longer stints. An [`Era`] says
//! from which round on; what came before stays as it was.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// A workload on a heap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The workload's name if it comes with the program, or else the path of its file.
    pub workload: String,
    /// A digest of the workload's text: its file may change while a soak is interrupted.
    pub hash: String,
    /// The heap's name.
    pub heap: String,
    /// The fault that is planted in the heap, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How many stints it has in each turn; from 1 to [`WEIGHT_MAX`](super::WEIGHT_MAX).
    pub weight: u32,
}

/// One of several soaks that divide the stints of one soak among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

impl Shard {
    /// The shard of a soak that is not shared: it has all rounds.
    pub const WHOLE: Self = Self { index: 0, of: 1 };
}

/// The rounds from one number on, whose stints all have the same length. A new one begins where a
/// soak went on in longer stints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Era {
    /// Its first round.
    pub from: u64,
    /// The number of its first stint, over all eras: where a turn begins.
    pub stints_before: u64,
    /// How many rounds a stint has; at least one.
    pub stint: u32,
}

impl Era {
    /// The one in which a soak begins.
    pub fn first(stint: u32) -> Self {
        Self {
            from: 0,
            stints_before: 0,
            stint,
        }
    }
}

/// A round to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// From 0, over all shards.
    pub number: u64,
    /// The number of its stint's first round.
    pub stint: u64,
    /// The lane's number.
    pub lane: usize,
    /// The seed of its run.
    pub seed: u64,
    /// In which era.
    pub era: Era,
}

impl Round {
    /// How many rounds its stint has from this one on, with this one.
    pub fn left_in_stint(&self) -> u64 {
        (self.stint + u64::from(self.era.stint)).saturating_sub(self.number)
    }
}

/// All rounds of a soak.
#[derive(Debug, Clone)]
pub struct Agenda {
    seed: u64,
    era: Era,
    /// The lanes of a turn by number, each as often as its weight.
    table: Vec<usize>,
}

/// Streams of random numbers: the order of a turn must not be drawn from the same numbers as a
/// seed.
const ORDERS: u64 = 0;
const SEEDS: u64 = 1;

impl Agenda {
    /// The rounds of one era of these lanes, by this seed.
    ///
    /// # Panics
    ///
    /// If no lane has any weight.
    pub fn new(seed: u64, era: Era, lanes: &[Lane]) -> Self {
        let table: Vec<usize> = (0..)
            .zip(lanes)
            .flat_map(|(number, lane)| std::iter::repeat_n(number, lane.weight as usize))
            .collect();
        assert!(!table.is_empty(), "a soak has a lane");
        Self {
            seed,
            era: Era {
                stint: era.stint.max(1),
                ..era
            },
            table,
        }
    }

    /// The era that begins with the round `from` and has stints of this length. It begins with a
    /// turn, and no stint of it has the number, and so the seed, of an earlier one.
    pub fn longer(&self, from: u64, stint: u32) -> Era {
        let begun = from.saturating_sub(self.era.from).div_ceil(self.length());
        let stints = self.era.stints_before.saturating_add(begun);
        Era {
            from,
            stints_before: stints.next_multiple_of(self.table.len() as u64),
            stint,
        }
    }

    /// How many rounds a stint has.
    fn length(&self) -> u64 {
        u64::from(self.era.stint)
    }

    /// The round of this number, in this era.
    pub fn round(&self, number: u64) -> Round {
        let inside = number.saturating_sub(self.era.from);
        let (within, age) = (inside / self.length(), inside % self.length());
        let stint = self.era.stints_before.saturating_add(within);
        let size = self.table.len() as u64;
        let mut order = self.table.clone();
        order.shuffle(&mut self.draw(ORDERS, stint / size));
        let place = usize::try_from(stint % size).unwrap_or(0);
        Round {
            number,
            stint: number - age,
            lane: order[place],
            // Thirty-two bits, so that people can read the seed to each other.
            seed: (self.draw(SEEDS, stint).next_u64() >> 32) + age,
            era: self.era,
        }
    }

    /// The rounds of one shard whose number is at least `from`. A shard has whole stints.
    pub fn rounds(&self, shard: Shard, from: u64) -> impl Iterator<Item = Round> {
        let (index, of) = (u64::from(shard.index), u64::from(shard.of.max(1)));
        let era = self.era;
        let begun = from.saturating_sub(era.from) / self.length();
        let first = index + begun.saturating_sub(index).div_ceil(of) * of;
        let stints = std::iter::successors(Some(first), move |stint| stint.checked_add(of));
        let firsts = stints.map_while(move |stint| {
            let inside = stint.checked_mul(u64::from(era.stint))?;
            era.from.checked_add(inside)
        });
        let numbers =
            firsts.flat_map(|first| (0..self.length()).map(move |age| first.saturating_add(age)));
        let numbers = numbers.skip_while(move |number| *number < from);
        numbers.map(|number| self.round(number))
    }

    fn draw(&self, stream: u64, number: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        for (place, word) in key.chunks_exact_mut(8).zip([self.seed, stream, number]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn lanes(weights: &[u32]) -> Vec<Lane> {
        weights.iter().copied().map(crate::sample::lane).collect()
    }

    /// Goal: each lane has its share at any time, and is not always followed by the same lane.
    #[test]
    fn lanes_have_their_share() {
        let agenda = Agenda::new(7, Era::first(1), &lanes(&[1, 3, 1]));
        let mut counts = [0_i64; 3];
        let mut pairs = HashSet::new();
        let mut last = None;
        for round in agenda.rounds(Shard::WHOLE, 0).take(2000) {
            counts[round.lane] += 1;
            pairs.insert((last, round.lane));
            last = Some(round.lane);
            let turns = i64::try_from(round.number / 5).expect("few");
            for (count, weight) in counts.iter().zip([1, 3, 1]) {
                assert!((turns * weight..=(turns + 1) * weight).contains(count));
            }
        }
        assert_eq!(counts, [400, 1200, 400]);
        assert_eq!(pairs.len(), 10, "each lane after each, and the first");
    }

    /// Goal: each round is in exactly one shard, wherever a shard is continued, and no seed is used
    /// twice.
    #[test]
    fn shards_share_all_rounds() {
        for stint in [1, 4] {
            let agenda = Agenda::new(1, Era::first(stint), &lanes(&[1, 1]));
            let mut seen = HashSet::new();
            let mut seeds = HashSet::new();
            for index in 0..3 {
                let shard = Shard { index, of: 3 };
                let first: Vec<Round> = agenda.rounds(shard, 0).take(40).collect();
                for (done, round) in (0..).zip(&first) {
                    assert!(seen.insert(round.number));
                    assert!(seeds.insert(round.seed));
                    let next = agenda.rounds(shard, round.number + 1).next();
                    assert_eq!(next.as_ref(), first.get(done + 1).or(next.as_ref()));
                    assert_eq!(*round, agenda.round(round.number));
                }
            }
            assert_eq!(seen, (0..120).collect());
            let other = Agenda::new(2, Era::first(stint), &lanes(&[1, 1]));
            assert_ne!(other.round(0).seed, agenda.round(0).seed);
        }
    }

    /// Goal: the rounds of a stint have one lane and consecutive seeds.
    #[test]
    fn stints_are_of_one_lane() {
        let agenda = Agenda::new(5, Era::first(4), &lanes(&[1, 2]));
        for round in agenda.rounds(Shard { index: 1, of: 2 }, 0).take(100) {
            assert_eq!((round.number / 4) % 2, 1);
            let first = agenda.round(round.stint);
            let age = round.number - round.stint;
            assert!(age < 4 && first.stint == round.stint);
            assert_eq!((first.lane, first.seed + age), (round.lane, round.seed));
        }
    }
    /// Goal: where a soak goes on in longer stints, numbers go on, no seed comes again, lanes have
    /// their share from there on, and it makes no difference where it is interrupted afterwards.
    #[test]
    fn a_longer_era_follows_on() {
        let lanes = lanes(&[1, 2]);
        let short = Agenda::new(5, Era::first(2), &lanes);
        // In the middle of the fifth stint, which is in the middle of the second turn.
        let before: Vec<Round> = short.rounds(Shard::WHOLE, 0).take(9).collect();
        let era = short.longer(9, 7);
        let long = Agenda::new(5, era, &lanes);
        let after: Vec<Round> = long.rounds(Shard::WHOLE, 9).take(63).collect();
        let all = || before.iter().chain(&after);
        assert!(all().map(|round| round.number).eq(0..72));
        let seeds: HashSet<u64> = all().map(|round| round.seed).collect();
        assert_eq!(seeds.len(), 72);
        for turn in after.chunks(21) {
            let second = turn.iter().filter(|round| round.lane == 1).count();
            assert_eq!(second, 14, "{turn:?}");
            for stint in turn.chunks(7) {
                assert!(stint.iter().all(|round| round.stint == stint[0].number));
                let left = stint.iter().map(Round::left_in_stint);
                assert!(left.eq((1..=7).rev()));
            }
        }
        for (done, round) in (0..).zip(&after) {
            let next = long.rounds(Shard::WHOLE, round.number + 1).next();
            assert_eq!(next.as_ref(), after.get(done + 1).or(next.as_ref()));
        }
        let longest = long.longer(9 + 63 + 1, 70);
        assert_eq!(longest.stints_before, era.stints_before + 12);
    }
}
