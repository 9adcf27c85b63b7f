//! The heap `@HEAP@`: what gcstorm asks of it, and nothing yet that does it.
//!
//! Each function that is still to be written says so when it is called, and the run ends with that as
//! its verdict, which names the first in the order of this file. What is written is judged from then on.
//! A good order:
//!
//! 1. `alloc`, `copy`, `clear`, `load`, `store`, `peek` and `settle`: with them `cycles` and `chain` run.
//! 2. What [`CAPS`] does not announce yet: shared roots and lists (`shared-list`, the main job),
//!    counters, weak references, finalizers. Their functions stand at the end of this file, commented
//!    out, and workloads that need them are skipped by name until they are announced.
//!
//! A register may be empty, and may hold an object of another shape than the operation is for: then the
//! operation does nothing, and says false, 0 or `Peek::Empty`.
//! A mutator that is dropped leaves: what its registers hold is released. Pauses are told through
//! `HeapConfig::pauses`; while a heap tells none, a run cannot say what share of the time it took.

use std::panic::Location;
use std::sync::Mutex;

use gcstorm::heap::{
    Caps, Defect, Field, Heap, HeapConfig, Mutator, OutOfMemory, Peek, Seat, Shape, Slot, Tag,
};

/// What the heap can do. Add `lists`, `globals`, `counters`, `weak` and `finalizers` once they are
/// written; set `cycles` to false if cycles are not collected.
const CAPS: Caps = Caps {
    threads: true,
    cycles: true,
    certifies_death: true,
    ..Caps::NONE
};

/// Opens the heap for a run.
pub fn open(config: &HeapConfig) -> Result<OwnHeap, Defect> {
    Ok(OwnHeap {
        capacity: config.capacity,
        unwritten: Mutex::new(None),
    })
}

/// What all mutators share: the objects, and whatever finds those that are unreachable.
pub struct OwnHeap {
    /// How many objects may be alive at once.
    #[expect(dead_code, reason = "`alloc` is still to be written")]
    capacity: u32,
    /// Of the functions that were called and are not written, the first one of this file.
    unwritten: Mutex<Option<(u32, &'static str)>>,
}

impl Heap for OwnHeap {
    type Mutator<'h> = Registers<'h>;

    fn caps(&self) -> Caps {
        CAPS
    }

    fn attach(&self, seat: Seat) -> Result<Registers<'_>, Defect> {
        Ok(Registers {
            heap: self,
            slots: seat.slots,
        })
    }

    /// Reclaims everything that is unreachable. It is called while no mutator runs.
    fn settle(&self) -> Result<(), Defect> {
        Err(unwritten(line!(), "settle"))
    }
}

fn unwritten(line: u32, function: &str) -> Defect {
    Defect::Other {
        message: format!("`{function}` is not written yet (src/lib.rs:{line})"),
    }
}

/// One mutator, and its registers: each is empty, or holds one reference that counts.
pub struct Registers<'h> {
    heap: &'h OwnHeap,
    /// How many registers there are. Keep a reference in each: `Vec<Option<YourReference>>`, of which
    /// `slot.0 as usize` is the index.
    #[expect(dead_code, reason = "`alloc` is still to be written")]
    slots: u32,
}

impl Registers<'_> {
    /// Leave this out when all is written.
    #[track_caller]
    fn unwritten(&mut self, function: &'static str) {
        let called = (Location::caller().line(), function);
        let mut first = self.heap.unwritten.lock().expect("nobody panics");
        *first = Some(first.map_or(called, |first| first.min(called)));
    }
}

