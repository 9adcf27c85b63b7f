//! `refcounts`: the count stored in each object is the number of references to it.
//!
//! The references are those that the walk found in registers, in shared roots and in objects. The
//! stored counts come from the heap's census, which must list each reachable object once. A heap
//! that does not promise when objects die may keep garbage; references from garbage are counted,
//! but the walk does not find them. So in such a heap a count may be too high, but never too low. A
//! count that went below zero while the mutators ran is wrong in any heap.

use super::{Check, Exhibit, Opinion};
use crate::heap::Defect;

pub(super) const CHECK: Check = Check {
    name: "refcounts",
    about: "each stored count is the number of references that were found",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for survey in exhibit.surveys {
        opinion.examine(survey.counts_compared);
        opinion.find(if exhibit.caps.certifies_death {
            &survey.miscounted
        } else {
            &survey.undercounted
        });
        let (compared, reachable) = (survey.counts_compared, survey.reachable);
        if survey.census.is_some() && survey.incomplete.is_none() && compared != reachable {
            let text = format!("the census shows {compared} of {reachable} reachable objects");
            opinion.blame(compared.abs_diff(reachable), text);
        }
    }
    let underflows = exhibit.defect_texts(|defect| matches!(defect, Defect::Underflow { .. }));
    opinion.accuse(exhibit.defects().underflow, underflows);
    if opinion.wrong == 0 && exhibit.censuses().next().is_none() {
        return exhibit.without_census("the heap's census shows no counts");
    }
    opinion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Verdict, judge_survey};
    use crate::evidence::{Moment, Survey};
    use crate::heap::{Caps, Census};

    /// Goal: if a heap may keep garbage, a count that is too high is accepted, and one that is too
    /// low is not.
    #[test]
    fn garbage_may_hold_references() {
        for (certifies_death, is_low, expected) in [
            (true, false, Verdict::Violated),
            (false, false, Verdict::Held),
            (false, true, Verdict::Violated),
        ] {
            let mut survey = Survey::new(Moment::End, 1);
            (survey.counts_compared, survey.reachable) = (5, 5);
            survey.census = Some(Census::default());
            survey.miscounted.add(|| "it has count 2".to_owned());
            if is_low {
                survey.undercounted.add(|| "it has count 2".to_owned());
            }
            let caps = Caps {
                certifies_death,
                ..Caps::ALL
            };
            let judged = judge_survey(CHECK, caps, survey);
            assert_eq!(judged.verdict, expected, "{judged:?}");
        }
    }
}
