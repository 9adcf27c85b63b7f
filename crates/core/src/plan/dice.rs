//! The randomness of a run: one ChaCha stream for each mutator's setup and one for its rounds.
//!
//! ChaCha with 8 rounds is value-stable across versions and machines, its streams are independent
//! by construction, and a word costs about a nanosecond. Everything drawn from it here is made with
//! integer arithmetic or with IEEE operations that round the same everywhere (no `ln` of the
//! platform's), so a seed means the same operations on every machine.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::Draw;
use super::batch::BATCH_OPS;

/// Fills the three quarters of the key that the seed leaves; any constant would do.
const KEY_TAIL: [u8; 24] = *b"gcstorm operation stream";

/// Where a geometric draw is cut off, as a multiple of its mean: one in 10^27 draws would go
/// beyond.
const GEOMETRIC_CUT: f64 = 64.0;

/// A stream of random numbers.
#[derive(Debug)]
pub(super) struct Dice {
    rng: ChaCha8Rng,
    /// Words for [`below_each`](Self::below_each); scratch.
    words: Box<[[u8; 4]; BATCH_OPS]>,
}

impl Dice {
    /// Stream number `stream` of `seed`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(&KEY_TAIL);
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self {
            rng,
            words: Box::new([[0; 4]; BATCH_OPS]),
        }
    }

    /// A uniform number below `bound`, which must be above 0. The distribution is exact: Lemire's
    /// multiply-shift ("Fast random integer generation in an interval", 2019), whose division runs
    /// once in `2^32 / bound` draws.
    #[inline]
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let (mut high, mut low) = halves(u64::from(self.rng.next_u32()) * u64::from(bound));
        if low < bound {
            let reject = bound.wrapping_neg() % bound;
            while low < reject {
                (high, low) = halves(u64::from(self.rng.next_u32()) * u64::from(bound));
            }
        }
        high
    }

    /// Hands `count` numbers as from [`below`](Self::below), at most a batch of them, to `put`,
    /// each with its index. All random words are made at once, which is a third cheaper than one at
    /// a time.
    #[inline]
    pub(super) fn below_each(&mut self, bound: u32, count: usize, mut put: impl FnMut(usize, u32)) {
        let Self { rng, words } = self;
        let words = &mut words[..count];
        rng.fill_bytes(words.as_flattened_mut());
        for (number, word) in words.iter().enumerate() {
            let word = u64::from(u32::from_le_bytes(*word));
            let (mut high, mut low) = halves(word * u64::from(bound));
            if low < bound {
                let reject = bound.wrapping_neg() % bound;
                while low < reject {
                    (high, low) = halves(u64::from(rng.next_u32()) * u64::from(bound));
                }
            }
            put(number, high);
        }
    }

    /// A uniform number from `low..=high`.
    #[inline]
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        match u32::try_from((high - low).saturating_add(1)) {
            Ok(span) => low + u64::from(self.below(span)),
            Err(_) => self.between_far(low, high),
        }
    }

    /// Draws below the next power of two and rejects what is too large: at most every other draw is
    /// wasted.
    #[cold]
    fn between_far(&mut self, low: u64, high: u64) -> u64 {
        let mask = u64::MAX >> (high - low).leading_zeros();
        loop {
            let offset = self.rng.next_u64() & mask;
            if offset <= high - low {
                return low + offset;
            }
        }
    }

    /// A number from the distribution.
    #[inline]
    pub(super) fn draw(&mut self, draw: Draw) -> u64 {
        match draw {
            Draw::Fixed(value) => value,
            Draw::Uniform { low, high } => self.between(low, high),
            Draw::Geometric { mean } => self.geometric(Geometric::new(mean)),
        }
    }

    /// A number from the distribution.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product of two negative numbers is positive, and cut off"
    )]
    pub(super) fn geometric(&mut self, geometric: Geometric) -> u64 {
        (ln(self.unit()) * geometric.scale).min(geometric.cut) as u64
    }

    /// A uniform number between 0 and 1, without both ends.
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        // 53 random bits, plus a half so that it is never 0, which has no logarithm.
        ((self.rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// A number from the exponential distribution of mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -ln(self.unit())
    }
}

