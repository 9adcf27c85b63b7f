//! The search for a linearization: Wing and Gong's search over the operations that may come next,
//! with a memory of failures (Lowe, Testing for linearizability, 2017) that holds reasons in place
//! of states.
//!
//! Each mutator's operations are sequential, so one number for each mutator says what has been
//! done. These numbers and the object's measure are the key of the memory. The values are
//! [`Reason`]s: sets of constraints under which everything that was tried from there failed. A
//! state that meets the constraints of a stored reason fails as well and is not explored.
//! Constraint solvers call such a reason a *nogood*. For example, if a read after a hundred appends
//! contradicts the first of them, the search does not try all orders of the other ninety-nine: the
//! reason names one place of the list, and any state with the same element in that place meets it.
//! Keys and constraints are compared in full, never by a hash alone, so no hash collision can cause
//! a false accusation.
//!
//! An operation that by its answer changes nothing in any state, and whose answer is right here,
//! comes next without an alternative: from any order in which it comes later it can be moved to the
//! front, since it may come next and nothing depends on it. If the rest then fails, the constraint
//! on which its answer depends becomes part of the reason. (A truncation that would remove nothing
//! here does not qualify, since it may remove something later.)
//!
//! A moment at which no operation is running needs no special treatment: all earlier operations are
//! done there, so there is one key for each measure. If only one state is possible there, whatever
//! fails after that moment is tried only once.

use std::cell::Cell;
use std::collections::HashMap;

use super::model::{Model, Reason};
use crate::evidence::history::{Call, Event, NEVER};

/// A part of an operation that takes effect at one moment.
#[derive(Debug, Clone, Copy)]
struct Step {
    event: Event,
    /// How many steps of the same operation come after it. If this step finds nothing to do, they
    /// are skipped: the operation ends with the first pop of an empty list.
    more: u32,
}

/// The steps of each mutator, in program order. `len` is the initial length of a list; a counter
/// has no operation that needs it.
fn lanes(len: u64, events: &[Event]) -> Vec<Vec<Step>> {
    let appends = events
        .iter()
        .filter(|event| matches!(event.call, Call::Append(_)));
    // The list never becomes longer than this, so no truncation needs more steps.
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
            // The contract allows a heap to carry this out as so many single pops.
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

/// What must hold after the last operation.
#[derive(Debug)]
pub(super) enum Goal<'a, M: Model> {
    /// Nothing more.
    Any,
    /// The state is this one, which was found.
    Last(&'a M::Last),
    /// The state is another one than this.
    Other(&'a M),
}

/// Not derived, since derived code would require `M: Copy`.
impl<M: Model> Clone for Goal<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for Goal<'_, M> {}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<M> {
    /// There is an order, and it ends in this state.
    Order(M),
    /// There is no order.
    Nothing,
    /// The steps that were allowed did not suffice.
    Undecided,
}

/// How many comparisons of constraints count as a step: one takes some 2 ns, a step up to 1 µs.
const CONSTRAINTS_A_STEP: u64 = 512;

/// How many steps may still be taken.
#[derive(Debug)]
pub(super) struct Steps(pub(super) u64);

/// Looks for an order that begins in the state `initial` and reaches the goal. `events` are sorted
/// by start; those of one mutator are in program order.
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

/// How many steps of each mutator are done, and the measure of the state after them.
type Key = (Box<[u32]>, u64);

struct Search<'a, M: Model> {
    lanes: Vec<Vec<Step>>,
    goal: Goal<'a, M>,
    state: M,
    done: Vec<u32>,
    memory: HashMap<Key, Vec<Reason>>,
    path: Vec<Frame<M>>,
    /// Constraints compared since the last step.
    work: Cell<u64>,
}

/// One state on the path.
struct Frame<M: Model> {
    /// What led here; `None` for the initial state.
    arrival: Option<Arrival<M>>,
    /// The mutators whose next operation may come next and was not tried yet; the last is tried
    /// first.
    left: Vec<usize>,
    /// Why all that were tried so far failed.
    reason: Reason,
}

/// What led to a state.
struct Arrival<M: Model> {
    /// The mutator whose step was done.
    lane: usize,
    /// How many of its steps that completed: more than one if the rest of an operation was skipped.
    steps: u32,
    /// How to take it back.
    undo: M::Undo,
}

/// The result of entering a state.
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

    /// Enters the state that was just reached, or turns back at once if it is known to fail.
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

    /// The mutators whose operations may come next, and the constraint that narrowed that choice;
    /// `None` if nothing is left to do and the goal is met. An error says why the rest has no order
    /// from here.
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

    /// The mutators whose next operation may come next: no other open operation ended before it
    /// began. The one that ends first is last in the list.
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

    /// Whether the next operation of this mutator changes nothing in any state and has the right
    /// answer here.
    fn is_still(&self, lane: usize) -> bool {
        let Event { call, answer, .. } = *self.event(lane);
        self.state.is_still(call, answer)
    }

    fn key(&self) -> Key {
        (self.done.as_slice().into(), self.state.measure())
    }

    /// Everything failed in the current state: remembers why and goes back.
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

    /// Takes back the last operation, after which everything failed for this reason.
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
