//! A small heap behind one mutex, right unless it is told to be wrong in one particular way.
//!
//! It counts references and lets a mark phase find cycles when it settles, so it shares no code and
//! hardly an idea with the heaps that ship.

mod mutator;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gcstorm::heap::{
    Belief, Caps, Census, Defect, Finalizer, Heap, HeapConfig, Leftover, ObjectId, Pauses, Seat,
    Shape, Stats, Tag,
};

/// The one way in which a heap is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The census reports one reference too many for every tenth object.
    CensusLies,
    /// A truncation frees what it removes, references or not.
    TruncationFrees,
    /// The same, but the cell stays readable: only the tag tells.
    TruncationDropsTags,
    /// What a truncation removes is never released.
    TruncationKeeps,
    /// Every tenth tag is dropped twice.
    DropsTwice,
    /// Every tenth append is lost, and its object properly released.
    AppendLoses,
    /// Every tenth append goes in before the last element.
    AppendSwaps,
    /// Every tenth addition is lost.
    AddLoses,
    /// Every tenth length is one too many.
    LenLies,
    /// Every seventh pop takes the last element but one.
    PopSwaps,
    /// Every seventh store releases its reference, and leaves the field as it is.
    StoreLoses,
    /// Every tenth peek meets a reference that the heap recognises as broken.
    PeekStale,
    /// Every tenth peek finds an object that has just died, by its tag.
    PeekDead,
    /// The census admits a freed cell that was written to.
    Spoiled,
    /// The census admits a mark that was left behind.
    MarkLeft,
    /// Cycles are never looked for.
    CyclesKept,
    /// Weak references are never cleared: they lead to whatever is in the cell.
    WeakKept,
    /// Every tenth upgrade is lost.
    WeakLost,
    /// Weak references are cleared while everything stands still.
    WeakClearedAtRest,
    /// Finalizers leave weak references as they are.
    WeakOutlivesFinalizer,
    /// Every tenth finalizer runs twice.
    FinalizesTwice,
    /// Every tenth finalizer does not run.
    FinalizesNever,
    /// What is resurrected is dead all the same, by its tag.
    ResurrectsTheDead,
    /// Every append is refused: nothing is moved.
    AppendRefuses,
    /// Settling fails, in a heap that promises no deaths.
    SettleFails,
    /// A defect without a check of its own is noted, and never handed out.
    NotesOther,
    /// The census leaves out every tenth object.
    CensusOmits,
    /// Shared roots are found empty.
    RootsLost,
    /// `idle` does not wait.
    NeverWaits,
    /// The first allocation panics, in the setup.
    PanicsAtOnce,
    /// The thousandth append panics.
    Panics,
    /// The thousandth safepoint reports a defect.
    Faults,
    /// A mutator that leaves releases nothing of what its registers hold.
    DetachKeeps,
    /// A mutator that leaves releases everything twice.
    DetachReleasesTwice,
    /// Releases by `clear` are buffered, and a mutator that leaves does not hand them over.
    DetachLosesBuffer,
    /// Nobody is let in from the thirtieth on.
    AttachFails,
    /// The thirtieth mutator that leaves panics.
    DetachPanics,
    /// Every tenth safepoint begins to hold its thread up, and forgets to say that this has ended.
    HoldsForgotten,
}

#[derive(Debug, Default)]
struct Object {
    tag: Option<Tag>,
    count: u64,
    shape: Option<Shape>,
    fields: [Option<usize>; 2],
    elements: VecDeque<usize>,
    value: i64,
    marked: bool,
    finalizer: Option<Finalizer>,
    finalized: bool,
}

/// A weak reference: where its target was, what it was, and whether its finalizer had run.
#[derive(Debug, Clone, Copy)]
struct Weak {
    object: usize,
    id: ObjectId,
    finalized: bool,
}

