//! What a run must have done: counters, and which of them fell short.

use std::collections::BTreeMap;

use crate::evidence::{Evidence, ListTally};
use crate::plan::Requirement;

/// Every counter of a run by name: the operations by kind, and what the heap and the harness
/// counted.
pub fn counters(evidence: &Evidence) -> BTreeMap<String, u64> {
    let mut counters = BTreeMap::new();
    for mutator in &evidence.mutators {
        for (kind, count) in &mutator.tally.ops {
            *counters.entry(kind.clone()).or_default() += count;
        }
    }
    let stats = &evidence.stats;
    let lists = || {
        evidence
            .mutators
            .iter()
            .flat_map(|mutator| mutator.tally.lists.values())
    };
    let sum = |pick: fn(&ListTally) -> u64| lists().map(pick).sum::<u64>();
    let live_at_end = evidence
        .last_survey(crate::evidence::Moment::End)
        .map_or(0, |survey| survey.born.saturating_sub(survey.dead));
    counters.extend(
        [
            ("allocated", evidence.allocated()),
            ("freed", stats.freed),
            ("live_at_end", live_at_end),
            ("live_peak", stats.live_peak),
            ("unreclaimed_peak", stats.unreclaimed_peak),
            ("collections", stats.collections),
            ("full_collections", stats.full_collections),
            ("cycles_freed", stats.cycles_freed),
            ("contended", stats.contended),
            ("switches", stats.switches),
            ("rss_bytes_peak", evidence.rss_bytes_peak),
            ("noted", sum(|tally| tally.noted)),
            (
                "rounds",
                evidence.mutators.iter().map(|mutator| mutator.rounds).sum(),
            ),
            ("surveys", evidence.surveys_made),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    counters
}

/// The requirements that were not met, each with the counter's value.
pub fn unmet<'a>(
    counters: &BTreeMap<String, u64>,
    require: impl IntoIterator<Item = &'a Requirement>,
) -> Vec<(&'a Requirement, u64)> {
    require
        .into_iter()
        .map(|requirement| {
            (
                requirement,
                counters.get(&requirement.counter).copied().unwrap_or(0),
            )
        })
        .filter(|(requirement, value)| *value < requirement.at_least)
        .collect()
}