impl Mutator for Registers<'_> {
    /// Makes an object of this shape (a node has two references, a list any number, a leaf none) that
    /// keeps the tag until its memory is given up, and puts a reference to it into `dst`. The drop of
    /// the tag is how a death is recorded, so nothing else may drop it.
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        let _ = (dst, shape, tag);
        self.unwritten("alloc");
        Ok(())
    }

    /// Makes `dst` refer to what `src` refers to as well; an empty `src` leaves it as it is.
    fn copy(&mut self, dst: Slot, src: Slot) {
        let _ = (dst, src);
        self.unwritten("copy");
    }

    /// Empties the register.
    fn clear(&mut self, slot: Slot) {
        let _ = slot;
        self.unwritten("clear");
    }

    /// Makes `dst` refer to what the field (0 or 1) of the node in `obj` refers to; an empty field
    /// empties `dst`.
    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        let _ = (dst, obj, field);
        self.unwritten("load");
    }

    /// Moves the reference in `val` into the field of the node in `obj`, and releases what was there;
    /// `None` empties the field.
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let _ = (obj, field, val);
        self.unwritten("store");
    }

    /// Reads the tag of the object in the register: `Peek::Object(tag.id())`.
    fn peek(&mut self, slot: Slot) -> Peek {
        let _ = slot;
        self.unwritten("peek");
        Peek::Empty
    }

    /// A place where a collector may hold this mutator up, and where a heap that has met a broken
    /// reference says so.
    fn safepoint(&mut self) -> Result<(), Defect> {
        match *self.heap.unwritten.lock().expect("nobody panics") {
            Some((line, function)) => Err(unwritten(line, function)),
            None => Ok(()),
        }
    }

    // What CAPS does not announce yet: take the `// ` away from a part, announce it, and write it.
    // Finalizers need `alloc_with_finalizer`: see the documentation of `Mutator`.
    // // Lists: `lists: true`. Their references are those of the list's elements, in order; `alloc` makes one
    // // for `Shape::List`. With shared roots, `shared-list` and ten more workloads run.
    //
    // /// Moves the reference in `val` to the end of the list; false if there is nothing to move, or no list.
    // fn append(&mut self, list: Slot, val: Slot) -> bool {
    //     let _ = (list, val);
    //     self.unwritten("append");
    //     false
    // }
    //
    // /// The list's length.
    // fn len(&mut self, list: Slot) -> u64 {
    //     let _ = list;
    //     self.unwritten("len");
    //     0
    // }
    //
    // /// Makes `dst` refer to what the element at `index` refers to; false, and `dst` stays as it is, if there
    // /// is none.
    // fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
    //     let _ = (dst, list, index);
    //     self.unwritten("get");
    //     false
    // }
    //
    // /// Moves the reference in `val` to `index`, and releases what was there; false if there is no such
    // /// element.
    // fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
    //     let _ = (list, index, val);
    //     self.unwritten("set");
    //     false
    // }
    //
    // /// Moves the last element into `dst`; false, and `dst` stays as it is, if there is none.
    // fn pop(&mut self, dst: Slot, list: Slot) -> bool {
    //     let _ = (dst, list);
    //     self.unwritten("pop");
    //     false
    // }
    //
    // /// Releases the first `count` elements, or as many as there are.
    // fn truncate_front(&mut self, list: Slot, count: u64) {
    //     let _ = (list, count);
    //     self.unwritten("truncate_front");
    // }
    //
    // /// Releases the last `count` elements, or as many as there are.
    // fn truncate_back(&mut self, list: Slot, count: u64) {
    //     let _ = (list, count);
    //     self.unwritten("truncate_back");
    // }

    // // Shared roots: `globals: true`. They belong to the heap, and there are `HeapConfig::globals` of them;
    // // `global.0` is the index. `settle` must not reclaim what they refer to.
    //
    // /// Moves the reference in `src` into a shared root, and releases what was there; an empty `src` empties
    // /// the root.
    // fn publish(&mut self, global: gcstorm::heap::Global, src: Slot) {
    //     let _ = (global, src);
    //     self.unwritten("publish");
    // }
    //
    // /// Makes `dst` refer to what a shared root refers to; false, and `dst` stays as it is, if it is empty.
    // fn fetch(&mut self, dst: Slot, global: gcstorm::heap::Global) -> bool {
    //     let _ = (dst, global);
    //     self.unwritten("fetch");
    //     false
    // }

    // // Counters: `counters: true`. `alloc` makes one, which is 0, for `Shape::Counter`.
    //
    // /// Adds to a counter as one operation.
    // fn add(&mut self, counter: Slot, by: i64) {
    //     let _ = (counter, by);
    //     self.unwritten("add");
    // }
    //
    // /// Reads a counter.
    // fn read(&mut self, counter: Slot) -> i64 {
    //     let _ = counter;
    //     self.unwritten("read");
    //     0
    // }
    //
    // /// Overwrites a counter.
    // fn write(&mut self, counter: Slot, value: i64) {
    //     let _ = (counter, value);
    //     self.unwritten("write");
    // }

    // // Weak references: `weak: true`. A register then holds a strong or a weak reference.
    //
    // /// Makes `dst` a weak reference to what `src` refers to.
    // fn downgrade(&mut self, dst: Slot, src: Slot) {
    //     let _ = (dst, src);
    //     self.unwritten("downgrade");
    // }
    //
    // /// Makes `dst` a strong reference to the target of the weak one; false if that died.
    // fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
    //     let _ = (dst, weak);
    //     self.unwritten("upgrade");
    //     false
    // }
}
