//! `refcounts`: the count stored in each object is the number of references found to it.
//!
//! The references are those that the walk found from registers, shared roots and through objects;
//! the stored counts are what the heap's census says, which must show each of these objects once. A count that went below zero while the
//! mutators ran counts as well: the heap met it, and nothing could have hidden it.

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
        opinion.find(&survey.miscounted);
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
