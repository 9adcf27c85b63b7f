//! `capacity`: no more objects are alive at once than the heap was opened for, and garbage does not
//! wait for the end of the run.
//!
//! Births less deaths are counted by tags, so a collector whose trigger never fires shows on any heap,
//! whatever that believes of itself. The count is never too high: it is exact before each survey, and
//! leaves out what is born while it is taken at other times. Each mutator may have been given room for
//! [`ADVANCE_MAX`] objects in advance, and may have one more tag in its hands, of an object that is being
//! refused.
//!
//! *Below the capacity nothing is violated.* A collector may wait until the heap is full, so no amount
//! of garbage that fits convicts one. But a run in which garbage was plentiful and hardly anything had
//! died before its end has shown nothing of a collector at work, whatever else held. Such a run is
//! vacuous. What is alive is counted when the first mutator is done, since a heap may reclaim much when
//! mutators begin to wait; but not if others went on for long, since what they released by then did not
//! wait. Garbage is what of that cannot be reached in the end. It is plentiful from
//! [`GARBAGE_MIN`] objects on, if they are [`GARBAGE_SHARE`] times what is reachable: a collector that
//! waits until the heap is twice or three times as large as after its last collection has been at work
//! by then. A heap that collects no cycles is not judged so.
//!
//! *Where reference counts free a part*, much has died without any collection. Then the heap's own
//! count tells: one that says that it did not collect before the end has shown nothing of its
//! collector. If it does not count, or counts collections that free nothing, that is not judged. Tags
//! do not tell why an object died. Nor does the number of those alive: a collector that reclaims half
//! of what becomes garbage looks, from outside, like none beside half as much garbage. Which objects
//! are in cycles is known of a plan only where no two threads write to one place, and in most
//! workloads they do.

use super::{Check, Exhibit, Opinion, Verdict};
use crate::evidence::{Moment, Survey};
use crate::heap::ADVANCE_MAX;

pub(super) const CHECK: Check = Check {
    name: "capacity",
    about: "no more objects are alive than the heap was opened for, nor does all garbage wait for the end",
    judge,
};

/// More than the young objects that any generational collector waits for (CPython: 700, later 2,000).
const GARBAGE_MIN: u64 = 10_000;
/// How many times what is reachable.
const GARBAGE_SHARE: u64 = 4;

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.caps.certifies_death {
        return Opinion::skipped("the heap does not promise when objects die");
    }
    let before_surveys = exhibit.surveys.iter().filter_map(|survey| survey.unsettled);
    let most = exhibit.evidence.map(|evidence| evidence.live_peak);
    let Some(alive) = before_surveys.chain(most).max().filter(|&most| most > 0) else {
        return Opinion::skipped("no object was seen alive");
    };
    let room = exhibit.plan.live_limit;
    let mut opinion = Opinion::default();
    let in_hands = exhibit.plan.mutators.len() as u64 * u64::from(ADVANCE_MAX + 1);
    opinion.expect(alive <= u64::from(room) + in_hands, || {
        format!("{alive} objects were alive at once, and the heap was opened for {room}")
    });
    let end = exhibit
        .surveys
        .iter()
        .rfind(|survey| survey.moment == Moment::End);
    let stats = exhibit.evidence.map(|evidence| &evidence.stats);
    let collections = stats.and_then(|stats| {
        let local = stats.local_collections.unwrap_or(0);
        Some(stats.collections? + local)
    });
    let waited = |end| waited(end, collections);
    if let Some(why) = end.filter(|_| exhibit.caps.cycles).and_then(waited) {
        opinion.nothing = Some((Verdict::Vacuous, why));
    }
    opinion
}

/// Why the run shows nothing of a collector at work, if it does not.
fn waited(end: &Survey, collections: Option<u64>) -> Option<String> {
    let alive = end.unsettled.filter(|_| end.incomplete.is_none())?;
    let garbage = alive.saturating_sub(end.reachable);
    let died = end.born.saturating_sub(alive);
    let is_plenty = garbage >= GARBAGE_MIN.max(GARBAGE_SHARE.saturating_mul(end.reachable));
    let born = end.born;
    match collections {
        _ if !is_plenty => None,
        _ if died <= garbage / 100 => Some(format!(
            "nothing was reclaimed before the end: of {born} objects {died} had died, and {garbage} \
             were garbage"
        )),
        Some(0) => Some(format!(
            "nothing was collected before the end: of {born} objects {died} had died, none of them in \
             a collection, and {garbage} were garbage"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::judge_survey;
    use crate::heap::Caps;

    /// Goal: a heap is convicted beyond its capacity only; garbage that waited for the end makes a run
    /// vacuous if there was plenty of it, and if nothing else had died.
    #[test]
    fn waiting_is_told_from_exceeding() {
        // The plan of `judge_survey` has one mutator and room for eight objects.
        let in_room = |survey: Survey, caps| judge_survey(CHECK, caps, survey).verdict;
        let most = 8 + u64::from(ADVANCE_MAX) + 1;
        for (alive, expected) in [
            (None, Verdict::Skipped),
            (Some(most), Verdict::Held),
            (Some(most + 1), Verdict::Violated),
        ] {
            let mut survey = Survey::new(Moment::Pause, 1);
            survey.unsettled = alive;
            assert_eq!(in_room(survey, Caps::ALL), expected, "{alive:?}");
        }
        for (born, alive, reachable, collections, has_waited) in [
            (20_000, 20_000, 10, Some(1), true),
            (20_000, 19_900, 10, None, true),
            (20_000, 15_000, 10, Some(1), false),
            (20_000, 15_000, 10, None, false),
            (20_000, 15_000, 10, Some(0), true),
            (9_000, 9_000, 10, Some(0), false),
            (20_000, 20_000, 5_000, Some(0), false),
        ] {
            let mut survey = Survey::new(Moment::End, 1);
            (survey.born, survey.reachable) = (born, reachable);
            survey.unsettled = Some(alive);
            let waited = waited(&survey, collections);
            assert_eq!(waited.is_some(), has_waited, "{survey:?}");
        }
    }
}
