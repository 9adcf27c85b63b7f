//! What the heap answers to one operation, kept for whoever looks at it afterwards.

use crate::forward_mutator;
use crate::heap::{Finalizer, Mutator, ObjectId, OutOfMemory, Peek, Shape, Slot, Tag};

/// The last answer of each type. One operation may be several calls.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::run) struct Heard {
    /// The object that was made.
    pub(super) made: Option<ObjectId>,
    /// Whether there was something to take, or it was put where it should go.
    pub(super) found: bool,
    pub(super) len: u64,
    /// What a counter was read as, or overwritten with.
    pub(super) value: i64,
    pub(super) seen: Option<Peek>,
}

/// A mutator around the heap's own that keeps what is answered.
pub(in crate::run) struct Listening<'a> {
    inner: &'a mut dyn Mutator,
    heard: Heard,
}

impl<'a> Listening<'a> {
    pub(in crate::run) fn to(inner: &'a mut dyn Mutator) -> Self {
        Self {
            inner,
            heard: Heard::default(),
        }
    }

    pub(in crate::run) fn heard(&self) -> Heard {
        self.heard
    }

    fn found(&mut self, found: bool) -> bool {
        self.heard.found = found;
        found
    }
}

impl Mutator for Listening<'_> {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        self.heard.made = Some(tag.id());
        self.inner.alloc(dst, shape, tag)
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        self.heard.made = Some(tag.id());
        self.inner.alloc_with_finalizer(dst, shape, tag, finalizer)
    }

    fn peek(&mut self, slot: Slot) -> Peek {
        let seen = self.inner.peek(slot);
        self.heard.seen = Some(seen);
        seen
    }

    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let done = self.inner.append(list, val);
        self.found(done)
    }

    fn len(&mut self, list: Slot) -> u64 {
        self.heard.len = self.inner.len(list);
        self.heard.len
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let found = self.inner.get(dst, list, index);
        self.found(found)
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let done = self.inner.set(list, index, val);
        self.found(done)
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let found = self.inner.pop(dst, list);
        self.found(found)
    }

    fn read(&mut self, counter: Slot) -> i64 {
        self.heard.value = self.inner.read(counter);
        self.heard.value
    }

    fn write(&mut self, counter: Slot, value: i64) {
        self.heard.value = value;
        self.inner.write(counter, value);
    }

    fn fetch(&mut self, dst: Slot, global: crate::heap::Global) -> bool {
        let found = self.inner.fetch(dst, global);
        self.found(found)
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let found = self.inner.upgrade(dst, weak);
        self.found(found)
    }

    forward_mutator!(self => *self.inner;
        copy clear load store safepoint rest wake idle collect truncate_front truncate_back add
        publish downgrade);
}
