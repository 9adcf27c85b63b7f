//! Records histories of what threads share: each operation on lists, counters, shared roots and the
//! fields of nodes, its answer and its times.
//!
//! A [`Recorder`] belongs to one mutator and shares nothing. It decides what is recorded, and keeps
//! it; [`recording`](super::recording) fills it.
//!
//! It costs some 45 ns an operation where each is timed: `append`, `len`, `pop` and `add` by one
//! thread take 18 ns on gil on average without, and 64 ns with it. About half of that is the clock
//! and the fences around it (see `stamps`), which cost 8 ns more where operations are not timed.
//! What is beyond 65,536 events waits for new pages as well, and costs twice as much. So nothing is
//! recorded by default, and with `--history` only in *windows*: the first begins with the run, and
//! others begin at pauses that lie further and further apart.

use crate::evidence::history::{Call, CallAnswer, Element, Event};
use crate::heap::{Finalizer, Global, ObjectId, Shape, Slot};
use crate::plan::{MutatorPlan, Op, Plan, may_be_weak};

use super::stamps::Stamps;
use crate::clock::Stamp;

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// A shared list or counter, by number.
    Object(usize),
    /// A shared root.
    Root(u16),
    /// A field of a node.
    Field(Element, u8),
}

/// What one mutator did to what threads share.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) mutator: u32,
    stamps: Stamps,
    /// By register: the number and the id of the shared object that it was given.
    held: Box<[Option<(usize, ObjectId)>]>,
    /// By number: whether all that happens to this shared root can be recorded.
    roots: Box<[bool]>,
    /// One for each window, of which the last may be open.
    pub(super) logs: Vec<Transcript>,
    /// Whether others know that it has no room left.
    has_ended: bool,
    /// A time at which the call that comes next had not begun and the last one was over, if one is
    /// known that is hardly earlier than the call.
    since: Option<u64>,
}

/// What was recorded in one window.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// For how many events there is room.
    room: usize,
    pub(super) events: Vec<(Topic, Event)>,
    /// The time from which on nothing is recorded any more.
    pub(super) closed_at: Option<u64>,
}

/// How many events one operation of a plan can be: a length, and a truncation by it.
const EVENTS_MAX: usize = 2;
/// A later window has room for this part of what the first one has room for.
const LATER: usize = 4;
/// Between two windows a mutator does at least so many times as many operations as the first has
/// room for, so that the second shows what the first cannot have reached.
const GAP: u64 = 16;

impl Recorder {
    /// A recorder with room for `limit` events, if the mutator uses anything that has a history.
    /// `objects` are the ids of the shared objects.
    pub(super) fn new(
        plan: &Plan,
        number: usize,
        objects: &[ObjectId],
        limit: u64,
    ) -> Option<Self> {
        let mutator = &plan.mutators[number];
        let mut held = vec![None; mutator.registers as usize];
        for &(slot, object) in &mutator.held {
            let id = objects.get(object).filter(|id| is_judged(id.shape()));
            held[slot.0 as usize] = id.map(|&id| (object, id));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        is_involved(plan, mutator).then(|| Self {
            mutator: u32::try_from(number).unwrap_or(u32::MAX),
            stamps: Stamps::sound(),
            held: held.into_boxed_slice(),
            roots: recorded_roots(plan),
            logs: vec![Transcript::new(limit)],
            has_ended: false,
            since: None,
        })
    }

    fn log(&self) -> Option<&Transcript> {
        self.logs.last()
    }

    /// The shared object that this register was given, if what is done to it is recorded.
    #[inline]
    pub(super) fn held(&self, slot: Slot) -> Option<(usize, ObjectId)> {
        self.held[slot.0 as usize]
    }

    /// Whether what is done to this shared root is recorded.
    pub(super) fn covers(&self, root: Global) -> bool {
        self.roots.get(usize::from(root.0)) == Some(&true)
    }

    /// Whether there is room for one more event. If not, the recording ends.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        if self.log().is_some_and(|log| log.events.len() >= log.room) {
            self.close();
        }
        self.is_open()
    }

    /// An operation begins. `since` is when the stopwatch began to count its time, if it did.
    #[inline]
    pub(super) fn resume(&mut self, since: Option<Stamp>) {
        let since = since.and_then(|stamp| self.stamps.of_clock(stamp));
        // The processor may read its counter twice in another order than it was told to.
        self.since = since.max(self.since.filter(|_| since.is_some()));
    }

    /// When the call that now begins began, at the earliest.
    #[inline]
    pub(super) fn start(&mut self) -> u64 {
        match self.since.take() {
            Some(since) => Stamps::from(since),
            None => self.stamps.before(),
        }
    }

    /// When the call that is just over was over, at the latest.
    #[inline]
    pub(super) fn end(&mut self) -> u64 {
        *self.since.insert(self.stamps.after())
    }

    /// Records an event.
    #[inline]
    pub(super) fn note(&mut self, topic: Topic, event: Event) {
        if let Some(log) = self.logs.last_mut() {
            log.events.push((topic, event));
        }
    }

    /// How many operations of any kind there is room for; 0 if the recorder is closed.
    pub(super) fn room(&self) -> u64 {
        let open = self.log().filter(|log| log.closed_at.is_none());
        open.map_or(0, |log| {
            (log.room.saturating_sub(log.events.len()) / EVENTS_MAX) as u64
        })
    }

    /// Notes that others know that it has no room left; returns whether they knew before.
    pub(super) fn has_ended(&mut self) -> bool {
        std::mem::replace(&mut self.has_ended, true)
    }

    /// Whether everything is recorded just now.
    pub(super) fn is_open(&self) -> bool {
        self.log().is_some_and(|log| log.closed_at.is_none())
    }

    /// Ends the recording: what the mutator does from now on is not recorded.
    #[cold]
    pub(super) fn close(&mut self) {
        let stamps = self.stamps;
        if let Some(log) = self.logs.last_mut() {
            log.closed_at.get_or_insert_with(|| stamps.before());
        }
    }

    /// The fewest operations of its own that a mutator does before it asks for another window;
    /// `None` if there is no room for one.
    pub(super) fn gap(&self) -> Option<u64> {
        let first = self.logs.first().map_or(0, |log| log.room);
        let is_large = first / LATER >= EVENTS_MAX;
        is_large.then(|| (first as u64).saturating_mul(GAP))
    }

    /// Begins the window of this number while everything stands still. Says whether it does: it may
    /// have begun already.
    pub(super) fn begin(&mut self, window: u64) -> bool {
        if self.logs.len() as u64 > window {
            return false;
        }
        self.close();
        let first = self.logs.first().map_or(0, |log| log.room);
        self.logs.push(Transcript::new(first / LATER));
        self.has_ended = false;
        true
    }
}