/// A geometric distribution, ready to be drawn from by inversion: how often in a row an event of
/// probability `1 / (1 + mean)` does not happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometric {
    /// One over the logarithm of the probability that the event does not happen.
    scale: f64,
    cut: f64,
}

impl Geometric {
    pub(super) fn new(mean: f64) -> Self {
        Self {
            scale: 1.0 / ln(mean / (1.0 + mean)),
            cut: mean * GEOMETRIC_CUT,
        }
    }
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "halves are what is asked for"
)]
fn halves(wide: u64) -> (u32, u32) {
    ((wide >> 32) as u32, wide as u32)
}

/// The natural logarithm of a positive normal number, from operations that IEEE 754 rounds alike on
/// every machine; right to about 14 digits.
fn ln(x: f64) -> f64 {
    /// The series of atanh.
    const TERMS: [f64; 10] = {
        let mut terms = [0.0; 10];
        let mut term = 0;
        while term < terms.len() {
            terms[term] = 1.0 / (2 * term + 1) as f64;
            term += 1;
        }
        terms
    };
    const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = x.to_bits();
    let mut exponent = (bits >> MANTISSA_BITS) as f64 - 1023.0;
    let mut mantissa = f64::from_bits(bits & ((1 << MANTISSA_BITS) - 1) | 1023 << MANTISSA_BITS);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    // ln m = 2 atanh z, with z at most 0.172: ten terms leave less than 10^-16.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let series = TERMS
        .iter()
        .rev()
        .fold(0.0, |sum, term| sum * square + term);
    exponent * std::f64::consts::LN_2 + 2.0 * z * series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the logarithm made here agrees with the platform's.
    #[test]
    fn ln_agrees_with_the_platforms() {
        for x in [1e-16, 0.001, 0.3, 0.5, 0.999_999, 1.0, 1.5, 2.0, 12345.678] {
            let error = (ln(x) - f64::ln(x)).abs();
            assert!(error <= 1e-13, "ln({x}) is off by {error}");
        }
    }

    /// Goal: uniform draws hit every value about equally often, and none outside.
    #[test]
    fn even_draws_are_even() {
        let mut dice = Dice::new(1, 0);
        let mut hits = [0u32; 7];
        for _ in 0..70_000 {
            hits[usize::try_from(dice.between(10, 16) - 10).unwrap()] += 1;
        }
        assert!(
            hits.iter().all(|hit| (9_600..10_400).contains(hit)),
            "{hits:?}"
        );
    }

    /// Goal: ranges wider than 32 bits are covered to both ends.
    #[test]
    fn wide_draws_reach_far() {
        let mut dice = Dice::new(1, 0);
        let drawn: Vec<u64> = (0..1000).map(|_| dice.between(5, 3 << 40)).collect();
        assert!(drawn.iter().all(|n| (5..=3 << 40).contains(n)));
        assert!(drawn.iter().any(|n| *n > 5 << 38) && drawn.iter().any(|n| *n < 1 << 39));
        assert_eq!(
            Dice::new(9, 9).between(0, u64::MAX),
            Dice::new(9, 9).rng.next_u64()
        );
    }

    /// Goal: geometric draws have the mean they were asked for, and start at 0.
    #[test]
    fn geometric_draws_have_their_mean() {
        for mean in [0.25, 1.0, 50.0] {
            let mut dice = Dice::new(3, 0);
            let geometric = Geometric::new(mean);
            let drawn: Vec<u64> = (0..100_000).map(|_| dice.geometric(geometric)).collect();
            let found = drawn.iter().sum::<u64>() as f64 / drawn.len() as f64;
            assert!(
                (found / mean - 1.0).abs() < 0.03,
                "mean {found} instead of {mean}"
            );
            assert!(drawn.contains(&0));
        }
    }
}
