//! Records histories of shared objects: each operation on them, its answer and its times.
//!
//! A [`Recorder`] belongs to one mutator and shares nothing. It is filled by [`Recording`], a
//! mutator around the heap's own, which the executor uses in its place while there is room. So the
//! loop that is measured contains nothing of it, and an operation that consists of several calls
//! (`del l[:-n]` is a `len` and a truncation) is recorded call by call. The reads of registers that
//! identify elements are outside of the recorded times.
//!
//! An operation is recorded only if it uses a register that was given a shared object and still
//! refers to it. Where a program changes the object in other ways as well, its
//! [`usage`](crate::plan::ListUsage::aliased) says so.
//!
//! It costs some 50 to 150 ns an operation: a loop of `len`, `append` and `pop` by one thread takes
//! 29 ns an operation on gil without and 150 ns with it, 100 ns and 136 ns on lock-free. Most of
//! that is the cost of the fences (see `stamps`).

use crate::evidence::history::{Call, CallAnswer, Element, Event, History, Recorded};
use crate::forward_mutator;
use crate::heap::{Mutator, ObjectId, Peek, Shape, Slot};
use crate::plan::{MutatorPlan, Plan};

use super::stamps::Stamps;

/// What one mutator did to shared objects.
#[derive(Debug)]
pub(super) struct Recorder {
    mutator: u32,
    stamps: Stamps,
    /// By register: the number and the id of the shared object that it was given.
    held: Box<[Option<(usize, ObjectId)>]>,
    events: Vec<(usize, Event)>,
    limit: usize,
    /// The time from which on nothing is recorded any more.
    closed_at: Option<u64>,
    /// Whether others know that it has no room left.
    has_ended: bool,
}

/// How many events one operation of a plan can be: a length, and a truncation by it.
const EVENTS_MAX: usize = 2;

impl Recorder {
    /// A recorder with room for `limit` events, if the mutator holds a shared object that has a
    /// history. `objects` are the ids of the shared objects.
    pub(super) fn new(
        mutator: u32,
        plan: &MutatorPlan,
        objects: &[ObjectId],
        limit: u64,
    ) -> Option<Self> {
        let mut held = vec![None; plan.registers as usize];
        for &(slot, object) in &plan.held {
            let id = objects.get(object).filter(|id| is_judged(id.shape()));
            held[slot.0 as usize] = id.map(|&id| (object, id));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        held.iter().any(Option::is_some).then(|| Self {
            mutator,
            stamps: Stamps::sound(),
            held: held.into_boxed_slice(),
            // Not room for the whole limit: it may be far more than there will be events.
            events: Vec::with_capacity(limit.min(1 << 16)),
            limit,
            closed_at: None,
            has_ended: false,
        })
    }

    /// How many operations of any kind there is room for; 0 if the recorder is closed.
    pub(super) fn room(&self) -> u64 {
        match self.closed_at {
            None => ((self.limit - self.events.len()) / EVENTS_MAX) as u64,
            Some(_) => 0,
        }
    }

    /// Notes that others know that it has no room left; returns whether they knew before.
    pub(super) fn has_ended(&mut self) -> bool {
        std::mem::replace(&mut self.has_ended, true)
    }

    /// Whether everything was recorded so far.
    pub(super) fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Ends the recording: what the mutator does from now on is not recorded.
    #[cold]
    pub(super) fn close(&mut self) {
        self.closed_at.get_or_insert_with(|| self.stamps.before());
    }
}

/// How many mutators of a plan have something to record.
pub(super) fn involved(plan: &Plan) -> usize {
    let objects = &plan.objects;
    let is_involved = |mutator: &&MutatorPlan| {
        let mut held = mutator.held.iter();
        held.any(|&(_, object)| is_judged(objects[object].shape))
    };
    plan.mutators.iter().filter(is_involved).count()
}

/// Whether there is a history of objects of this shape.
fn is_judged(shape: Shape) -> bool {
    matches!(shape, Shape::List | Shape::Counter)
}

/// Puts the histories together.
pub(super) fn gather<'a>(
    plan: &Plan,
    limit: u64,
    recorders: impl Iterator<Item = &'a Recorder> + Clone,
) -> Recorded {
    let stamps = Stamps::sound();
    let all = || recorders.clone().flat_map(|recorder| &recorder.events);
    let first = all().map(|(_, event)| event.start).min().unwrap_or(0);
    // An operation that returned by then cannot depend on one that was not recorded.
    let closed = recorders.clone().filter_map(|recorder| recorder.closed_at);
    let until = closed.min();
    let scaled = |time| stamps.scaled(first, time);
    let history = |object| {
        let own = all().filter(|(number, _)| *number == object);
        let known = own.filter_map(|(_, event)| match until {
            None => Some(*event),
            Some(until) => event.known_at(until),
        });
        let mut events: Vec<Event> = known
            .map(|event| Event {
                start: scaled(event.start),
                end: if event.answer == CallAnswer::Unknown {
                    event.end
                } else {
                    scaled(event.end)
                },
                ..event
            })
            .collect();
        // Stable, so that those of one mutator stay in its order.
        events.sort_by_key(|event| event.start);
        History {
            object,
            name: plan.objects[object].name.clone(),
            shape: plan.objects[object].shape,
            events,
        }
    };
    let objects = plan.objects.iter().enumerate();
    let judged = objects.filter(|(_, object)| is_judged(object.shape));
    let lost = recorders.clone().count() < involved(plan);
    Recorded {
        limit,
        unit: stamps.unit(),
        until: until.map(scaled),
        broken: lost
            .then(|| "a mutator was lost, and with it the record of what it did".to_owned()),
        objects: judged.map(|(number, _)| history(number)).collect(),
    }
}

