//! `completeness`: no unreachable object is alive after the heap has settled.
//!
//! Judged at every survey, after the heap was asked to reclaim what it can. In the last survey
//! every register and shared root is empty, so every object must be dead.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "completeness",
    about: "no unreachable object is alive after the heap has settled",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let certifies = exhibit.caps.certifies_death;
    let mut opinion = if certifies {
        Opinion::default()
    } else {
        Opinion::skipped("the heap does not promise when objects die")
    };
    for survey in exhibit.surveys {
        // A defect that the heap reports counts against it, whatever it promises about deaths.
        if let Some(why) = &survey.settle_defect {
            opinion.expect(false, || format!("failed to settle: {why}"));
        }
        if !certifies {
            continue;
        }
        if let Some(why) = &survey.incomplete {
            opinion.nothing = Some((super::Verdict::Skipped, why.clone()));
            continue;
        }
        opinion.examine(survey.born);
        opinion.find(&survey.unreachable);
    }
    opinion
}
