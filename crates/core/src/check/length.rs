//! `length`: every length that was read is one that the operations allow.
//!
//! If one mutator alone changes a list, each length that it reads must equal the length of its
//! model, and no length that another mutator reads may exceed the greatest length of the model. At
//! rest, `len` must be the number of elements.
//!
//! If several mutators change the list, each has a [`Share`] of its length: what it appended, less
//! what it removed. A mutator knows its own share when it reads a length. The rest of that length
//! must be possible for the shares of the others together, and from one length to the next it must
//! not fall by more than the others removed. If nobody else removes anything, a mutator must
//! therefore find all that it appended since its last look. The workload `exact-lists` is made so
//! that these bounds are tight.

use super::{Check, Exhibit, Opinion};
use crate::evidence::{Evidence, ListTally, Share};
use crate::heap::Shape;
use crate::plan::SharedObject;

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
        for (object, _) in lists.filter(tallied) {
            reads(exhibit, evidence, object, &mut opinion);
        }
    }
    opinion
}

/// Judges the lengths of one list that the mutators read while they ran.
fn reads(exhibit: &Exhibit<'_>, evidence: &Evidence, object: usize, opinion: &mut Opinion) {
    let SharedObject { name, usage, .. } = &exhibit.plan.objects[object];
    let tally = |mutator: usize| evidence.mutators.get(mutator)?.tally.lists.get(&object);
    // What a lost mutator did is not known.
    let is_whole = evidence.mutators.len() == exhibit.plan.mutators.len();
    let idle = ListTally::default();
    let sole = match usage.writers[..] {
        [writer] => tally(writer as usize).or(is_whole.then_some(&idle)),
        _ => None,
    };
    let bound = sole.map_or(u64::MAX, ListTally::model_len_max);
    for tally in (0..evidence.mutators.len()).filter_map(tally) {
        let ListTally {
            len_reads, len_max, ..
        } = *tally;
        opinion.examine(len_reads);
        if len_max > bound {
            let why = "its only writer never left more than";
            opinion.blame(1, format!("{name} was {len_max} long, but {why} {bound}"));
        }
    }
    if is_whole {
        let tallies = (0..evidence.mutators.len()).filter_map(tally);
        shares(&tallies.collect::<Vec<_>>(), name, opinion);
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

/// Judges what the lengths that each mutator read leave for the shares of the others.
fn shares(tallies: &[&ListTally], name: &str, opinion: &mut Opinion) {
    let sum = |of: &ListTally, pick: fn(&ListTally) -> i64| {
        let others = tallies.iter().filter(|tally| !std::ptr::eq(**tally, of));
        others.fold(0, |sum: i64, tally| sum.saturating_add(pick(tally)))
    };
    for tally in tallies {
        let Share {
            others_at_most: Some(at_most),
            others_at_least: Some(at_least),
            fall,
            ..
        } = tally.share
        else {
            continue;
        };
        let least = sum(tally, |tally| tally.share.least);
        let greatest = sum(tally, ListTally::share_greatest);
        let removed = sum(tally, ListTally::removed_at_most);
        if at_most < least {
            let text = format!(
                "a length that one mutator read of {name} leaves at most {at_most} elements to the \
                 others, who never had fewer than {least} in it"
            );
            opinion.blame(1, text);
        }
        if at_least > greatest {
            let text = format!(
                "a length that one mutator read of {name} leaves at least {at_least} elements to the \
                 others, who never had more than {greatest} in it"
            );
            opinion.blame(1, text);
        }
        if fall > removed {
            let text = format!(
                "between two lengths that one mutator read, {name} lost at least {fall} elements of the \
                 others, who removed at most {removed}"
            );
            opinion.blame(1, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What several mutators did to one list.
    fn wrong(tallies: &[ListTally]) -> u64 {
        let mut opinion = Opinion::default();
        shares(&tallies.iter().collect::<Vec<_>>(), "list", &mut opinion);
        opinion.wrong
    }

    /// Goal: a mutator finds in a length what it appended itself, whatever the others did.
    #[test]
    fn own_appends_are_in_the_next_length() {
        for (len, expected) in [(1, 0), (0, 1), (2, 0), (4, 1)] {
            let mut own = ListTally::default();
            own.append();
            own.len(len, u64::MAX);
            own.pop();
            let mut other = ListTally::default();
            other.append();
            other.append();
            other.pop();
            other.pop();
            assert_eq!(wrong(&[own, other]), expected, "{len}");
        }
    }

    /// Goal: where the others only append, a list is never shorter than at the last look; and where
    /// one truncates, it is not by more than was asked for.
    #[test]
    fn lengths_fall_by_what_others_removed() {
        for (asked, second, expected) in [(0, 5, 0), (0, 4, 1), (3, 2, 0), (3, 1, 1)] {
            let mut reader = ListTally::default();
            reader.len(5, u64::MAX);
            reader.len(second, u64::MAX);
            let mut writer = ListTally::default();
            for _ in 0..9 {
                writer.append();
            }
            if asked > 0 {
                writer.truncate(asked);
            }
            assert_eq!(wrong(&[reader, writer]), expected, "{asked} {second}");
        }
    }
}
