//! Whether parts belong together: no two of them may state different values of a fact.

use std::collections::{BTreeMap, BTreeSet};

use super::part::{MAKER, PROGRAM, ROUNDS};
use super::{Merged, Part};

/// So many of the lanes in which two soaks differ are named.
const NAMED_MAX: usize = 3;

/// Two files that do not belong together. Completes "error: …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} differs: {} in {}, {} in {}", .one.0, .one.1, .other.0, .other.1)]
pub struct Disagreement {
    /// The fact in which they differ.
    pub what: String,
    /// Its value in one file, and the name of the file.
    pub one: (String, String),
    /// Its value in the other file, and the name of that.
    pub other: (String, String),
}

impl Disagreement {
    /// What to do instead.
    pub fn hint(&self) -> &'static str {
        match self.what.as_str() {
            MAKER => {
                "soaks are added to soaks, and runs to runs: merge each kind by itself; `report` puts \
                 results side by side"
            }
            PROGRAM => "merge what one build wrote; `compare` judges what two builds did",
            what if what.starts_with("how ") => {
                "merge what was made with the same options; `compare` judges results that differ"
            }
            what if what.starts_with(ROUNDS) => {
                "shards of one soak have the same workloads, heaps, faults, weights and stints: the \
                 options that decide are --heap, --fault, --weights, --stint and, for stints, --budget"
            }
            _ => "merge only what belongs together",
        }
    }
}

/// The facts that were stated so far.
#[derive(Debug, Clone, Default)]
pub struct Belonging {
    /// By the fact's name: the value, and the file that stated it first.
    facts: BTreeMap<String, (String, String)>,
    /// By the fact's name: the lanes of the part that stated it first.
    lanes: BTreeMap<String, BTreeSet<String>>,
}

fn lanes(part: &Part) -> BTreeSet<String> {
    let lanes = part.lanes.iter();
    lanes.map(|sum| sum.lane.to_string()).collect()
}

/// What one soak has and another has not.
fn besides(one: &BTreeSet<String>, other: &BTreeSet<String>) -> String {
    let only: Vec<&str> = one.difference(other).map(String::as_str).collect();
    match only.len() {
        0 => "nothing besides what both have".to_owned(),
        number @ ..=NAMED_MAX => format!("also {}", only[..number].join(", ")),
        number => {
            let named = only[..NAMED_MAX].join(", ");
            format!("also {named} and {} more", number - NAMED_MAX)
        }
    }
}

impl Belonging {
    /// Adds the facts that the parts of this file state.
    ///
    /// # Errors
    ///
    /// A fact has another value than before; the first such fact is named.
    pub fn admit(&mut self, merged: &Merged, from: &str) -> Result<(), Disagreement> {
        for part in merged.parts() {
            for (what, value) in part.facts() {
                match self.facts.get(&what) {
                    Some((known, _)) if *known == value => {}
                    Some(one) => {
                        let (mut one, mut other) = (one.clone(), (value, from.to_owned()));
                        let own = lanes(part);
                        let known = self.lanes.get(&what).filter(|known| **known != own);
                        if let Some(known) = known.filter(|_| what.starts_with(ROUNDS)) {
                            (one.0, other.0) = (besides(known, &own), besides(&own, known));
                        }
                        return Err(Disagreement { what, one, other });
                    }
                    None => {
                        self.lanes.insert(what.clone(), lanes(part));
                        self.facts.insert(what, (value, from.to_owned()));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::merge::samples::{journal, merged};
    use crate::report::merge::{Part, PartKey};
    use crate::result::Seed;

    type Change = fn(&mut Part);

    /// The seed of a soak, its shard and the number of shards.
    fn of(part: &mut Part) -> (&mut Seed, &mut u32, &mut u32) {
        match &mut part.key {
            PartKey::Soak {
                seed, index, of, ..
            } => (seed, index, of),
            PartKey::Run { .. } => unreachable!("a soak"),
        }
    }

    /// Goal: two journals that disagree on a fact are refused, in either order, with the names of
    /// the fact and of both files.
    #[test]
    fn what_differs_is_named() {
        let cases: [(Change, &str); 8] = [
            (|part| part.version = "9".to_owned(), "the program differs"),
            (|part| part.commit = "9".to_owned(), "the program differs"),
            (|part| part.options.clear(), "how rounds are made differs"),
            (
                |part| *of(part).2 = 1000,
                "the number of shards of seed 7 differs: 8 in",
            ),
            (
                |part| part.agenda = "9".to_owned(),
                "which rounds seed 7 has differs",
            ),
            (
                |part| part.lanes[0].lane.hash = "9".to_owned(),
                "the text of workload churn differs",
            ),
            (
                |part| part.lanes[1].lane.hash = "9".to_owned(),
                "the text of workload graph differs",
            ),
            (
                |part| {
                    let digest = "9".to_owned();
                    part.key = PartKey::Run {
                        seed: Seed(7),
                        digest,
                    };
                },
                "what made it differs: soak in",
            ),
        ];
        let base = journal(7, 0);
        for (change, words) in cases {
            let mut other = journal(7, 1);
            change(&mut other);
            for swapped in [false, true] {
                let mut belonging = Belonging::default();
                let (one, two) = (merged(base.clone()), merged(other.clone()));
                let (one, two) = if swapped { (two, one) } else { (one, two) };
                belonging
                    .admit(&one, "first")
                    .expect("it agrees with itself");
                let refused = belonging.admit(&two, "second").expect_err(words);
                let text = refused.to_string();
                let (what, _) = words.split_once(" differs").expect("a fact");
                let is_special = refused.hint() != "merge only what belongs together";
                let expected = ["the program", "how rounds", "which rounds", "what made it"];
                assert_eq!(
                    is_special,
                    expected.iter().any(|it| what.starts_with(it)),
                    "{what}"
                );
                assert!(text.starts_with(what), "{text}");
                assert!(swapped || text.starts_with(words), "{text}");
                assert!(
                    text.contains("in first, ") && text.ends_with("in second"),
                    "{text}"
                );
            }
        }
    }

    /// Goal: another shard of the same soak is admitted, and so is a soak of another seed, whatever
    /// its shards and rounds.
    #[test]
    fn what_may_differ_is_admitted() {
        let free: [Change; 3] = [
            |_| {},
            |part| *of(part).1 = 3,
            |part| {
                *of(part).0 = Seed(8);
                *of(part).2 = 2;
                part.agenda = "another".to_owned();
            },
        ];
        for change in free {
            let mut other = journal(7, 1);
            change(&mut other);
            let mut belonging = Belonging::default();
            let first = merged(journal(7, 0));
            belonging.admit(&first, "first").expect("it agrees");
            belonging
                .admit(&merged(other), "second")
                .expect("it agrees");
        }
    }
}
