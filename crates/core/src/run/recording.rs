//! A mutator around the heap's own that records what it does to what threads share.
//!
//! The executor uses it in place of the heap's mutator while there is room. So the loop that is
//! measured contains nothing of it, and an operation that consists of several calls (`del l[:-n]`
//! is a `len` and a truncation) is recorded call by call. The reads of registers that identify
//! elements are outside of the recorded times, but for those before a call that begins at a time
//! read earlier.
//!
//! Where every operation is timed, a call begins when the stopwatch began to count the operation's
//! time, so that the clock is read once less. That is after the safepoint of the operation before,
//! and after whatever else the stopwatch leaves out: pauses, forced collections, waits for other
//! mutators, what is looked at between operations. So nothing of what others did meanwhile
//! seems to overlap with the call. What lies between is a few nanoseconds in this thread. To begin
//! at the end of the mutator's last call would be as sound, and cheaper where nothing is timed. But
//! a thread may wait in the safepoint between the two until another has had the lock for thousands
//! of operations. Then all of these would seem to overlap with the call, and what it should have
//! seen of them would not be asked for. The second call of an operation does begin there, since
//! there is no safepoint between the two.
//!
//! An operation on a list or counter is recorded only if it uses a register that was given a shared
//! object and still refers to it. Where a program changes the object in other ways as well, its
//! [`usage`](crate::plan::ListUsage::aliased) says so.

use crate::evidence::history::{Call, CallAnswer, Element, Event};
use crate::forward_mutator;
use crate::heap::{Field, Global, Mutator, Peek, Shape, Slot};

use super::record::{Recorder, Topic};

/// A mutator that records what it does to what threads share.
pub(super) struct Recording<'a> {
    pub(super) inner: &'a mut dyn Mutator,
    pub(super) recorder: &'a mut Recorder,
}

impl Recording<'_> {
    /// The shared object in this register, if what is done to it is to be recorded.
    #[inline]
    fn subject(&mut self, slot: Slot) -> Option<Topic> {
        let (object, id) = self.recorder.held(slot)?;
        let is_there = self.inner.peek(slot) == Peek::Object(id);
        self.with_room(Topic::Object(object)).filter(|_| is_there)
    }

    /// The field of the node in this register, likewise.
    fn field(&mut self, obj: Slot, field: Field) -> Option<Topic> {
        match self.inner.peek(obj) {
            Peek::Object(id) if id.shape() == Shape::Node => {
                self.with_room(Topic::Field(Element::named(id), field.0))
            }
            _ => None,
        }
    }

    fn root(&mut self, root: Global) -> Option<Topic> {
        let topic = self.with_room(Topic::Root(root.0));
        topic.filter(|_| self.recorder.covers(root))
    }

    #[inline]
    fn with_room(&mut self, topic: Topic) -> Option<Topic> {
        self.recorder.has_room().then_some(topic)
    }

    fn element(&mut self, slot: Slot) -> Option<Element> {
        Element::of(self.inner.peek(slot))
    }

    /// What an operation put into a register, if it did.
    fn found(&mut self, found: bool, dst: Slot) -> CallAnswer {
        CallAnswer::Found(found.then(|| self.element(dst).unwrap_or(Element::LOST)))
    }

    /// Makes one call and records it.
    #[inline]
    fn call<R: Copy>(
        &mut self,
        topic: Topic,
        call: Call,
        perform: impl FnOnce(&mut dyn Mutator) -> R,
        answer: impl FnOnce(&mut Self, R) -> CallAnswer,
    ) -> R {
        let start = self.recorder.start();
        let answered = perform(self.inner);
        let end = self.recorder.end();
        let answer = answer(self, answered);
        let event = Event {
            mutator: self.recorder.mutator,
            call,
            answer,
            start,
            end,
        };
        self.recorder.note(topic, event);
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
            |me, found| me.found(found, dst),
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
            |me, found| me.found(found, dst),
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

    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        let Some(place) = self.field(obj, field) else {
            return self.inner.load(dst, obj, field);
        };
        self.call(
            place,
            Call::Load,
            |inner| inner.load(dst, obj, field),
            |me, ()| CallAnswer::Found(me.element(dst)),
        );
    }

    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let stored = val.map(|val| self.element(val));
        // An empty register stores nothing.
        let is_void = stored == Some(None);
        let place = self.field(obj, field).filter(|_| !is_void);
        let Some(place) = place else {
            return self.inner.store(obj, field, val);
        };
        self.call(
            place,
            Call::Store(stored.flatten()),
            |inner| inner.store(obj, field, val),
            |_, ()| CallAnswer::Done,
        );
    }

    fn publish(&mut self, global: Global, src: Slot) {
        let published = self.element(src);
        let Some(place) = self.root(global) else {
            return self.inner.publish(global, src);
        };
        self.call(
            place,
            Call::Store(published),
            |inner| inner.publish(global, src),
            |_, ()| CallAnswer::Done,
        );
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let Some(place) = self.root(global) else {
            return self.inner.fetch(dst, global);
        };
        self.call(
            place,
            Call::Load,
            |inner| inner.fetch(dst, global),
            |me, found| me.found(found, dst),
        )
    }

    forward_mutator!(self => *self.inner;
        alloc alloc_with_finalizer copy clear peek safepoint rest wake idle collect downgrade upgrade);
}
