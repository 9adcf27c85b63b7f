//! `length`: every length that was read is one that the operations allow.
//!
//! If one mutator alone changes a list, each length that it reads must equal the length of its
//! model, and no length that another mutator reads may exceed the greatest length of the model. If
//! several mutators change the list, no length may exceed the number of elements that they appended
//! together. At rest, `len` must be the number of elements.

use super::{Check, Exhibit, Opinion};
use crate::evidence::{Evidence, ListTally};
use crate::heap::Shape;
use crate::plan::{ListUsage, SharedObject};

pub(super) const CHECK: Check = Check {
    name: "length",
    about: "every length read is one that the operations allow",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.has(Shape::List) {
        return Opinion::skipped("the workload has no shared list");
    }
    let mut opinion = Opinion::default();
    let rooted = exhibit
        .surveys
        .iter()
        .filter(|survey| survey.moment.has_roots());
    for list in rooted.flat_map(|survey| &survey.lists) {
        let name = exhibit.object_name(list.object);
        let (len, found) = (list.len, list.elements);
        opinion.expect(len == found, || {
            format!("{name} says it holds {len} elements, but {found} are found in it")
        });
    }
    if let Some(evidence) = exhibit.evidence {
        let lists = exhibit.plan.objects.iter().enumerate();
        let tallied = |&(_, object): &(usize, &SharedObject)| {
            object.shape == Shape::List && !object.usage.aliased
        };
        for (object, shared) in lists.filter(tallied) {
            reads(evidence, object, &shared.name, &shared.usage, &mut opinion);
        }
    }
    opinion
}

/// Judges the lengths of one list that the mutators read while they ran.
fn reads(evidence: &Evidence, object: usize, name: &str, usage: &ListUsage, opinion: &mut Opinion) {
    let tally = |mutator: usize| evidence.mutators.get(mutator)?.tally.lists.get(&object);
    let sole = match usage.writers[..] {
        [writer] => tally(writer as usize),
        _ => None,
    };
    let appended: u64 = (0..evidence.mutators.len())
        .filter_map(tally)
        .map(|t| t.appended)
        .sum();
    let (bound, why) = match sole {
        Some(sole) => (sole.model_len_max(), "its only writer never left more than"),
        None => (appended, "all appends together are"),
    };
    for tally in (0..evidence.mutators.len()).filter_map(tally) {
        let ListTally {
            len_reads, len_max, ..
        } = *tally;
        opinion.examine(len_reads);
        if len_max > bound {
            opinion.blame(1, format!("{name} was {len_max} long, but {why} {bound}"));
        }
    }
    if let Some(ListTally {
        model_misses,
        model_first_miss: Some((model, read)),
        ..
    }) = sole
    {
        let text = format!("{name}'s only writer read {read} where it had left {model}");
        opinion.blame(*model_misses, text);
    }
}
