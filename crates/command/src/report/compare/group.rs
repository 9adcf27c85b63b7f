//! Sorts runs into groups, and finds the counterpart of each group of the base.

use std::collections::BTreeMap;

use thiserror::Error;

use super::libraries::TwoBuilds;
use crate::result::{Outcome, RunResult};

/// Options that may differ between runs of a group: they are compared by other means, or do not
/// change what is measured.
const FREE: [&str; 6] = [
    "--seed",
    "--heap",
    "--fault",
    "--require",
    "--case",
    "--profile",
];

/// Runs of one workload on one heap that differ in their seeds.
#[derive(Debug, Clone)]
pub(super) struct Runs<'r> {
    /// Each with the name of its file; at least one.
    pub(super) results: Vec<(&'r str, &'r RunResult)>,
}

impl<'r> Runs<'r> {
    pub(super) fn first(&self) -> &'r RunResult {
        self.results[0].1
    }

    fn name(&self) -> String {
        let first = self.first();
        format!("{} on {}", first.workload.name, first.subject())
    }
}

/// Runs that do not belong together. Completes "error: …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// A set has no results.
    #[error("there are no results in the {0}")]
    Empty(&'static str),
    /// A run that failed or was interrupted is no measurement.
    #[error("{from} ({what}) is {verdict}: only runs that held or were vacuous can be compared")]
    Broken {
        /// The name of its file.
        from: String,
        /// The workload and the heap.
        what: String,
        /// Its verdict.
        verdict: &'static str,
    },
    /// Two results that should be alike differ.
    #[error("{what}: {difference} differs: {base} in the base, {new} in the new")]
    Differs {
        /// The workload and the heap.
        what: String,
        /// In what they differ.
        difference: String,
        /// What it is in the base.
        base: String,
        /// What it is in the new set.
        new: String,
    },
    /// One set has the same run twice.
    #[error("{what}: the run of seed {seed} is in the {set} twice")]
    Twice {
        /// The workload and the heap.
        what: String,
        /// The seed of that run.
        seed: u64,
        /// The set that has it twice.
        set: &'static str,
    },
    /// A group of the base has no counterpart in the new set.
    #[error("{what} is in the base and not in the new")]
    Missing {
        /// The workload and the heap.
        what: String,
    },
}

/// Workload, heap, fault and parameters: runs with the same are one group. The heap has the
/// name that it has in the base.
type Key = (String, String, Option<String>, BTreeMap<String, String>);

/// A base group and its counterpart.
type Pair<'r> = (Runs<'r>, Runs<'r>);

/// Finds the counterpart of each group of the base. The second part of the result are notes.
pub(super) fn pairs<'r>(
    base: &'r [(String, RunResult)],
    new: &'r [(String, RunResult)],
) -> Result<(Vec<Pair<'r>>, Vec<String>), Mismatch> {
    let two = TwoBuilds::of(base, new);
    let mut base = groups(base, "base", str::to_owned)?;
    let mut new = groups(new, "new", |heap| {
        (two.as_ref()).map_or_else(|| heap.to_owned(), |two| two.as_in_base(heap))
    })?;
    let keys: Vec<Key> = base
        .keys()
        .filter(|key| new.contains_key(*key))
        .cloned()
        .collect();
    let mut pairs = Vec::new();
    for key in keys {
        let pair = (base.remove(&key), new.remove(&key));
        if let (Some(base), Some(new)) = pair {
            alike(&base, &new)?;
            pairs.push((base, new));
        }
    }
    if let Some((key, group)) = base.iter().next() {
        return Err(counterpart(key, group, &new));
    }
    let mut notes: Vec<String> = (new.values())
        .map(|group| format!("{} is in the new only, and not compared", group.name()))
        .collect();
    notes.extend(two.map(|two| two.note()));
    notes.extend(machines(&pairs));
    Ok((pairs, notes))
}

fn groups<'r>(
    results: &'r [(String, RunResult)],
    set: &'static str,
    heap: impl Fn(&str) -> String,
) -> Result<BTreeMap<Key, Runs<'r>>, Mismatch> {
    if results.is_empty() {
        return Err(Mismatch::Empty(set));
    }
    let mut groups = BTreeMap::<Key, Runs<'r>>::new();
    for (from, result) in results {
        let what = format!("{} on {}", result.workload.name, result.subject());
        match result.verdict {
            Outcome::Held | Outcome::Vacuous => {}
            broken => {
                return Err(Mismatch::Broken {
                    from: from.clone(),
                    what,
                    verdict: broken.name(),
                });
            }
        }
        let workload = &result.workload;
        let key = (
            workload.name.clone(),
            heap(&result.heap),
            result.fault.clone(),
            workload.parameters.clone(),
        );
        let group = groups.entry(key).or_insert_with(|| Runs {
            results: Vec::new(),
        });
        let is_same =
            |other: &RunResult| other.seed == result.seed && other.elapsed_ns == result.elapsed_ns;
        if group.results.iter().any(|(_, other)| is_same(other)) {
            let seed = result.seed;
            return Err(Mismatch::Twice { what, seed, set });
        }
        group.results.push((from, result));
        let [first, this] = [group.results[0], (from, result)].map(|result| Runs {
            results: vec![result],
        });
        alike(&first, &this)?;
    }
    Ok(groups)
}

