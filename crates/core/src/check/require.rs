//! What a run must have done: its counters, and which of them fell short of what was required.
//!
//! A counter proves that the stress happened; it says nothing about correctness. Some counters
//! exist only for some heaps: a heap without a lock counts no switches of it. Such a counter is
//! absent rather than 0. A requirement by the *workload* on an absent counter is passed over, and
//! the report names it, since a workload is written for all heaps. A requirement from the *command
//! line* on an absent counter is unmet, since it was made for this run.

use std::collections::BTreeMap;

use crate::evidence::{Evidence, ListTally, Moment, WeakTally};
use crate::heap::Stats;
use crate::plan::{Asker, Requirement};

/// Every counter of a run by name: the operations by kind, and what the heap and the harness
/// counted.
pub fn counters(evidence: &Evidence) -> BTreeMap<String, u64> {
    let mut counters = by_kind(evidence);
    let mutators = || evidence.mutators.iter();
    let lists = || mutators().flat_map(|mutator| mutator.tally.lists.values());
    let weak = |pick: fn(&WeakTally) -> u64| {
        let tallies = mutators().map(|mutator| &mutator.tally.weak);
        tallies.map(pick).sum::<u64>()
    };
    let sum = |pick: fn(&ListTally) -> u64| lists().map(pick).sum::<u64>();
    let end = evidence.last_survey(Moment::End);
    let last = evidence.surveys.last();
    let all = [
        ("allocated", evidence.allocated()),
        ("ops_per_second", per_second(evidence)),
        ("freed", end.map_or(0, |survey| survey.dead)),
        (
            "live_at_end",
            end.map_or(0, |end| end.born - end.dead.min(end.born)),
        ),
        ("live_peak", evidence.live_peak),
        ("rss_bytes_peak", evidence.rss_bytes_peak),
        ("upgraded", weak(|tally| tally.upgraded)),
        ("upgrade_lost", weak(|tally| tally.lost)),
        ("finalized", last.map_or(0, |survey| survey.finalized)),
        (
            "resurrected",
            mutators().map(|mutator| mutator.tally.resurrected).sum(),
        ),
        ("noted", sum(|tally| tally.noted)),
        ("rounds", mutators().map(|mutator| mutator.rounds).sum()),
        ("surveys", evidence.surveys_made),
        (
            "forced_collections",
            mutators().map(|mutator| mutator.forced_collections).sum(),
        ),
        (
            "refused",
            mutators().map(|mutator| mutator.refused).sum::<u64>() + evidence.refused_in_setup,
        ),
    ];
    let of_heap = of_some_heaps(&evidence.stats, evidence.allocated());
    let measured = [("interleavings", interleavings(evidence))];
    let of_heap =
        (of_heap.into_iter().chain(measured)).filter_map(|(name, value)| Some((name, value?)));
    let there = all.into_iter().chain(of_heap);
    counters.extend(there.map(|(name, value)| (name.to_owned(), value)));
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

/// What only some heaps count: none of it is there if the heap does not.
fn of_some_heaps(stats: &Stats, allocated: u64) -> [(&'static str, Option<u64>); 13] {
    [
        ("unreclaimed_peak", stats.unreclaimed_peak),
        ("collections", stats.collections),
        ("full_collections", stats.full_collections),
        ("examined", stats.examined),
        (
            "examined_per_thousand",
            (stats.examined).map(|it| it.saturating_mul(1000) / allocated.max(1)),
        ),
        ("cycles_freed", stats.cycles_freed),
        ("local_collections", stats.local_collections),
        ("local_cycles_freed", stats.local_cycles_freed),
        ("contended", stats.contended),
        ("switches", stats.switches),
        ("retries", stats.retries),
        ("epochs", stats.epochs),
        ("truncations_met_append", stats.truncations_met_append),
    ]
}

/// Whether a heap that tells these figures has the counter of this name.
pub fn is_counted(counter: &str, stats: &Stats) -> bool {
    let all = of_some_heaps(stats, 0);
    let found = all.iter().find(|(name, _)| *name == counter);
    found.is_none_or(|(_, value)| value.is_some())
}

/// Whether this counts what only a certain kind of heap does, so that not to count it says nothing of a
/// heap: one without a lock has no switches of it.
pub fn is_of_a_kind(counter: &str) -> bool {
    let of_a_kind = [
        "examined",
        "examined_per_thousand",
        "local_collections",
        "local_cycles_freed",
        "switches",
        "retries",
        "epochs",
        "truncations_met_append",
    ];
    of_a_kind.contains(&counter)
}

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
        None if is_counted(&requirement.counter, &Stats::default()) => {
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
