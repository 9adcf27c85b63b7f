//! One mutator of a library: an indirect call for each operation, and nothing else.

use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::host::number_of;
use super::table::{Calls, NO_FINALIZER, NOTHING, OBJECT, STALE};
use super::well;
use crate::heap::{Defect, Field, Finalizer, Global, Mutator, OutOfMemory, Peek, Shape, Slot, Tag};

/// A mutator of a heap in a shared library.
pub struct ForeignMutator<'h> {
    calls: &'h Calls,
    mutator: *mut c_void,
    attached: &'h AtomicU32,
}

/// Calls a function of the library with the mutator.
macro_rules! call {
    ($this:ident.$name:ident($($arg:expr),*)) => {
        // SAFETY: the function is the library's, and the mutator was attached by it on this thread and
        // not yet detached. That the function keeps to gcstorm.h is the library's to see to.
        unsafe { ($this.calls.$name)($this.mutator, $($arg),*) }
    };
}

impl<'h> ForeignMutator<'h> {
    /// # Safety
    ///
    /// These are the functions of the library that attached this mutator on the calling thread.
    pub(super) unsafe fn new(
        calls: &'h Calls,
        mutator: *mut c_void,
        attached: &'h AtomicU32,
    ) -> Self {
        attached.fetch_add(1, SeqCst);
        Self {
            calls,
            mutator,
            attached,
        }
    }

    fn make(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: i32,
    ) -> Result<(), OutOfMemory> {
        let bits = tag.into_bits();
        match call!(self.alloc(dst.0, shape as u32, bits, finalizer)) {
            0 => {
                drop(Tag::from_bits(bits));
                Err(OutOfMemory)
            }
            _ => Ok(()),
        }
    }
}

impl Mutator for ForeignMutator<'_> {
    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        self.make(dst, shape, tag, NO_FINALIZER)
    }

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        self.make(dst, shape, tag, number_of(finalizer))
    }

    #[inline]
    fn copy(&mut self, dst: Slot, src: Slot) {
        call!(self.copy(dst.0, src.0));
    }

    #[inline]
    fn clear(&mut self, slot: Slot) {
        call!(self.clear(slot.0));
    }

    #[inline]
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        call!(self.load(dst.0, obj.0, u32::from(field.0)));
    }

    #[inline]
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let val = val.map_or(NOTHING, |val| val.0);
        call!(self.store(obj.0, u32::from(field.0), val));
    }

    #[inline]
    fn peek(&mut self, slot: Slot) -> Peek {
        let mut bits = 0;
        match call!(self.peek(slot.0, &raw mut bits)) {
            OBJECT => Peek::Object(Tag::id_of_bits(bits)),
            STALE => Peek::Stale,
            _ => Peek::Empty,
        }
    }

    #[inline]
    fn safepoint(&mut self) -> Result<(), Defect> {
        let said = call!(self.safepoint());
        if said.is_null() {
            return Ok(());
        }
        // SAFETY: it is text, which is valid until the next call.
        unsafe { well(said) }
    }

    fn rest(&mut self) {
        call!(self.rest());
    }

    fn wake(&mut self) {
        call!(self.wake());
    }

    fn collect(&mut self) {
        call!(self.collect());
    }

    #[inline]
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        call!(self.append(list.0, val.0)) != 0
    }

    #[inline]
    fn len(&mut self, list: Slot) -> u64 {
        call!(self.len(list.0))
    }

    #[inline]
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        call!(self.get(dst.0, list.0, index)) != 0
    }

    #[inline]
    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        call!(self.set(list.0, index, val.0)) != 0
    }

    #[inline]
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        call!(self.pop(dst.0, list.0)) != 0
    }

    fn truncate_front(&mut self, list: Slot, count: u64) {
        call!(self.truncate_front(list.0, count));
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        call!(self.truncate_back(list.0, count));
    }

    #[inline]
    fn add(&mut self, counter: Slot, by: i64) {
        call!(self.add(counter.0, by));
    }

    #[inline]
    fn read(&mut self, counter: Slot) -> i64 {
        call!(self.read(counter.0))
    }

    #[inline]
    fn write(&mut self, counter: Slot, value: i64) {
        call!(self.write(counter.0, value));
    }

    fn publish(&mut self, global: Global, src: Slot) {
        call!(self.publish(u32::from(global.0), src.0));
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        call!(self.fetch(dst.0, u32::from(global.0))) != 0
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        call!(self.downgrade(dst.0, src.0));
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        call!(self.upgrade(dst.0, weak.0)) != 0
    }
}

impl Drop for ForeignMutator<'_> {
    fn drop(&mut self) {
        call!(self.detach());
        self.attached.fetch_sub(1, SeqCst);
    }
}

impl fmt::Debug for ForeignMutator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignMutator").finish_non_exhaustive()
    }
}
