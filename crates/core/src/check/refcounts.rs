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
    if exhibit.surveys.iter().all(|survey| survey.census.is_none()) {
        opinion.nothing = Some((super::Verdict::Skipped, "the heap has no census".to_owned()));
    }
    opinion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Verdict, judge_by};
    use crate::evidence::{Moment, Survey};
    use crate::heap::{Caps, Census};
    use crate::plan::Case;

    /// Goal: if a heap may keep garbage, a count that is too high is accepted, and one that is too
    /// low is not.
    #[test]
    fn garbage_may_hold_references() {
        let plan = Case::of_mutators(1, 1, 1, 8).plan();
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
            let exhibit = Exhibit {
                plan: &plan,
                caps,
                surveys: &[survey],
                evidence: None,
            };
            let judged = judge_by(&[CHECK], &exhibit);
            assert_eq!(judged[0].verdict, expected, "{judged:?}");
        }
    }
}
