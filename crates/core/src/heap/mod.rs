//! The contract between the harness and a heap, and the heaps that fulfil it.
//!
//! A *mutator* runs the program, a *collector* reclaims, a *heap* is both. A heap made for threads
//! implements [`Heap`] and [`Mutator`]; a single-threaded collector implements [`Mutator`] and
//! [`Collector`], and `gil::Gil` makes a heap of it, which is what a global lock is. A library of
//! counted pointers implements [`Pointer`], and [`PointerHeap`] makes a heap of it; if its pointers must
//! not leave their thread, [`Owned`] gives that heap a thread of its own.
//!
//! Three decisions shape everything:
//!
//! * **Slots, not handles.** Roots are numbered registers that the heap's mutator owns, so that a
//!   reference counter keeps counted references there and a moving collector can scan them.
//!   Operations *move* out of a register; copying is an operation of its own.
//! * **The tag is the evidence.** Every object is given a [`Tag`] to hold and to drop, and the drop
//!   records the death. Early, double and missing deaths show without any callback that an
//!   implementer could forget.
//! * **Operations are infallible, safepoints fail.** Nothing but allocation returns a `Result` in
//!   the hot loop. A heap that meets a broken reference treats it as empty, remembers the
//!   [`Defect`], and hands it out at the next safepoint.
//!
//! An operation on an empty register, a reference of the wrong shape, or an index out of range does
//! nothing and returns its "nothing" value; the register it would have moved from keeps its
//! reference.
//!
//! A register may hold a weak reference, which [`downgrade`](Mutator::downgrade) makes and
//! [`copy`](Mutator::copy) copies. Every other operation but [`upgrade`](Mutator::upgrade) and
//! [`clear`](Mutator::clear) treats such a register as empty: it leads to no object, nothing is
//! moved out of it, and it keeps the weak reference. Objects and shared roots hold strong
//! references only.
//!
//! A heap refuses to know of plans, checks and reports.

pub mod counted;
pub mod defect;
pub mod fault;
pub mod foreign;
mod forward;
pub mod gil;
mod lapse;
pub mod lock_free;
mod ordeal;
mod owned;
pub mod pause;
pub mod pointers;
mod slab;
pub mod tag;
mod traced;

use std::sync::Arc;
use std::time::Duration;

pub use defect::{Defect, DefectCounts, DefectLog};
pub use fault::{Fault, Faultless, Faults, Point};
pub use ordeal::{Ordeal, Points};
pub use owned::{Owned, OwnedMutator};
pub use pause::{ByCause, Cause, Hold, Pauses};
pub use pointers::{Pointer, PointerHeap};
pub use tag::{ObjectId, Tag};
pub use traced::{Space, Traced, TracedObject};

use serde::{Deserialize, Serialize};

/// A numbered register of one mutator. It is empty or holds one counted reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// One of the two fields of a node: 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field(pub u8);

/// A numbered root that all mutators share, like a module's global variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Global(pub u16);

/// What an object can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Shape {
    /// No references at all: an `int`.
    Leaf = 0,
    /// Two references, in its fields 0 and 1; empty at first.
    Node = 1,
    /// Any number of references in order; lists hold objects of every shape.
    List = 2,
    /// One signed 64-bit number, 0 at first.
    Counter = 3,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Leaf, Self::Node, Self::List, Self::Counter];

    /// The name in workloads and cases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leaf => "leaf",
            Self::Node => "node",
            Self::List => "list",
            Self::Counter => "counter",
        }
    }
}

/// What an object does when it is about to die; plain data, since a heap runs it wherever it finds
/// the object dying: in the mutator that released the last reference, or in the collector.
///
/// The rules are those of PEP 442. Once nothing but garbage refers to an object that was made with
/// a finalizer, the heap voids the weak references to it and [runs](Self::run) the finalizer, once
/// in the object's life. Only if it is still garbage after that (and after the finalizers of all
/// others found dead with it) may it die, then or whenever it becomes garbage again. What is
/// resurrected is an object like any other, with all that it refers to, and may be downgraded anew.
/// A heap whose weak references outlast the finalizer instead says so in [`Caps::weak_survives`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finalizer {
    /// Is seen to have run.
    Witness,
    /// Moves a counted reference to the object into a shared root, releasing what was there.
    Resurrect(Global),
}

