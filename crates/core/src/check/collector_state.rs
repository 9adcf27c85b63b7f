//! `collector-state`: at rest the collector's buffers are empty and no marks are left, and the free
//! list holds only free cells.
//!
//! Defects that belong to no other check (a panic inside the heap, or a kind of its own) count
//! here.

use super::{Check, Exhibit, Opinion};
use crate::heap::Defect;

pub(super) const CHECK: Check = Check {
    name: "collector-state",
    about: "at rest, the collector has empty buffers, no marks left and no work to do",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let mut opinion = Opinion::default();
    for census in exhibit.censuses() {
        for leftover in &census.leftovers {
            let (what, count) = (&leftover.what, leftover.count);
            opinion.expect(count == 0, || format!("found {count} {what}"));
        }
    }
    let in_use = exhibit.defect_texts(|defect| matches!(defect, Defect::InUse { .. }));
    opinion.accuse(exhibit.defects().in_use, in_use);
    let named_nowhere =
        |defect: &Defect| matches!(defect, Defect::Panicked { .. } | Defect::Other { .. });
    opinion.accuse(exhibit.defects().other, exhibit.defect_texts(named_nowhere));
    if opinion.wrong == 0 && opinion.examined == 0 {
        return exhibit.without_census("the heap's census lists nothing that must be gone at rest");
    }
    opinion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Verdict, judge_survey};
    use crate::evidence::{Moment, Survey};
    use crate::heap::{Caps, Census, Leftover};

    /// Goal: a heap whose census lists nothing is told from one that has none.
    #[test]
    fn an_empty_census_is_one() {
        let nothing_left = Leftover {
            what: "buffered candidates".to_owned(),
            count: 0,
        };
        let lists = |leftovers| {
            Some(Census {
                leftovers,
                ..Census::default()
            })
        };
        for (census, verdict, why) in [
            (None, Verdict::Skipped, Some("the heap has no census")),
            (
                lists(Vec::new()),
                Verdict::Skipped,
                Some("the heap's census lists nothing that must be gone at rest"),
            ),
            (lists(vec![nothing_left]), Verdict::Held, None),
        ] {
            let survey = Survey {
                census,
                ..Survey::new(Moment::End, 1)
            };
            let judged = judge_survey(CHECK, Caps::ALL, survey);
            assert_eq!((judged.verdict, judged.detail.as_deref()), (verdict, why));
        }
    }
}
