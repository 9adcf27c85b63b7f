//! What one mutator can tell of its answers by itself, tried in windows.
//!
//! What only one mutator can reach has an exact model: the objects that it made and never put where
//! others reach them, the lists that it alone changes, and its own registers, whatever they lead to. In
//! a *window* of some operations the mutator keeps that model beside the heap ([`model`]), compares
//! every answer with it, and looks at each register that an operation changed and at each node that it
//! stored into. At the window's end it compares what is left: every register, and what they lead to. So
//! a `load` or a `get` that answers another object is seen, and a store that stores nothing.
//!
//! Of what others can change nothing is said here: an object leaves the model as soon as it is stored
//! into something shared, together with all that it leads to. Histories judge that
//! ([`linearizable`](crate::check)).
//!
//! Outside of windows nothing is done, so the loop that is measured knows nothing of this. Inside, an
//! operation takes some 50 to 100 ns longer, which is not counted as its own time; windows cover less
//! than a hundredth of the operations, which comes to less than 1 ns an operation.

mod held;
mod listening;
mod model;
mod sequence;
mod steps;

use crate::evidence::{AnswerTally, ListTally, Name};
use crate::heap::{Field, Mutator, ObjectId, Peek, Shape, Slot};
use crate::plan::{Needs, Op, Plan, Spacing};

use held::Held;
pub(super) use listening::{Heard, Listening};
use model::Model;
use sequence::Sequence;

/// Operations in a window: as many as are handed out at a time, so that a window sees whole rounds of
/// what most programs repeat.
const WINDOW_OPS: u64 = 1024;
/// Operations between two windows, drawn anew each time so that no loop of a program keeps step with
/// them. On average 128 times as many as in a window (see the module for what that costs).
const GAP_LEAST: u64 = 1 << 16;
const GAP_MOST: u64 = 3 << 16;
/// How many objects deep the comparison at a window's end goes; each takes a register of the walk's, of
/// which there are at least this many (`walk::SCRATCH_MIN`).
const DEPTH_MAX: u32 = 6;

/// One mutator's own view of what it is answered.
#[derive(Debug)]
pub(super) struct Shadow {
    /// Operations until the window closes, or until the next opens.
    left: u64,
    gaps: Spacing,
    /// There while a window is open.
    model: Option<Model>,
    /// What windows begin with.
    ground: Ground,
    tally: AnswerTally,
}

/// What is known of a mutator before it has done anything.
#[derive(Debug)]
struct Ground {
    registers: u32,
    /// Registers may hold weak references. A look finds nothing in such a register, as in an empty
    /// one.
    has_weak: bool,
    /// The shared objects' ids, by the number of the shared root that always holds them.
    roots: Box<[ObjectId]>,
    /// Lists that this mutator alone changes: their ids, and its registers for them.
    lists: Vec<(ObjectId, Slot)>,
}

