//! Where mutators meet: at the start, at every pause, and at the end.
//!
//! A *round* opens once every member has arrived. Its steps then run one after the other: step 0 is
//! the leader's (settle the heap), steps 1 to n are one member's each (walk from its registers, on
//! its own thread), step n + 1 is the leader's again (conclude). The leader is the member with the
//! lowest number. A member that panics leaves; a round under way is then abandoned, so nobody waits
//! for a step that cannot come.
//!
//! Every wait here happens inside [`Mutator::idle`](crate::heap::Mutator::idle), or a mutator that
//! holds a global lock would keep the others from arriving.

use std::sync::PoisonError;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Why a member comes to the rendezvous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// To start together with the others.
    Start,
    /// Because a pause was asked for.
    Pause,
    /// Because it has nothing left to do.
    Done,
}

/// What a round is for: the first of start, pause and done that any member came for, so that nobody
/// is left behind.
pub(super) type Purpose = Intent;

/// A round that this member takes part in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) purpose: Purpose,
    /// This member's place among those present, from 0; 0 leads.
    pub(super) place: usize,
    /// How many are present.
    pub(super) present: usize,
}

/// The round was abandoned, since a member left in the middle of it.
#[derive(Debug)]
pub(super) struct Abandoned;

#[derive(Debug)]
pub(super) struct Rendezvous {
    state: Mutex<State>,
    changed: Condvar,
    pause_wanted: AtomicBool,
}

#[derive(Debug)]
struct State {
    members: Vec<usize>,
    arrived: Vec<Intent>,
    round: u64,
    purpose: Purpose,
    present: Vec<usize>,
    step: usize,
    running: bool,
    abandoned: bool,
}

