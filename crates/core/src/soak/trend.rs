//! Trends: does memory, latency or throughput change with the age of a heap?
//!
//! Only rounds of the same stint are compared, since the next stint has a new process and a new
//! heap. The slope is the median of the slopes between any two rounds of a stint, over all stints:
//! the estimator of Theil and Sen, which a few outliers do not change, with stints as strata
//! (Hirsch, Slack and Smith, Techniques of trend analysis for monthly water quality data, WRR
//! 1982). Its confidence interval is Sen's (Estimates of the regression coefficient based on
//! Kendall's tau, JASA 1968): the slopes whose ranks lie within `z` standard deviations of the
//! middle, where each stint of n rounds adds `n (n - 1) (2 n + 5) / 18` to the variance. It assumes
//! no distribution, only that rounds are independent.

use crate::median::median;

/// The fewest rounds of a stint that is used.
const LEAST_IN_STINT: usize = 3;
/// The fewest rounds in all from which a slope is computed.
pub const LEAST: usize = 10;
/// The maximum number of points of a stint. The number of pairs is quadratic, so a longer one is
/// reduced to medians.
const MOST: usize = 400;
/// The fewest points of a stint whose growth can be compared from part to part.
const LONG: usize = 9;
/// The ratio of late to earlier growth that separates steady growth (1) from that of a logarithm
/// (0.6).
const BETWEEN: f64 = 0.7;
/// The two tails of the normal distribution beyond this have a probability of 0.001.
const Z: f64 = 3.29;

/// A slope with its confidence interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slope {
    /// The change for each unit of x.
    pub per_unit: f64,
    /// The lower end of the interval, which holds the true slope with a probability of 99.9 %.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Slope {
    /// Whether it grows significantly, and by more than this.
    pub fn grows_by(&self, least: f64) -> bool {
        self.low > 0.0 && self.per_unit > least
    }

    /// Whether it shrinks significantly, and by more than this.
    pub fn shrinks_by(&self, least: f64) -> bool {
        self.high < 0.0 && self.per_unit < -least
    }
}

/// The slope of these points, with each stint as a stratum; `None` if they are too few, or all have
/// the same x.
pub fn slope<'a>(stints: impl IntoIterator<Item = &'a [(f64, f64)]>) -> Option<Slope> {
    let mut slopes: Vec<f64> = Vec::new();
    let (mut rounds, mut variance) = (0, 0.0);
    for stint in stints {
        if stint.len() < LEAST_IN_STINT {
            continue;
        }
        rounds += stint.len();
        let thinned = thinned(stint);
        for (at, (x, y)) in thinned.iter().enumerate() {
            let later = thinned[at + 1..].iter().filter(|(other, _)| other != x);
            slopes.extend(later.map(|(x2, y2)| (y2 - y) / (x2 - x)));
        }
        let n = thinned.len() as f64;
        variance += n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    }
    if rounds < LEAST || slopes.is_empty() {
        return None;
    }
    let per_unit = median(&mut slopes);
    slopes.sort_unstable_by(f64::total_cmp);
    let (pairs, spread) = (slopes.len() as f64, Z * variance.sqrt());
    let ranked = |rank: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is clamped to the indices of the slopes"
        )]
        let rank = rank.clamp(0.0, pairs - 1.0) as usize;
        slopes[rank]
    };
    Some(Slope {
        per_unit,
        low: ranked(((pairs - spread) / 2.0).floor()),
        high: ranked(((pairs + spread) / 2.0).ceil()),
    })
}

/// Whether growth does not slow down: whether the slope in the last third of the stints is about
/// that in their second third, as in linear growth. Memory that only keeps its maximum grows with
/// the logarithm of x, whose slope in the last third is 0.6 times that in the second. A jump
/// changes neither slope, however high it is. Stints much shorter than the longest are left out,
/// since all of a short stint is warm-up.
pub fn keeps_pace<'a>(stints: impl IntoIterator<Item = &'a [(f64, f64)]> + Clone) -> bool {
    let longest = stints.clone().into_iter().map(<[_]>::len).max();
    let long = LONG.max(longest.unwrap_or(0) / 2);
    let long_ones = || {
        let stints = stints.clone().into_iter();
        stints.filter(move |stint| stint.len() >= long)
    };
    let third = |stint: &'a [(f64, f64)], number: usize| {
        &stint[stint.len() * number / 3..stint.len() * (number + 1) / 3]
    };
    let second = slope(long_ones().map(|stint| third(stint, 1)));
    let last = slope(long_ones().map(|stint| third(stint, 2)));
    match (second, last) {
        (Some(second), Some(last)) => {
            last.per_unit > 0.0 && last.per_unit > BETWEEN * second.per_unit
        }
        _ => false,
    }
}

