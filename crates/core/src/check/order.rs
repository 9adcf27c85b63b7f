//! `order`: each producer's elements stand in a list in the order in which it made them, and
//! truncation from the front has removed a prefix of them.
//!
//! The order is judged where the plan guarantees it: every element was appended by the mutator that
//! made it, right after it was made (`fresh_only`). If, besides, only `del l[:n]` removes elements
//! and the producers make objects for this list only (`gapless`), the elements of each producer
//! must be the last ones that it made, without a gap.

use super::{Check, Exhibit, Opinion};
use crate::evidence::{ListFacts, ProducerFacts};
use crate::heap::Shape;

pub(super) const CHECK: Check = Check {
    name: "order",
    about: "each producer's elements are in the order in which it made them, and without gaps",
    judge,
};

/// The run may end between the birth of an object and its append.
const IN_FLIGHT: u64 = 1;

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.has(Shape::List) {
        return Opinion::skipped("the workload has no shared list");
    }
    let ordered = |list: &&ListFacts| {
        exhibit
            .usage(list.object)
            .is_some_and(|usage| usage.fresh_only)
    };
    if !exhibit
        .plan
        .objects
        .iter()
        .any(|object| object.usage.fresh_only)
    {
        return Opinion::skipped("no shared list receives its elements in an order that is fixed");
    }
    let mut opinion = Opinion::default();
    let rooted = exhibit
        .surveys
        .iter()
        .filter(|survey| survey.moment.has_roots());
    for list in rooted.flat_map(|survey| &survey.lists).filter(ordered) {
        // An empty list is in order; counting it keeps the check from being vacuous.
        opinion.examine(1);
        // Elements whose append was refused are missing rightly; `conservation` judges refusals.
        let gapless = exhibit
            .usage(list.object)
            .is_some_and(|usage| usage.gapless);
        let gapless = gapless && list.refused == 0;
        for producer in &list.producers {
            opinion.examine(producer.found);
            opinion.find(&producer.inversions);
            if gapless {
                opinion.find(&producer.gaps);
                tail(producer, exhibit.object_name(list.object), &mut opinion);
            }
        }
    }
    opinion
}

/// Whether the list ends with the last object that the producer made.
fn tail(facts: &ProducerFacts, name: &str, opinion: &mut Opinion) {
    let ProducerFacts {
        producer,
        last,
        born,
        ..
    } = *facts;
    if last + 1 + IN_FLIGHT < born {
        let text =
            format!("the last object of mutator {producer} in {name} is number {last} of {born}");
        opinion.blame(born - last - 1, text);
    }
}
