//! Slow decay: does memory, latency or throughput change from round to round?
//!
//! The slope is that of Theil and Sen, the median of the slopes between any two rounds, which a few wild
//! rounds cannot bend; its interval is Sen's (Estimates of the regression coefficient based on Kendall's
//! tau, JASA 1968): the slopes whose ranks lie within `z · sqrt(n (n - 1) (2 n + 5) / 18)` of the middle.
//! It holds for whatever distribution the rounds have, as long as one does not depend on the others.

/// Fewer rounds than this say nothing.
pub const LEAST: usize = 10;
/// More points than this are thinned, since pairs are many: to the medians of as many spans.
const MOST: usize = 400;
/// Both sides of a normal distribution beyond this hold one in a thousand.
const Z: f64 = 3.29;

/// How something changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// By how much for each unit of x.
    pub per_unit: f64,
    /// The interval that holds the true slope in all but one case of a thousand.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The median of what changes.
    pub middle: f64,
}

impl Slope {
    /// Whether it surely grows.
    pub fn grows(&self) -> bool {
        self.low > 0.0
    }

    /// Whether it surely shrinks.
    pub fn shrinks(&self) -> bool {
        self.high < 0.0
    }
}

/// The slope of these points; `None` if they are too few, or lie at one place.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < LEAST {
        return None;
    }
    let thinned = thinned(points);
    let mut slopes: Vec<f64> = Vec::with_capacity(thinned.len() * thinned.len() / 2);
    for (at, (x, y)) in thinned.iter().enumerate() {
        let later = thinned[at + 1..].iter();
        slopes.extend(
            later
                .filter(|(other, _)| other != x)
                .map(|(x2, y2)| (y2 - y) / (x2 - x)),
        );
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let (n, pairs) = (thinned.len() as f64, slopes.len() as f64);
    let spread = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let ranked = |rank: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is clamped to the places there are"
        )]
        let rank = rank.clamp(0.0, pairs - 1.0) as usize;
        slopes[rank]
    };
    Some(Slope {
        per_unit: median(&slopes),
        low: ranked(((pairs - spread) / 2.0).floor()),
        high: ranked(((pairs + spread) / 2.0).ceil()),
        middle: {
            let mut values: Vec<f64> = thinned.iter().map(|(_, y)| *y).collect();
            values.sort_unstable_by(f64::total_cmp);
            median(&values)
        },
    })
}

/// At most [`MOST`] points: the medians of spans of them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let span = points.len().div_ceil(MOST);
    let middle = |span: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = span.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        median(&values)
    };
    let spans = points.chunks(span);
    spans
        .map(|span| (middle(span, |point| point.0), middle(span, |point| point.1)))
        .collect()
}

/// The median of what is sorted and there.
fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        f64::midpoint(sorted[half - 1], sorted[half])
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Noise as rounds have it: mostly small, now and then large, never negative.
    fn noise(rng: &mut ChaCha8Rng) -> f64 {
        let small: f64 = (0..4).map(|_| rng.random::<f64>()).sum();
        if rng.random_ratio(1, 20) {
            small * 10.0
        } else {
            small
        }
    }

    fn series(seed: u64, rounds: u32, slope: f64) -> Vec<(f64, f64)> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let value = |round| {
            (
                f64::from(round),
                100.0 + slope * f64::from(round) + noise(&mut rng),
            )
        };
        (0..rounds).map(value).collect()
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
        let slope = theil_sen(&points).expect("enough");
        assert!((slope.per_unit - 2.0).abs() < 1e-9 && slope.grows() && !slope.shrinks());
    }

    /// Goal: noise alone is flagged in no more than a few of a thousand soaks, and a slow leak in all.
    #[test]
    fn leaks_are_told_from_noise() {
        let flagged = |slope: f64| {
            let soaks = 0..1000;
            let slopes = soaks.filter_map(|seed| theil_sen(&series(seed, 60, slope)));
            slopes.filter(Slope::grows).count()
        };
        assert!(flagged(0.0) <= 5, "{}", flagged(0.0));
        assert!(flagged(0.1) >= 990, "{}", flagged(0.1));
        assert_eq!(flagged(-0.1), 0);
    }

    /// Goal: many rounds are thinned and say the same; few say nothing.
    #[test]
    fn long_soaks_are_thinned() {
        let slope = theil_sen(&series(1, 20_000, 0.01)).expect("enough");
        assert!((slope.per_unit - 0.01).abs() < 1e-4, "{slope:?}");
        assert_eq!(theil_sen(&series(1, 9, 1.0)), None);
        assert_eq!(theil_sen(&[(1.0, 2.0); 20]), None);
    }
}
