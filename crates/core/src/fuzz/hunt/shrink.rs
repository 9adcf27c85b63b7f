//! Shrinks one failure within a time budget, and measures how reliably it fails.

use proptest::strategy::ValueTree as _;

use super::{Failure, Hunt};
use crate::clock::Clock;
use crate::fuzz::model::{Finding, HUNG};
use crate::fuzz::programs::CaseTree;
use crate::plan::Case;

/// How often a smaller case is tried before it counts as one that does not fail, if the failure
/// turned out to be flaky. If a case fails in one try of ten, one such case in eight is missed.
const TRIES_IF_FLAKY: u32 = 20;
/// How many cases that hang shrinking tries at most, since each takes as long as a time limit. To
/// halve what is left a few times takes fewer.
const HANGS_MAX: u32 = 40;
/// How often a case that hung is tried again.
const RETRIES_IF_HUNG: u32 = 2;

/// Shrinks a case that fails. A smaller case counts as failing even if another check fails than
/// before: the result is small enough to understand. Ends when the time budget is used up, and as
/// soon as `called_off` answers true.
pub(super) fn shrink(
    hunt: &Hunt,
    case: Case,
    finding: Finding,
    number: u64,
    called_off: &dyn Fn() -> bool,
    attempt: &mut dyn FnMut(&Case) -> Option<Finding>,
) -> Failure {
    let (clock, start) = (Clock::get(), Clock::get().now());
    let (turns_found, mutators_found) = (case.all_turns().count(), case.mutators.len());
    let retries_of = |finding: &Finding| match finding.check {
        HUNG => hunt.retries.min(RETRIES_IF_HUNG),
        _ => hunt.retries,
    };
    let (retries, failed) = retry(&case, retries_of(&finding), called_off, attempt);
    let tries = match failed < retries {
        true => hunt.tries.max(TRIES_IF_FLAKY),
        false => hunt.tries,
    };
    let mut tree = CaseTree::new(case);
    let mut found = finding;
    let (mut tried, mut hangs) = (0, 0);
    let mut is_cut_short = false;
    let mut goes_on = tree.simplify();
    while goes_on {
        if clock.since(start) >= hunt.shrink_budget || hangs >= HANGS_MAX || called_off() {
            is_cut_short = true;
            break;
        }
        tried += 1;
        let smaller = tree.current();
        goes_on = match (0..tries).find_map(|_| attempt(&smaller)) {
            Some(finding) => {
                hangs += u32::from(finding.check == HUNG);
                found = finding;
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    let mut case = tree.best().clone();
    case.check = Some(found.check.to_owned());
    let (retries, retries_failed) = retry(&case, retries_of(&found), called_off, attempt);
    Failure {
        check: found.check.to_owned(),
        text: found.to_string(),
        case,
        number,
        turns_found,
        mutators_found,
        tried,
        shrink_ns: clock.nanos(start, clock.now()),
        is_cut_short,
        retries,
        retries_failed,
        again: 0,
    }
}

/// Tries a case again; returns how often it was tried, and how many of those tries failed.
fn retry(
    case: &Case,
    times: u32,
    called_off: &dyn Fn() -> bool,
    attempt: &mut dyn FnMut(&Case) -> Option<Finding>,
) -> (u32, u32) {
    let tries = (0..times).take_while(|_| !called_off());
    tries.fold((0, 0), |(tried, failed), _| {
        (tried + 1, failed + u32::from(attempt(case).is_some()))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fuzz::{HuntBudget, programs};

    /// Goal: when time is up, the smallest case so far is the result, and it is marked as cut
    /// short.
    #[test]
    fn stops_when_time_is_up() {
        let case = programs().with_ops(200).draw(12);
        let finding = || Finding {
            check: "order",
            turn: None,
            text: String::new(),
        };
        let hunt = |shrink_budget| Hunt {
            programs: programs(),
            seed: 0,
            budget: HuntBudget::Cases(1),
            shrink_budget,
            failures_max: 1,
            jobs: 1,
            patience: Duration::MAX,
            tries: 1,
            retries: 0,
        };
        let shrunk = |budget, is_off: bool, fails: bool| {
            let again = || fails.then(finding);
            shrink(
                &hunt(budget),
                case.clone(),
                finding(),
                3,
                &|| is_off,
                &mut |_| again(),
            )
        };
        let failure = shrunk(Duration::ZERO, false, false);
        assert!(failure.is_cut_short);
        assert_eq!(
            (failure.tried, failure.case.turns.len()),
            (0, case.turns.len())
        );
        let off = shrunk(Duration::MAX, true, false);
        assert!(off.is_cut_short && off.tried == 0);
        let whole = shrunk(Duration::MAX, false, true);
        assert!(!whole.is_cut_short && whole.case.turns.is_empty());
    }

    /// Goal: a case that hangs is shrunk with a bounded number of tries that hang, and that it was
    /// cut short is told.
    #[test]
    fn hangs_are_bounded() {
        let case = programs().with_ops(400).draw(12);
        let hunt = Hunt {
            programs: programs(),
            seed: 0,
            budget: HuntBudget::Cases(1),
            shrink_budget: Duration::MAX,
            failures_max: 1,
            jobs: 1,
            patience: Duration::MAX,
            tries: 1,
            retries: 20,
        };
        let hangs = || Finding::of_lost(HUNG, String::new());
        let (mut least, mut hung) = (case.all_turns().count(), 0);
        let failure = shrink(&hunt, case, hangs(), 3, &|| false, &mut |case| {
            // Only what is hardly smaller hangs as well, so it is long until nothing is left.
            let turns = case.all_turns().count();
            (turns + 1 >= least).then(|| {
                (least, hung) = (turns, hung + 1);
                hangs()
            })
        });
        assert!(failure.is_cut_short, "{failure:?}");
        assert_eq!(hung, HANGS_MAX + 2 * RETRIES_IF_HUNG);
    }
}