impl Finalizer {
    /// Records that the object's finalizer runs. The heap then publishes the object in the shared
    /// root that this returns, if any.
    pub fn run(self, id: ObjectId) -> Option<Global> {
        id.finalize();
        match self {
            Self::Witness => None,
            Self::Resurrect(global) => Some(global),
        }
    }
}

/// What a heap can do. What it cannot do is skipped by name, never silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Several mutators may be attached at once.
    pub threads: bool,
    /// Unreachable cycles are reclaimed.
    pub cycles: bool,
    /// Lists: `append` and its kin.
    pub lists: bool,
    /// Counters: `add`, `read`, `write`.
    pub counters: bool,
    /// Shared roots: `publish` and `fetch`.
    pub globals: bool,
    /// Weak references: `downgrade` and `upgrade`.
    pub weak: bool,
    /// Finalizers that run once and may resurrect.
    pub finalizers: bool,
    /// Weak references last as long as their target, whether its finalizer has run or not: they are not
    /// voided by it, and lead to a resurrected object as before. That departs from the rules of
    /// [`Finalizer`], and is judged accordingly; no ability, so it is not in [`ALL`](Self::ALL).
    #[serde(default)]
    pub weak_survives: bool,
    /// The collector belongs to the process, not to a heap: two heaps at a time would collect each
    /// other's garbage, so there is never more than one. No ability either.
    #[serde(default)]
    pub one_per_process: bool,
    /// After [`Heap::settle`] every unreachable object has dropped its tag.
    pub certifies_death: bool,
}

impl Caps {
    /// Everything, by the rules of this contract.
    pub const ALL: Self = Self {
        threads: true,
        cycles: true,
        lists: true,
        counters: true,
        globals: true,
        weak: true,
        finalizers: true,
        weak_survives: false,
        one_per_process: false,
        certifies_death: true,
    };

    /// Nothing.
    pub const NONE: Self = Self {
        threads: false,
        cycles: false,
        lists: false,
        counters: false,
        globals: false,
        weak: false,
        finalizers: false,
        weak_survives: false,
        one_per_process: false,
        certifies_death: false,
    };
}

/// For how many objects a mutator may be given room in advance, so that mutators need not ask each other
/// at each allocation.
pub const ADVANCE_MAX: u32 = 1024;

/// What a heap is opened with.
#[derive(Debug, Clone)]
pub struct HeapConfig {
    /// How many objects may be alive at once, at most; allocation beyond fails with
    /// [`OutOfMemory`]. A heap that hands out room in advance may exceed it by [`ADVANCE_MAX`] objects
    /// for each mutator.
    pub capacity: u32,
    /// How many shared roots there are.
    pub globals: u16,
    /// How long a waiter leaves a global lock's holder alone before it asks for the lock.
    pub switch_interval: Duration,
    /// Where the heap records how long it held mutators up, and why.
    pub pauses: Arc<Pauses>,
    /// Whether it may work on threads of its own.
    pub upkeep: Upkeep,
    /// How many young objects a generational collector lets there be before it looks at them; by
    /// default CPython's 700. A small number makes short programs meet collections.
    pub nursery: u32,
}

/// When a heap does what is nobody's operation: above all, look for cycles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Upkeep {
    /// Whenever it sees fit, on threads of its own too.
    #[default]
    ByItself,
    /// Within the calls that are made to it, and at no other time: so the same calls in the same
    /// order always do the same.
    WithinCalls,
}

impl HeapConfig {
    /// A configuration for `capacity` live objects, four shared roots, and CPython's switch
    /// interval of 5 ms.
    pub fn with_capacity(capacity: u32) -> Self {
        Self {
            capacity,
            globals: 4,
            switch_interval: Duration::from_millis(5),
            pauses: Arc::new(Pauses::default()),
            upkeep: Upkeep::ByItself,
            nursery: 700,
        }
    }
}

/// Where a mutator sits: its number in the run, and how many registers it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// The mutator's number, unique among those attached at the same time.
    pub number: u32,
    /// How many registers it has; slots `0..slots`, all empty. Besides those of the program there
    /// are as many as objects may be alive ([`HeapConfig::capacity`]), up to a million, because the
    /// walk that surveys a heap takes a register for each level of what it walks. Most of them are
    /// never touched, so a register file should be allocated zeroed rather than filled, and a
    /// tracing collector must not scan the whole of it at each collection: one that did was seventy
    /// times slower than with a note of the highest slot written to.
    pub slots: u32,
}

