//! Which heap did more, and which held threads up for less, in one sentence.
//!
//! Only runs that held are compared: what a heap does fast and wrong is worth nothing. Runs of the same
//! workload with the same parameters and the same seed are a pair; of several pairs the sentence tells
//! geometric means, since ratios have no other.

use super::Collected;
use super::headline::{has_responses, latencies};
use crate::result::{Outcome, RunResult, figures};

/// Two figures are as good as the same if they are closer than what two runs of one heap differ in.
const SAME: std::ops::RangeInclusive<f64> = 0.95..=1.05;

/// One heap against another, over all pairs of their runs.
struct Versus {
    /// Operations a second, as a multiple, over the pairs whose rate was not given; `None` if there are
    /// none.
    throughput: Option<f64>,
    /// The longest operation, as a multiple.
    stall: Option<f64>,
    pairs: usize,
    /// The workloads that were driven at a given rate, if others were not.
    paced: Vec<String>,
    /// What the longest time is one of.
    longest: &'static str,
    is_noisy: bool,
}

/// The sentence, if there are two heaps with runs that held and can be compared.
pub(super) fn versus(collected: &Collected) -> Option<String> {
    let held = collected.results.iter();
    let held: Vec<&RunResult> = held.filter(|it| it.verdict == Outcome::Held).collect();
    let mut heaps: Vec<String> = Vec::new();
    for result in &held {
        let heap = result.subject();
        if !heaps.contains(&heap) {
            heaps.push(heap);
        }
    }
    let (first, others) = heaps.split_first()?;
    let compared = others
        .iter()
        .map(|other| (other, Versus::of(&held, other, first)));
    // The one that did most, against the first, with which reports compare all others as well.
    let best = compared
        .filter(|(_, versus)| versus.pairs > 0)
        .max_by(|(_, one), (_, other)| {
            let rank = |versus: &Versus| versus.throughput.or(versus.stall.map(f64::recip));
            rank(one)
                .partial_cmp(&rank(other))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
    best.map(|(other, versus)| versus.sentence(other, first))
}

impl Versus {
    /// `heap` as a multiple of `base`.
    fn of(held: &[&RunResult], heap: &str, base: &str) -> Self {
        let is_pair = |one: &RunResult, other: &RunResult| {
            other.subject() == base && other.seed == one.seed && other.workload == one.workload
        };
        let of_heap = held.iter().filter(|result| result.subject() == heap);
        let pairs = of_heap.filter_map(|one| {
            let other = held.iter().find(|other| is_pair(one, other))?;
            Some((*one, *other))
        });
        let pairs: Vec<(&RunResult, &RunResult)> = pairs.collect();
        let is_paced = |pair: &(&RunResult, &RunResult)| pair.0.rate.is_some();
        let (paced, free): (Vec<_>, Vec<_>) = pairs.iter().copied().partition(is_paced);
        let mean = |pairs: &[(&RunResult, &RunResult)], figure: fn(&RunResult) -> f64| {
            let ratios = pairs.iter().map(|(one, other)| figure(one) / figure(other));
            let logs = ratios.map(f64::ln).sum::<f64>() / pairs.len() as f64;
            logs.is_finite().then(|| logs.exp())
        };
        let mut names: Vec<String> = Vec::new();
        for (one, _) in paced.iter().filter(|_| !free.is_empty()) {
            if !names.contains(&one.workload.name) {
                names.push(one.workload.name.clone());
            }
        }
        Self {
            throughput: mean(&free, per_second),
            stall: mean(&pairs, longest),
            pairs: pairs.len(),
            longest: match pairs.iter().all(|(one, _)| has_responses(one)) {
                true => "response",
                false => "stall",
            },
            paced: names,
            is_noisy: pairs
                .iter()
                .any(|(one, other)| [one, other].iter().any(|result| result.noisy == Some(true))),
        }
    }

    /// The sentence, in which the better one of the two comes first.
    fn sentence(&self, heap: &str, base: &str) -> String {
        let is_better = match (self.throughput, self.stall) {
            (Some(throughput), _) => throughput >= 1.0,
            (None, stall) => stall.is_none_or(|stall| stall <= 1.0),
        };
        let turned = |ratio: Option<f64>| match is_better {
            true => ratio,
            false => ratio.map(f64::recip),
        };
        let (one, other) = if is_better {
            (heap, base)
        } else {
            (base, heap)
        };
        let stall = turned(self.stall).map(|ratio| match ratio {
            _ if SAME.contains(&ratio) => "as long".to_owned(),
            ..1.0 => format!("{} times shorter", times(ratio.recip())),
            _ => format!("{} times longer", times(ratio)),
        });
        let mut text = match turned(self.throughput) {
            Some(ratio) if SAME.contains(&ratio) => {
                format!("{one} did as many operations a second as {other}")
            }
            Some(ratio) => {
                let times = times(ratio);
                format!("{one} did {times} times as many operations a second as {other}")
            }
            None => format!("{one} was driven at the same rate as {other}"),
        };
        // How long the longest stall is, on a noisy machine, is the machine's doing.
        if let Some(stall) = stall.filter(|_| !self.is_noisy) {
            text += &format!("; its longest {} was {stall}", self.longest);
        }
        if self.pairs > 1 {
            let but = match self.paced.as_slice() {
                [] => String::new(),
                paced => format!(
                    "; {} {} driven at a given rate, so only {} stalls count",
                    paced.join(", "),
                    if paced.len() == 1 { "was" } else { "were" },
                    if paced.len() == 1 { "its" } else { "their" },
                ),
            };
            text += &format!(" (geometric means over {} pairs of runs{but})", self.pairs);
        }
        match self.is_noisy {
            true => format!(
                "the machine was noisy, so this says little: {text}; stalls are not compared"
            ),
            false => text,
        }
    }
}

/// A ratio, with two digits.
fn times(ratio: f64) -> String {
    match ratio {
        ..9.95 => format!("{ratio:.1}"),
        ..999.5 => format!("{ratio:.0}"),
        _ => figures::short(ratio),
    }
}

fn per_second(result: &RunResult) -> f64 {
    result.ops.values().map(|op| op.per_second).sum()
}

fn longest(result: &RunResult) -> f64 {
    latencies(result).max() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Rate;
    use crate::sample;

    /// A run whose operations are `factor` times as many, and whose longest took `stall_ns`.
    fn run(heap: &str, factor: f64, stall_ns: u64) -> RunResult {
        let mut result = sample::result(heap);
        for op in result.ops.values_mut() {
            op.per_second *= factor;
            if let Some(service) = &mut op.service {
                service.record(stall_ns);
            }
        }
        result
    }

    fn said(results: Vec<RunResult>) -> Option<String> {
        let absent = Vec::new();
        versus(&Collected { results, absent })
    }

    /// Goal: the better one comes first, whichever ran first; a run that did not hold is not compared.
    #[test]
    fn the_better_one_comes_first() {
        let second = 1_000_000_000;
        let (slow, fast) = (run("gil", 1.0, 20 * second), run("lock-free", 2.1, second));
        let expected = "lock-free did 2.1 times as many operations a second as gil; its longest stall \
                        was 20 times shorter";
        assert_eq!(
            said(vec![slow.clone(), fast.clone()]).as_deref(),
            Some(expected)
        );
        assert_eq!(
            said(vec![fast.clone(), slow.clone()]).as_deref(),
            Some(expected)
        );
        assert_eq!(said(vec![slow.clone()]), None);
        assert_eq!(said(vec![slow, sample::violated("lock-free")]), None);
    }

    /// Goal: of a noisy machine it says first that the comparison says little, and compares no stalls.
    #[test]
    fn noise_is_said_first() {
        let (quiet, mut noisy) = (run("gil", 1.0, 1), run("lock-free", 2.1, 1_000_000_000));
        noisy.noisy = Some(true);
        let said = said(vec![quiet, noisy]).expect("both held");
        assert!(
            said.starts_with("the machine was noisy, so this says little: "),
            "{said}"
        );
        assert!(
            said.contains("lock-free did 2.1 times") && !said.contains("longest stall"),
            "{said}"
        );
    }

    /// Goal: a pair that was driven at a given rate is named, and counts for its stalls alone; only where all
    /// were driven, that is what is said of all.
    #[test]
    fn what_was_paced_is_named() {
        let second = 1_000_000_000;
        let paced = |heap, stall| {
            let mut result = run(heap, 1.0, stall);
            result.rate = Some(Rate {
                offered_per_second: 1.0,
                achieved_per_second: 1.0,
                saturated: false,
                threads: 1,
            });
            result.workload.name = "paced-list".to_owned();
            result
        };
        let (one, other) = (paced("gil", 4 * second), paced("lock-free", second));
        let all = said(vec![one.clone(), other.clone()]).expect("both held");
        let expected =
            "lock-free was driven at the same rate as gil; its longest stall was 4.0 times shorter";
        assert_eq!(all, expected);
        let responding = [&one, &other].map(|result| {
            let mut result = result.clone();
            for op in result.ops.values_mut() {
                op.response = op.service.take();
            }
            result
        });
        let all = said(responding.into()).expect("both held");
        assert_eq!(all, expected.replace("stall", "response"));
        let free = [run("gil", 1.0, second), run("lock-free", 3.0, second)];
        let some = said(free.into_iter().chain([one, other]).collect()).expect("all held");
        let expected = "lock-free did 3.0 times as many operations a second as gil; its longest stall was 2.0 \
                        times shorter (geometric means over 2 pairs of runs; paced-list was driven at a given \
                        rate, so only its stalls count)";
        assert_eq!(some, expected);
    }

    /// Goal: of several pairs the means are told, and runs without a partner count for nothing.
    #[test]
    fn pairs_have_a_mean() {
        let second = 1_000_000_000;
        let seeded = |heap: &str, factor, seed| {
            let mut result = run(heap, factor, second);
            result.seed = seed;
            result
        };
        let results = vec![
            seeded("gil", 1.0, 1),
            seeded("lock-free", 4.0, 1),
            seeded("gil", 1.0, 2),
            seeded("lock-free", 1.0, 2),
            seeded("lock-free", 99.0, 3),
        ];
        let expected = "lock-free did 2.0 times as many operations a second as gil; its longest stall \
                        was as long (geometric means over 2 pairs of runs)";
        assert_eq!(said(results).as_deref(), Some(expected));
    }
}
