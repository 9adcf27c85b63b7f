//! `completeness`: no unreachable object is alive after the heap has settled.
//!
//! Judged at every survey, after the heap was asked to reclaim what it can. In the last survey
//! every register and shared root is empty, so every object must be dead.

use super::{Check, Exhibit, Opinion};
use crate::evidence::{Moment, Survey};

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
    let mut kept = Vec::new();
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
        kept.push(survey);
    }
    accuse(&mut opinion, &kept);
    opinion
}

/// Tells of each object once, however many surveys found it; and of its surveys, if one was at a pause.
fn accuse(opinion: &mut Opinion, surveys: &[&Survey]) {
    let mut texts: Vec<(&str, Vec<Moment>)> = Vec::new();
    for survey in surveys {
        for text in &survey.unreachable.first {
            match texts.iter_mut().find(|(known, _)| known == text) {
                Some((_, moments)) => moments.push(survey.moment),
                None => texts.push((text, vec![survey.moment])),
            }
        }
    }
    let counts = surveys.iter().map(|survey| survey.unreachable.count);
    // What was kept at a pause is mostly kept at the end as well, and beyond the first few nobody knows.
    let count = counts.max().unwrap_or(0).max(texts.len() as u64);
    let is_told = texts
        .iter()
        .any(|(_, moments)| moments.contains(&Moment::Pause));
    let texts = texts.into_iter().map(|(text, moments)| match is_told {
        true => format!("{text}, {}", when(&moments)),
        false => text.to_owned(),
    });
    opinion.accuse(count, texts);
}

fn when(moments: &[Moment]) -> String {
    let pauses = moments.iter().filter(|moment| **moment == Moment::Pause);
    let pauses = match pauses.count() as u64 {
        0 => None,
        1 => Some("at a pause".to_owned()),
        several => Some(format!("at {several} pauses")),
    };
    let end = match (
        moments.contains(&Moment::End),
        moments.contains(&Moment::Teardown),
    ) {
        (true, _) => Some("at the end".to_owned()),
        (false, true) => Some("when all registers and roots were empty".to_owned()),
        (false, false) => None,
    };
    let all: Vec<String> = pauses.into_iter().chain(end).collect();
    all.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::judge_by;
    use crate::heap::Caps;
    use crate::plan::Case;

    /// Goal: an object that two surveys found is told once, with both; without a pause it is not said when.
    #[test]
    fn an_object_is_told_once() {
        let survey = |moment, names: &[&str]| {
            let mut survey = Survey::new(moment, 1);
            for name in names {
                survey.unreachable.add(|| format!("{name} is kept"));
            }
            survey
        };
        let plan = Case::of_mutators(1, 1, 1, 8).plan();
        let detail = |surveys: &[Survey]| {
            let exhibit = Exhibit {
                plan: &plan,
                caps: Caps::ALL,
                surveys,
                evidence: None,
            };
            judge_by(&[CHECK], &exhibit).remove(0).detail
        };
        let [pause, end, after] = [Moment::Pause, Moment::End, Moment::Teardown];
        let kept = [survey(end, &["a", "b"]), survey(after, &["a", "b"])];
        assert_eq!(detail(&kept).as_deref(), Some("a is kept; b is kept"));
        let kept = [
            survey(pause, &["a"]),
            survey(pause, &["a", "b"]),
            survey(end, &["a"]),
            survey(after, &["a", "c"]),
        ];
        let told = "a is kept, at 2 pauses and at the end; b is kept, at a pause; \
                    c is kept, when all registers and roots were empty";
        assert_eq!(detail(&kept).as_deref(), Some(told));
    }
}
