//! The heap `@HEAP@`: what gcstorm asks of it, and nothing yet that does it.
//!
//! Each function that is still to be written says so when it is called, and the run ends with that as
//! its verdict. What is written is judged from then on. A good order:
//!
//! 1. `alloc`, `copy`, `clear`, `load`, `store`, `peek` and `settle`: with them `cycles` and `chain` run.
//! 2. What [`CAPS`] does not announce yet: shared roots and lists (`shared-list`, the main job),
//!    counters, weak references, finalizers. Their functions are those of [`Mutator`] that have a
//!    default, and workloads that need them are skipped by name until they are announced.
//!
//! A register may be empty, and may hold an object of another shape than the operation is for: then the
//! operation does nothing, says false, 0 or `Peek::Empty`, or empties the register that it was to fill.
//! A mutator that is dropped leaves: what its registers hold is released. Pauses are told through
//! `HeapConfig::pauses`; while a heap tells none, a run cannot say what share of the time it took.

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
    })
}

/// What all mutators share: the objects, and whatever finds those that are unreachable.
pub struct OwnHeap {
    /// How many objects may be alive at once.
    #[expect(dead_code, reason = "`alloc` is still to be written")]
    capacity: u32,
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
            unwritten: None,
        })
    }

    /// Reclaims everything that is unreachable. It is called while no mutator runs.
    fn settle(&self) -> Result<(), Defect> {
        Err(unwritten("settle"))
    }
}

fn unwritten(function: &str) -> Defect {
    Defect::Other {
        message: format!("`{function}` is not written yet"),
    }
}

/// One mutator, and its registers: each is empty, or holds one reference that counts.
pub struct Registers<'h> {
    #[expect(dead_code, reason = "`alloc` is still to be written")]
    heap: &'h OwnHeap,
    /// How many registers there are. Keep a reference in each: `Vec<Option<YourReference>>`, of which
    /// `slot.0 as usize` is the index.
    #[expect(dead_code, reason = "`alloc` is still to be written")]
    slots: u32,
    /// The first function that was called and is not written.
    unwritten: Option<&'static str>,
}

impl Registers<'_> {
    /// Leave this out when all is written.
    fn unwritten(&mut self, function: &'static str) {
        self.unwritten.get_or_insert(function);
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
        match self.unwritten {
            Some(function) => Err(unwritten(function)),
            None => Ok(()),
        }
    }
}
