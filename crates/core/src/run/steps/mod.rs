//! A case on one thread: all mutators take turns, operation by operation, in the order of the case.
//!
//! All mutators but the one whose turn it is are at [rest](Mutator::rest), and the heap does its
//! upkeep [within calls](crate::heap::Upkeep::WithinCalls) only, so the same case on the same heap
//! always does the same, and leaves the same [`Trace`].
//!
//! Answers are recorded here and judged elsewhere. After each turn the tag of every object is
//! checked, so it is known in which turn an object died. At the end the heap settles, everything
//! reachable is walked, weak references are tried, and then all is let go of.

mod finish;
mod perform;
#[cfg(shuttle)]
pub(super) mod race;

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::any::{AnyHeap, AnyMutator, Fast, guarded, panic_message};
use super::walk::SCRATCH_MIN;
use crate::evidence::ledger::Producer;
use crate::evidence::{Answer, Broke, Happening, Name, ObjectEvent, Seen, Trace, TraceStep};
use crate::heap::tag::Life;
use crate::heap::{
    Caps, Defect, Fault, Global, Heap, HeapConfig, Mutator, ObjectId, Peek, Seat, Slot, Upkeep,
};
use crate::plan::{Case, Op};

/// A small nursery, so that short cases meet collections that the heap starts by itself.
const NURSERY: u32 = 4;

/// Up to this many living objects are checked after each turn.
const LIVING_FEW: usize = 256;

/// The configuration of a heap that a case can be stepped through on.
pub fn config_for(case: &Case) -> HeapConfig {
    HeapConfig {
        globals: case.roots,
        upkeep: Upkeep::WithinCalls,
        nursery: NURSERY,
        ..HeapConfig::with_capacity(case.capacity)
    }
}

/// Steps through a case on a fresh heap, which was opened as [`config_for`] says. `fault` is
/// planted in the harness's own view of the heap.
///
/// A heap that panics is leaked, with everything that it holds.
pub fn step_through<H: Heap + Sync>(heap: H, case: &Case, fault: Option<Fault>) -> Trace {
    step_through_any(Fast(heap), case, fault)
}

/// Steps through a case on a fresh heap of any type.
pub(super) fn step_through_any(heap: impl AnyHeap, case: &Case, fault: Option<Fault>) -> Trace {
    put_through(heap, case, fault, |session, trace| session.all(trace))
}

/// Does all turns in a session, settles the heap, lets go of everything, and returns the trace.
fn put_through(
    heap: impl AnyHeap,
    case: &Case,
    fault: Option<Fault>,
    all: impl FnOnce(&mut Session<'_>, &mut Trace) -> Result<(), Broke>,
) -> Trace {
    let heap = ManuallyDrop::new(heap);
    let caps = match guarded("caps", || heap.caps()) {
        Ok(caps) => caps,
        Err(panicked) => {
            return Trace {
                broke: Some(Broke::Panicked(panicked.to_string())),
                ..Trace::of(Caps::NONE)
            };
        }
    };
    let mut trace = Trace::of(caps);
    let mut session = ManuallyDrop::new(Session::new(&*heap, caps, case, fault));
    let ended = catch_unwind(AssertUnwindSafe(|| session.play_out(&mut trace, all)));
    let ended = match ended {
        Ok(()) => {
            // They outlive the heap, which may still hold objects that it lets go of now.
            let _producers = ManuallyDrop::into_inner(session).end();
            catch_unwind(AssertUnwindSafe(|| drop(ManuallyDrop::into_inner(heap))))
        }
        Err(panic) => Err(panic),
    };
    if let Err(panic) = ended {
        let panicked = Broke::Panicked(panic_message(&*panic));
        trace.broke.get_or_insert(panicked);
    }
    trace
}

/// One mutator in a session.
pub(super) struct Player<'h> {
    /// `None` while it rejoins, and after it has left.
    pub(super) mutator: Option<Box<dyn AnyMutator + 'h>>,
    pub(super) seat: Seat,
    producer: Producer,
    /// What it made, in order.
    births: Vec<ObjectId>,
    /// What it made since the session last checked its objects.
    fresh: Vec<ObjectId>,
    /// What it read last.
    accumulator: i64,
}

impl<'h> Player<'h> {
    /// The mutator, which is present whenever it has a turn.
    pub(super) fn mutator(&mut self) -> &mut (dyn AnyMutator + 'h) {
        let mutator = self.mutator.as_deref_mut();
        mutator.expect("a mutator that lost its place has no turns")
    }
}

/// A case that is being stepped through.
pub(super) struct Session<'h> {
    heap: &'h dyn AnyHeap,
    case: &'h Case,
    fault: Option<Fault>,
    /// The heap is for one mutator.
    is_alone: bool,
    /// The mutators, and after them the setup, which made the shared objects.
    players: Vec<Player<'h>>,
    /// Whose turn it was last; all others are at rest.
    awake: Option<usize>,
    /// The objects that were alive at the last check, each with its state then.
    living: Vec<(ObjectId, Life)>,
    turns_done: u32,
    /// How many turns remain until the next check for deaths.
    until_look: usize,
    /// The case has neither finalizers nor weak references, so nothing depends on the turn in which
    /// an object dies.
    is_plain: bool,
}

