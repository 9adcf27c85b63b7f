//! The turns of a case on threads of a model checker; everything else is done on one thread.
//!
//! The session attaches the mutators, does the setup, and lets each mutator do its own turns on a
//! thread of the checker, which may switch threads at each access to shared memory. When all have
//! ended, the session goes on alone, with the same end as any case.

#![expect(
    unsafe_code,
    reason = "mutators are lent to threads of a model checker, which all run on one system thread"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Player, Session, put_through};
use crate::evidence::{Answer, Broke, Name, Race, Seen, Span, Trace, TraceStep};
use crate::heap::tag::Life;
use crate::heap::{Caps, Fault, Mutator, Peek};
use crate::plan::{Case, Op};
use crate::run::any::{AnyHeap, panic_message};

/// What the threads of one schedule record. It uses the standard library's types, so that the
/// checker does not switch threads here.
#[derive(Debug, Default)]
pub(in crate::run) struct Log {
    /// Counts calls and returns.
    clock: AtomicU64,
    done: Mutex<Vec<Done>>,
    broke: Mutex<Option<Broke>>,
    /// A thread panicked, so no other is to go on.
    is_over: AtomicBool,
}

/// One turn that was done.
#[derive(Debug)]
struct Done {
    span: Span,
    answer: Answer,
    peek: Option<Peek>,
}

impl Log {
    /// Empties the log for the next schedule.
    pub(in crate::run) fn reset(&self) {
        self.clock.store(0, Relaxed);
        self.is_over.store(false, Relaxed);
        locked(&self.done).clear();
        *locked(&self.broke) = None;
    }

