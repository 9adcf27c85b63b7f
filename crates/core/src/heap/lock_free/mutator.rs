//! One mutator: registers, a worker, and a memory of the lists used last.
//!
//! Every operation begins with `enter`, which renews the pin, and does all of its work under that
//! one pin. A register holds a counted reference, a weak one, or nothing. References *move* from
//! register to slot without a touch of the count; whatever leaves a slot for a register has its
//! stamp changed (rule R1).
//!
//! If an object were stored into itself by moving the only register that names it, nothing but
//! itself would hold it afterwards, and no decrement would make it a candidate for the collector.
//! The container must be held by a counted reference that is not the one being moved (rule R2). So
//! such a store copies the reference first and releases the register's own afterwards, which makes
//! the object a candidate.

use super::LockFree;
use super::cell::{Cell, Ref, Weak};
use super::list::{self, Cursor, Visit};
use super::worker::Worker;
use crate::heap::fault::Fault;
use crate::heap::lapse::Lapses;
use crate::heap::{
    Cause, Defect, Faultless, Faults, Field, Finalizer, Global, Mutator, OutOfMemory, Peek, Point,
    Seat, Shape, Slot, Tag,
};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// How many lists a mutator remembers the end and a page of. Few programs use more at a time.
const CURSORS: usize = 8;

/// A truncation of more steps than this is reported as a pause: it takes tens of microseconds.
const CASCADE: u64 = 256;

/// A mutator of the heap called `lock-free`.
#[derive(Debug)]
pub struct LockFreeMutator<'h, F: Faults = Faultless> {
    pub(super) worker: Worker<'h, F>,
    registers: Vec<u64>,
    cursors: [Cursor<'h>; CURSORS],
    lapses: Lapses,
}

impl<'h, F: Faults> LockFreeMutator<'h, F> {
    pub(super) fn new(heap: &'h LockFree<F>, seat: Seat) -> Self {
        Self {
            worker: Worker::new(heap.core(), seat.number),
            registers: vec![0; seat.slots as usize],
            cursors: std::array::from_fn(|_| Cursor::new(heap.core().slab.cell(0))),
            lapses: Lapses::default(),
        }
    }

    /// See [`Lapses::strikes`].
    #[inline]
    fn strikes(&mut self, fault: Fault, every: u32) -> bool {
        self.lapses.strikes(&self.worker.core.faults, fault, every)
    }

