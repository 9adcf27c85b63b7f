//! A heap around a heap that writes down what its mutators were asked to do. Looks are left out:
//! they change nothing, and the harness makes some of its own, depending on what it finds.

use std::sync::{Mutex, PoisonError};

use gcstorm::forward_mutator;
use gcstorm::heap::{
    Belief, Caps, Census, Defect, Field, Finalizer, Global, Heap, Mutator, OutOfMemory, Seat,
    Shape, Slot, Stats, Tag,
};

/// What one mutator was asked: the method's number and its arguments.
pub(crate) type Call = (u8, u32, u64, u64);

/// How many calls of each mutator are kept.
const KEPT: usize = 20_000;

pub(crate) struct Recorder<'l, H> {
    pub(crate) heap: H,
    /// By seat.
    pub(crate) log: &'l Mutex<Vec<Vec<Call>>>,
}

pub(crate) struct Recorded<'h, M> {
    inner: M,
    seat: usize,
    calls: Vec<Call>,
    log: &'h Mutex<Vec<Vec<Call>>>,
}

impl<H: Heap> Heap for Recorder<'_, H> {
    type Mutator<'h>
        = Recorded<'h, H::Mutator<'h>>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.heap.caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        let inner = self.heap.attach(seat)?;
        Ok(Recorded {
            inner,
            seat: seat.number as usize,
            calls: Vec::new(),
            log: self.log,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        self.heap.settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.heap.census(visit)
    }

    fn stats(&self) -> Stats {
        self.heap.stats()
    }
}

impl<M> Recorded<'_, M> {
    fn note(&mut self, method: u8, slot: Slot, first: u64, second: u64) {
        if self.calls.len() < KEPT {
            self.calls.push((method, slot.0, first, second));
        }
    }
}

impl<M> Drop for Recorded<'_, M> {
    fn drop(&mut self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() <= self.seat {
            log.resize(self.seat + 1, Vec::new());
        }
        // Who left before and came back goes on.
        log[self.seat].append(&mut self.calls);
    }
}

fn slot(slot: Slot) -> u64 {
    u64::from(slot.0)
}

impl<M: Mutator> Mutator for Recorded<'_, M> {
    forward_mutator!(self => self.inner; peek safepoint idle);

    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        self.note(0, dst, shape as u64, 0);
        self.inner.alloc(dst, shape, tag)
    }
    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        self.note(22, dst, shape as u64, 0);
        self.inner.alloc_with_finalizer(dst, shape, tag, finalizer)
    }
    fn copy(&mut self, dst: Slot, src: Slot) {
        self.note(1, dst, slot(src), 0);
        self.inner.copy(dst, src);
    }
    fn clear(&mut self, target: Slot) {
        self.note(2, target, 0, 0);
        self.inner.clear(target);
    }
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        self.note(3, dst, slot(obj), field.0.into());
        self.inner.load(dst, obj, field);
    }
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        self.note(4, obj, field.0.into(), val.map_or(u64::MAX, slot));
        self.inner.store(obj, field, val);
    }
    fn collect(&mut self) {
        self.note(6, Slot(0), 0, 0);
        self.inner.collect();
    }
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        self.note(7, list, slot(val), 0);
        self.inner.append(list, val)
    }
    fn len(&mut self, list: Slot) -> u64 {
        self.note(8, list, 0, 0);
        self.inner.len(list)
    }
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        self.note(9, dst, slot(list), index);
        self.inner.get(dst, list, index)
    }
    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        self.note(10, list, index, slot(val));
        self.inner.set(list, index, val)
    }
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        self.note(11, dst, slot(list), 0);
        self.inner.pop(dst, list)
    }
    fn truncate_front(&mut self, list: Slot, count: u64) {
        self.note(12, list, 0, 0);
        self.inner.truncate_front(list, count);
    }
    fn truncate_back(&mut self, list: Slot, count: u64) {
        self.note(13, list, 0, 0);
        self.inner.truncate_back(list, count);
    }
    fn add(&mut self, counter: Slot, by: i64) {
        self.note(14, counter, by.cast_unsigned(), 0);
        self.inner.add(counter, by);
    }
    fn read(&mut self, counter: Slot) -> i64 {
        self.note(15, counter, 0, 0);
        self.inner.read(counter)
    }
    fn write(&mut self, counter: Slot, value: i64) {
        self.note(16, counter, 0, 0);
        self.inner.write(counter, value);
    }
    fn publish(&mut self, global: Global, src: Slot) {
        self.note(17, src, global.0.into(), 0);
        self.inner.publish(global, src);
    }
    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        self.note(18, dst, global.0.into(), 0);
        self.inner.fetch(dst, global)
    }
    fn downgrade(&mut self, dst: Slot, src: Slot) {
        self.note(19, dst, slot(src), 0);
        self.inner.downgrade(dst, src);
    }
    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        self.note(20, dst, slot(weak), 0);
        self.inner.upgrade(dst, weak)
    }
}