impl Rendezvous {
    pub(super) fn new(members: usize) -> Self {
        Self {
            state: Mutex::new(State {
                members: (0..members).collect(),
                arrived: Vec::with_capacity(members),
                round: 0,
                purpose: Intent::Start,
                present: Vec::new(),
                step: 0,
                running: false,
                abandoned: false,
            }),
            changed: Condvar::new(),
            pause_wanted: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks everyone to come for a pause.
    pub(super) fn want_pause(&self) {
        // Pairs with the load in `pause_wanted`. Relaxed: seeing it late only delays the pause.
        self.pause_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether a pause was asked for. One relaxed load.
    #[inline]
    pub(super) fn pause_wanted(&self) -> bool {
        self.pause_wanted.load(Ordering::Relaxed)
    }

    /// Waits until every member has arrived.
    pub(super) fn arrive(&self, member: usize, intent: Intent) -> Round {
        let mut state = self.lock();
        // The last round must be closed before members may arrive for the next.
        while state.running {
            state = self.wait(state);
        }
        let round = state.round;
        state.arrived.push(intent);
        self.open_if_complete(&mut state);
        while state.round == round {
            state = self.wait(state);
        }
        let place = state
            .present
            .iter()
            .position(|&other| other == member)
            .unwrap_or(0);
        Round {
            purpose: state.purpose,
            place,
            present: state.present.len(),
        }
    }

    fn open_if_complete(&self, state: &mut State) {
        if state.arrived.len() < state.members.len() || state.members.is_empty() {
            return;
        }
        state.purpose = if state.arrived.contains(&Intent::Start) {
            Intent::Start
        } else if state.arrived.contains(&Intent::Pause) {
            Intent::Pause
        } else {
            Intent::Done
        };
        self.pause_wanted.store(false, Ordering::Relaxed);
        state.arrived.clear();
        state.present = state.members.clone();
        state.step = 0;
        state.running = true;
        state.abandoned = false;
        state.round += 1;
        self.changed.notify_all();
    }

    /// Waits until it is `step`'s turn.
    pub(super) fn await_step(&self, step: usize) -> Result<(), Abandoned> {
        let mut state = self.lock();
        while state.step < step && !state.abandoned {
            state = self.wait(state);
        }
        if state.abandoned {
            Err(Abandoned)
        } else {
            Ok(())
        }
    }

    /// Ends the current step.
    pub(super) fn finish_step(&self) {
        self.lock().step += 1;
        self.changed.notify_all();
    }

    /// The leader ends the round; everyone who waits for that goes on.
    pub(super) fn close(&self) {
        self.lock().running = false;
        self.changed.notify_all();
    }

    /// Waits until the leader has ended the round.
    pub(super) fn await_close(&self) {
        let mut state = self.lock();
        let round = state.round;
        while state.running && state.round == round && !state.abandoned {
            state = self.wait(state);
        }
    }

    /// Removes a member for good, even in the middle of a round.
    pub(super) fn leave(&self, member: usize) {
        let mut state = self.lock();
        state.members.retain(|&other| other != member);
        if state.running {
            state.abandoned = true;
            state.running = false;
        } else {
            self.open_if_complete(&mut state);
        }
        self.changed.notify_all();
    }
}

#[cfg(all(test, shuttle))]
mod models {
    use super::*;
    use crate::sync::Arc;
    use shuttle::thread;

    const SCHEDULES: usize = 10_000;

    /// One member's life: start, some pauses, done until everyone is. Returns what it was told each
    /// round was for. `dies_in` makes it leave in the middle of its step of that round.
    fn live(
        meeting: &Rendezvous,
        member: usize,
        pauses: usize,
        dies_in: Option<usize>,
    ) -> Vec<Intent> {
        let mut told = Vec::new();
        let mut intents = std::iter::once(Intent::Start)
            .chain(std::iter::repeat_n(Intent::Pause, pauses))
            .chain(std::iter::repeat(Intent::Done));
        loop {
            let intent = intents.next().expect("it never ends");
            let round = meeting.arrive(member, intent);
            told.push(round.purpose);
            if dies_in == Some(told.len()) {
                break;
            }
            if step(meeting, round).is_ok() && round.place == 0 {
                meeting.close();
            } else {
                meeting.await_close();
            }
            if round.purpose == Intent::Done {
                break;
            }
        }
        meeting.leave(member);
        told
    }

    fn step(meeting: &Rendezvous, round: Round) -> Result<(), Abandoned> {
        if round.place == 0 {
            meeting.finish_step();
        }
        meeting.await_step(1 + round.place)?;
        meeting.finish_step();
        if round.place == 0 {
            meeting.await_step(1 + round.present)?;
        }
        Ok(())
    }

    fn storm(dies_in: Option<usize>) {
        let meeting = Arc::new(Rendezvous::new(3));
        let threads: Vec<_> = (0..3)
            .map(|member| {
                let meeting = Arc::clone(&meeting);
                thread::spawn(move || {
                    live(&meeting, member, member, dies_in.filter(|_| member == 1))
                })
            })
            .collect();
        let told: Vec<_> = threads
            .into_iter()
            .map(|t| t.join().expect("it lives"))
            .collect();
        // Those that live to the end are told the same, and the end comes last and once.
        assert_eq!(told[0], told[2]);
        assert_eq!(told[0].last(), Some(&Intent::Done));
        assert_eq!(
            told[0]
                .iter()
                .filter(|purpose| **purpose == Intent::Done)
                .count(),
            1
        );
    }

    /// Goal: nobody waits for ever, and everyone agrees what each round is for.
    #[test]
    fn everyone_meets_random() {
        shuttle::check_random(|| storm(None), SCHEDULES);
    }

    /// Goal: nobody waits for ever, and everyone agrees what each round is for, under priorities
    /// that starve threads, too.
    #[test]
    fn everyone_meets_pct() {
        shuttle::check_pct(|| storm(None), SCHEDULES, 3);
    }

    /// Goal: a member that dies in the middle of a round holds nobody up.
    #[test]
    fn a_death_holds_nobody_up() {
        for round in 1..=3 {
            shuttle::check_random(move || storm(Some(round)), SCHEDULES / 2);
            shuttle::check_pct(move || storm(Some(round)), SCHEDULES / 2, 3);
        }
    }
}
