//! `counter`: a counter's value is the sum of the numbers that were added to it.

use super::{Check, Exhibit, Opinion};
use crate::evidence::CounterFacts;
use crate::heap::Shape;

pub(super) const CHECK: Check = Check {
    name: "counter",
    about: "a counter's value is the sum of its additions",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.has(Shape::Counter) {
        return Opinion::skipped("the workload has no shared counter");
    }
    let mut counters = exhibit.plan.objects.iter();
    if counters.all(|object| object.shape != Shape::Counter || object.usage.aliased) {
        return Opinion::skipped("every counter is changed through other registers than its own");
    }
    let mut opinion = Opinion::default();
    let rooted = exhibit
        .surveys
        .iter()
        .filter(|survey| survey.moment.has_roots());
    let facts = rooted.flat_map(|survey| &survey.counters);
    for facts in facts.filter(|facts| exhibit.is_tallied(facts.object)) {
        let CounterFacts {
            object,
            value,
            additions,
            sum,
        } = *facts;
        opinion.examine(additions);
        if value != sum {
            let name = exhibit.object_name(object);
            let off = sum.abs_diff(value);
            let text = format!(
                "{name} is {value} after {additions} additions that add up to {sum}: off by {off}"
            );
            opinion.blame(off, text);
        }
    }
    opinion
}