    /// The cell of the object in a register.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn cell_of(&self, slot: Slot) -> u32 {
        self.strong(slot)
            .expect("the register holds an object")
            .index()
    }

    /// The counted reference in a register.
    #[inline]
    fn strong(&self, slot: Slot) -> Option<Ref> {
        Ref::from_bits(self.registers[slot.0 as usize])
    }

    /// Puts bits into a register and releases what was there.
    #[inline(always)]
    fn put(&mut self, slot: Slot, bits: u64) {
        let old = std::mem::replace(&mut self.registers[slot.0 as usize], bits);
        if let Some(old) = Ref::from_bits(old) {
            self.put_away(old);
        }
    }

    /// Out of line, since most operations find their register empty.
    #[inline(never)]
    fn put_away(&mut self, old: Ref) {
        self.worker.release(old);
    }

    /// Gives a new list its storage. Out of line: it needs room on the stack, which every
    /// allocation would have to make otherwise.
    #[cold]
    #[inline(never)]
    fn build(&self, list: Ref) {
        let cell = self.worker.core.slab.cell(list.index());
        // Relaxed: as in `allocate`, the list is published later.
        cell.slots[0].store(list::build(), Relaxed);
    }

    /// Takes the counted reference out of `val`, to be stored into the object that `obj` names. See
    /// the module for the case that both are the same register.
    #[inline]
    fn take(&mut self, obj: Slot, val: Slot) -> Option<Ref> {
        let value = self.strong(val)?;
        if obj == val && !self.moves_into_itself() {
            self.worker.retain(value);
        } else {
            self.registers[val.0 as usize] = 0;
        }
        Some(value)
    }

    #[inline]
    fn moves_into_itself(&self) -> bool {
        let core = self.worker.core;
        core.has(Fault::MoveIntoItself) || core.has(Fault::TouchBeforeMove)
    }

    /// Ends what [`take`](Self::take) began.
    #[inline]
    fn moved(&mut self, obj: Slot, val: Slot) {
        if obj == val {
            self.put(val, 0);
        }
    }

    /// Always inlined: returning the visit through memory would cost more than most operations.
    #[inline(always)]
    fn visit(&mut self, slot: Slot) -> Option<Visit<'_, 'h, F>> {
        let list = self.strong(slot)?;
        let cursor = &mut self.cursors[list.index() as usize % CURSORS];
        Visit::begin(&mut self.worker, cursor, list)
    }

    /// A counted reference to what a shared place refers to; the place is read under this pin.
    #[inline]
    fn read_place(&mut self, place: &AtomicU64) -> Option<Ref> {
        loop {
            // Acquire pairs with the swap that stored the reference: its object comes with it.
            let reference = Ref::from_bits(place.load(Acquire))?;
            self.worker.core.pass(Point::Read);
            let Some(before) = self.worker.retain_seeing(reference) else {
                // It died since, so the place holds something else by now, unless the heap is
                // broken. (`word::increment` acquired what was done before it died.)
                if place.load(Acquire) == reference.bits() {
                    return None;
                }
                continue;
            };
            // SeqCst, as every change of an edge: an object that was removed from here before it
            // was finalized is not found here again, unless it was put back.
            if !self.worker.needs_second_look(before) || place.load(SeqCst) == reference.bits() {
                return Some(reference);
            }
            self.worker.decrement(reference);
        }
    }

    /// Stores bits into a shared place and releases what was there, under the same pin (rule R1).
    #[inline]
    fn write_place(&mut self, place: &AtomicU64, bits: u64) {
        // SeqCst, as every change of an edge: it is ordered with the words that the collector
        // reads before and after it looks at edges.
        if let Some(old) = Ref::from_bits(place.swap(bits, SeqCst))
            && !self.worker.core.has(Fault::StoreKeepsOld)
        {
            self.worker.release(old);
        }
    }

    /// Stores bits into a field of a node, and releases what was there. What is stored into a node
    /// that others can reach escapes.
    #[inline]
    fn write_field(&mut self, node: Ref, cell: &Cell, field: Field, bits: u64) {
        let place = &cell.slots[usize::from(field.0)];
        // Relaxed, here and below: what is private to this thread was written by it.
        if !self.worker.is_private(node, cell.meta.load(Relaxed)) {
            if !self.worker.core.has(Fault::StoredUnescaped) {
                self.escape(bits);
            }
            return self.write_place(place, bits);
        }
        let old = place.load(Relaxed);
        place.store(bits, Relaxed);
        if let Some(old) = Ref::from_bits(old)
            && !self.worker.core.has(Fault::StoreKeepsOld)
        {
            self.worker.release(old);
        }
    }

    /// Called before these bits are stored where others may find them.
    #[inline]
    fn escape(&mut self, bits: u64) {
        if let Some(reference) = Ref::from_bits(bits) {
            self.worker.escape(reference);
        }
    }

    /// What a fault makes of the index of a `get`.
    #[cold]
    fn index_or_next(&mut self, list: Slot, index: u64) -> u64 {
        let len = self.visit(list).map_or(0, Visit::len);
        self.lapses.index(&self.worker.core.faults, index, len)
    }

    /// What faults do: puts the last element back, and takes the one before it, if there is one.
    #[cold]
    fn pop_instead_of(&mut self, last: Ref, list: Slot) -> Ref {
        let second = self.visit(list).and_then(Visit::pop);
        if let Some(second) = second
            && let Some(visit) = self.visit(list)
        {
            visit.append(last);
            return second;
        }
        last
    }

    #[inline]
    fn counter(&self, slot: Slot) -> Option<&'h AtomicU64> {
        let cell = self.worker.object(self.strong(slot)?, Shape::Counter)?;
        Some(&cell.slots[0])
    }
}