impl Transcript {
    fn new(room: usize) -> Self {
        // Not room for the whole limit: it may be far more than there will be events.
        let mut events = vec![NOTHING; room.min(1 << 16)];
        // It was written to so that no operation waits for the pages.
        events.clear();
        Self {
            room,
            events,
            closed_at: None,
        }
    }
}

/// Stands where no event has been yet.
const NOTHING: (Topic, Event) = (
    Topic::Root(0),
    Event {
        mutator: 0,
        call: Call::Load,
        answer: CallAnswer::Unknown,
        start: 0,
        end: 0,
    },
);

/// How many mutators of a plan have something to record.
pub(super) fn involved(plan: &Plan) -> usize {
    let mutators = plan.mutators.iter();
    mutators.filter(|it| is_involved(plan, it)).count()
}

fn is_involved(plan: &Plan, mutator: &MutatorPlan) -> bool {
    let mut held = mutator.held.iter();
    let mut is_involved = held.any(|&(_, object)| is_judged(plan.objects[object].shape));
    mutator.each_op(&mut |op| {
        is_involved |= matches!(
            op,
            Op::Load { .. }
                | Op::Store { .. }
                | Op::Erase { .. }
                | Op::Publish { .. }
                | Op::Fetch { .. }
        );
    });
    is_involved
}

/// Whether there is a history of objects of this shape.
pub(super) fn is_judged(shape: Shape) -> bool {
    matches!(shape, Shape::List | Shape::Counter)
}

/// The shared roots whose every change can be recorded. A root is left out if a finalizer publishes
/// in it, since no mutator's operation does that, or if a mutator publishes in it from a register
/// that may hold a weak reference: such a register looks empty but leaves the root as it is, so it
/// is not known whether the root was emptied.
fn recorded_roots(plan: &Plan) -> Box<[bool]> {
    let mut roots = vec![true; usize::from(plan.globals)];
    for mutator in &plan.mutators {
        let weak = may_be_weak(mutator);
        mutator.each_op(&mut |op| match *op {
            Op::AllocFinalized {
                finalizer: Finalizer::Resurrect(root),
                ..
            } => roots[usize::from(root.0)] = false,
            Op::Publish { global, src } if weak[src.0 as usize] => {
                roots[usize::from(global.0)] = false;
            }
            _ => {}
        });
    }
    roots.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn recorder(stamps: Stamps) -> Recorder {
        Recorder {
            mutator: 0,
            stamps,
            held: Box::default(),
            roots: Box::default(),
            logs: Vec::new(),
            has_ended: false,
            since: None,
        }
    }

    /// Goal: calls of one mutator never overlap, whether their operations are timed or not, and the
    /// second call of an operation begins where the first ended.
    #[test]
    fn calls_of_one_mutator_follow_each_other() {
        for stamps in [Stamps::sound(), Stamps::Counter] {
            let (mut recorder, mut last) = (recorder(stamps), 0);
            for is_timed in [true, true, false, false, true] {
                recorder.resume(is_timed.then(|| Clock::get().now()));
                let first = (recorder.start(), recorder.end());
                let second = (recorder.start(), recorder.end());
                assert!(last <= first.0 && first.0 < first.1, "{last} {first:?}");
                assert!(first.1 == second.0 && second.0 < second.1, "{second:?}");
                last = second.1;
            }
        }
    }

    /// Goal: a call begins when the stopwatch says, but not before the last one was over; if it
    /// says nothing, or the times are not the clock's, it begins at a time of its own.
    #[test]
    fn a_call_begins_where_its_time_does() {
        let stamp = Stamp::of_counts;
        let mut by_clock = recorder(Stamps::Clock);
        by_clock.resume(Some(stamp(7)));
        assert_eq!(by_clock.start(), 7);
        by_clock.since = Some(9);
        by_clock.resume(Some(stamp(8)));
        assert_eq!(by_clock.start(), 9);
        let mut by_counter = recorder(Stamps::Counter);
        by_counter.since = Some(u64::MAX);
        by_counter.resume(Some(stamp(u64::MAX)));
        assert_ne!(by_counter.start(), u64::MAX);
        by_counter.since = Some(u64::MAX);
        by_counter.resume(None);
        assert_ne!(by_counter.start(), u64::MAX);
    }
}
