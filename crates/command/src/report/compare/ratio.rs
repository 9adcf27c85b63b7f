//! The ratio of two medians and its interval by a percentile bootstrap (Efron and Tibshirani, "An
//! Introduction to the Bootstrap", 1993).
//!
//! Each side is resampled from its own values with a fixed seed, so that the same results always
//! have the same interval. The interval is shown, and a regression must lie beyond the limit with
//! all of it; the rank test must reject as well.

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

use crate::median::median;

/// How often both sides are resampled. With 2,000 draws the ends of the interval vary by less than
/// a hundredth of its width. Tests make tens of thousands of intervals, and need less precision.
const DRAWS: usize = if cfg!(test) { 200 } else { 2000 };
/// The share of draws beyond each end of the interval, which therefore covers 95 %.
const OUTSIDE: f64 = 0.025;
/// With fewer values on a side, no interval is given.
const VALUES_MIN: usize = 3;

/// The ratio of two medians, and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ratio {
    pub(super) ratio: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
}

impl Ratio {
    /// The ratio of the median of `new` to that of `base`. Where values of the base are 0, those below
    /// `grain` count as `grain` in the interval, which would otherwise have no end.
    pub(super) fn of(base: &[f64], new: &[f64], grain: f64) -> Self {
        let least = if base.contains(&0.0) { grain } else { 0.0 };
        let ratio = |base: f64, new: f64| new.max(least) / base.max(least).max(f64::MIN_POSITIVE);
        let (middle_base, middle_new) = (median(&mut base.to_vec()), median(&mut new.to_vec()));
        let enough = base.len() >= VALUES_MIN && new.len() >= VALUES_MIN;
        let interval = enough.then(|| {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let mut ratios: Vec<f64> = (0..DRAWS)
                .map(|_| {
                    let [base, new] = [base, new].map(|side| median(&mut again(side, &mut rng)));
                    ratio(base, new)
                })
                .collect();
            ratios.sort_by(f64::total_cmp);
            (quantile(&ratios, OUTSIDE), quantile(&ratios, 1.0 - OUTSIDE))
        });
        Self {
            ratio: (middle_base > 0.0).then(|| middle_new / middle_base),
            interval: interval.filter(|_| middle_base > 0.0 || grain > 0.0),
        }
    }
}

/// A sample of the same size, drawn from these values with replacement.
fn again(values: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let len = values.len() as u64;
    let mut one = || (u64::from(rng.next_u32()) * len) >> 32;
    let drawn = (0..values.len()).map(|_| values[usize::try_from(one()).unwrap_or(0)]);
    drawn.collect()
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let at = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: intervals contain the ratio, are narrower if there is less noise, and are the same
    /// each time.
    #[test]
    fn intervals_hold_the_ratio() {
        let noisy = |noise: f64| -> Vec<f64> {
            (0..9)
                .map(|n| 100.0 + noise * f64::from(n * 7 % 9 - 4))
                .collect()
        };
        let slower = |values: &[f64]| values.iter().map(|v| v * 1.2).collect::<Vec<_>>();
        let mut width_before = f64::INFINITY;
        for noise in [4.0, 1.0, 0.1] {
            let base = noisy(noise);
            let found = Ratio::of(&base, &slower(&base), 0.0);
            assert_eq!(found, Ratio::of(&base, &slower(&base), 0.0));
            assert!(found.ratio.is_some_and(|ratio| (ratio - 1.2).abs() < 1e-9));
            let (low, high) = found.interval.expect("enough values");
            assert!(low < 1.2 && high > 1.2 && high - low < width_before);
            width_before = high - low;
        }
        assert_eq!(Ratio::of(&[1.0, 2.0], &[1.0, 2.0], 0.0).interval, None);
        assert_eq!(Ratio::of(&[0.0; 5], &[3.0; 5], 0.0).ratio, None);
        // What is shown is what the medians say, however coarse the figures are.
        assert_eq!(Ratio::of(&[20.0; 5], &[10.0; 5], 18.0).ratio, Some(0.5));
        let from_nothing = Ratio::of(&[0.0; 5], &[36.0; 5], 18.0);
        assert_eq!(from_nothing.interval, Some((2.0, 2.0)));
    }
}
