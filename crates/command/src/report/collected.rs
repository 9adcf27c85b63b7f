//! Several results together: which of them stand side by side, and the verdict over all.
//!
//! Results of one workload with the same parameters form a *group*; the others of a group
//! are compared with its first. Each member has a label that is unique in its group.

use crate::result::{Outcome, RunResult, figures};

/// Results, and runs that have none.
#[derive(Debug, Default)]
pub struct Collected {
    /// Results, in the order in which they were made or named.
    pub results: Vec<RunResult>,
    /// Runs without a result, in the order in which they were tried.
    pub absent: Vec<Absent>,
}

/// A run without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The workload's name.
    pub workload: String,
    /// The heap's name.
    pub heap: String,
    /// Why there is none.
    pub what: Absence,
    /// The reason in words.
    pub why: String,
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The heap could not be opened.
    Failed,
    /// The heap lacks an ability that the workload needs.
    Skipped,
    /// The command was interrupted before it.
    NotStarted,
}

impl Absence {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "crashed",
            Self::Skipped => "skipped",
            Self::NotStarted => "not started",
        }
    }
}

/// Lines that say what is skipped, of `[workload, heap, why]`: one for each heap and reason.
pub fn skips<'a>(all: impl IntoIterator<Item = [&'a str; 3]>) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, &str, &str)> = Vec::new();
    for [workload, heap, why] in all {
        let mut known = groups.iter_mut();
        match known.find(|group| (group.1, group.2) == (heap, why)) {
            Some((workloads, ..)) if workloads.contains(&workload) => {}
            Some((workloads, ..)) => workloads.push(workload),
            None => groups.push((vec![workload], heap, why)),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(workloads, heap, why)| format!("{} on {heap}: {why}", workloads.join(", ")))
        .collect()
}

/// Results of one workload.
#[derive(Debug)]
pub struct Group<'a> {
    /// The workload, with the parameters in which it differs from other groups of that workload.
    pub name: String,
    /// At least one; the others are compared with the first.
    pub members: Vec<Member<'a>>,
}

/// One result of a group.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// The heap, and the seed or a number where several members have the same.
    pub label: String,
    /// The number of the label among all labels of the set: members of several groups with one
    /// label have one number, so that they can look the same.
    pub number: usize,
    /// The result.
    pub result: &'a RunResult,
}

impl Member<'_> {
    /// The number and the label.
    pub(super) fn series(&self) -> (usize, &str) {
        (self.number, &self.label)
    }
}

impl Collected {
    /// The worst verdict, ranked like exit codes.
    pub fn verdict(&self) -> Outcome {
        let absent = self.absent.iter().filter_map(|absent| match absent.what {
            Absence::Failed => Some(Outcome::Crashed),
            Absence::NotStarted => Some(Outcome::Interrupted),
            Absence::Skipped => None,
        });
        let verdicts = self.results.iter().map(|result| result.verdict);
        worst(verdicts.chain(absent))
    }

    /// All verdicts in a line: `2 runs: 1 held, 1 violated`.
    pub fn tally(&self) -> String {
        let (runs, counts) = self.counts();
        format!("{runs}: {counts}")
    }

    /// What was skipped and why, a line for each reason.
    pub(super) fn skipped(&self) -> Vec<String> {
        let absent = self.absent.iter();
        let skipped = absent.filter(|absent| absent.what == Absence::Skipped);
        skips(skipped.map(|it| [&it.workload, &it.heap, &it.why].map(String::as_str)))
    }

    /// How many runs there are, and how many of each verdict.
    pub(super) fn counts(&self) -> (String, String) {
        let verdicts = self.results.iter().map(|result| result.verdict.name());
        let absent = self.absent.iter().map(|absent| absent.what.name());
        let words: Vec<&str> = verdicts.chain(absent).collect();
        let mut kinds: Vec<&str> = Vec::new();
        for word in &words {
            if !kinds.contains(word) {
                kinds.push(word);
            }
        }
        let count = |kind: &&str| words.iter().filter(|word| *word == kind).count();
        let counts: Vec<String> = kinds
            .iter()
            .map(|kind| format!("{} {kind}", count(kind)))
            .collect();
        let runs = figures::several(words.len() as u64, "run", "runs");
        (runs, counts.join(", "))
    }

    /// The groups, in the order of their first results.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Vec<&RunResult>> = Vec::new();
        for result in &self.results {
            let same = |group: &&mut Vec<&RunResult>| group[0].workload == result.workload;
            match groups.iter_mut().find(same) {
                Some(group) => group.push(result),
                None => groups.push(vec![result]),
            }
        }
        let firsts: Vec<&RunResult> = groups.iter().map(|group| group[0]).collect();
        let mut labels = Vec::new();
        let named = groups.iter().map(|group| Group {
            name: group_name(group[0], &firsts),
            members: members(group, &mut labels),
        });
        named.collect()
    }
}