/// No room for another object; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("out of memory: the heap holds as many objects as it was opened for")]
pub struct OutOfMemory;

/// What one full collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Collection {
    /// Objects the collector looked at.
    pub(crate) examined: u64,
    /// Objects freed because only unreachable objects referred to them.
    pub(crate) freed: u64,
}

/// What a register leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// The register is empty.
    Empty,
    /// A living object (as far as the heap can tell), and what its tag says.
    Object(ObjectId),
    /// A reference that the heap recognises as broken: its object was freed.
    Stale,
}

/// What the heap believes of one living object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belief {
    /// The object's tag.
    pub id: ObjectId,
    /// Its stored reference count.
    pub count: u64,
}

/// What a census found besides the living objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Living objects.
    pub living: u64,
    /// Freed cells whose poison was looked at.
    pub free_examined: u64,
    /// Freed cells that somebody wrote to.
    pub spoiled: u64,
    /// What must be nothing while the heap is at rest, with how much of it there is.
    pub leftovers: Vec<Leftover>,
}

/// Something of the collector's own that must be nothing while the heap is at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What it is, in words that complete "found 3 …".
    pub what: String,
    /// How many there are; 0 when all is well.
    pub count: u64,
}

/// What a heap counts of its own work, for reports and for proof that the stress happened. Nothing
/// here is used to judge the heap, except that the [`Defect`]s it recognised count against it. How many
/// objects were born, died and were alive at once is not asked: the harness knows that from the tags.
///
/// What only some heaps can count is `None` in the others: a heap without a lock does not switch it
/// 0 times. Nothing can be required of a counter that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The largest number of objects that were unreachable but not yet reclaimed.
    pub unreclaimed_peak: Option<u64>,
    /// Collections of any generation.
    pub collections: Option<u64>,
    /// Full collections among them.
    pub full_collections: Option<u64>,
    /// Objects that collections looked at when they fell due by themselves.
    pub examined: Option<u64>,
    /// Objects that only the cycle collector could free.
    pub cycles_freed: Option<u64>,
    /// Collections in which a mutator looked only at objects that no other can reach. They are none
    /// of `collections`, and what they freed is not in `cycles_freed`.
    #[serde(default)]
    pub local_collections: Option<u64>,
    /// Objects that they freed.
    #[serde(default)]
    pub local_cycles_freed: Option<u64>,
    /// Operations or lock acquisitions that had to wait for, or retry because of, another thread.
    pub contended: Option<u64>,
    /// Times a global lock went to another thread than the one that held it last.
    pub switches: Option<u64>,
    /// Attempts of operations that came too late because of another thread, and were made again.
    pub retries: Option<u64>,
    /// Jobs that were put off until every pin of their time had ended, and were then done.
    pub epochs: Option<u64>,
    /// Truncations that found an append of another thread under way in the place they wanted.
    pub truncations_met_append: Option<u64>,
    /// Broken invariants that the heap itself recognised.
    #[serde(rename = "faults")]
    pub defects: DefectCounts,
}

impl Stats {
    /// What was counted since `before`. Peaks, and defects, of which one is too many, stay.
    #[must_use]
    pub fn since(self, before: &Self) -> Self {
        let counted = |now: Option<u64>, then: Option<u64>| {
            now.map(|now| now.saturating_sub(then.unwrap_or(0)))
        };
        Self {
            collections: counted(self.collections, before.collections),
            full_collections: counted(self.full_collections, before.full_collections),
            examined: counted(self.examined, before.examined),
            cycles_freed: counted(self.cycles_freed, before.cycles_freed),
            local_collections: counted(self.local_collections, before.local_collections),
            local_cycles_freed: counted(self.local_cycles_freed, before.local_cycles_freed),
            contended: counted(self.contended, before.contended),
            switches: counted(self.switches, before.switches),
            retries: counted(self.retries, before.retries),
            epochs: counted(self.epochs, before.epochs),
            truncations_met_append: counted(
                self.truncations_met_append,
                before.truncations_met_append,
            ),
            unreclaimed_peak: self.unreclaimed_peak,
            defects: self.defects,
        }
    }
}