    /// Whether a thread panicked, so that no other is to go on.
    pub(in crate::run) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Relaxed)
    }

    /// Records how the heap broke. Only the first time is kept.
    fn break_with(&self, broke: Broke) {
        locked(&self.broke).get_or_insert(broke);
    }

    /// What was done until a thread panicked; `None` if no thread did, or its race was already
    /// returned. The session is gone, so names are not checked, and the heap's abilities are left
    /// empty.
    pub(in crate::run) fn until_panic(&self) -> Option<Race> {
        let broke = Some(locked(&self.broke).take()?);
        let mut race = Race::of(Trace {
            broke,
            ..Trace::of(Caps::NONE)
        });
        self.tell(&mut race, |peek| match peek {
            Peek::Empty => Seen::Empty,
            Peek::Stale => Seen::Stale,
            Peek::Object(id) => Name::of(id).map_or(Seen::Stranger, Seen::Object),
        });
        Some(race)
    }

    fn tell(&self, race: &mut Race, name: impl Fn(Peek) -> Seen) {
        for done in locked(&self.done).drain(..) {
            race.spans.push(done.span);
            race.trace.steps.push(TraceStep {
                answer: done.answer,
                seen: done.peek.map_or(Seen::Unseen, &name),
            });
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Races a case on a fresh heap, which was opened as [`config_for`](super::config_for) says, within
/// an execution of the checker.
pub(in crate::run) fn race(
    heap: impl AnyHeap,
    case: &Case,
    fault: Option<Fault>,
    log: &Log,
) -> Race {
    // What the heap can do is in the trace that replaces this one.
    let mut race = Race::of(Trace::of(Caps::NONE));
    let mut done = Race::of(race.trace.clone());
    let trace = put_through(heap, case, fault, |session, trace| {
        let raced = session.race(log);
        log.tell(&mut done, |peek| session.name_of(peek));
        raced?;
        session.turns_done = u32::try_from(done.spans.len()).unwrap_or(u32::MAX);
        session.settle(trace);
        let living = session.living.iter();
        done.living = living.filter_map(|(id, _)| Name::of(*id)).collect();
        Ok(())
    });
    race.trace = Trace {
        steps: done.trace.steps,
        ..trace
    };
    (race.spans, race.living) = (done.spans, done.living);
    race.living.sort_unstable();
    race
}

impl Session<'_> {
    fn race(&mut self, log: &Log) -> Result<(), Broke> {
        self.attach_all()?;
        self.share_objects()?;
        self.rest_all();
        let (heap, case) = (self.heap, self.case);
        let numbered = || (0..).zip(case.all_turns());
        let setup = case.setup.len();
        for (number, turn) in numbered().take(setup) {
            let player = &mut self.players[turn.mutator as usize];
            player.mutator().wake();
            let done = player.race_turn(heap, case, (number, turn.op), log);
            player.rest();
            done?;
        }
        shuttle::thread::scope(|scope| {
            for (mutator, player) in (0..).zip(&mut self.players).take(case.mutators.len()) {
                let turns = numbered().skip(setup);
                let own = turns.filter(|(_, turn)| turn.mutator == mutator);
                let lent = Lent {
                    player,
                    heap,
                    case,
                    turns: own.map(|(number, turn)| (number, turn.op)).collect(),
                    log,
                };
                scope.spawn(move || lent.run());
            }
        });
        for player in &mut self.players {
            let fresh = player.fresh.drain(..);
            self.living.extend(fresh.map(|id| (id, Life::Alive)));
        }
        match locked(&log.broke).take() {
            None => Ok(()),
            Some(broke) => Err(broke),
        }
    }
}

/// A mutator that is lent to a thread of the checker, with what it is to do there.
struct Lent<'s, 'h> {
    player: &'s mut Player<'h>,
    heap: &'h dyn AnyHeap,
    case: &'h Case,
    turns: Vec<(u32, Op)>,
    log: &'s Log,
}

// SAFETY: the checker runs all its threads on one system thread, so nothing here ever reaches
// another; and the session, which owns what is lent, waits until all of them have ended.
unsafe impl Send for Lent<'_, '_> {}

impl Lent<'_, '_> {
    fn run(self) {
        let Self {
            player,
            heap,
            case,
            turns,
            log,
        } = self;
        let all = catch_unwind(AssertUnwindSafe(|| {
            player.mutator().wake();
            let mut turns = turns.into_iter();
            let done = turns.try_for_each(|turn| player.race_turn(heap, case, turn, log));
            // At rest it holds up no other mutator, for example by a lock or a pin.
            player.rest();
            done
        }));
        match all {
            Ok(Ok(())) => {}
            Ok(Err(broke)) => log.break_with(broke),
            Err(panic) => {
                log.break_with(Broke::Panicked(panic_message(&*panic)));
                log.is_over.store(true, Relaxed);
            }
        }
    }
}

impl<'h> Player<'h> {
    fn rest(&mut self) {
        // If it could not come back, there is no mutator.
        if let Some(mutator) = &mut self.mutator {
            mutator.rest();
        }
    }

    fn race_turn(
        &mut self,
        heap: &'h dyn AnyHeap,
        case: &Case,
        (turn, op): (u32, Op),
        log: &Log,
    ) -> Result<(), Broke> {
        let called = log.now();
        let answer = match op {
            Op::Rejoin => {
                self.race_rejoin(heap, case)?;
                Answer::Nothing
            }
            op => self.perform(op),
        };
        let returned = log.now();
        self.mutator().safepoint().map_err(Broke::Defect)?;
        let slot = match op {
            Op::Peek { slot } => Some(slot),
            op => op.changes(),
        };
        let peek = slot.map(|slot| self.mutator().peek(slot));
        let is_dead = matches!(peek, Some(Peek::Object(id)) if !id.state().is_alive());
        let span = Span {
            turn,
            called,
            returned,
            is_dead,
        };
        locked(&log.done).push(Done { span, answer, peek });
        Ok(())
    }

    fn race_rejoin(&mut self, heap: &'h dyn AnyHeap, case: &Case) -> Result<(), Broke> {
        drop(self.mutator.take());
        let mutator = heap.attach(self.seat).map_err(Broke::Unseated)?;
        let mutator = self.mutator.insert(mutator);
        for (slot, object) in &case.mutators[self.seat.number as usize].held {
            mutator.fetch(*slot, Case::root_of(*object));
        }
        Ok(())
    }
}