impl<'h> Session<'h> {
    fn new(heap: &'h dyn AnyHeap, caps: Caps, case: &'h Case, fault: Option<Fault>) -> Self {
        Self {
            heap,
            case,
            fault,
            is_alone: !caps.threads,
            players: Vec::with_capacity(case.mutators.len() + 1),
            awake: None,
            living: Vec::new(),
            turns_done: 0,
            until_look: 0,
            is_plain: case.all_turns().all(|turn| {
                !matches!(
                    turn.op,
                    Op::AllocFinalized { .. } | Op::Downgrade { .. } | Op::Upgrade { .. }
                )
            }),
        }
    }

    /// How many turns lie between two checks for deaths: one if there are few objects or the turn
    /// of a death matters, and otherwise so many that the checks take no longer than the turns.
    fn patience(&self) -> usize {
        if self.is_plain {
            (self.living.len() / LIVING_FEW).max(1)
        } else {
            1
        }
    }

    /// Does all turns, and the end. When it returns no mutator is attached any more; if it panics,
    /// some may be.
    fn play_out(
        &mut self,
        trace: &mut Trace,
        all: impl FnOnce(&mut Self, &mut Trace) -> Result<(), Broke>,
    ) {
        match all(self, trace) {
            Ok(()) => self.let_go(trace),
            Err(broke) => {
                trace.broke = Some(broke);
                (0..self.players.len()).for_each(|number| self.leave(number));
            }
        }
    }

    fn all(&mut self, trace: &mut Trace) -> Result<(), Broke> {
        self.attach_all()?;
        self.share_objects()?;
        trace.steps.reserve(self.case.turns.len());
        let case = self.case;
        for turn in case.all_turns() {
            let step = self.turn(turn.mutator as usize, turn.op)?;
            trace.steps.push(step);
            self.turns_done += 1;
            self.until_look = self.until_look.saturating_sub(1);
            if self.until_look == 0 {
                self.look(trace);
                self.until_look = self.patience();
            }
        }
        self.settle(trace);
        Ok(())
    }

    /// What was made, once all mutators have left. As long as it is kept, no other session of this
    /// process names its objects as these were named.
    fn end(self) -> Vec<Producer> {
        let players = self.players.into_iter();
        players.map(|player| player.producer).collect()
    }

    /// The number of the mutator that makes the shared objects and reads the roots. It is an extra
    /// one, unless the heap can have only one.
    fn setup(&self) -> usize {
        if self.is_alone {
            0
        } else {
            self.case.mutators.len()
        }
    }

    fn attach_all(&mut self) -> Result<(), Broke> {
        if self.is_alone && (self.case.mutators.len() > 1 || !self.case.shared.is_empty()) {
            return Err(Broke::Unseated(Defect::Other {
                message: "a heap for one mutator has no place for a second".to_owned(),
            }));
        }
        let scratch = self.case.capacity.saturating_add(SCRATCH_MIN);
        let setup = (!self.is_alone).then_some(0);
        let registers = self.case.mutators.iter().map(|mutator| mutator.registers);
        for (number, registers) in (0..).zip(registers.chain(setup)) {
            let seat = Seat {
                number,
                // One spare register, and those of the walk.
                slots: registers.saturating_add(1).saturating_add(scratch),
            };
            let mut mutator = self.heap.attach(seat).map_err(Broke::Unseated)?;
            mutator.rest();
            self.players.push(Player {
                mutator: Some(mutator),
                seat,
                producer: Producer::new(number),
                births: Vec::new(),
                fresh: Vec::new(),
                accumulator: 0,
            });
        }
        Ok(())
    }

    /// Makes the shared objects, and puts them into the registers that hold them.
    fn share_objects(&mut self) -> Result<(), Broke> {
        let setup = self.setup();
        for (number, shared) in self.case.shared.iter().enumerate() {
            let shape = shared.shape;
            let dst = self.spare(setup);
            if self.perform(setup, Op::Alloc { dst, shape }) == Answer::NoRoom {
                return Err(Broke::Unseated(Defect::Other {
                    message: format!("failed to make the shared `{}`: no room", shared.name),
                }));
            }
            let root = Case::root_of(number);
            self.mutator(setup).publish(root, dst);
        }
        (0..self.case.mutators.len()).for_each(|number| self.fetch_held(number));
        Ok(())
    }

    fn fetch_held(&mut self, number: usize) {
        let case = self.case;
        for (slot, object) in &case.mutators[number].held {
            self.mutator(number).fetch(*slot, Case::root_of(*object));
        }
    }

    /// The register after those that the program uses.
    fn spare(&self, number: usize) -> Slot {
        let mutator = self.case.mutators.get(number);
        Slot(mutator.map_or(0, |mutator| mutator.registers))
    }