/// What a heap says of itself at any time, for a picture of how it went. Rough: it may be as old
/// as the last time at which something was handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Objects that were unlinked, or died, and whose memory cannot be used again yet; `None` where
    /// nobody can tell just now.
    pub unreclaimed: Option<u64>,
    /// Collections so far.
    pub collections: u64,
}

/// A heap. A run shares it between threads, for which it must be [`Sync`]; [`Owned`] makes a `Sync`
/// heap of one that is not.
pub trait Heap {
    /// The view of one mutator, used on the thread that attached it.
    type Mutator<'h>: Mutator
    where
        Self: 'h;

    /// What this heap can do.
    fn caps(&self) -> Caps;

    /// Admits the calling thread as a mutator. Dropping the mutator clears its registers and
    /// detaches it.
    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect>;

    /// Reclaims everything that can be reclaimed, and runs the finalizers that this takes. Called
    /// while no mutator runs, on any thread: that of one of the mutators, which is then
    /// [idle](Mutator::idle) as all others are, or one without a mutator. So what a mutator's thread
    /// keeps to itself is handed over in [`rest`](Mutator::rest), and when the mutator is dropped.
    /// Nothing else asks for a collection from outside: one that is part of
    /// a program is [`Mutator::collect`], beside all that the others do.
    fn settle(&self) -> Result<(), Defect>;

    /// Shows every living object and what the heap believes of it, while no mutator runs; `None`
    /// if the heap cannot. The beliefs are judged against what the operations did.
    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let _ = visit;
        None
    }

    /// What the heap counted so far. May be called at any time, from any thread.
    fn stats(&self) -> Stats {
        Stats::default()
    }

    /// The little that can be told at any time, from any thread, without holding anybody up.
    fn gauge(&self) -> Gauge {
        Gauge::default()
    }
}

impl<H: Heap> Heap for &H {
    type Mutator<'h>
        = H::Mutator<'h>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        (**self).caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        (**self).attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        (**self).settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        (**self).census(visit)
    }

    fn stats(&self) -> Stats {
        (**self).stats()
    }

    fn gauge(&self) -> Gauge {
        (**self).gauge()
    }
}

/// One mutator's operations; mirrors [`Op`](crate::plan::Op) one to one. `alloc`, `copy`, `clear`,
/// `load`, `store`, `peek` and `safepoint` are required; the rest is announced in [`Caps`].
pub trait Mutator {
    /// Puts a new object of `shape` that holds `tag` into `dst`. If there is no room, `dst` stays
    /// as it is and `tag` is dropped: the object then counts as born and dead.
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory>;

