//! Shrinking one failure within a budget of time.

use std::time::Duration;

use proptest::strategy::ValueTree as _;

use super::Failure;
use crate::clock::Clock;
use crate::fuzz::model::Finding;
use crate::fuzz::programs::CaseTree;
use crate::plan::Case;

/// Shrinks a case that fails. Whatever fails counts, whichever check says so: what is left is small
/// enough to see what it is. Ends when the budget is used up, and at once if it is `called_off`.
pub(super) fn shrink(
    case: Case,
    finding: Finding,
    number: u64,
    budget: Duration,
    called_off: &dyn Fn() -> bool,
    attempt: &mut dyn FnMut(&Case) -> Option<Finding>,
) -> Failure {
    let (clock, start) = (Clock::get(), Clock::get().now());
    let (turns_found, mutators_found) = (case.all_turns().count(), case.mutators.len());
    let mut tree = CaseTree::new(case);
    let mut found = finding;
    let mut tried = 0;
    let mut is_cut_short = false;
    let mut goes_on = tree.simplify();
    while goes_on {
        if clock.since(start) >= budget || called_off() {
            is_cut_short = true;
            break;
        }
        tried += 1;
        goes_on = match attempt(&tree.current()) {
            Some(finding) => {
                found = finding;
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    let mut case = tree.best().clone();
    case.check = Some(found.check.to_owned());
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
        again: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::programs;

    /// Goal: when time is up, what is smallest until then is what is left, and that is said.
    #[test]
    fn stops_when_time_is_up() {
        let case = programs().with_ops(200).draw(12);
        let finding = || Finding {
            check: "order",
            turn: None,
            text: String::new(),
        };
        let failure = shrink(
            case.clone(),
            finding(),
            3,
            Duration::ZERO,
            &|| false,
            &mut |_| None,
        );
        assert!(failure.is_cut_short);
        assert_eq!(
            (failure.tried, failure.case.turns.len()),
            (0, case.turns.len())
        );
        let off = shrink(
            case.clone(),
            finding(),
            3,
            Duration::MAX,
            &|| true,
            &mut |_| None,
        );
        assert!(off.is_cut_short && off.tried == 0);
        let whole = shrink(case, finding(), 3, Duration::MAX, &|| false, &mut |_| {
            Some(finding())
        });
        assert!(!whole.is_cut_short && whole.case.turns.is_empty());
    }
}