/// The worst of some verdicts, ranked like exit codes.
pub(super) fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Crashed => 5,
        Outcome::Hung => 4,
        Outcome::Violated => 3,
        Outcome::Interrupted => 2,
        Outcome::Vacuous => 1,
        Outcome::Held => 0,
    };
    outcomes.max_by_key(rank).unwrap_or(Outcome::Held)
}

/// The workload's name, and the parameters in which it differs from others of that name.
fn group_name(result: &RunResult, all: &[&RunResult]) -> String {
    let workload = &result.workload;
    let others = all.iter().map(|other| &other.workload);
    let others: Vec<_> = others.filter(|other| other.name == workload.name).collect();
    let differs = |key: &String, value: &String| {
        let mut others = others.iter();
        others.any(|other| other.parameters.get(key).is_none_or(|it| it != value))
    };
    let parameters = workload.parameters.iter();
    let parameters: Vec<String> = parameters
        .filter(|(key, value)| differs(key, value))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    [&[workload.name.clone()][..], &parameters]
        .concat()
        .join(" ")
}

/// The members of a group; `labels` are those of the groups before it and of this one.
fn members<'a>(group: &[&'a RunResult], labels: &mut Vec<String>) -> Vec<Member<'a>> {
    let mut members: Vec<Member<'_>> = Vec::new();
    for &result in group {
        let alike = group
            .iter()
            .filter(|other| other.subject() == result.subject());
        let mut label = result.subject();
        if alike.count() > 1 {
            label += &format!(", seed {}", result.seed);
        }
        let taken = |label: &str| members.iter().any(|member| member.label == label);
        let numbered = (2..).map(|number| format!("{label} ({number})"));
        let free = std::iter::once(label.clone()).chain(numbered);
        let label = free
            .into_iter()
            .find(|label| !taken(label))
            .unwrap_or(label.clone());
        let known = labels.iter().position(|known| *known == label);
        let number = known.unwrap_or_else(|| {
            labels.push(label.clone());
            labels.len() - 1
        });
        members.push(Member {
            label,
            number,
            result,
        });
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Goal: what is of one workload stands together under labels that differ, and the worst wins.
    #[test]
    fn groups_by_workload() {
        let mut other = sample::result("gil");
        (other.workload.parameters).insert("batch".to_owned(), "9".to_owned());
        let mut seeded = sample::result("gil");
        seeded.seed = 8;
        let collected = Collected {
            results: vec![
                sample::result("gil"),
                other,
                sample::violated("lock-free"),
                seeded.clone(),
                seeded,
            ],
            absent: Vec::new(),
        };
        let groups = collected.groups();
        let labels: Vec<Vec<&str>> = groups
            .iter()
            .map(|group| group.members.iter().map(|m| m.label.as_str()).collect())
            .collect();
        assert_eq!(
            labels,
            [
                vec!["gil, seed 7", "lock-free", "gil, seed 8", "gil, seed 8 (2)"],
                vec!["gil"]
            ]
        );
        assert_ne!(groups[0].name, groups[1].name);
        assert!(groups[1].name.contains("batch=9"), "{}", groups[1].name);
        assert_eq!(collected.verdict(), Outcome::Violated);
        assert_eq!(collected.tally(), "5 runs: 4 held, 1 violated");
    }

    /// Goal: what is skipped for one reason takes one line, whatever else is skipped in between and
    /// however often it was to be repeated.
    #[test]
    fn one_reason_takes_one_line() {
        let lists = "the heap has no lists";
        let all = [
            ["shared-list", "own", lists],
            ["weakrefs", "own", "the heap has no weak references"],
            ["churn", "own", lists],
            ["churn", "other", lists],
            ["shared-list", "own", lists],
        ];
        let lines = [
            "shared-list, churn on own: the heap has no lists",
            "weakrefs on own: the heap has no weak references",
            "churn on other: the heap has no lists",
        ];
        assert_eq!(skips(all), lines);
    }

    /// Goal: a heap that could not be opened makes the whole a crash, one that cannot do it does
    /// not.
    #[test]
    fn what_is_absent_counts() {
        let absent = |what| Collected {
            results: vec![sample::result("gil")],
            absent: vec![Absent {
                workload: "chain".to_owned(),
                heap: "mine".to_owned(),
                what,
                why: "no".to_owned(),
            }],
        };
        assert_eq!(absent(Absence::Failed).verdict(), Outcome::Crashed);
        assert_eq!(absent(Absence::Skipped).verdict(), Outcome::Held);
        assert_eq!(
            absent(Absence::Skipped).tally(),
            "2 runs: 1 held, 1 skipped"
        );
    }
}
