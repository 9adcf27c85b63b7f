//! What a run must have done: its counters, and which of them fell short of what was required.
//!
//! A counter proves that the stress happened; it says nothing about correctness. Some counters
//! exist only for some heaps: a heap without a lock counts no switches of it. Such a counter is
//! absent rather than 0. A requirement by the *workload* on an absent counter is passed over, and
//! the report names it, since a workload is written for all heaps. A requirement from the *command
//! line* on an absent counter is unmet, since it was made for this run.

use std::collections::BTreeMap;

use crate::evidence::{Evidence, ListTally, Moment, WeakTally};
use crate::plan::{Asker, Requirement};

/// Every counter of a run by name: the operations by kind, and what the heap and the harness
/// counted.
pub fn counters(evidence: &Evidence) -> BTreeMap<String, u64> {
    let mut counters = by_kind(evidence);
    let stats = &evidence.stats;
    let mutators = || evidence.mutators.iter();
    let lists = || mutators().flat_map(|mutator| mutator.tally.lists.values());
    let weak = |pick: fn(&WeakTally) -> u64| {
        let tallies = mutators().map(|mutator| &mutator.tally.weak);
        Some(tallies.map(pick).sum::<u64>())
    };
    let sum = |pick: fn(&ListTally) -> u64| lists().map(pick).sum::<u64>();
    let end = evidence.last_survey(Moment::End);
    let last = evidence.surveys.last();
    let all = [
        ("allocated", Some(evidence.allocated())),
        ("ops_per_second", Some(per_second(evidence))),
        ("freed", Some(end.map_or(0, |survey| survey.dead))),
        (
            "live_at_end",
            Some(end.map_or(0, |end| end.born - end.dead.min(end.born))),
        ),
        ("live_peak", Some(evidence.live_peak)),
        ("unreclaimed_peak", stats.unreclaimed_peak),
        ("collections", stats.collections),
        ("full_collections", stats.full_collections),
        ("examined", stats.examined),
        (
            "examined_per_thousand",
            (stats.examined).map(|it| it.saturating_mul(1000) / evidence.allocated().max(1)),
        ),
        ("cycles_freed", stats.cycles_freed),
        ("local_collections", stats.local_collections),
        ("local_cycles_freed", stats.local_cycles_freed),
        ("contended", stats.contended),
        ("interleavings", interleavings(evidence)),
        ("switches", stats.switches),
        ("retries", stats.retries),
        ("epochs", stats.epochs),
        ("truncations_met_append", stats.truncations_met_append),
        ("rss_bytes_peak", Some(evidence.rss_bytes_peak)),
        ("upgraded", weak(|tally| tally.upgraded)),
        ("upgrade_lost", weak(|tally| tally.lost)),
        ("finalized", Some(last.map_or(0, |survey| survey.finalized))),
        (
            "resurrected",
            Some(mutators().map(|mutator| mutator.tally.resurrected).sum()),
        ),
        ("noted", Some(sum(|tally| tally.noted))),
        (
            "rounds",
            Some(mutators().map(|mutator| mutator.rounds).sum()),
        ),
        ("surveys", Some(evidence.surveys_made)),
        (
            "forced_collections",
            Some(mutators().map(|mutator| mutator.forced_collections).sum()),
        ),
        (
            "refused",
            Some(
                mutators().map(|mutator| mutator.refused).sum::<u64>() + evidence.refused_in_setup,
            ),
        ),
    ];
    let there = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    counters.extend(there);
    counters
}

/// How many operations there were of each kind.
fn by_kind(evidence: &Evidence) -> BTreeMap<String, u64> {
    let mut operations = BTreeMap::new();
    for mutator in &evidence.mutators {
        for (kind, count) in &mutator.tally.ops {
            *operations.entry(kind.clone()).or_default() += count;
        }
    }
    operations
}

/// How often mutators got in between each other; `None` if that was not measured.
fn interleavings(evidence: &Evidence) -> Option<u64> {
    let counts = evidence.mutators.iter().map(|it| it.interleavings);
    counts.sum()
}

