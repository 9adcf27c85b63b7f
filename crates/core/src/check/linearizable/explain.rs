//! The shortest contradiction: what is left of a history without an order when everything is taken
//! away that the contradiction does not need.
//!
//! Three steps, each of which keeps it a contradiction, by the very search that found it:
//!
//! 1. *The shortest prefix*, by the time of return. What had not returned by then is pending and
//!    may have taken effect or not. The operation that returns last is the one that nothing
//!    explains.
//! 2. *The last cut*: a moment at which nobody was within an operation, and before which only one
//!    state is possible. What came before is replaced by that state.
//! 3. *The looks*: operations that change nothing are left out as long as the rest is
//!    contradictory.
//!    An operation that changes something, or might, is never left out: that could make a
//!    contradiction of what is none.

use super::model::Model;
use super::search::{Found, Goal, Steps, search};
use crate::evidence::history::{Call, CallAnswer, Event, NEVER};

/// How many steps one of the searches may take, and all of them together. Most take as many steps
/// as there are operations; where one would take more, the contradiction is only not made shorter.
const STEPS_EACH: u64 = 200_000;
const STEPS_ALL: u64 = 4_000_000;
/// How many moments are tried for the cut, the latest first.
const CUTS: usize = 64;

/// A history without an order, as short as it could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// What the object was before, if something came before.
    pub before: Option<String>,
    /// What happened, by start.
    pub events: Vec<Event>,
    /// How many operations came before.
    pub earlier: usize,
    /// Whether the state at the end of the run is part of it.
    pub with_last: bool,
}

/// What is being made shorter.
struct Shortening<'a, M: Model> {
    initial: M,
    events: Vec<Event>,
    last: Option<&'a M::Last>,
    steps: Steps,
}

impl<M: Model> Shortening<'_, M> {
    /// One search within the limits.
    fn search(&mut self, initial: &M, events: &[Event], goal: Goal<'_, M>) -> Found<M> {
        // To lay the events out is work as well.
        self.steps.0 = self.steps.0.saturating_sub(events.len() as u64 / 8);
        let allowed = self.steps.0.min(STEPS_EACH);
        let mut steps = Steps(allowed);
        let found = search(initial, events, goal, &mut steps);
        self.steps.0 -= allowed - steps.0;
        found
    }

    /// Whether these alone are known to have no order, with the state at the end if that is part of
    /// the case.
    fn contradicts(&mut self, initial: &M, events: &[Event]) -> bool {
        let goal = self.last.map_or(Goal::Any, Goal::Last);
        self.search(initial, events, goal) == Found::Nothing
    }
}

/// Makes a history that has no order short. `last` is what was found at the end, if that is known.
pub(super) fn explain<M: Model>(events: &[Event], last: Option<&M::Last>) -> Contradiction {
    let mut case = Shortening {
        initial: M::default(),
        events: events.to_vec(),
        last: None,
        steps: Steps(STEPS_ALL),
    };
    let start = M::default();
    if last.is_some() && !case.contradicts(&start, events) {
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

/// The events as they are known at the first return by which there is no order.
fn shortest_prefix<M: Model>(case: &mut Shortening<'_, M>, events: &[Event]) -> Vec<Event> {
    let mut returns: Vec<u64> = events.iter().map(|event| event.end).collect();
    returns.retain(|&end| end != NEVER);
    returns.sort_unstable();
    returns.dedup();
    let known = |time| -> Vec<Event> {
        let known = events.iter().filter_map(|event| event.known_at(time));
        // A look that has not returned says nothing.
        known
            .filter(|event| event.answer != CallAnswer::Unknown || !event.call.is_look())
            .collect()
    };
    // A prefix of what has an order has one.
    let (mut low, mut high) = (0, returns.len());
    while low < high {
        let middle = low.midpoint(high);
        if case.contradicts(&M::default(), &known(returns[middle])) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    returns
        .get(low)
        .map_or_else(|| events.to_vec(), |&end| known(end))
}

/// Replaces what came before a moment at which nobody was within an operation by the state there,
/// if only one is possible. Returns how many operations that were.
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

/// Leaves out looks, many at a time and then one by one.
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
