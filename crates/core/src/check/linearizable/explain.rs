//! Shortens a history that is not linearizable to the part that shows the contradiction.
//!
//! There are three steps. After each, the same search confirms that what is left is still a
//! contradiction.
//!
//! 1. *The shortest prefix*, by the time of return. An operation that had not returned by then is
//!    pending, and may or may not have taken effect. The prefix ends with the return of the
//!    operation that no order explains.
//! 2. *The last cut*: a moment at which no operation was running and only one state is possible.
//!    That state replaces everything before the moment.
//! 3. *Reads*: operations that change nothing are left out as long as the rest is contradictory. An
//!    operation that may change something is never left out: without it, a history that is
//!    linearizable might become contradictory.

use super::model::Model;
use super::search::{Found, Goal, Steps, search};
use crate::evidence::history::{Call, CallAnswer, Event, NEVER};

/// How many steps one of the searches may take, and all of them together. Most take as many steps
/// as there are operations. If one needs more, the contradiction just stays longer.
const STEPS_EACH: u64 = 200_000;
const STEPS_ALL: u64 = 4_000_000;
/// How many moments are tried for the cut, from the latest back.
const CUTS: usize = 64;

/// A history that is not linearizable, shortened as far as possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The object's state before the events, in words, if operations came before them.
    pub before: Option<String>,
    /// The operations, by start.
    pub events: Vec<Event>,
    /// How many operations `before` replaces.
    pub earlier: usize,
    /// Whether the state at the end of the run is part of the contradiction.
    pub with_last: bool,
}

/// A history that is being shortened.
struct Shortening<'a, M: Model> {
    initial: M,
    events: Vec<Event>,
    last: Option<&'a M::Last>,
    steps: Steps,
}

impl<M: Model> Shortening<'_, M> {
    /// One search within the limits.
    fn search(&mut self, initial: &M, events: &[Event], goal: Goal<'_, M>) -> Found<M> {
        // Setting up a search costs time in proportion to its events, so it counts as steps as
        // well.
        self.steps.0 = self.steps.0.saturating_sub(events.len() as u64 / 8);
        let allowed = self.steps.0.min(STEPS_EACH);
        let mut steps = Steps(allowed);
        let found = search(initial, events, goal, &mut steps);
        self.steps.0 -= allowed - steps.0;
        found
    }

    /// Whether these events alone are known to have no order, given the state at the end if that is
    /// part of the contradiction.
    fn contradicts(&mut self, initial: &M, events: &[Event]) -> bool {
        let goal = self.last.map_or(Goal::Any, Goal::Last);
        self.search(initial, events, goal) == Found::Nothing
    }
}

/// Shortens a history that has no order. `last` is the state found at the end, if it is known.
pub(super) fn explain<M: Model>(
    initial: &M,
    events: &[Event],
    last: Option<&M::Last>,
) -> Contradiction {
    let mut case = Shortening {
        initial: initial.clone(),
        events: events.to_vec(),
        last: None,
        steps: Steps(STEPS_ALL),
    };
    if last.is_some() && !case.contradicts(initial, events) {
        case.last = last;
    } else {
        case.events = shortest_prefix(&mut case, events);
    }
    let earlier = cut(&mut case);
    let before = (earlier > 0).then(|| {
        let calls: Vec<Call> = case.events.iter().map(|event| event.call).collect();
        case.initial.describe(&calls)
    });
    drop_looks(&mut case);
    Contradiction {
        before,
        events: case.events,
        earlier,
        with_last: case.last.is_some(),
    }
}

/// The events as they were known at the first return at which they have no order.
fn shortest_prefix<M: Model>(case: &mut Shortening<'_, M>, events: &[Event]) -> Vec<Event> {
    let initial = case.initial.clone();
    let mut returns: Vec<u64> = events.iter().map(|event| event.end).collect();
    returns.retain(|&end| end != NEVER);
    returns.sort_unstable();
    returns.dedup();
    let known = |time| -> Vec<Event> {
        let known = events.iter().filter_map(|event| event.known_at(time));
        // A read that has not returned says nothing.
        known
            .filter(|event| event.answer != CallAnswer::Unknown || !event.call.is_look())
            .collect()
    };
    // Every prefix of a history with an order has one, so the first without can be bisected.
    let (mut low, mut high) = (0, returns.len());
    while low < high {
        let middle = low.midpoint(high);
        if case.contradicts(&initial, &known(returns[middle])) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    returns
        .get(low)
        .map_or_else(|| events.to_vec(), |&end| known(end))
}

/// Replaces what came before a moment at which no operation was running by the state there, if only
/// one is possible. Returns how many operations were replaced.
fn cut<M: Model>(case: &mut Shortening<'_, M>) -> usize {
    let mut moments = Vec::new();
    let mut last_end = 0;
    for (index, event) in case.events.iter().enumerate() {
        if index > 0 && last_end < event.start {
            moments.push(index);
        }
        last_end = last_end.max(event.end);
    }
    if case.last.is_some() && last_end != NEVER {
        moments.push(case.events.len());
    }
    let start = case.initial.clone();
    for &moment in moments.iter().rev().take(CUTS) {
        let (before, after) = case.events.split_at(moment);
        let (before, after) = (before.to_vec(), after.to_vec());
        let Found::Order(state) = case.search(&start, &before, Goal::Any) else {
            continue;
        };
        let is_only = case.search(&start, &before, Goal::Other(&state)) == Found::Nothing;
        if is_only && case.contradicts(&state, &after) {
            case.initial = state;
            case.events = after;
            return moment;
        }
    }
    0
}

/// Leaves out reads: first all at once, then ever smaller groups, and in the end one by one.
fn drop_looks<M: Model>(case: &mut Shortening<'_, M>) {
    let initial = case.initial.clone();
    let looks = |events: &[Event]| -> Vec<usize> {
        let is_look = |&at: &usize| events[at].call.is_look();
        (0..events.len()).filter(is_look).collect()
    };
    let mut size = looks(&case.events).len();
    while size > 0 {
        let mut from = 0;
        loop {
            let there = looks(&case.events);
            let some = &there[from.min(there.len())..(from + size).min(there.len())];
            if some.is_empty() || case.steps.0 == 0 {
                break;
            }
            let events = case.events.iter().enumerate();
            let left = events.filter(|(at, _)| some.binary_search(at).is_err());
            let left: Vec<Event> = left.map(|(_, event)| *event).collect();
            if case.contradicts(&initial, &left) {
                case.events = left;
            } else {
                from += size;
            }
        }
        size = if case.steps.0 == 0 { 0 } else { size / 2 };
    }
}
