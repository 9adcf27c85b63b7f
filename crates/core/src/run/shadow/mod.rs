//! Compares a mutator's answers with a model of what only that mutator can change, in sampled
//! windows.
//!
//! What only one mutator can reach has an exact model: the objects that it made and never put where
//! others reach them, the lists that it alone changes, and its own registers, whatever they lead
//! to. In a *window* of some operations the mutator keeps that model beside the heap ([`model`])
//! and compares the answers with it. It looks at each register that an operation changed, and reads
//! what an operation changed in an object: the fields of a node, a list's length and the element
//! that was put there, a counter ([`looks`]). At the window's end it compares what is left: every
//! register, and what they lead to. So a `load` or a `get` that answers another object is seen, and
//! a store or an append that changes nothing.
//!
//! What others can change is not judged here: an object leaves the model as soon as it is stored
//! into something shared, together with all that it leads to. `linearizable` judges it
//! ([`check`](crate::check)). What is done to shared roots is noted in the same windows, and
//! compared later with what others note ([`roots`](super::roots)).
//!
//! Outside of windows nothing is done, so the loop that is measured knows nothing of this. Inside,
//! an operation takes some 50 to 100 ns longer, which is not counted as its own time. A run begins
//! with a window; of a long run, windows cover less than a hundredth of the operations, which comes
//! to less than 1 ns an operation.

mod held;
mod listening;
mod looks;
mod model;
mod sequence;
mod steps;

use std::fmt::Arguments;

use super::roots::Roots;
use crate::evidence::history::Element;
use crate::evidence::{AnswerTally, ListTally};
use crate::heap::{Mutator, ObjectId, Peek, Shape, Slot};
use crate::plan::{Between, Needs, Op, Plan, Spacing};

use held::Held;
pub(super) use listening::{Heard, Listening};
use model::Model;
use sequence::Sequence;

/// Operations in a window: as many as a batch has, which is whole rounds of most programs.
const WINDOW_OPS: u64 = 1024;
/// Operations between two windows, drawn anew each time so that no loop of a program keeps step
/// with them. On average 128 times as many as in a window (see the module for what that costs).
const GAP_LEAST: u64 = 1 << 16;
const GAP_MOST: u64 = 3 << 16;

/// One mutator's own view of what it is answered.
#[derive(Debug)]
pub(super) struct Shadow {
    /// Operations until the window closes, or until the next opens.
    left: u64,
    gaps: Spacing,
    /// There while a window is open.
    /// Boxed, since it is taken out and put back for each operation.
    model: Option<Box<Model>>,
    /// What windows begin with.
    ground: Ground,
    tally: AnswerTally,
    roots: Roots,
}

/// What is known of a mutator before it has done anything.
#[derive(Debug)]
struct Ground {
    registers: u32,
    /// Whether registers may hold weak references; `peek` cannot tell these from empty registers.
    has_weak: bool,
    /// The shared objects' ids, by the number of the shared root that always holds them.
    roots: Box<[ObjectId]>,
    /// Lists that this mutator alone changes: their ids, and its registers for them.
    lists: Vec<(ObjectId, Slot)>,
}

impl Shadow {
    /// Of mutator `number`, before its first operation. `objects` are the ids of the shared
    /// objects.
    pub(super) fn new(
        number: u32,
        plan: &Plan,
        needs: Needs,
        objects: &[ObjectId],
        roots: Roots,
    ) -> Self {
        let ground = Ground {
            registers: plan.mutators[number as usize].registers,
            has_weak: needs.weak,
            roots: objects.into(),
            lists: own_lists(number, plan, objects),
        };
        Self {
            left: 0,
            gaps: Spacing::new((GAP_LEAST, GAP_MOST), Between::Windows, plan.seed, number),
            model: None,
            ground,
            tally: AnswerTally::default(),
            roots,
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
        self.model = Some(Box::new(model));
    }

    /// Compares what is left, and forgets it. Does nothing between two windows.
    pub(super) fn close(&mut self, mutator: &mut dyn Mutator) {
        if let Some(mut model) = self.model.take() {
            self.compare_all(&mut model, mutator);
        }
    }

    /// Forgets the model, as after an operation whose answer is not known. Later windows open as
    /// before.
    pub(super) fn forget(&mut self) {
        self.model = None;
    }

    /// An operation is about to be done in a window.
    pub(super) fn expect(&mut self, op: &Op) {
        let model = self.model.as_ref();
        self.roots.begin(op, || match *op {
            Op::Publish { src, .. } => model?.held(src).object().map(Element::named),
            _ => None,
        });
    }

    /// An operation was done, and was answered what was heard.
    pub(super) fn follow(&mut self, mutator: &mut dyn Mutator, op: &Op, heard: Heard) {
        let returned = self.roots.returned();
        let Some(mut model) = self.model.take() else {
            return;
        };
        self.tally.followed += 1;
        let judge = &mut |is_right: bool, what: Arguments<'_>| {
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
        let is_refused = matches!(*op, Op::Append { list, val } if !heard.found
            && model.held(val).object().is_some()
            && model.held(list).object().is_some_and(|id| id.shape() == Shape::List));
        self.tally.refused += u64::from(is_refused);
        model.apply(op, &heard, &self.ground.roots, judge);
        if let Some(slot) = op.changes() {
            self.look(&mut model, mutator, slot, op.kind().name());
        }
        if let Some((list, index, dst)) = read {
            model.learn(list, index.into(), model.held(dst));
        }
        match *op {
            Op::Store { obj, .. }
            | Op::Erase { obj, .. }
            | Op::Add { counter: obj, .. }
            | Op::WriteBack { counter: obj, .. } => self.compare_object(&model, mutator, obj),
            Op::Append { list, .. } => {
                let last = model.len(list).and_then(|len| len.checked_sub(1));
                self.compare_list(&model, mutator, list, last);
            }
            Op::Set { list, index, .. } => {
                self.compare_list(&model, mutator, list, Some(index.into()));
            }
            Op::Pop { list, .. }
            | Op::TruncateFront { list, .. }
            | Op::TruncateFrontTo { list, .. }
            | Op::TruncateBack { list, .. }
            | Op::TruncateBackTo { list, .. } => self.compare_list(&model, mutator, list, None),
            _ => {}
        }
        let found = match *op {
            Op::Fetch { dst, .. } if heard.found => {
                let object = model.held(dst).object();
                object.map(|id| Some(Element::named(id)))
            }
            _ => Some(None),
        };
        self.roots.end(returned, found);
        self.model = Some(model);
    }

    /// What was answered, and what of it was wrong; and what was seen of shared roots.
    pub(super) fn into_parts(self) -> (AnswerTally, Roots) {
        (self.tally, self.roots)
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
