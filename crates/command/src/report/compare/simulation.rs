//! Simulations: how often a comparison of made-up runs raises a false alarm, and how often it finds
//! a real change.

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

use super::metric::Series;
use super::{Better, Change, Family, Limits, MetricRow, rows};

/// The number of metrics of a group: about as many as a run with six kinds of operations has.
const METRICS: usize = 30;
/// The number of simulated comparisons.
const PAIRS: u64 = 50;

/// How the values of a metric are distributed.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// Log-normal, with this spread.
    Even(f64),
    /// The same, but one run in ten takes up to ten times as long.
    Tails(f64),
    /// The same, but half of the runs are a third slower, as on another core or with another memory
    /// layout.
    Humps(f64),
    /// The same, but the machine becomes slower by the second figure from the first run to the
    /// last.
    Drift(f64, f64),
}

struct Machine(ChaCha8Rng);

impl Machine {
    fn unit(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 2_f64.powi(32)
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (angle * std::f64::consts::TAU).cos()
    }

    /// The time of run `at` of `of` runs, if the true time is `truth`.
    fn run(&mut self, noise: Noise, truth: f64, at: usize, of: usize) -> f64 {
        let spread = match noise {
            Noise::Even(spread) | Noise::Tails(spread) => spread,
            Noise::Humps(spread) | Noise::Drift(spread, _) => spread,
        };
        let value = truth * (spread * self.normal()).exp();
        match noise {
            Noise::Even(_) => value,
            Noise::Tails(_) if self.unit() < 0.1 => value * 10_f64.powf(self.unit()),
            Noise::Humps(_) if self.unit() < 0.5 => value * 1.33,
            Noise::Tails(_) | Noise::Humps(_) => value,
            Noise::Drift(_, by) => value * (1.0 + by * at as f64 / of as f64),
        }
    }

    /// A metric whose base and new runs took turns; the new ones take `slower` times as long.
    fn series(&mut self, better: Better, noise: Noise, slower: f64, runs: usize) -> Series {
        let (mut base, mut new) = (Vec::new(), Vec::new());
        for at in 0..runs {
            base.push(self.run(noise, 1000.0, 2 * at, 2 * runs));
            new.push(self.run(noise, 1000.0 * slower, 2 * at + 1, 2 * runs));
        }
        if better == Better::Higher {
            for value in base.iter_mut().chain(&mut new) {
                *value = 1e9 / *value;
            }
        }
        Series {
            name: "made up".to_owned(),
            family: match better {
                Better::Higher => Family::Throughput,
                Better::Lower => Family::P99,
            },
            better,
            grain: 0.0,
            base,
            new,
        }
    }
}

/// The comparison of 30 metrics, of which the first is a throughput. Only that one changes, by
/// `slower`.
fn compared(seed: u64, runs: usize, slower: f64, noises: &[Noise]) -> Vec<MetricRow> {
    let mut machine = Machine(ChaCha8Rng::seed_from_u64(seed));
    let all: Vec<Series> = (0..METRICS)
        .map(|number| {
            let better = if number == 0 {
                Better::Higher
            } else {
                Better::Lower
            };
            let slower = if number == 0 { slower } else { 1.0 };
            machine.series(better, noises[number % noises.len()], slower, runs)
        })
        .collect();
    rows(&all.iter().collect::<Vec<_>>(), &Limits::default())
}

fn alarms(runs: usize, slower: f64, noises: &[Noise]) -> usize {
    let raised = |seed: &u64| {
        let rows = compared(*seed, runs, slower, noises);
        rows.iter().any(|row| row.verdict == Change::Regression)
    };
    (0..PAIRS).filter(raised).count()
}

/// Goal: comparing a program with itself raises at most 3 alarms in 50 comparisons of 30 metrics,
/// whatever the noise and the number of runs.
#[test]
fn it_does_not_cry_wolf() {
    let noises = [
        ("even", vec![Noise::Even(0.02)]),
        ("wide", vec![Noise::Even(0.3)]),
        ("tails", vec![Noise::Tails(0.05)]),
        ("humps", vec![Noise::Humps(0.02)]),
        ("drift", vec![Noise::Drift(0.02, 0.3)]),
        (
            "mixed",
            vec![
                Noise::Even(0.02),
                Noise::Tails(0.1),
                Noise::Humps(0.05),
                Noise::Even(0.5),
            ],
        ),
    ];
    for (name, noises) in noises {
        for runs in [5, 8, 12] {
            let alarms = alarms(runs, 1.0, &noises);
            assert!(alarms <= 3, "{name}, {runs} runs: {alarms} alarms");
        }
    }
}

/// Goal: ten runs with 2 % noise show that a throughput is 10 % lower, however noisy other metrics
/// are.
#[test]
fn it_finds_what_is_slower() {
    let noises = [Noise::Even(0.02), Noise::Tails(0.1), Noise::Humps(0.05)];
    let found = alarms(10, 1.0 / 0.9, &noises);
    assert!(found >= 45, "found in {found} of {PAIRS}");
    for seed in 0..PAIRS {
        let rows = compared(seed, 10, 1.0 / 0.9, &noises);
        assert!(
            matches!(rows[0].verdict, Change::Regression | Change::Worse),
            "seed {seed}"
        );
    }
}

/// Goal: a change that is within the limit is reported but raises no alarm, and too few runs are
/// reported as such.
#[test]
fn verdicts_are_graded() {
    let verdict = |runs, slower, noise| compared(4, runs, slower, &[noise])[0].verdict;
    assert_eq!(verdict(10, 1.03, Noise::Even(0.002)), Change::Worse);
    assert_eq!(verdict(10, 0.8, Noise::Even(0.02)), Change::Better);
    assert_eq!(verdict(10, 1.02, Noise::Even(0.1)), Change::NoDifference);
    assert_eq!(verdict(5, 3.0, Noise::Even(0.02)), Change::TooFewRuns);
    assert_eq!(verdict(8, 3.0, Noise::Even(0.02)), Change::Regression);
}

/// Goal: a step of the clock is no regression, however surely it shows, and the verdict says that it was
/// one; what moved by more steps is, and so is the same move where every difference counts.
#[test]
fn a_step_of_the_clock_is_called_one() {
    let verdict = |grain: f64, new: f64| {
        let series = Series {
            name: "append p50".to_owned(),
            family: Family::P50,
            better: Better::Lower,
            grain,
            base: vec![20.0; 8],
            new: vec![new; 8],
        };
        let row = rows(&[&series], &Limits::default()).remove(0);
        (row.verdict, row.text())
    };
    let coarse = (Change::BelowGrain, "less than the clock can tell");
    assert_eq!(verdict(18.0, 30.0), coarse);
    assert_eq!(verdict(18.0, 10.0), coarse);
    assert_eq!(verdict(18.0, 20.0).0, Change::NoDifference);
    assert_eq!(verdict(18.0, 60.0).0, Change::Regression);
    assert_eq!(verdict(0.0, 30.0).0, Change::Regression);
}
