//! Heaps and mutators of any type, and the one place where a panic of a heap becomes an error.
//!
//! A run, its surveys and the steps of a case are compiled once, for all heaps: they call a heap
//! through [`AnyHeap`]. Only the loop that is measured is compiled for each type of mutator, and
//! [`AnyMutator::drive`] enters it with a batch of operations at a time, so that no operation of
//! the plan pays for an indirect call.
//!
//! A heap under test may panic wherever it is called. A mutator is called on a thread of its own,
//! and a panic there ends that thread's part of the run. Calls to the heap as a whole go through
//! [`Guarded`], which turns a panic into a [`Panicked`] with the name of the method.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::heap::{
    Belief, Caps, Census, Defect, Errand, Gauge, Heap, HeapConfig, Mutator, Seat, Stats,
};
use crate::plan::Op;

use super::executor::{Executor, Halt};

/// A heap of any type.
pub(crate) trait AnyHeap: Sync {
    /// See [`Heap::caps`].
    fn caps(&self) -> Caps;
    /// See [`Heap::attach`].
    fn attach<'h>(&'h self, seat: Seat) -> Result<Box<dyn AnyMutator + 'h>, Defect>;
    /// See [`Heap::settle`].
    fn settle(&self) -> Result<(), Defect>;
    /// See [`Heap::census`].
    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census>;
    /// See [`Heap::stats`].
    fn stats(&self) -> Stats;
    /// See [`Heap::gauge`].
    fn gauge(&self) -> Gauge;
}

/// Opens a heap.
pub(super) type Open = dyn Fn(&HeapConfig) -> Result<Box<dyn AnyHeap>, Defect> + Send + Sync;

/// A mutator of any type.
pub(crate) trait AnyMutator: Mutator {
    /// Does a sequence of operations `times` times, at full speed.
    fn drive(&mut self, executor: &mut Executor, ops: &[Op], times: u32) -> Result<(), Halt>;
    /// The same mutator, to be called operation by operation.
    fn as_mutator(&mut self) -> &mut dyn Mutator;
}

impl<M: Mutator> AnyMutator for M {
    fn drive(&mut self, executor: &mut Executor, ops: &[Op], times: u32) -> Result<(), Halt> {
        let mut ran = Ok(());
        let mut sequence = |mut there: &mut dyn Mutator| {
            // The wait for the other thread is not part of any operation.
            executor.watch.as_dyn().restart();
            ran = executor.run(&mut there, ops, times);
        };
        if self.hand_over(&mut sequence) {
            return ran;
        }
        executor.run(self, ops, times)
    }

    fn as_mutator(&mut self) -> &mut dyn Mutator {
        self
    }
}

/// Does something with a mutator on the thread where its objects are, if they must stay on one.
pub(super) fn at_home(mutator: &mut dyn Mutator, work: &mut Errand<'_>) {
    if !mutator.hand_over(work) {
        work(mutator);
    }
}

macro_rules! forward_heap {
    ($this:ident => $heap:expr) => {
        fn caps(&$this) -> Caps {
            $heap.caps()
        }

        fn settle(&$this) -> Result<(), Defect> {
            $heap.settle()
        }

        fn census(&$this, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
            $heap.census(visit)
        }

        fn stats(&$this) -> Stats {
            $heap.stats()
        }

        fn gauge(&$this) -> Gauge {
            $heap.gauge()
        }
    };
}

/// A heap that is measured: its operations are compiled into a loop of their own.
pub(super) struct Fast<H>(pub(super) H);

impl<H: Heap + Sync> AnyHeap for Fast<H> {
    fn attach<'h>(&'h self, seat: Seat) -> Result<Box<dyn AnyMutator + 'h>, Defect> {
        Ok(Box::new(self.0.attach(seat)?))
    }

    forward_heap!(self => self.0);
}

/// A heap that is not measured, since faults are planted in it: all such heaps share one loop,
/// which makes an indirect call for each operation, instead of one compiled loop each.
pub(super) struct Planted<H>(pub(super) H);

impl<H: Heap + Sync> AnyHeap for Planted<H> {
    fn attach<'h>(&'h self, seat: Seat) -> Result<Box<dyn AnyMutator + 'h>, Defect> {
        let mutator: Box<dyn Mutator + 'h> = Box::new(self.0.attach(seat)?);
        Ok(Box::new(mutator))
    }

    forward_heap!(self => self.0);
}

impl AnyHeap for Box<dyn AnyHeap> {
    fn attach<'h>(&'h self, seat: Seat) -> Result<Box<dyn AnyMutator + 'h>, Defect> {
        (**self).attach(seat)
    }

    forward_heap!(self => (**self));
}

/// The heap panicked in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("in `{call}`: {message}")]
pub(super) struct Panicked {
    /// The method of the contract that was called.
    pub(super) call: &'static str,
    /// What the panic said.
    pub(super) message: String,
}

/// Calls the heap; a panic becomes an error that names the method.
pub(super) fn guarded<T>(call: &'static str, ask: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|panic| Panicked {
        call,
        message: panic_message(&*panic),
    })
}

/// A heap under test. Its methods turn a panic into an error; whoever calls the heap inside, as
/// `.0`, does so within [`guarded`] or on a mutator's thread, where a panic is caught as well.
#[derive(Clone, Copy)]
pub(super) struct Guarded<'r>(pub(super) &'r dyn AnyHeap);

impl Guarded<'_> {
    pub(super) fn caps(self) -> Result<Caps, Panicked> {
        guarded("caps", || self.0.caps())
    }

    pub(super) fn stats(self) -> Result<Stats, Panicked> {
        guarded("stats", || self.0.stats())
    }

    pub(super) fn gauge(self) -> Result<Gauge, Panicked> {
        guarded("gauge", || self.0.gauge())
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
