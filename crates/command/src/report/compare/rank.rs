//! The exact rank test, and its correction for many tests.
//!
//! Mann and Whitney ("On a test of whether one of two random variables is stochastically larger
//! than the other", 1947): count the pairs of a new and a base value in which the new one is
//! larger. If both come from the same distribution, whichever that is, every order of all values is
//! equally likely, and the probability of so many pairs can be counted. Ties count for neither
//! side, which only makes the test more conservative.

/// With more values on one side the normal approximation replaces counting.
const COUNTED_MAX: usize = 40;

/// The p-value: the probability that in at least so many pairs the value of `new` is larger than
/// that of `base`, if both come from one distribution.
pub(super) fn larger(base: &[f64], new: &[f64]) -> f64 {
    let larger = |value: &f64| base.iter().filter(|other| value > other).count();
    let pairs: usize = new.iter().map(larger).sum();
    if pairs == 0 {
        return 1.0;
    }
    if base.len() > COUNTED_MAX || new.len() > COUNTED_MAX {
        return normal(base.len() as f64, new.len() as f64, pairs as f64);
    }
    let orders = orders(base.len(), new.len());
    let all: f64 = orders.iter().sum();
    orders[pairs..].iter().sum::<f64>() / all
}

/// The smallest value that [`larger`] can have with so many values.
pub(super) fn least(base: usize, new: usize) -> f64 {
    // In one of all the ways to choose which values are the new ones, these are the largest.
    (1..=new).fold(1.0, |product, k| product * k as f64 / (base + k) as f64)
}

/// How many values of each side it takes for [`least`] to be at most this probability.
pub(super) fn runs_needed(probability: f64) -> usize {
    (1..)
        .find(|&runs| least(runs, runs) <= probability)
        .unwrap_or(1)
}

/// By number of pairs: how many orders of `base` and `new` values have that number. The last value
/// of an order is a base value, or a new one, which is larger than all base values before it.
fn orders(base: usize, new: usize) -> Vec<f64> {
    // After the b-th base value: by number of new values, by number of pairs.
    let mut before: Vec<Vec<f64>> = vec![vec![1.0]; new + 1];
    for b in 1..=base {
        let mut after: Vec<Vec<f64>> = vec![vec![1.0]];
        for n in 1..=new {
            let mut counts = vec![0.0; b * n + 1];
            for (pairs, count) in before[n].iter().enumerate() {
                counts[pairs] += count;
            }
            for (pairs, count) in after[n - 1].iter().enumerate() {
                counts[pairs + b] += count;
            }
            after.push(counts);
        }
        before = after;
    }
    before.swap_remove(new)
}

/// The p-value by the normal approximation, with continuity correction.
fn normal(base: f64, new: f64, pairs: f64) -> f64 {
    let spread = (base * new * (base + new + 1.0) / 12.0).sqrt();
    let z = (pairs - 0.5 - base * new / 2.0) / spread;
    libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The p-values of many tests, adjusted by Holm's procedure.
pub(super) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut so_far: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        let left = (probabilities.len() - rank) as f64;
        so_far = so_far.max((probabilities[at] * left).min(1.0));
        adjusted[at] = so_far;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: p-values are those of published tables: for 5 against 5 values, 3 against 4, and ties.
    #[test]
    fn probabilities_are_exact() {
        let numbers = |range: std::ops::Range<u32>| range.map(f64::from).collect::<Vec<_>>();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} instead of {b}");
        close(larger(&numbers(0..5), &numbers(5..10)), 1.0 / 252.0);
        close(larger(&numbers(5..10), &numbers(0..5)), 1.0);
        // One pair the wrong way: two of the 35 orders are at least as far out.
        close(larger(&[1.0, 2.0, 3.0, 5.0], &[4.0, 6.0, 7.0]), 2.0 / 35.0);
        close(larger(&[1.0; 5], &[1.0; 5]), 1.0);
        close(least(5, 5), 1.0 / 252.0);
        close(orders(7, 6).iter().sum(), 1716.0);
        assert_eq!(runs_needed(1.0 / 252.0 + 1e-9), 5);
    }

    /// Goal: where the normal approximation replaces counting, it gives nearly the same p-value.
    #[test]
    fn normal_continues_the_count() {
        let (base, mut new): (Vec<f64>, Vec<f64>) = (0..40)
            .map(|n| (f64::from(2 * n), f64::from(2 * n + 13)))
            .unzip();
        let counted = larger(&base, &new);
        new.push(46.0);
        let approximated = larger(&base, &new);
        assert!(
            (counted / approximated - 1.0).abs() < 0.1,
            "{counted}, {approximated}"
        );
    }

    /// Goal: p-values are adjusted by Holm's procedure, and keep the order of the tests.
    #[test]
    fn holm_pays_for_all() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        let off = adjusted.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-12, "{adjusted:?}");
    }
}