/// Refuses runs that differ in something other than their seeds.
fn alike(base: &Runs<'_>, new: &Runs<'_>) -> Result<(), Mismatch> {
    let (one, other) = (base.first(), new.first());
    let differs = |difference: &str, base: String, new: String| {
        let difference = difference.to_owned();
        let what = format!("{} on {}", other.workload.name, other.subject());
        Err(Mismatch::Differs {
            what,
            difference,
            base,
            new,
        })
    };
    if one.workload.hash != other.workload.hash {
        let (base, new) = (one.workload.hash.clone(), other.workload.hash.clone());
        return differs("the text of the workload", base, new);
    }
    let (base, new) = (asked(&one.reproduce), asked(&other.reproduce));
    let options = base.keys().chain(new.keys());
    let of = |asked: &BTreeMap<String, String>, option: &str| {
        asked
            .get(option)
            .cloned()
            .unwrap_or_else(|| "none".to_owned())
    };
    match options
        .into_iter()
        .find(|option| base.get(*option) != new.get(*option))
    {
        None => Ok(()),
        Some(option) => differs(option, of(&base, option), of(&new, option)),
    }
}

/// The options with which a run was made, from its reproduce line: its length, its rate, which
/// operations were timed, and so on. Those of cargo, which may have started it, come before `--`.
pub(in crate::report) fn asked(reproduce: &str) -> BTreeMap<String, String> {
    let by_cargo = reproduce.strip_prefix("cargo run ");
    let own = by_cargo.and_then(|words| words.split_once("-- "));
    let own = own.map_or(reproduce, |(_, own)| own);
    let mut words = own.split_whitespace().peekable();
    let mut asked = BTreeMap::new();
    while let Some(word) = words.next() {
        if !word.starts_with("--") || FREE.contains(&word) {
            continue;
        }
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, value),
            None => (
                word,
                words
                    .next_if(|next| !next.starts_with('-'))
                    .unwrap_or_default(),
            ),
        };
        asked.insert(option.to_owned(), value.to_owned());
    }
    asked
}

/// Why a group of the base has no counterpart: how the most similar new group differs.
fn counterpart(key: &Key, group: &Runs<'_>, rest: &BTreeMap<Key, Runs<'_>>) -> Mismatch {
    let (workload, heap, fault, parameters) = key;
    let same = |other: &&Key| other.0 == *workload;
    let closest = (rest.keys().filter(same))
        .max_by_key(|other| (other.1 == *heap, other.2 == *fault, other.3 == *parameters));
    let Some(other) = closest else {
        return Mismatch::Missing { what: group.name() };
    };
    let text = |fault: &Option<String>| fault.clone().unwrap_or_else(|| "none".to_owned());
    let (difference, base, new) = if other.1 != *heap {
        let [base, new] = [group, &rest[other]].map(|group| group.first().heap.clone());
        ("the heap", base, new)
    } else if other.2 != *fault {
        ("the planted fault", text(fault), text(&other.2))
    } else {
        let [base, new] = [(parameters, &other.3), (&other.3, parameters)].map(|(own, others)| {
            let differing = own
                .iter()
                .filter(|(name, value)| others.get(*name) != Some(value));
            let shown = differing.map(|(name, value)| format!("{name}={value}"));
            shown.collect::<Vec<_>>().join(" ")
        });
        ("a parameter", base, new)
    };
    Mismatch::Differs {
        what: group.name(),
        difference: difference.to_owned(),
        base,
        new,
    }
}

/// Notes on the machines, and on runs that were saturated.
fn machines(pairs: &[Pair<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for (base, new) in pairs {
        let host = |group: &Runs<'_>| {
            let host = &group.first().host;
            format!("{} × {}, {}", host.cpus, host.cpu_model, host.kernel)
        };
        let (base, new) = (host(base), host(new));
        if base != new {
            let note = format!(
                "the machines differ, and so may all figures: {base} in the base, {new} in the new"
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    for (set, groups) in [
        ("base", pairs.iter().map(|pair| &pair.0).collect::<Vec<_>>()),
        ("new", pairs.iter().map(|pair| &pair.1).collect()),
    ] {
        for group in groups {
            let saturated = |(_, result): &&(&str, &RunResult)| {
                result.rate.as_ref().is_some_and(|rate| rate.saturated)
            };
            let count = group.results.iter().filter(saturated).count();
            if count > 0 {
                let runs = group.results.len();
                notes.push(format!(
                    "{}: {count} of {runs} runs of the {set} are saturated: response times are not \
                     compared",
                    group.name()
                ));
            }
        }
    }
    notes
}
