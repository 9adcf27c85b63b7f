//! What a mutator can attest of weak references and finalizers, by looking at its own registers.
//!
//! A weak reference stands as long as its target is in the state in which it was downgraded: alive,
//! or alive with its finalizer run; or as long as that is alive, if the heap says that weak references
//! survive finalizers. Three claims are exact, however threads interleave, since what
//! a register holds cannot die under it:
//!
//! * a successful upgrade leads to the very object that was downgraded, and the reference stands;
//! * after a failed upgrade the reference does not stand, if the register that was downgraded still
//!   holds the target;
//! * while all mutators are stopped, a failed upgrade of a reference that stands means that its
//!   target is unreachable.
//!
//! A failed upgrade of an object that only others hold proves nothing: the target may have died
//! meanwhile, and its death may not be recorded yet. None of this is in the hot loop of a program
//! without weak references and finalizers, nor in the measured time of an operation.

use crate::evidence::{Anomalies, Name, WeakTally};
use crate::heap::tag::Life;
use crate::heap::{Caps, Mutator, ObjectId, Peek, Slot};
use crate::plan::{MutatorPlan, Needs, Op, weak_registers};

/// One mutator's knowledge of its weak references.
#[derive(Debug)]
pub(super) struct Attestor {
    /// By register.
    registers: Box<[Register]>,
    caps: Caps,
    tally: WeakTally,
    resurrected: u64,
}

#[derive(Debug, Clone, Copy)]
enum Register {
    /// Other operations than downgrades write to it, so its content is not known.
    Mixed,
    /// What was downgraded into it last.
    Weak(Option<Downgraded>),
}

/// A weak reference as it was made.
#[derive(Debug, Clone, Copy)]
struct Downgraded {
    target: ObjectId,
    /// The target's state then: [`Life::Alive`] or [`Life::Finalized`].
    state: Life,
    /// The register that held it.
    src: Slot,
}

impl Downgraded {
    fn stands(&self, caps: Caps) -> bool {
        let now = self.target.state();
        now == self.state || caps.weak_survives && now.is_alive()
    }
}

/// The target of a weak reference that stands, but whose upgrade failed while all mutators were
/// stopped. That is wrong if the target is reachable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost(pub(super) ObjectId);

impl Attestor {
    /// An attestor for a program with these needs, if it has anything to attest, on a heap with these
    /// abilities.
    pub(super) fn new(plan: &MutatorPlan, needs: Needs, caps: Caps) -> Option<Self> {
        if !needs.weak && !needs.finalizers {
            return None;
        }
        let mut registers = vec![Register::Mixed; plan.registers as usize];
        for slot in weak_registers(plan) {
            registers[slot.0 as usize] = Register::Weak(None);
        }
        Some(Self {
            registers: registers.into_boxed_slice(),
            caps,
            tally: WeakTally::default(),
            resurrected: 0,
        })
    }

    /// Checks what an operation left behind. `found` is what an upgrade or a fetch returned.
    pub(super) fn attest(&mut self, mutator: &mut dyn Mutator, op: Op, found: bool) {
        match op {
            Op::Downgrade { dst, src } => self.downgraded(mutator, dst, src),
            Op::Upgrade { dst, weak } if found => self.won(mutator, dst, weak),
            Op::Upgrade { weak, .. } => self.lost(mutator, weak),
            Op::Rejoin => self.forget(),
            Op::Fetch { dst, .. } if found => {
                let risen = matches!(mutator.peek(dst),
                    Peek::Object(id) if id.state() == Life::Finalized);
                self.resurrected += u64::from(risen);
            }
            _ => {}
        }
    }

    fn downgraded(&mut self, mutator: &mut dyn Mutator, dst: Slot, src: Slot) {
        let Register::Weak(downgraded) = &mut self.registers[dst.0 as usize] else {
            return;
        };
        match mutator.peek(src) {
            // Nothing was downgraded, and what was there stays.
            Peek::Empty => {}
            // The heap is broken, which other checks report.
            Peek::Stale => *downgraded = None,
            Peek::Object(target) => {
                let state = target.state();
                *downgraded = state
                    .is_alive()
                    .then_some(Downgraded { target, state, src });
            }
        }
    }

    /// All registers are empty.
    fn forget(&mut self) {
        for register in &mut self.registers {
            if let Register::Weak(downgraded) = register {
                *downgraded = None;
            }
        }
    }

    fn known(&self, weak: Slot) -> Option<Downgraded> {
        match self.registers[weak.0 as usize] {
            Register::Weak(downgraded) => downgraded,
            Register::Mixed => None,
        }
    }

    fn won(&mut self, mutator: &mut dyn Mutator, dst: Slot, weak: Slot) {
        self.tally.upgraded += 1;
        if let Some(downgraded) = self.known(weak) {
            self.tally.judged += 1;
            judge_won(
                (mutator, dst),
                &downgraded,
                self.caps,
                &mut self.tally.wrong,
            );
        }
    }

    fn lost(&mut self, mutator: &mut dyn Mutator, weak: Slot) {
        let Some(downgraded) = self.known(weak) else {
            return;
        };
        self.tally.lost += 1;
        if mutator.peek(downgraded.src) == Peek::Object(downgraded.target) {
            self.tally.judged += 1;
            if downgraded.stands(self.caps) {
                self.tally.wrong.add(|| {
                    let target = Name::in_words(downgraded.target);
                    format!("a weak reference to {target} was cleared while a register held it")
                });
            }
        }
    }

    /// Upgrades every weak reference while all mutators are stopped, into the empty register
    /// `spare`. Returns how many there were, and those that failed although they stand.
    pub(super) fn probe(
        &self,
        mutator: &mut dyn Mutator,
        spare: Slot,
        wrong: &mut Anomalies,
    ) -> (u64, Vec<Lost>) {
        let mut lost = Vec::new();
        let mut tried = 0;
        for (slot, register) in (0..).zip(&self.registers) {
            let Register::Weak(Some(downgraded)) = register else {
                continue;
            };
            tried += 1;
            if mutator.upgrade(spare, Slot(slot)) {
                judge_won((&mut *mutator, spare), downgraded, self.caps, wrong);
                mutator.clear(spare);
            } else if downgraded.stands(self.caps) {
                lost.push(Lost(downgraded.target));
            }
        }
        (tried, lost)
    }

    /// What was attested: of weak references, and how many fetches met a resurrected object.
    pub(super) fn into_tally(self) -> (WeakTally, u64) {
        (self.tally, self.resurrected)
    }
}

/// Judges a successful upgrade into `dst`.
fn judge_won(
    (mutator, dst): (&mut dyn Mutator, Slot),
    downgraded: &Downgraded,
    caps: Caps,
    wrong: &mut Anomalies,
) {
    let seen = mutator.peek(dst);
    let target = downgraded.target;
    if seen != Peek::Object(target) {
        wrong.add(|| {
            let target = Name::in_words(target);
            match seen {
                Peek::Object(other) => {
                    let other = Name::in_words(other);
                    format!("a weak reference to {target} was upgraded to {other}")
                }
                Peek::Empty | Peek::Stale => {
                    format!("a weak reference to {target} was upgraded to nothing")
                }
            }
        });
    } else if !downgraded.stands(caps) {
        let what = match target.state() {
            Life::Alive | Life::Finalized => "after its finalizer had run",
            Life::Dead | Life::Unknown => "after its death",
        };
        wrong.add(|| {
            format!(
                "a weak reference to {} was upgraded {what}",
                Name::in_words(target)
            )
        });
    }
}