/// Operations per second of all mutators together; 0 if no time passed.
fn per_second(evidence: &Evidence) -> u64 {
    let per_second = u128::from(evidence.ops_since_start()) * 1_000_000_000;
    let per_second = per_second.checked_div(evidence.elapsed_ns.into());
    per_second.map_or(0, |rate| u64::try_from(rate).unwrap_or(u64::MAX))
}

/// Counters that some heaps do not have. All others are always there, or count 0.
const OF_SOME_HEAPS: [&str; 13] = [
    "unreclaimed_peak",
    "collections",
    "full_collections",
    "examined",
    "examined_per_thousand",
    "cycles_freed",
    "local_collections",
    "local_cycles_freed",
    "contended",
    "switches",
    "retries",
    "epochs",
    "truncations_met_append",
];

/// A requirement that was not met, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall<'a> {
    /// The counter is less than was required.
    Short(&'a Requirement, u64),
    /// The heap does not count it, and the command line asked for it.
    Uncounted(&'a Requirement),
    /// The heap does not count it, and the workload asked for it; other heaps may count it.
    PassedOver(&'a Requirement),
}

impl Shortfall<'_> {
    /// Whether it makes the run vacuous.
    pub fn is_vacuous(&self) -> bool {
        !matches!(self, Self::PassedOver(_))
    }
}

impl std::fmt::Display for Shortfall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Short(
                Requirement {
                    counter, at_least, ..
                },
                value,
            ) => {
                write!(
                    f,
                    "{counter} is {value}, and at least {at_least} was required"
                )
            }
            Self::Uncounted(Requirement {
                counter, at_least, ..
            }) => write!(
                f,
                "the heap does not count {counter}, of which at least {at_least} was required"
            ),
            Self::PassedOver(requirement) => {
                write!(f, "the heap does not count {}", requirement.counter)
            }
        }
    }
}

/// The requirements that were not met.
pub fn unmet<'a>(
    counters: &BTreeMap<String, u64>,
    require: impl IntoIterator<Item = &'a Requirement>,
) -> Vec<Shortfall<'a>> {
    let judge = |requirement: &'a Requirement| match counters.get(&requirement.counter) {
        Some(&value) => {
            (value < requirement.at_least).then_some(Shortfall::Short(requirement, value))
        }
        None if !OF_SOME_HEAPS.contains(&requirement.counter.as_str()) => {
            Some(Shortfall::Short(requirement, 0))
        }
        None => Some(match requirement.asked_by {
            Asker::Workload => Shortfall::PassedOver(requirement),
            Asker::Command => Shortfall::Uncounted(requirement),
        }),
    };
    require.into_iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(counter: &str, asked_by: Asker) -> Requirement {
        Requirement {
            counter: counter.to_owned(),
            at_least: 2,
            asked_by,
        }
    }

    /// Goal: a counter that falls short is named with its value, and one that the heap does not
    /// count is passed over only if a workload asked for it.
    #[test]
    fn shortfalls_are_told_apart() {
        let counters = BTreeMap::from([("append".to_owned(), 2), ("contended".to_owned(), 1)]);
        let cases = [
            ("append", Asker::Workload, None),
            (
                "contended",
                Asker::Workload,
                Some((true, "contended is 1, and at least 2")),
            ),
            (
                "pop",
                Asker::Workload,
                Some((true, "pop is 0, and at least 2")),
            ),
            ("switches", Asker::Workload, Some((false, "switches"))),
            (
                "switches",
                Asker::Command,
                Some((true, "does not count switches")),
            ),
        ];
        for (counter, asker, expected) in cases {
            let requirement = requirement(counter, asker);
            let unmet = unmet(&counters, [&requirement]);
            let found = unmet.first().map(|s| (s.is_vacuous(), s.to_string()));
            match (expected, &found) {
                (None, None) => {}
                (Some((vacuous, words)), Some((is, said))) => {
                    assert!(vacuous == *is && said.contains(words), "{counter}: {said}");
                }
                _ => panic!("{counter}: {found:?}"),
            }
        }
    }
}