    /// The mutator of this number, awake, with all others at rest.
    fn mutator(&mut self, number: usize) -> &mut (dyn AnyMutator + 'h) {
        if self.awake != Some(number) {
            self.rest_all();
            self.awake = Some(number);
            self.seated(number).wake();
        }
        self.seated(number)
    }

    fn seated(&mut self, number: usize) -> &mut (dyn AnyMutator + 'h) {
        self.players[number].mutator()
    }

    fn rest_all(&mut self) {
        if let Some(awake) = self.awake.take() {
            self.seated(awake).rest();
        }
    }

    fn turn(&mut self, number: usize, op: Op) -> Result<TraceStep, Broke> {
        let answer = match op {
            Op::Rejoin => {
                self.rejoin(number)?;
                Answer::Nothing
            }
            op => self.perform(number, op),
        };
        self.mutator(number).safepoint().map_err(Broke::Defect)?;
        let slot = match op {
            Op::Peek { slot } => Some(slot),
            op => op.changes(),
        };
        let seen = slot.map_or(Seen::Unseen, |slot| self.see(number, slot));
        Ok(TraceStep { answer, seen })
    }

    /// The mutator leaves and comes back as what is, to the heap, a new mutator.
    fn rejoin(&mut self, number: usize) -> Result<(), Broke> {
        self.leave(number);
        let seat = self.players[number].seat;
        let mutator = self.heap.attach(seat).map_err(Broke::Unseated)?;
        self.players[number].mutator = Some(mutator);
        self.awake = Some(number);
        self.fetch_held(number);
        Ok(())
    }

    /// A mutator leaves, if it has not yet.
    fn leave(&mut self, number: usize) {
        if self.players[number].mutator.is_none() {
            return;
        }
        // It is awake when it is dropped, as a mutator that leaves by itself is.
        self.mutator(number);
        self.awake = None;
        // It is taken out first: its drop may panic, and must not run a second time.
        drop(self.players[number].mutator.take());
    }

    fn see(&mut self, number: usize, slot: Slot) -> Seen {
        let peek = self.mutator(number).peek(slot);
        self.name_of(peek)
    }

    fn name_of(&self, peek: Peek) -> Seen {
        match peek {
            Peek::Empty => Seen::Empty,
            Peek::Stale => Seen::Stale,
            Peek::Object(id) => match Name::of(id) {
                Some(name) if self.is_known(name, id) => Seen::Object(name),
                Some(_) | None => Seen::Stranger,
            },
        }
    }

    /// Whether the object with this name was made in this session.
    fn is_known(&self, name: Name, id: ObjectId) -> bool {
        let births = self.players.get(name.maker as usize).map(|it| &it.births);
        let number = usize::try_from(name.number).unwrap_or(usize::MAX);
        births.and_then(|births| births.get(number)) == Some(&id)
    }

    /// Records what happened to objects since the last check. Reading the roots calls the heap,
    /// which may run more finalizers, so this repeats until none has run.
    fn look(&mut self, trace: &mut Trace) {
        while self.look_at_objects(trace) {
            self.look_at_roots(trace);
        }
    }

    /// Records deaths and finalizations since the last check. Returns whether finalizers ran.
    fn look_at_objects(&mut self, trace: &mut Trace) -> bool {
        let (events, after) = (&mut trace.events, self.turns_done);
        let before = events.len();
        let mut finalized = false;
        self.living.retain_mut(|(id, state)| {
            let now = id.state();
            // First, and alone: nearly all objects are as they were.
            if now == *state {
                return now.is_alive();
            }
            let Some(name) = Name::of(*id) else {
                return now.is_alive();
            };
            let is_new = *state == Life::Alive && id.has_finalizer();
            // An object that was finalized and then died since the last check shows only that it is
            // dead; one that died without its finalizer is in the segment's notes.
            if now == Life::Finalized || is_new && now == Life::Dead {
                finalized = true;
                let what = Happening::Finalized(name);
                events.push(ObjectEvent { after, what });
            }
            *state = now;
            if !now.is_alive() {
                let what = Happening::Died(name);
                events.push(ObjectEvent { after, what });
            }
            now.is_alive()
        });
        if events.len() > before {
            // Events are ordered by names, since the order of a heap's own work is not to be
            // compared.
            events[before..].sort_unstable_by_key(|event| match event.what {
                Happening::Finalized(name) => (0, name),
                Happening::Died(name) => (1, name),
                Happening::Root(..) => unreachable!("roots are looked at below"),
            });
        }
        finalized
    }

    fn look_at_roots(&mut self, trace: &mut Trace) {
        let setup = self.setup();
        let (spare, after) = (self.spare(setup), self.turns_done);
        for root in 0..self.case.roots {
            let mutator = self.mutator(setup);
            let is_found = mutator.fetch(spare, Global(root));
            let seen = match is_found {
                true => self.see(setup, spare),
                false => Seen::Empty,
            };
            self.mutator(setup).clear(spare);
            let what = Happening::Root(root, seen);
            trace.events.push(ObjectEvent { after, what });
        }
    }
}
