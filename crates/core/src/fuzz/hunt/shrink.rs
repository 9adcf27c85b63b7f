//! Shrinks one failure within a time budget, and measures how reliably it fails.

use proptest::strategy::ValueTree as _;

use super::{AsFound, Failure, Hunt};
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

/// How long a case that is tried again may take before it counts as hung, where it is tried in
/// another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangLimit {
    /// As long as any other case.
    Whole,
    /// A part of that: it is the smaller one of a case that hung, so that each try takes that long.
    Short,
}

/// What shrinking asks of a hunt.
pub(super) struct ShrinkTrial<'a> {
    pub(super) attempt: &'a mut dyn FnMut(&Case, HangLimit) -> Option<Finding>,
    /// Whether the hunt is called off, so that what was tried last may not have been tried at all.
    pub(super) is_off: &'a dyn Fn() -> bool,
    /// How many cases hung.
    pub(super) hangs: u32,
}

impl ShrinkTrial<'_> {
    /// Tries a case up to so many times, until it fails. A failure of another kind does not shrink
    /// to a hang, which may only be a slow case, and says less.
    fn smaller(&mut self, case: &Case, tries: u32, found: &Finding) -> Option<Finding> {
        for _ in 0..tries {
            let finding = (self.attempt)(case, limit_of(found));
            if (self.is_off)() {
                return None;
            }
            self.hangs += u32::from(finding.as_ref().is_some_and(|it| it.check == HUNG));
            let counts = |it: &Finding| it.check != HUNG || found.check == HUNG;
            if let Some(finding) = finding.filter(counts) {
                return Some(finding);
            }
        }
        None
    }

    /// Tries a case again; returns how often it was tried, and how many of those tries failed.
    fn retry(&mut self, hunt: &Hunt, case: &Case, found: &Finding) -> (u32, u32) {
        let times = match found.check {
            HUNG => hunt.retries.min(RETRIES_IF_HUNG),
            _ => hunt.retries,
        };
        let (mut tried, mut failed) = (0, 0);
        while tried < times && !(self.is_off)() {
            let finding = (self.attempt)(case, limit_of(found));
            if (self.is_off)() {
                break;
            }
            tried += 1;
            failed += u32::from(finding.is_some());
        }
        (tried, failed)
    }

    /// Whether a case that hung within the short limit fails within the whole one, and how.
    fn confirm(&mut self, case: &Case) -> Option<Finding> {
        let finding = (self.attempt)(case, HangLimit::Whole);
        finding.filter(|_| !(self.is_off)())
    }
}

fn limit_of(found: &Finding) -> HangLimit {
    match found.check {
        HUNG => HangLimit::Short,
        _ => HangLimit::Whole,
    }
}