impl Shadow {
    /// Of mutator `number`, before its first operation. `objects` are the ids of the shared objects.
    pub(super) fn new(number: u32, plan: &Plan, needs: Needs, objects: &[ObjectId]) -> Self {
        let ground = Ground {
            registers: plan.mutators[number as usize].registers,
            has_weak: needs.weak,
            roots: objects.into(),
            lists: own_lists(number, plan, objects),
        };
        Self {
            left: 0,
            gaps: Spacing::new(GAP_LEAST, GAP_MOST, plan.seed, number),
            model: None,
            ground,
            tally: AnswerTally::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.model.is_some()
    }

    /// How many operations may be done before [`turn`](Self::turn) must be called.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// So many operations were done; whether it is time to [`turn`](Self::turn).
    pub(super) fn is_due(&mut self, ops: u64) -> bool {
        self.left -= ops;
        self.left == 0
    }

    /// Opens a window, or closes the one that is open.
    pub(super) fn turn(&mut self, mutator: &mut dyn Mutator, tallies: &[ListTally]) {
        if self.is_open() {
            self.close(mutator);
            self.left = self.gaps.draw();
        } else {
            self.open(mutator, tallies);
            self.left = WINDOW_OPS;
        }
    }

    /// Begins with what is in the registers.
    pub(super) fn open(&mut self, mutator: &mut dyn Mutator, tallies: &[ListTally]) {
        let ground = &self.ground;
        let mut model = Model::new(ground.registers);
        for slot in model.slots() {
            let seen = mutator.peek(slot);
            self.tally.looks.see(seen);
            if seen != Peek::Empty || !ground.has_weak {
                model.put(slot, Held::seen(seen));
            }
        }
        for &(list, slot) in &ground.lists {
            let len = tallies[slot.0 as usize].model_len();
            model.follow_list(list, Sequence::unseen(len));
        }
        self.model = Some(model);
    }

    /// Compares what is left, and forgets it. Does nothing between two windows.
    pub(super) fn close(&mut self, mutator: &mut dyn Mutator) {
        let Some(mut model) = self.model.take() else {
            return;
        };
        for slot in model.slots() {
            self.look(&mut model, mutator, slot, "at the end of a window");
            if let Held::Known(Some(id)) = model.held(slot) {
                let spare = Slot(self.ground.registers);
                self.compare(&mut model, mutator, (slot, id), spare, DEPTH_MAX);
            }
        }
    }

    /// An operation was done, and was answered what was heard.
    pub(super) fn follow(&mut self, mutator: &mut dyn Mutator, op: &Op, heard: Heard) {
        let Some(mut model) = self.model.take() else {
            return;
        };
        self.tally.followed += 1;
        let judge = &mut |is_right: bool, what: &str| {
            self.tally.judged += 1;
            if !is_right {
                let kind = op.kind().name();
                self.tally.wrong.add(|| format!("`{kind}` {what}"));
            }
        };
        let read = match *op {
            Op::Get { dst, list, index } if heard.found => Some((model.held(list), index, dst)),
            _ => None,
        };
        model.apply(op, &heard, &self.ground.roots, judge);
        if let Some(slot) = op.changes() {
            self.look(&mut model, mutator, slot, op.kind().name());
        }
        if let Some((list, index, dst)) = read {
            model.learn(list, index.into(), model.held(dst));
        }
        if let Op::Store { obj, .. } | Op::Erase { obj, .. } = *op
            && let Held::Known(Some(node)) = model.held(obj)
        {
            let spare = Slot(self.ground.registers);
            self.compare(&mut model, mutator, (obj, node), spare, 1);
        }
        self.model = Some(model);
    }

    /// Looks at what a register leads to. What is not known yet is known from then on.
    fn look(&mut self, model: &mut Model, mutator: &mut dyn Mutator, slot: Slot, when: &str) {
        let expected = model.held(slot);
        if expected == Held::Unknown {
            return;
        }
        let seen = mutator.peek(slot);
        self.tally.looks.see(seen);
        let found = Held::seen(seen);
        if seen == Peek::Stale {
            // Counted as a look, and judged as such.
        } else if expected == Held::Answered {
            let is_mine = matches!(found, Held::Known(Some(id)) if model.is_mine(id));
            self.judge(!is_mine, || {
                format!("{when}: others answered {found}, which only this mutator can reach")
            });
        } else {
            self.judge(found == expected, || {
                format!(
                    "{when}: register {} leads to {found}, not to {expected}",
                    slot.0
                )
            });
        }
        model.put(slot, found);
    }

    /// Compares the fields of a node, and of all below it that only this mutator can reach, down to a
    /// depth. The registers from `spare` on are empty, and are again afterwards.
    fn compare(
        &mut self,
        model: &mut Model,
        mutator: &mut dyn Mutator,
        (at, id): (Slot, ObjectId),
        spare: Slot,
        depth: u32,
    ) {
        if id.shape() != Shape::Node || depth == 0 {
            return;
        }
        for field in [Field(0), Field(1)] {
            let Some(expected @ Held::Known(child)) = model.field(id, field) else {
                continue;
            };
            mutator.load(spare, at, field);
            let seen = mutator.peek(spare);
            self.tally.looks.see(seen);
            let found = Held::seen(seen);
            self.judge(seen == Peek::Stale || found == expected, || {
                format!(
                    "field {} of {} holds {found}, not {expected}",
                    field.0,
                    Name::in_words(id)
                )
            });
            if let (true, Some(child)) = (found == expected && child != Some(id), child) {
                self.compare(model, mutator, (spare, child), Slot(spare.0 + 1), depth - 1);
            }
            mutator.clear(spare);
        }
    }

    fn judge(&mut self, is_right: bool, describe: impl FnOnce() -> String) {
        self.tally.judged += 1;
        if !is_right {
            self.tally.wrong.add(describe);
        }
    }

    /// What was answered, and what of it was wrong.
    pub(super) fn into_tally(self) -> AnswerTally {
        self.tally
    }
}

/// The lists that only mutator `number` changes, and only through the register that is theirs.
fn own_lists(number: u32, plan: &Plan, objects: &[ObjectId]) -> Vec<(ObjectId, Slot)> {
    let held = plan.mutators[number as usize].held.iter();
    let own = held.filter(|(_, object)| {
        let usage = &plan.objects[*object].usage;
        usage.writers == [number] && !usage.aliased
    });
    own.filter_map(|&(slot, object)| Some((*objects.get(object)?, slot)))
        .filter(|(id, _)| id.shape() == Shape::List)
        .collect()
}

#[cfg(test)]
mod tests;
