//! Is there an order? Wing and Gong's search over the operations that may come next, with a memory
//! (Lowe, Testing for linearizability, 2017), and with reasons in the memory in place of states.
//!
//! Each mutator does one thing after the other, so what has been done is one number for each of
//! them. The memory is sorted by these numbers and the object's measure, and holds [`Reason`]s: sets
//! of constraints under which all that was tried from there failed. A state that meets one fails as
//! well and is not tried. This is what keeps the search from trying all orders of a hundred appends
//! because the hundredth read contradicts the first: the reason names one place of the list, and is
//! met by whatever differs elsewhere. In clause learning it is called a nogood. Keys and constraints
//! are compared as they are, never by a hash alone, so no collision can accuse anyone.
//!
//! What, by its answer, changes nothing wherever it comes, and is answered rightly here, comes next
//! without an alternative: from any order in which it comes later it can be moved to the front, since
//! it may come next and nothing depends on it. What its answer rests on is then part of the reason, if
//! the rest fails. (A truncation that would take nothing here is not of this kind.)
//!
//! A place where nobody is within an operation needs no case of its own: all that was done before it
//! is done, so there is one key for each measure there, and if only one state is possible whatever
//! fails behind it fails there once and for all.

use std::cell::Cell;
use std::collections::HashMap;

use super::model::{Model, Reason};
use crate::evidence::history::{Call, Event, NEVER};

/// What takes effect at one moment.
#[derive(Debug, Clone, Copy)]
struct Step {
    event: Event,
    /// Steps of the same operation that come after it. If this one finds nothing to do, neither will
    /// they.
    more: u32,
}

/// The steps of each mutator, in its order. The list is `len` long before them.
fn lanes(len: u64, events: &[Event]) -> Vec<Vec<Step>> {
    let appends = events
        .iter()
        .filter(|event| matches!(event.call, Call::Append(_)));
    // It never becomes longer than this, so a truncation of more than that finds nothing at its end.
    let longest = len.saturating_add(appends.count() as u64);
    let mut lanes: Vec<Vec<Step>> = Vec::new();
    for event in events {
        let mutator = event.mutator;
        let lane = lanes
            .iter()
            .position(|lane| lane[0].event.mutator == mutator);
        let lane = lane.unwrap_or_else(|| {
            lanes.push(Vec::new());
            lanes.len() - 1
        });
        let mut step = Step {
            event: *event,
            more: 0,
        };
        if let Call::TruncateBack(count) = event.call
            && count > 1
        {
            // The contract lets this be as many pops.
            step.event.call = Call::TruncateBack(1);
            let most = u32::try_from(longest).unwrap_or(u32::MAX);
            let more = u32::try_from(count - 1).unwrap_or(u32::MAX).min(most);
            let steps = (1..=more).rev().map(|more| Step { more, ..step });
            lanes[lane].extend(steps);
        }
        lanes[lane].push(step);
    }
    lanes
}

/// What must hold when everything has been done.
#[derive(Debug)]
pub(super) enum Goal<'a, M: Model> {
    /// Nothing more.
    Any,
    /// That this is found.
    Last(&'a M::Last),
    /// That it is another state than this.
    Other(&'a M),
}

/// Derived code would ask for copies of the model.
impl<M: Model> Clone for Goal<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for Goal<'_, M> {}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<M> {
    /// There is an order, and it ends like this.
    Order(M),
    /// There is none.
    Nothing,
    /// So many steps were not enough to tell.
    Undecided,
}

/// How many constraints may be looked at in the time of a step: one takes some 2 ns, a step up to 1 µs.
const CONSTRAINTS_A_STEP: u64 = 512;

/// How many steps may still be taken.
#[derive(Debug)]
pub(super) struct Steps(pub(super) u64);

/// Looks for an order that begins with `initial` and reaches the goal. `events` are sorted by start,
/// those of one mutator in its order.
pub(super) fn search<M: Model>(
    initial: &M,
    events: &[Event],
    goal: Goal<'_, M>,
    steps: &mut Steps,
) -> Found<M> {
    let lanes = lanes(initial.measure(), events);
    let mut search = Search {
        goal,
        state: initial.clone(),
        done: vec![0; lanes.len()],
        lanes,
        memory: HashMap::new(),
        path: Vec::new(),
        work: Cell::new(0),
    };
    search.run(steps)
}

/// What was done by each mutator, and the measure after it.
type Key = (Box<[u32]>, u64);

struct Search<'a, M: Model> {
    lanes: Vec<Vec<Step>>,
    goal: Goal<'a, M>,
    state: M,
    done: Vec<u32>,
    memory: HashMap<Key, Vec<Reason>>,
    path: Vec<Frame<M>>,
    /// Constraints looked at since the last step.
    work: Cell<u64>,
}

/// One state on the path.
struct Frame<M: Model> {
    /// What led here; `None` at the beginning.
    arrival: Option<Arrival<M>>,
    /// The mutators whose next operation may come next and was not tried, the best at the end.
    left: Vec<usize>,
    /// Why all that were tried failed.
    reason: Reason,
}

