//! Whether it cries wolf: comparisons of made-up runs, whose truth is known.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::metric::Series;
use super::{Better, Change, Family, Limits, MetricRow, rows};

/// Metrics of a group: what a run with six operations has.
const METRICS: usize = 30;
const PAIRS: u64 = 50;

/// How the runs of a metric spread.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// Log-normal, of this spread.
    Even(f64),
    /// The same, and one run in ten is up to ten times as much.
    Tails(f64),
    /// The same, and half of the runs are a third slower: another core, another layout.
    Humps(f64),
    /// The same, on a machine that becomes slower by so much from the first run to the last.
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

    /// Run number `at` of `of`, of something that takes `truth`.
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

    /// A metric whose runs took turns, the new ones `slower` times as slow.
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

/// What 30 metrics come to, the first of them a throughput.
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

/// Goal: the same thing against itself raises at most 3 alarms in 50 comparisons of 30 metrics, whatever
/// the noise and the number of runs.
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

/// Goal: a throughput that is 10 % lower is found with ten runs of 2 % noise, however noisy the rest.
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

/// Goal: what is worse by less than is allowed is told, and raises no alarm; too few runs say so.
#[test]
fn verdicts_are_graded() {
    let verdict = |runs, slower, noise| compared(4, runs, slower, &[noise])[0].verdict;
    assert_eq!(verdict(10, 1.03, Noise::Even(0.002)), Change::Worse);
    assert_eq!(verdict(10, 0.8, Noise::Even(0.02)), Change::Better);
    assert_eq!(verdict(10, 1.02, Noise::Even(0.1)), Change::NoDifference);
    assert_eq!(verdict(5, 3.0, Noise::Even(0.02)), Change::TooFewRuns);
    assert_eq!(verdict(8, 3.0, Noise::Even(0.02)), Change::Regression);
}
