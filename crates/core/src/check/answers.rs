//! `answers`: what one mutator can foretell by itself is what it is answered.
//!
//! Judged in windows, in which each mutator keeps a model of what it alone can reach: its registers,
//! objects that it never put where others reach them, lists that nobody else changes. Answers that
//! depend on what others did are left to `linearizable`.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "answers",
    about: "what one mutator can foretell by itself is what it is answered",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mutators = exhibit.evidence.into_iter().flat_map(|it| &it.mutators);
    let mut opinion = Opinion::default();
    for mutator in mutators {
        let answers = &mutator.tally.answers;
        opinion.examine(answers.judged);
        let named = |text: &String| format!("{}: {text}", mutator.name);
        opinion.accuse(answers.wrong.count, answers.wrong.first.iter().map(named));
    }
    if opinion.examined == 0 {
        return Opinion::skipped("nothing was answered that a mutator can foretell by itself");
    }
    opinion
}
