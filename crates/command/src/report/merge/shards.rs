//! Which shards of a soak are missing, and which occur more than once.

use std::collections::BTreeMap;

use super::{Merged, PartKey};
use crate::result::{Seed, figures};

/// At most this many gaps are named.
const SHOWN_MAX: usize = 8;

/// Notes on the shards of each seed.
pub(super) fn notes(merged: &Merged) -> Vec<String> {
    // By seed and number of shards: how often each shard occurs. A shard without a round counts as
    // missing.
    let mut seeds = BTreeMap::<(Seed, u32), BTreeMap<u32, u64>>::new();
    for part in merged.parts() {
        if let PartKey::Soak {
            seed, index, of, ..
        } = part.key
        {
            let shards = seeds.entry((seed, of)).or_default();
            *shards.entry(index).or_default() += u64::from(part.rounds() > 0);
        }
    }
    let mut notes = Vec::new();
    for ((seed, of), shards) in seeds {
        let there: Vec<u32> = shards
            .iter()
            .filter(|(_, times)| **times > 0)
            .map(|(index, _)| *index)
            .collect();
        let gaps = gaps(&there, of);
        if !gaps.is_empty() {
            let missing = u64::from(of).saturating_sub(there.len() as u64);
            let is_one = missing == 1;
            notes.push(format!(
                "of the {of} shards of seed {seed}, {} {} missing: {}",
                figures::count(missing),
                if is_one { "is" } else { "are" },
                named(&gaps),
            ));
        }
        for (index, times) in shards.into_iter().filter(|(_, times)| *times > 1) {
            notes.push(format!(
                "shard {index}/{of} of seed {seed} was soaked {times} times: all of its rounds count"
            ));
        }
    }
    notes
}

/// The ranges of numbers below `of` that are not in `there`, which is sorted.
fn gaps(there: &[u32], of: u32) -> Vec<(u32, u32)> {
    let mut gaps = Vec::new();
    let mut next = 0;
    for &index in there.iter().chain([&of]) {
        if next < index {
            gaps.push((next, index - 1));
        }
        next = index.saturating_add(1);
    }
    gaps
}

fn named(gaps: &[(u32, u32)]) -> String {
    let name = |&(first, last): &(u32, u32)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    };
    let mut named: Vec<String> = gaps.iter().take(SHOWN_MAX).map(name).collect();
    if gaps.len() > SHOWN_MAX {
        named.push("and more".to_owned());
    }
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::merge::samples::{journal, merged};

    /// Goal: missing and duplicate shards are named briefly, whatever the number of shards.
    #[test]
    fn gaps_are_named() {
        let cases: [(&[u32], u32, &str); 6] = [
            (&[0, 1, 2], 3, ""),
            (&[0, 2], 3, "1"),
            (&[1], 3, "0, 2"),
            (&[0], 3, "1, 2"),
            (&[5], 4_000_000_000, "0 to 4, 6 to 3999999999"),
            (
                &[1, 3, 5, 7, 9, 11, 13, 15, 17],
                19,
                "0, 2, 4, 6, 8, 10, 12, 14, and more",
            ),
        ];
        for (there, of, expected) in cases {
            assert_eq!(named(&gaps(there, of)), expected);
        }
        let mut all = merged(journal(7, 0)).join(merged(journal(7, 3)));
        assert_eq!(
            notes(&all),
            ["of the 8 shards of seed 7, 6 are missing: 1, 2, 4 to 7"]
        );
        let mut again = journal(7, 3);
        if let PartKey::Soak { began, .. } = &mut again.key {
            *began = "later".to_owned();
        }
        all = all.join(merged(again));
        assert_eq!(
            notes(&all)[1],
            "shard 3/8 of seed 7 was soaked 2 times: all of its rounds count"
        );
        // A shard that has not begun is missing.
        let mut empty = journal(9, 0);
        empty.lanes.iter_mut().for_each(|lane| lane.rounds = 0);
        assert!(notes(&merged(empty))[0].contains("8 are missing: 0 to 7"));
    }
}