/// A mutator that records what it does to shared objects.
pub(super) struct Recording<'a> {
    pub(super) inner: &'a mut dyn Mutator,
    pub(super) recorder: &'a mut Recorder,
}

impl Recording<'_> {
    /// The number of the shared object in this register, if what is done to it is to be recorded.
    #[inline]
    fn subject(&mut self, slot: Slot) -> Option<usize> {
        let (object, id) = self.recorder.held[slot.0 as usize]?;
        if self.inner.peek(slot) != Peek::Object(id) {
            return None;
        }
        if self.recorder.events.len() >= self.recorder.limit {
            self.recorder.close();
        }
        self.recorder.is_open().then_some(object)
    }

    fn element(&mut self, slot: Slot) -> Option<Element> {
        Element::of(self.inner.peek(slot))
    }

    /// Makes one call and records it.
    #[inline]
    fn call<R: Copy>(
        &mut self,
        object: usize,
        call: Call,
        perform: impl FnOnce(&mut dyn Mutator) -> R,
        answer: impl FnOnce(&mut Self, R) -> CallAnswer,
    ) -> R {
        let stamps = self.recorder.stamps;
        let start = stamps.before();
        let answered = perform(self.inner);
        let end = stamps.after();
        let answer = answer(self, answered);
        let event = Event {
            mutator: self.recorder.mutator,
            call,
            answer,
            start,
            end,
        };
        self.recorder.events.push((object, event));
        answered
    }
}

fn done_or_not(done: bool) -> CallAnswer {
    if done {
        CallAnswer::Done
    } else {
        CallAnswer::Refused
    }
}

impl Mutator for Recording<'_> {
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        match (self.subject(list), self.element(val)) {
            (Some(object), Some(element)) => self.call(
                object,
                Call::Append(element),
                |inner| inner.append(list, val),
                |_, done| done_or_not(done),
            ),
            _ => self.inner.append(list, val),
        }
    }

    fn len(&mut self, list: Slot) -> u64 {
        let Some(object) = self.subject(list) else {
            return self.inner.len(list);
        };
        self.call(
            object,
            Call::Len,
            |inner| inner.len(list),
            |_, len| CallAnswer::Length(len),
        )
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let Some(object) = self.subject(list) else {
            return self.inner.get(dst, list, index);
        };
        self.call(
            object,
            Call::Get(index),
            |inner| inner.get(dst, list, index),
            |me, found| CallAnswer::Found(found.then(|| me.element(dst).unwrap_or(Element::LOST))),
        )
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        match (self.subject(list), self.element(val)) {
            (Some(object), Some(element)) => self.call(
                object,
                Call::Set(index, element),
                |inner| inner.set(list, index, val),
                |_, done| done_or_not(done),
            ),
            _ => self.inner.set(list, index, val),
        }
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let Some(object) = self.subject(list) else {
            return self.inner.pop(dst, list);
        };
        self.call(
            object,
            Call::Pop,
            |inner| inner.pop(dst, list),
            |me, found| CallAnswer::Found(found.then(|| me.element(dst).unwrap_or(Element::LOST))),
        )
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        let Some(object) = self.subject(list) else {
            return self.inner.truncate_front(list, count);
        };
        self.call(
            object,
            Call::TruncateFront(count),
            |inner| inner.truncate_front(list, count),
            |_, ()| CallAnswer::Done,
        );
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        let Some(object) = self.subject(list) else {
            return self.inner.truncate_back(list, count);
        };
        self.call(
            object,
            Call::TruncateBack(count),
            |inner| inner.truncate_back(list, count),
            |_, ()| CallAnswer::Done,
        );
    }

    fn add(&mut self, counter: Slot, by: i64) {
        let Some(object) = self.subject(counter) else {
            return self.inner.add(counter, by);
        };
        self.call(
            object,
            Call::Add(by),
            |inner| inner.add(counter, by),
            |_, ()| CallAnswer::Done,
        );
    }

    fn read(&mut self, counter: Slot) -> i64 {
        let Some(object) = self.subject(counter) else {
            return self.inner.read(counter);
        };
        self.call(
            object,
            Call::Read,
            |inner| inner.read(counter),
            |_, value| CallAnswer::Value(value),
        )
    }

    fn write(&mut self, counter: Slot, value: i64) {
        let Some(object) = self.subject(counter) else {
            return self.inner.write(counter, value);
        };
        self.call(
            object,
            Call::Write(value),
            |inner| inner.write(counter, value),
            |_, ()| CallAnswer::Done,
        );
    }

    forward_mutator!(self => *self.inner;
        alloc alloc_with_finalizer copy clear load store peek safepoint rest wake idle collect
        publish fetch downgrade upgrade);
}