#[derive(Debug, Default)]
struct State {
    objects: Vec<Object>,
    free: Vec<usize>,
    globals: Vec<Option<usize>>,
    tick: u64,
    /// Settled, and nothing was made since.
    at_rest: bool,
    /// The numbers of those that are attached.
    seated: Vec<u32>,
    /// How many ever were.
    pub(crate) attached: u64,
}

pub(crate) struct BadHeap {
    fault: Fault,
    state: Mutex<State>,
    pauses: Arc<Pauses>,
}

pub(crate) struct BadMutator<'h> {
    heap: &'h BadHeap,
    seat: u32,
    registers: Vec<Option<usize>>,
    weak: Vec<Option<Weak>>,
    /// What is still to be released, if the fault needs it.
    buffer: Vec<usize>,
}

/// How many come and go before something goes wrong with it.
const COMINGS: u64 = 30;

impl BadHeap {
    pub(crate) fn open(config: &HeapConfig, fault: Fault) -> Self {
        let globals = vec![None; usize::from(config.globals)];
        Self {
            fault,
            state: Mutex::new(State {
                globals,
                ..State::default()
            }),
            pauses: Arc::clone(&config.pauses),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Every tenth time, if the fault is the one asked for.
    fn strikes(&mut self, fault: Fault, wanted: Fault) -> bool {
        self.strikes_every(10, fault, wanted)
    }

    fn strikes_every(&mut self, nth: u64, fault: Fault, wanted: Fault) -> bool {
        self.tick += u64::from(fault == wanted);
        fault == wanted && self.tick.is_multiple_of(nth)
    }

    fn release(&mut self, object: usize, fault: Fault) {
        let mut pending = vec![object];
        while let Some(object) = pending.pop() {
            let cell = &mut self.objects[object];
            cell.count = cell.count.saturating_sub(1);
            if cell.count == 0 && cell.shape.is_some() {
                pending.extend(self.finalize(object, fault));
                let cell = &mut self.objects[object];
                if cell.count > 0 {
                    continue;
                }
                pending.extend(cell.fields.iter().flatten());
                pending.extend(cell.elements.drain(..));
                self.free(object, fault);
            }
        }
    }

    /// Runs the finalizer, if it is still to run. Returns what was displaced from a shared root.
    fn finalize(&mut self, object: usize, fault: Fault) -> Option<usize> {
        let finalizer = self.objects[object].finalizer.take()?;
        if self.strikes(fault, Fault::FinalizesNever) {
            return None;
        }
        self.objects[object].finalized = fault != Fault::WeakOutlivesFinalizer;
        let id = self.objects[object].tag.as_ref().map(Tag::id)?;
        if self.strikes(fault, Fault::FinalizesTwice) {
            finalizer.run(id);
        }
        let global = finalizer.run(id)?;
        self.objects[object].count += 1;
        if fault == Fault::ResurrectsTheDead {
            let tag = self.objects[object].tag.take()?;
            let bits = tag.into_bits();
            drop(Tag::from_bits(bits));
            self.objects[object].tag = Some(Tag::from_bits(bits));
        }
        self.globals[usize::from(global.0)].replace(object)
    }

    fn free(&mut self, object: usize, fault: Fault) {
        if let Some(tag) = self.objects[object].tag.take() {
            let bits = tag.into_bits();
            drop(Tag::from_bits(bits));
            if self.strikes(fault, Fault::DropsTwice) {
                drop(Tag::from_bits(bits));
            }
        }
        self.objects[object] = Object::default();
        self.free.push(object);
    }

    fn alive(&self, register: Option<usize>) -> Option<usize> {
        register.filter(|&object| self.objects[object].shape.is_some())
    }

    fn list(&mut self, register: Option<usize>) -> Option<&mut VecDeque<usize>> {
        let object = self.alive(register)?;
        let cell = &mut self.objects[object];
        (cell.shape == Some(Shape::List)).then_some(&mut cell.elements)
    }

    /// What neither the counts' outside references nor the shared roots reach.
    fn garbage(&mut self) -> Vec<usize> {
        let mut internal = vec![0; self.objects.len()];
        for cell in &self.objects {
            for &child in cell.fields.iter().flatten().chain(&cell.elements) {
                internal[child] += 1;
            }
        }
        let mut pending: Vec<usize> = (0..self.objects.len())
            .filter(|&o| self.objects[o].count > internal[o])
            .collect();
        while let Some(object) = pending.pop() {
            let cell = &mut self.objects[object];
            if !std::mem::replace(&mut cell.marked, true) {
                pending.extend(cell.fields.iter().flatten().chain(&cell.elements));
            }
        }
        let unmarked =
            |cell: &mut Object| !std::mem::take(&mut cell.marked) && cell.shape.is_some();
        (0..self.objects.len())
            .filter(|&object| unmarked(&mut self.objects[object]))
            .collect()
    }

    /// Frees the garbage, once no finalizer of it is left to run.
    fn sweep(&mut self, fault: Fault) {
        let unfinalized = |state: &Self, garbage: &[usize]| {
            let mut garbage = garbage.iter();
            garbage.any(|&object| state.objects[object].finalizer.is_some())
        };
        let mut garbage = self.garbage();
        while unfinalized(self, &garbage) {
            for object in garbage {
                if let Some(displaced) = self.finalize(object, fault) {
                    self.release(displaced, fault);
                }
            }
            garbage = self.garbage();
        }
        for object in garbage {
            let cell = &self.objects[object];
            // Only garbage refers to garbage here: nothing alive loses its last reference.
            let children = cell.fields.iter().flatten().chain(&cell.elements);
            for child in children.copied().collect::<Vec<_>>() {
                let count = &mut self.objects[child].count;
                *count = count.saturating_sub(1);
            }
            self.free(object, fault);
        }
    }
}

impl Heap for BadHeap {
    type Mutator<'h> = BadMutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            cycles: true,
            lists: true,
            counters: true,
            globals: true,
            weak: true,
            finalizers: true,
            certifies_death: self.fault != Fault::SettleFails,
            ..Caps::NONE
        }
    }