/// Shrinks a case that fails. A smaller case counts as failing even if another check fails than
/// before: the result is small enough to understand. Ends when the time budget is used up, and as
/// soon as the hunt is called off. Of cases that are deterministic, one that fails in no retry is left as it
/// is: it needs something that is not in it, which no smaller case has either.
pub(super) fn shrink(
    hunt: &Hunt,
    case: Case,
    finding: Finding,
    number: u64,
    mut trial: ShrinkTrial<'_>,
) -> Failure {
    let (clock, start) = (Clock::get(), Clock::get().now());
    let (turns_found, mutators_found) = (case.all_turns().count(), case.mutators.len());
    let (retries, failed) = trial.retry(hunt, &case, &finding);
    if retries > 0 && failed == 0 && hunt.tries == 1 && !(trial.is_off)() {
        let shrink_ns = clock.nanos(start, clock.now());
        return Failure::unshrunk(case, &finding, number, (retries, shrink_ns));
    }
    let tries = match failed < retries {
        true => hunt.tries.max(TRIES_IF_FLAKY),
        false => hunt.tries,
    };
    let (mut tried, mut is_cut_short) = (0, false);
    let (mut begun, mut found) = (case.clone(), finding.clone());
    let mut is_beyond = hunt.programs.is_beyond(&case);
    if is_beyond && !(trial.is_off)() {
        let within = case.without_cycles();
        tried += 1;
        if let Some(finding) = trial.smaller(&within, tries, &found) {
            (begun, found, is_beyond) = (within, finding, false);
        }
    }
    let mut tree = CaseTree::new(begun);
    let mut goes_on = tree.simplify();
    while goes_on {
        // Where turns are left out, others may close a cycle that was none.
        let goes_beyond = hunt.programs.is_beyond(&tree.current());
        if goes_beyond && !is_beyond {
            goes_on = tree.complicate();
            continue;
        }
        let is_late = clock.since(start) >= hunt.shrink_budget || trial.hangs >= HANGS_MAX;
        if is_late || (trial.is_off)() {
            is_cut_short = true;
            break;
        }
        tried += 1;
        goes_on = match trial.smaller(&tree.current(), tries, &found) {
            Some(finding) => {
                found = finding;
                is_beyond = goes_beyond;
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    let mut shrunk = tree.best().clone();
    if found.check == HUNG && shrunk != case {
        (shrunk, found) = match trial.confirm(&shrunk) {
            Some(finding) => (shrunk, finding),
            None => (case.clone(), finding.clone()),
        };
    }
    let is_smaller = shrunk != case;
    shrunk.check = Some(found.check.to_owned());
    let as_found = AsFound::new(case, &finding, (retries, failed));
    let (retries, retries_failed) = trial.retry(hunt, &shrunk, &found);
    Failure {
        check: found.check.to_owned(),
        text: found.to_string(),
        case: shrunk,
        number,
        turns_found,
        mutators_found,
        tried,
        shrink_ns: clock.nanos(start, clock.now()),
        is_cut_short,
        retries,
        retries_failed,
        again: 0,
        as_found: (is_smaller && retries_failed < retries).then_some(as_found),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::fuzz::{CRASHED, HuntBudget, programs};
    use crate::heap::Caps;
    use crate::plan::OpKind;

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
            shrink_budget,
            ..hunt(0)
        };
        let shrunk = |budget, is_off: bool, fails: bool| {
            let again = || fails.then(finding);
            let trial = ShrinkTrial {
                attempt: &mut |_, _| again(),
                is_off: &|| is_off,
                hangs: 0,
            };
            shrink(&hunt(budget), case.clone(), finding(), 3, trial)
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

    fn hunt(retries: u32) -> Hunt {
        Hunt {
            programs: programs(),
            seed: 0,
            budget: HuntBudget::Cases(1),
            shrink_budget: Duration::MAX,
            failures_max: 1,
            jobs: 1,
            patience: Duration::MAX,
            tries: 1,
            retries,
        }
    }

    fn hangs() -> Finding {
        Finding::of_lost(HUNG, String::new())
    }

    /// Goal: of a program that fails without its cycles too, for a heap that reclaims none, no smaller one
    /// is tried that may close one; for a heap that reclaims them, some are.
    #[test]
    fn shrinking_closes_no_cycle() {
        let caps = Caps {
            cycles: false,
            ..Caps::ALL
        };
        let without = programs().for_caps(caps);
        let stores = |case: &Case| {
            case.turns
                .iter()
                .any(|turn| turn.op.kind() == OpKind::Store)
        };
        let drawn = (0..2000).map(|seed| without.draw(seed));
        let within = drawn.filter(|case| stores(&case.without_cycles()));
        let within: Vec<Case> = within.take(100).collect();
        let found = || Finding::of_lost(CRASHED, String::new());
        let beyond = |programs| {
            let mut beyond = 0;
            for case in &within {
                let trial = ShrinkTrial {
                    attempt: &mut |case, _| {
                        beyond += u32::from(without.is_beyond(case));
                        stores(case).then(found)
                    },
                    is_off: &|| false,
                    hangs: 0,
                };
                let hunt = Hunt {
                    programs,
                    ..hunt(0)
                };
                shrink(&hunt, case.clone(), found(), 0, trial);
            }
            beyond
        };
        assert_eq!(beyond(without), 0);
        assert!(beyond(programs()) > 0);
    }

    /// Goal: a case that hangs is shrunk with a bounded number of tries that hang, and that it was
    /// cut short is told.
    #[test]
    fn hangs_are_bounded() {
        let case = programs().with_ops(400).draw(12);
        let (mut least, mut hung) = (case.all_turns().count(), 0);
        let trial = ShrinkTrial {
            attempt: &mut |case, _| {
                // Only what is hardly smaller hangs as well, so it is long until nothing is left.
                let turns = case.all_turns().count();
                (turns + 1 >= least).then(|| {
                    (least, hung) = (turns, hung + 1);
                    hangs()
                })
            },
            is_off: &|| false,
            hangs: 0,
        };
        let failure = shrink(&hunt(20), case, hangs(), 3, trial);
        assert!(failure.is_cut_short, "{failure:?}");
        assert_eq!(hung, HANGS_MAX + 2 * RETRIES_IF_HUNG + 1);
    }

    /// Goal: a try during which the hunt was called off counts for nothing: neither as one that did
    /// not fail, which would make the failure flaky, nor as a smaller case that does.
    #[test]
    fn what_is_called_off_does_not_count() {
        let case = programs().with_ops(40).draw(12);
        for (last, retries) in [(1, 0), (4, 3), (23, 20)] {
            let tries = Cell::new(0);
            let trial = ShrinkTrial {
                attempt: &mut |_, _| {
                    tries.set(tries.get() + 1);
                    (tries.get() < last).then(|| Finding::of_lost(CRASHED, String::new()))
                },
                is_off: &|| tries.get() >= last,
                hangs: 0,
            };
            let finding = Finding::of_lost(CRASHED, String::new());
            let failure = shrink(&hunt(20), case.clone(), finding, 3, trial);
            assert_eq!(tries.get(), last, "after {retries} retries");
            assert!(!failure.is_flaky() && failure.is_cut_short, "{failure:?}");
        }
    }

    /// Goal: what is only slow is no smaller case: neither of one that hung, which is confirmed
    /// with the whole limit, nor of one that failed otherwise, which is never tried with less.
    #[test]
    fn what_is_slow_does_not_hang() {
        let case = programs().with_ops(40).draw(12);
        for found in [hangs(), Finding::of_lost(CRASHED, String::new())] {
            let trial = ShrinkTrial {
                attempt: &mut |tried, limit| match (tried == &case, limit) {
                    (true, _) => Some(found.clone()),
                    (false, HangLimit::Short) => Some(hangs()),
                    (false, HangLimit::Whole) => {
                        (found.check == CRASHED && tried.turns.len() > 1).then(hangs)
                    }
                },
                is_off: &|| false,
                hangs: 0,
            };
            let failure = shrink(&hunt(1), case.clone(), found.clone(), 3, trial);
            assert_eq!(failure.check, found.check);
            assert_eq!(failure.case.turns, case.turns);
        }
    }
}
