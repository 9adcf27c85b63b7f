//! `completeness`: nothing that cannot be reached survives settling.
//!
//! Judged at every survey, after the heap was asked to reclaim what it can, and once more when
//! every register and shared root is empty: then everything must be dead.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "completeness",
    about: "nothing that cannot be reached survives settling",
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
        // Whatever a heap promises, a fault that it reports counts against it.
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