    fn attach(&self, seat: Seat) -> Result<BadMutator<'_>, Defect> {
        let mut state = self.state();
        let number = seat.number;
        assert!(!state.seated.contains(&number), "seat {number} is taken");
        state.attached += 1;
        if self.fault == Fault::AttachFails && state.attached >= COMINGS {
            return Err(Defect::Other {
                message: "the planted refusal".to_owned(),
            });
        }
        state.seated.push(number);
        Ok(BadMutator {
            heap: self,
            seat: number,
            registers: vec![None; seat.slots as usize],
            weak: vec![None; seat.slots as usize],
            buffer: Vec::new(),
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        if self.fault == Fault::SettleFails {
            return Err(Defect::Other {
                message: "the planted failure to settle".to_owned(),
            });
        }
        if self.fault != Fault::CyclesKept && self.fault != Fault::TruncationFrees {
            self.state().sweep(self.fault);
        }
        self.state().at_rest = true;
        Ok(())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let mut state = self.state();
        let mut living = 0;
        for object in 0..state.objects.len() {
            let Object {
                count,
                tag: Some(tag),
                ..
            } = &state.objects[object]
            else {
                continue;
            };
            let (id, count) = (tag.id(), *count);
            living += 1;
            if state.strikes(self.fault, Fault::CensusOmits) {
                continue;
            }
            let lie = u64::from(state.strikes(self.fault, Fault::CensusLies));
            visit(Belief {
                id,
                count: count + lie,
            });
        }
        let mark = Leftover {
            what: "cells with a mark".to_owned(),
            count: u64::from(self.fault == Fault::MarkLeft),
        };
        Some(Census {
            living,
            free_examined: state.free.len() as u64,
            spoiled: u64::from(self.fault == Fault::Spoiled),
            leftovers: vec![mark],
        })
    }

    fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        stats.defects.other = u64::from(self.fault == Fault::NotesOther);
        stats
    }
}