impl<F: Faults> Mutator for LockFreeMutator<'_, F> {
    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        self.worker.go_on();
        if self.worker.core.refuses() {
            return Err(OutOfMemory);
        }
        let object = self.worker.allocate(shape, tag)?;
        if shape == Shape::List {
            self.build(object);
        }
        self.put(dst, object.bits());
        Ok(())
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        self.alloc(dst, shape, tag)?;
        if let Some(object) = self.strong(dst) {
            self.worker.endow(object, finalizer);
        }
        Ok(())
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        self.worker.enter();
        let bits = self.registers[src.0 as usize];
        if bits == 0 {
            return;
        }
        if let Some(source) = Ref::from_bits(bits)
            && !self.worker.core.has(Fault::CopyWithoutIncrement)
            && !self.worker.retain(source)
        {
            return;
        }
        self.put(dst, bits);
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        self.worker.enter();
        self.put(slot, 0);
    }

    #[inline]
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        self.worker.enter();
        let field = self.lapses.field(&self.worker.core.faults, field);
        let Some(node) = self.strong(obj) else { return };
        let Some(cell) = self.worker.object(node, Shape::Node) else {
            return;
        };
        let child = self.read_place(&cell.slots[usize::from(field.0)]);
        self.put(dst, child.map_or(0, Ref::bits));
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        self.worker.enter();
        let Some(node) = self.strong(obj) else { return };
        let Some(cell) = self.worker.object(node, Shape::Node) else {
            return;
        };
        let Some(val) = val else {
            return self.write_field(node, cell, field, 0);
        };
        if self.strikes(Fault::StoreLost, 10_000) {
            return self.put(val, 0);
        }
        if let Some(value) = self.take(obj, val) {
            self.write_field(node, cell, field, value.bits());
            self.moved(obj, val);
        }
    }

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        self.worker.enter();
        let Some(reference) = self.strong(slot) else {
            return Peek::Empty;
        };
        let index = reference.index();
        // Relaxed: the register's reference was published with the object.
        let tag = self.worker.core.slab.tag(index).load(Relaxed);
        let meta = self.worker.core.slab.cell(index).meta.load(Relaxed);
        if reference.fits(meta) {
            self.lapses.seen(&self.worker.core.faults, tag)
        } else {
            self.worker.stale(reference, meta);
            Peek::Stale
        }
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        self.worker.safepoint();
        self.worker.core.defects.check()
    }

    fn rest(&mut self) {
        self.worker.unpin();
    }

    fn wake(&mut self) {
        self.worker.pin();
    }

    /// Runs a full collection on this thread. It waits for a collection that is under way, and for
    /// other mutators to renew their pins, so this one operation is *not* lock-free.
    fn collect(&mut self) {
        let core = self.worker.core;
        let _hold = core.pauses.hold(Cause::Collect);
        self.worker.unpinned(|| core.collect_now());
    }

    #[inline]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        self.worker.enter();
        let is_move = list != val || self.moves_into_itself();
        let Some(target) = self.strong(list) else {
            return false;
        };
        let register = &mut self.registers[val.0 as usize];
        let Some(value) = Ref::from_bits(*register) else {
            return false;
        };
        self.worker.escape(value);
        let cursor = &mut self.cursors[target.index() as usize % CURSORS];
        if is_move && cursor.append(self.worker.core, target, value) {
            *register = 0;
            return true;
        }
        let Some(visit) = Visit::begin(&mut self.worker, cursor, target) else {
            return false;
        };
        if is_move {
            visit.append(value);
            self.registers[val.0 as usize] = 0;
            return true;
        }
        // Into itself: see the module.
        self.worker.retain(value);
        if let Some(visit) = self.visit(list) {
            visit.append(value);
        }
        self.put(val, 0);
        true
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        self.worker.enter();
        let less = u64::from(self.strikes(Fault::LenLags, 64));
        let len = self.visit(list).map_or(0, Visit::len);
        len.saturating_sub(less)
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        self.worker.enter();
        let index = match self.worker.core.has(Fault::GetNeighbour) {
            true => self.index_or_next(list, index),
            false => index,
        };
        let Some(element) = self.visit(list).and_then(|visit| visit.get(index)) else {
            return false;
        };
        self.put(dst, element.bits());
        true
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        self.worker.enter();
        let Some(value) = self.strong(val) else {
            return false;
        };
        self.worker.escape(value);
        // The register keeps the reference until it is certain that the list has it.
        if list == val && !self.worker.retain(value) {
            return false;
        }
        let is_set = self
            .visit(list)
            .is_some_and(|visit| visit.set(index, value));
        match (is_set, list == val) {
            (true, true) => self.put(val, 0),
            (true, false) => self.registers[val.0 as usize] = 0,
            (false, true) => self.worker.release(value),
            (false, false) => {}
        }
        is_set
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        if self.strikes(Fault::PopLeaves, 20_000) {
            let len = self.len(list);
            return len > 0 && self.get(dst, list, len - 1);
        }
        self.worker.enter();
        let Some(mut element) = self.visit(list).and_then(Visit::pop) else {
            return false;
        };
        let is_beyond = self.worker.core.has(Fault::PopBeyondPage)
            && self.visit(list).map_or(0, Visit::len) >= 1024;
        if is_beyond || self.strikes(Fault::PopTakesSecond, 16) {
            element = self.pop_instead_of(element, list);
        }
        if self.worker.core.has(Fault::PopKeepsReference) {
            self.worker.retain(element);
        }
        self.put(dst, element.bits());
        true
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        self.worker.enter();
        if let Some(visit) = self.visit(list) {
            visit.truncate_front(count);
        }
    }

    /// Does `count` pops one by one, and is to be judged so: see `list::truncate` for the reason.
    fn truncate_back(&mut self, list: Slot, count: u64) {
        let core = self.worker.core;
        let _hold = (count > CASCADE).then(|| core.pauses.hold(Cause::ReleaseCascade));
        for _ in 0..count {
            self.worker.enter();
            let Some(element) = self.visit(list).and_then(Visit::pop) else {
                return;
            };
            self.worker.release(element);
        }
    }

    #[inline]
    fn add(&mut self, counter: Slot, by: i64) {
        self.worker.enter();
        if let Some(value) = self.counter(counter) {
            // Relaxed: a counter orders nothing but itself.
            value.fetch_add(by.cast_unsigned(), Relaxed);
        }
    }

    #[inline]
    fn read(&mut self, counter: Slot) -> i64 {
        self.worker.enter();
        self.counter(counter)
            .map_or(0, |value| value.load(Relaxed).cast_signed())
    }

    #[inline]
    fn write(&mut self, counter: Slot, value: i64) {
        self.worker.enter();
        if let Some(place) = self.counter(counter) {
            place.store(value.cast_unsigned(), Relaxed);
        }
    }

    #[inline]
    fn publish(&mut self, global: Global, src: Slot) {
        self.worker.enter();
        let Some(place) = self.worker.core.globals.get(usize::from(global.0)) else {
            return;
        };
        // A weak reference stays where it is: roots hold objects.
        let bits = self.registers[src.0 as usize];
        if bits != 0 && Ref::from_bits(bits).is_none() {
            return;
        }
        self.registers[src.0 as usize] = 0;
        self.escape(bits);
        match self.worker.core.lagging.get(usize::from(global.0)) {
            None => self.write_place(place, bits),
            Some(lagging) => {
                let old = place.swap(bits, SeqCst);
                self.write_place(lagging, old);
            }
        }
    }

    #[inline]
    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        self.worker.enter();
        let core = self.worker.core;
        let lagging = core.lagging.get(usize::from(global.0));
        let lagging =
            lagging.filter(|place| place.load(Relaxed) != 0 && self.strikes(Fault::RootLags, 64));
        let place = lagging.or_else(|| core.globals.get(usize::from(global.0)));
        let Some(object) = place.and_then(|place| self.read_place(place)) else {
            return false;
        };
        self.put(dst, object.bits());
        true
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        self.worker.enter();
        let Some(target) = self.strong(src) else {
            return;
        };
        let weak = self.worker.core.downgrade(target);
        self.put(dst, weak.bits());
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        self.worker.enter();
        let bits = self.registers[weak.0 as usize];
        let Some(weak) = Weak::from_bits(bits) else {
            return false;
        };
        if !self.worker.core.upgrade(weak) {
            return false;
        }
        self.put(dst, weak.target.bits());
        true
    }
}

impl<F: Faults> Drop for LockFreeMutator<'_, F> {
    fn drop(&mut self) {
        self.worker.pin();
        self.worker.enter();
        if self.worker.core.has(Fault::RegistersKept) {
            return;
        }
        for bits in std::mem::take(&mut self.registers) {
            if let Some(reference) = Ref::from_bits(bits) {
                self.worker.release(reference);
            }
        }
    }
}
