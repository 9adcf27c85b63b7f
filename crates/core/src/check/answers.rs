//! `answers`: each mutator gets the answers that its own operations predict.
//!
//! Judged in windows, in which each mutator keeps a model of what it alone can reach: its
//! registers, objects that it never put where others reach them, lists that nobody else changes.
//! Answers that depend on what others did are left to `linearizable`.

use super::{Check, Exhibit, Opinion};
use crate::evidence::Ended;

pub(super) const CHECK: Check = Check {
    name: "answers",
    about: "each mutator gets the answers that its own operations predict",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mutators = exhibit.evidence.into_iter().flat_map(|it| &it.mutators);
    let is_full = matches!(
        exhibit.evidence.map(|evidence| &evidence.ended),
        Some(Ended::OutOfMemory { .. })
    );
    let mut opinion = Opinion::default();
    for mutator in mutators {
        let answers = &mutator.tally.answers;
        opinion.examine(answers.judged);
        let named = |text: &String| format!("{}: {text}", mutator.name);
        opinion.accuse(answers.wrong.count, answers.wrong.first.iter().map(named));
        // A heap may refuse when it is out of memory, which shows in how the run ended.
        if answers.refused > 0 && !is_full {
            let times = answers.refused;
            let text = format!(
                "{}: {times} appends of an object to a list were refused",
                mutator.name
            );
            opinion.blame(times, text);
        }
    }
    if opinion.examined == 0 {
        return Opinion::skipped("no answer could be predicted from a mutator's own operations");
    }
    opinion
}
