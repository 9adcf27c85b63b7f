//! Which round comes when.
//!
//! Stints come in *turns*: a turn has every lane as often as its weight says, in an order of its
//! own. So a lane is never ahead of its share by more than its weight, and the same two lanes do
//! not always follow each other. The seed of a stint is drawn from the soak's seed and the stint's
//! number; its first round has that seed and each further one the next, as with `run --repeat`.

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
}

/// All rounds of a soak.
#[derive(Debug, Clone)]
pub struct Agenda {
    seed: u64,
    /// How many rounds a stint has.
    stint: u64,
    /// The lanes of a turn by number, each as often as its weight.
    table: Vec<usize>,
}

/// Streams of random numbers: the order of a turn must not be drawn from the same numbers as a
/// seed.
const ORDERS: u64 = 0;
const SEEDS: u64 = 1;

impl Agenda {
    /// The rounds of these lanes by this seed, with `stint` rounds (at least one) in a stint.
    ///
    /// # Panics
    ///
    /// If no lane has any weight.
    pub fn new(seed: u64, stint: u32, lanes: &[Lane]) -> Self {
        let table: Vec<usize> = (0..)
            .zip(lanes)
            .flat_map(|(number, lane)| std::iter::repeat_n(number, lane.weight as usize))
            .collect();
        assert!(!table.is_empty(), "a soak has a lane");
        Self {
            seed,
            stint: u64::from(stint.max(1)),
            table,
        }
    }

    /// The round of this number.
    pub fn round(&self, number: u64) -> Round {
        let (stint, age) = (number / self.stint, number % self.stint);
        let size = self.table.len() as u64;
        let mut order = self.table.clone();
        order.shuffle(&mut self.draw(ORDERS, stint / size));
        let place = usize::try_from(stint % size).unwrap_or(0);
        Round {
            number,
            stint: stint * self.stint,
            lane: order[place],
            // Thirty-two bits, so that people can read the seed to each other.
            seed: (self.draw(SEEDS, stint).next_u64() >> 32) + age,
        }
    }

    /// The rounds of one shard whose number is at least `from`. A shard has whole stints.
    pub fn rounds(&self, shard: Shard, from: u64) -> impl Iterator<Item = Round> {
        let (index, of) = (u64::from(shard.index), u64::from(shard.of.max(1)));
        let begun = from / self.stint;
        let first = index + begun.saturating_sub(index).div_ceil(of) * of;
        let stints = std::iter::successors(Some(first), move |stint| stint.checked_add(of));
        let firsts = stints.map_while(|stint| stint.checked_mul(self.stint));
        let numbers =
            firsts.flat_map(|first| (0..self.stint).map(move |age| first.saturating_add(age)));
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
        let agenda = Agenda::new(7, 1, &lanes(&[1, 3, 1]));
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
            let agenda = Agenda::new(1, stint, &lanes(&[1, 1]));
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
            let other = Agenda::new(2, stint, &lanes(&[1, 1]));
            assert_ne!(other.round(0).seed, agenda.round(0).seed);
        }
    }

    /// Goal: the rounds of a stint have one lane and consecutive seeds.
    #[test]
    fn stints_are_of_one_lane() {
        let agenda = Agenda::new(5, 4, &lanes(&[1, 2]));
        for round in agenda.rounds(Shard { index: 1, of: 2 }, 0).take(100) {
            assert_eq!((round.number / 4) % 2, 1);
            let first = agenda.round(round.stint);
            let age = round.number - round.stint;
            assert!(age < 4 && first.stint == round.stint);
            assert_eq!((first.lane, first.seed + age), (round.lane, round.seed));
        }
    }
}
