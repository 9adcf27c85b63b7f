//! `order`: each producer's elements stand in a list in the order in which it made them, and what
//! was truncated is a prefix.
//!
//! Judged where the plan makes it a fact: the list takes only fresh objects from whoever made them
//! (`fresh_only`). Where in addition nothing but `del l[:n]` removes elements and its producers make
//! nothing else (`gapless`), what is there of each producer must be a tail of all that it made,
//! without a gap.

use super::{Check, Exhibit, Opinion};
use crate::evidence::{ListFacts, ProducerFacts};
use crate::heap::Shape;

pub(super) const CHECK: Check = Check {
    name: "order",
    about: "each producer's elements are in its order, and what was truncated is a prefix",
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
        return Opinion::skipped("no shared list takes its elements in one order only");
    }
    let mut opinion = Opinion::default();
    let rooted = exhibit
        .surveys
        .iter()
        .filter(|survey| survey.moment.has_roots());
    for list in rooted.flat_map(|survey| &survey.lists).filter(ordered) {
        // An empty list is in order, and was looked at.
        opinion.examine(1);
        // What a heap without memory refused to take is missing, and `conservation` judges that.
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

fn tail(facts: &ProducerFacts, name: &str, opinion: &mut Opinion) {
    let ProducerFacts {
        producer,
        last,
        born,
        ..
    } = *facts;
    if last + 1 + IN_FLIGHT < born {
        let text =
            format!("{name} ends with object {last} of mutator {producer}, which has made {born}");
        opinion.blame(born - last - 1, text);
    }
}