/// What led to a state.
struct Arrival<M: Model> {
    /// The mutator that did something.
    lane: usize,
    /// How many steps of it are done with that.
    steps: u32,
    /// How to take it back.
    undo: M::Undo,
}

/// What a step down came to.
enum Entered {
    Deeper,
    Failed,
    Reached,
}

impl<M: Model> Search<'_, M> {
    fn run(&mut self, steps: &mut Steps) -> Found<M> {
        match self.enter(None) {
            Entered::Deeper => {}
            Entered::Failed => return Found::Nothing,
            Entered::Reached => return Found::Order(self.state.clone()),
        }
        while let Some(frame) = self.path.last_mut() {
            if steps.0 == 0 {
                return Found::Undecided;
            }
            steps.0 = steps
                .0
                .saturating_sub(1 + self.work.take() / CONSTRAINTS_A_STEP);
            let Some(lane) = frame.left.pop() else {
                self.retreat();
                continue;
            };
            let Step { event, more } = self.lanes[lane][self.done[lane] as usize];
            match self.state.apply(event.call, event.answer) {
                Err(reason) => frame.reason.add(reason),
                Ok(undo) => {
                    let steps = if M::did_nothing(&undo) { 1 + more } else { 1 };
                    self.done[lane] += steps;
                    match self.enter(Some(Arrival { lane, steps, undo })) {
                        Entered::Deeper | Entered::Failed => {}
                        Entered::Reached => return Found::Order(self.state.clone()),
                    }
                }
            }
        }
        Found::Nothing
    }

    /// Goes on from the state that was just arrived at, or turns back at once.
    fn enter(&mut self, arrival: Option<Arrival<M>>) -> Entered {
        match self.look_around() {
            Ok(None) => Entered::Reached,
            Ok(Some((left, reason))) => {
                self.path.push(Frame {
                    arrival,
                    left,
                    reason,
                });
                Entered::Deeper
            }
            Err(reason) => {
                if let Some(arrival) = arrival {
                    self.turn_back(arrival, reason);
                }
                Entered::Failed
            }
        }
    }

    /// What may come next, and what that choice rests on; `None` if there is nothing left to do.
    fn look_around(&self) -> Result<Option<(Vec<usize>, Reason)>, Reason> {
        let mut left = self.next();
        if left.is_empty() {
            return match self.goal {
                Goal::Any => Ok(()),
                Goal::Last(last) => self.state.ends_as(last),
                Goal::Other(other) => self.state.differs_from(other),
            }
            .map(|()| None);
        }
        let known = self.memory.get(&self.key());
        let holds = |reason: &&Reason| {
            let mut constraints = reason.constraints().iter();
            self.work.update(|work| work + 1);
            constraints.all(|constraint| {
                self.work.update(|work| work + 1);
                self.state.meets(constraint)
            })
        };
        if let Some(reason) = known.and_then(|reasons| reasons.iter().find(holds)) {
            return Err(reason.clone());
        }
        let still = left.iter().copied().find(|&lane| self.is_still(lane));
        let mut reason = Reason::ALWAYS;
        if let Some(lane) = still {
            let event = self.event(lane);
            if let Some(constraint) = self.state.rests_on(event.call, event.answer) {
                reason.insert(constraint);
            }
            left = vec![lane];
        }
        Ok(Some((left, reason)))
    }

    fn event(&self, lane: usize) -> &Event {
        &self.lanes[lane][self.done[lane] as usize].event
    }

    /// The mutators whose next operation may come next: nothing that is still to be done ended before
    /// it began. The one that ends first is at the end.
    fn next(&self) -> Vec<usize> {
        let open = (0..self.lanes.len())
            .filter(|&lane| (self.done[lane] as usize) < self.lanes[lane].len());
        let first_end = open.clone().map(|lane| self.event(lane).end).min();
        let first_end = first_end.unwrap_or(NEVER);
        let mut next: Vec<usize> = open
            .filter(|&lane| self.event(lane).start <= first_end)
            .collect();
        next.sort_by_key(|&lane| std::cmp::Reverse(self.event(lane).end));
        next
    }

    /// Whether its next operation changes nothing anywhere and is answered rightly here.
    fn is_still(&self, lane: usize) -> bool {
        let Event { call, answer, .. } = *self.event(lane);
        self.state.is_still(call, answer)
    }

    fn key(&self) -> Key {
        (self.done.as_slice().into(), self.state.measure())
    }

    /// Everything failed here.
    fn retreat(&mut self) {
        let Some(Frame {
            arrival, reason, ..
        }) = self.path.pop()
        else {
            return;
        };
        let key = self.key();
        self.memory.entry(key).or_default().push(reason.clone());
        if let Some(arrival) = arrival {
            self.turn_back(arrival, reason);
        }
    }

    /// Takes back the last operation, after which everything fails for this reason.
    fn turn_back(&mut self, arrival: Arrival<M>, mut reason: Reason) {
        self.state.take_back(arrival.undo, &mut reason);
        self.done[arrival.lane] -= arrival.steps;
        if let Some(frame) = self.path.last_mut() {
            let constraints = frame.reason.constraints().len() + reason.constraints().len();
            self.work.update(|work| work + constraints as u64);
            frame.reason.add(reason);
        }
    }
}
