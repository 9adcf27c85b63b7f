//! What a run must have done: counters, and which of them fell short.

use std::collections::BTreeMap;

use crate::evidence::{Evidence, ListTally, Moment, WeakTally};
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
    let mutators = || evidence.mutators.iter();
    let lists = || mutators().flat_map(|mutator| mutator.tally.lists.values());
    let weak = |pick: fn(&WeakTally) -> u64| {
        let tallies = mutators().map(|mutator| &mutator.tally.weak);
        tallies.map(pick).sum::<u64>()
    };
    let sum = |pick: fn(&ListTally) -> u64| lists().map(pick).sum::<u64>();
    let end = evidence.last_survey(Moment::End);
    let live_at_end = end.map_or(0, |survey| survey.born.saturating_sub(survey.dead));
    counters.extend(
        [
            ("allocated", evidence.allocated()),
            // What the tags say, and not what the heap says of itself.
            ("freed", end.map_or(stats.freed, |survey| survey.dead)),
            ("live_at_end", live_at_end),
            ("live_peak", stats.live_peak),
            ("unreclaimed_peak", stats.unreclaimed_peak),
            ("collections", stats.collections),
            ("full_collections", stats.full_collections),
            ("examined", stats.examined),
            (
                "examined_per_thousand",
                stats.examined.saturating_mul(1000) / evidence.allocated().max(1),
            ),
            ("cycles_freed", stats.cycles_freed),
            ("contended", stats.contended),
            ("switches", stats.switches),
            ("rss_bytes_peak", evidence.rss_bytes_peak),
            ("upgraded", weak(|tally| tally.upgraded)),
            ("upgrade_lost", weak(|tally| tally.lost)),
            (
                "finalized",
                evidence.surveys.last().map_or(0, |survey| survey.finalized),
            ),
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
            ("refused", mutators().map(|mutator| mutator.refused).sum()),
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