    /// As [`alloc`](Self::alloc), of an object with a finalizer, which its tag knows of. It does
    /// not run if there is no room.
    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        let _ = finalizer;
        self.alloc(dst, shape, tag)
    }

    /// Makes `dst` refer to what `src` refers to, as well; an empty `src` leaves it as it is. The
    /// copy of a weak reference is weak.
    fn copy(&mut self, dst: Slot, src: Slot);

    /// Empties `slot`.
    fn clear(&mut self, slot: Slot);

    /// Makes `dst` refer to what `field` of the node in `obj` refers to; an empty field empties
    /// `dst`. `dst` may be `obj`.
    fn load(&mut self, dst: Slot, obj: Slot, field: Field);

    /// Moves the reference in `val` into `field` of the node in `obj`; `None` empties the field.
    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>);

    /// Reads the tag through the reference; [`Peek::Empty`] if that is a weak one.
    fn peek(&mut self, slot: Slot) -> Peek;

    /// A point where the mutator may be held up, and where a broken heap says so.
    fn safepoint(&mut self) -> Result<(), Defect>;

    /// Lets go of all that holds other mutators up (a global lock, an epoch's pin), until
    /// [`wake`](Self::wake). Nothing else is called meanwhile; another mutator may run on the same
    /// thread.
    fn rest(&mut self) {}

    /// Ends a [`rest`](Self::rest).
    fn wake(&mut self) {}

    /// Calls `wait`, which may block, exactly once, in a state that holds no other mutator up.
    /// Mutators wait for each other in that call, so an `idle` that returns without it ends the run.
    fn idle(&mut self, wait: &mut dyn FnMut()) {
        self.rest();
        let _absence = Absence(self);
        wait();
    }

    /// If the objects must stay on another thread, has that thread call `work` with a mutator that does
    /// what this one does, waits until it has returned, and answers true. So a sequence of operations
    /// costs one change of threads. False if nothing was done, since the objects may be used on the
    /// calling thread.
    fn hand_over(&mut self, work: &mut Errand<'_>) -> bool {
        let _ = work;
        false
    }

    /// Runs a full collection as part of the program: `gc.collect()`.
    fn collect(&mut self) {}

    /// Moves the reference in `val` to the end of the list; false if there was nothing to move (a
    /// weak reference is not moved) or nowhere to move it to.
    fn append(&mut self, list: Slot, val: Slot) -> bool {
        let _ = (list, val);
        false
    }

    /// The list's length.
    fn len(&mut self, list: Slot) -> u64 {
        let _ = list;
        0
    }

    /// Makes `dst` refer to what the element at `index` refers to; false if there is none.
    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let _ = (dst, list, index);
        false
    }

    /// Moves the reference in `val` to `index`, releasing what was there; false if there is no such
    /// element.
    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let _ = (list, index, val);
        false
    }

    /// Moves the last element into `dst`; false if there is none.
    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        let _ = (dst, list);
        false
    }

    /// `del l[:count]`
    fn truncate_front(&mut self, list: Slot, count: u64) {
        let _ = (list, count);
    }

    /// `del l[-count:]`, as one step or as so many pops, until one finds nothing: others may come
    /// in between.
    fn truncate_back(&mut self, list: Slot, count: u64) {
        let _ = (list, count);
    }

    /// Adds to a counter as one operation.
    fn add(&mut self, counter: Slot, by: i64) {
        let _ = (counter, by);
    }

    /// Reads a counter.
    fn read(&mut self, counter: Slot) -> i64 {
        let _ = counter;
        0
    }

    /// Overwrites a counter.
    fn write(&mut self, counter: Slot, value: i64) {
        let _ = (counter, value);
    }

    /// Moves the reference in `src` into a shared root, releasing what was there. An empty `src`
    /// empties the root; one with a weak reference changes nothing.
    fn publish(&mut self, global: Global, src: Slot) {
        let _ = (global, src);
    }

    /// Makes `dst` refer to what a shared root refers to; false if it is empty, and then `dst` stays
    /// as it is.
    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let _ = (dst, global);
        false
    }

    /// Makes `dst` a weak reference to what `src` refers to.
    fn downgrade(&mut self, dst: Slot, src: Slot) {
        let _ = (dst, src);
    }

    /// Makes `dst` a strong reference to the target of the weak one; false if that died, or its
    /// finalizer has run since the downgrade (but see [`Caps::weak_survives`]), or it is garbage of
    /// which finalizers are just running. Never lost while somebody holds the target. It is false for
    /// a counted reference as well. Whenever it is false, `dst` stays as it is.
    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        let _ = (dst, weak);
        false
    }
}

/// What is done with a mutator on the thread where its objects are: see [`Mutator::hand_over`].
pub type Errand<'e> = dyn FnMut(&mut dyn Mutator) + Send + 'e;

/// A mutator that rests, and wakes when this is dropped, also if what it waited for panicked.
struct Absence<'m, M: Mutator + ?Sized>(&'m mut M);

impl<M: Mutator + ?Sized> Drop for Absence<'_, M> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// A single-threaded collector: one register file, used by one thread at a time.
/// `gil::Gil` makes a [`Heap`] of it.
pub trait Collector: Mutator + Send {
    /// What this collector can do, by itself.
    fn caps(&self) -> Caps;

    /// Makes the register file at least this long.
    fn reserve_slots(&mut self, slots: u32);

    /// See [`Heap::settle`].
    fn settle(&mut self) -> Result<(), Defect>;

    /// See [`Heap::census`].
    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let _ = visit;
        None
    }

    /// See [`Heap::stats`]; here called with the lock held.
    fn stats(&self) -> Stats {
        Stats::default()
    }

    /// See [`Heap::gauge`]; here called with the lock held, each time that it is offered to others.
    fn gauge(&self) -> Gauge {
        Gauge::default()
    }
}