/// The points, reduced to the medians of at most [`MOST`] spans.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let span = points.len().div_ceil(MOST);
    let middle = |span: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        median(&mut span.iter().map(of).collect::<Vec<_>>())
    };
    let spans = points.chunks(span);
    spans
        .map(|span| (middle(span, |point| point.0), middle(span, |point| point.1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    /// Noise like that of rounds: mostly small, now and then large, never negative.
    fn noise(rng: &mut ChaCha8Rng) -> f64 {
        let small: f64 = (0..4).map(|_| rng.random::<f64>()).sum();
        if rng.random_ratio(1, 20) {
            small * 10.0
        } else {
            small
        }
    }

    /// A stint of so many rounds.
    fn series(rng: &mut ChaCha8Rng, rounds: u32, slope: f64) -> Vec<(f64, f64)> {
        // Each stint starts from a level of its own.
        let start = 100.0 + 50.0 * rng.random::<f64>();
        let value = |round| {
            let round = f64::from(round);
            (round, start + slope * round + noise(rng))
        };
        (0..rounds).map(value).collect()
    }

    fn stints(seed: u64, stints: usize, rounds: u32, by: f64) -> Option<Slope> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let all: Vec<_> = (0..stints).map(|_| series(&mut rng, rounds, by)).collect();
        slope(all.iter().map(Vec::as_slice))
    }

    /// Goal: a straight line has its slope, whatever a few wild rounds say.
    #[test]
    fn a_line_has_its_slope() {
        let mut points: Vec<_> = (0..30)
            .map(|x| (f64::from(x), 2.0 * f64::from(x)))
            .collect();
        for at in [3, 11, 25] {
            points[at].1 = 1e9;
        }
        let slope = slope([points.as_slice()]).expect("enough");
        assert!((slope.per_unit - 2.0).abs() < 1e-9 && slope.grows_by(1.0));
        assert!(!slope.grows_by(2.5) && !slope.shrinks_by(0.0));
    }

    /// Goal: noise alone is flagged in no more than a few of a thousand soaks, and a slow leak in
    /// all, whether it shows in one long stint or in many short ones that start at different
    /// places.
    #[test]
    fn leaks_are_told_from_noise() {
        for (many, rounds) in [(1, 60), (20, 12)] {
            let flagged = |by: f64| {
                let slopes = (0..1000).filter_map(|seed| stints(seed, many, rounds, by));
                slopes.filter(|slope| slope.grows_by(0.0)).count()
            };
            assert!(flagged(0.0) <= 5, "{}", flagged(0.0));
            assert!(flagged(0.15) >= 990, "{} of {many}", flagged(0.15));
            assert_eq!(flagged(-0.15), 0);
        }
    }

    /// Goal: steady growth is distinguished from filling up, and a stint that is too short is not
    /// judged.
    #[test]
    fn filling_slows_down() {
        let paced = |rounds: u32, of: fn(f64) -> f64| {
            let point = |round| (f64::from(round), of(f64::from(round)));
            let points: Vec<_> = (1..=rounds).map(point).collect();
            keeps_pace([points.as_slice(), &points[..rounds as usize / 3]])
        };
        for rounds in [40, 100, 1000] {
            assert!(paced(rounds, |round| 50.0 + 0.01 * round));
            assert!(paced(rounds, |round| 0.5 * round + round.ln()));
            let jumps = |round| 50.0 + 0.01 * round + if round > 9.0 { 5.0 } else { 0.0 };
            assert!(paced(rounds, jumps));
            assert!(!paced(rounds, |round| 50.0 + 3.0 * round.ln()));
            assert!(!paced(rounds, |round| 50.0 + round.min(8.0)));
        }
        assert!(!paced(8, |round| round));
    }

    /// Goal: many rounds are thinned without changing the slope, and too few rounds have none.
    #[test]
    fn long_soaks_are_thinned() {
        let slope_of_many = stints(1, 1, 20_000, 0.01).expect("enough");
        assert!((slope_of_many.per_unit - 0.01).abs() < 1e-4);
        assert_eq!(stints(1, 1, 9, 1.0), None);
        assert_eq!(stints(1, 50, 2, 1.0), None);
        assert_eq!(slope([[(1.0, 2.0); 20].as_slice()]), None);
    }
}
