//! `conservation`: no object and no element of a list gets lost or appears from nowhere.
//!
//! *Objects*: born = dead + reachable. *Lists*: appended = in the list + popped + truncated. A
//! truncation does not say how many elements it removed, so that number is only bounded: from
//! below by zero, from above by what was asked for. If a single mutator changes the list, the model
//! of its operations gives the exact length. A list that is also changed through registers whose
//! operations are not tallied is not judged.
//!
//! *Identities*: the numbers alone would miss a `pop` that leaves its element in a list which is
//! also truncated. If no object gets into a list more than once
//! ([`ListUsage::once`](crate::plan::ListUsage::once)), no object may be popped twice, and none
//! that was popped may be found in the list. This is exact for any number of writers.

use super::{Check, Exhibit, Opinion};
use crate::evidence::{Ended, ListFacts, Survey};
use crate::heap::Shape;

pub(super) const CHECK: Check = Check {
    name: "conservation",
    about: "born = dead + reachable; appended = in the list + popped + truncated",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for survey in exhibit.surveys {
        if survey.incomplete.is_some() {
            continue;
        }
        if exhibit.caps.certifies_death {
            objects(survey, &mut opinion);
        }
        let tallied = |list: &&ListFacts| exhibit.is_tallied(list.object);
        let rooted = survey.lists.iter().filter(|_| survey.moment.has_roots());
        for list in rooted.filter(tallied) {
            self::list(list, exhibit.object_name(list.object), &mut opinion);
            opinion.find(&list.popped_again);
            opinion.find(&list.left_behind);
            refusals(list, exhibit, &mut opinion);
        }
    }
    if !exhibit.caps.certifies_death && !exhibit.has(Shape::List) {
        let why = "the heap does not promise when objects die, and there are no shared lists";
        return Opinion::skipped(why);
    }
    opinion
}

fn objects(survey: &Survey, opinion: &mut Opinion) {
    let Survey {
        born,
        dead,
        reachable,
        ..
    } = survey;
    opinion.examine(*born);
    let accounted = dead + reachable;
    if *born != accounted {
        let text = format!("{born} objects were born, {dead} are dead, {reachable} reachable");
        opinion.blame(born.abs_diff(accounted), text);
    }
}

/// A heap refuses an append if the register is empty or if it has run out of memory. If only fresh
/// objects are appended, the register is empty only where an allocation was refused on purpose.
/// Whether the heap ran out of memory is known once the run is over.
fn refusals(list: &ListFacts, exhibit: &Exhibit<'_>, opinion: &mut Opinion) {
    let usage = exhibit.usage(list.object);
    let fresh_only = usage.is_some_and(|usage| usage.fresh_only);
    let ended = exhibit.evidence.map(|evidence| &evidence.ended);
    let on_purpose = exhibit.evidence.is_some_and(|evidence| {
        let refused = evidence.mutators.iter().map(|mutator| mutator.refused);
        refused.sum::<u64>() > 0
    });
    let may_refuse = on_purpose || matches!(ended, None | Some(Ended::OutOfMemory { .. }));
    if fresh_only && !may_refuse && list.refused > 0 {
        let name = exhibit.object_name(list.object);
        let text = format!("{} appends to {name} were refused", list.refused);
        opinion.blame(list.refused, text);
    }
}

fn list(list: &ListFacts, name: &str, opinion: &mut Opinion) {
    let ListFacts {
        appended,
        popped,
        truncation_asked,
        elements,
        model_len,
        ..
    } = *list;
    opinion.examine(appended);
    let in_or_out = elements.saturating_add(popped);
    if in_or_out > appended {
        let text = format!(
            "{appended} were appended to {name}, but {elements} are in it and {popped} were popped"
        );
        opinion.blame(in_or_out - appended, text);
    } else if appended - in_or_out > truncation_asked {
        let lost = appended - in_or_out - truncation_asked;
        let text = format!(
            "{appended} were appended to {name}; {elements} are in it, {popped} were popped, at most \
             {truncation_asked} truncated: {lost} are lost"
        );
        opinion.blame(lost, text);
    }
    if let Some(model) = model_len
        && model != elements
    {
        let text = format!("{name} holds {elements} elements; its only writer left {model}");
        opinion.blame(model.abs_diff(elements), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Verdict, judge_survey};
    use crate::evidence::Moment;
    use crate::heap::Caps;

    /// Goal: the check is skipped, not vacuous, if the heap does not promise when objects die and
    /// the plan has no shared list.
    #[test]
    fn nothing_is_conserved_without_deaths_and_lists() {
        for (certifies_death, dead, expected) in [
            (false, 0, Verdict::Skipped),
            (true, 3, Verdict::Held),
            (true, 0, Verdict::Violated),
        ] {
            let mut survey = Survey::new(Moment::End, 1);
            (survey.born, survey.dead) = (3, dead);
            let caps = Caps {
                certifies_death,
                ..Caps::ALL
            };
            let judged = judge_survey(CHECK, caps, survey);
            assert_eq!(judged.verdict, expected, "{judged:?}");
        }
    }
}
