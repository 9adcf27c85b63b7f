//! Looks at what the heap has, and compares it with what it should have by the model.

use super::Shadow;
use super::held::Held;
use super::model::Model;
use crate::evidence::Name;
use crate::heap::{Field, Mutator, ObjectId, Peek, Shape, Slot};

/// How many objects deep a comparison goes. Each level takes a register of the walk's, of which
/// there are more (`walk::SCRATCH_MIN`).
const DEPTH_MAX: u32 = 6;
/// How many places are compared at a window's end: lists of lists lead to more than anybody could
/// read.
const PLACES_MAX: u32 = 4096;

impl Shadow {
    /// Compares all registers, and what they lead to.
    pub(super) fn compare_all(&mut self, model: &mut Model, mutator: &mut dyn Mutator) {
        let mut left = PLACES_MAX;
        for slot in model.slots() {
            self.look(model, mutator, slot, "at the end of a window");
            if let Some(id) = model.held(slot).object() {
                let spare = Slot(self.ground.registers);
                self.compare(model, mutator, (slot, id), spare, (DEPTH_MAX, &mut left));
            }
        }
    }

    /// Looks at what a register leads to. What is not known yet is known from then on.
    pub(super) fn look(
        &mut self,
        model: &mut Model,
        mutator: &mut dyn Mutator,
        slot: Slot,
        when: &str,
    ) {
        let expected = model.held(slot);
        if expected == Held::Unknown {
            return;
        }
        let seen = mutator.peek(slot);
        self.tally.looks.see(seen);
        let found = Held::seen(seen);
        if seen == Peek::Stale {
            // `dangling` judges it, by the tally of looks.
        } else if expected == Held::Answered {
            let is_mine = matches!(found, Held::Known(Some(id)) if model.is_mine(id));
            self.judge(!is_mine, || {
                format!("{when}: found {found} where others store, but only this mutator has it")
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

    /// Compares what a node or a counter holds after an operation has changed it.
    pub(super) fn compare_object(&mut self, model: &Model, mutator: &mut dyn Mutator, at: Slot) {
        if let Some(id) = model.held(at).object() {
            let spare = Slot(self.ground.registers);
            self.compare(model, mutator, (at, id), spare, (1, &mut 2));
        }
    }

    /// Compares the length of a list that an operation changed, and the element that it put there.
    pub(super) fn compare_list(
        &mut self,
        model: &Model,
        mutator: &mut dyn Mutator,
        list: Slot,
        index: Option<u64>,
    ) {
        let Some(sequence) = model.held(list).object().and_then(|id| model.sequence(id)) else {
            return;
        };
        self.compare_len(mutator, list, sequence.len());
        let element = index.and_then(|index| Some((index, sequence.get(index)?.object()?)));
        if let Some((index, id)) = element {
            let spare = Slot(self.ground.registers);
            mutator.get(spare, list, index);
            self.compare_place(mutator, spare, Some(id), || element_in_words(index));
            mutator.clear(spare);
        }
    }

    /// Compares an object with what the model says of it, and all below it that only this mutator
    /// can reach, down to a depth, while places are left to be compared. The registers from `spare`
    /// on are empty, and are again afterwards.
    fn compare(
        &mut self,
        model: &Model,
        mutator: &mut dyn Mutator,
        (at, id): (Slot, ObjectId),
        spare: Slot,
        (depth, left): (u32, &mut u32),
    ) {
        let next = Slot(spare.0 + 1);
        match id.shape() {
            Shape::Leaf => {}
            Shape::Counter => {
                if let Some(value) = model.counter(id) {
                    let found = mutator.read(at);
                    self.judge(found == value, || {
                        format!("a counter that nobody else reaches is {found}, not {value}")
                    });
                }
            }
            Shape::Node => {
                for field in [Field(0), Field(1)] {
                    let Some(Held::Known(child)) = model.field(id, field) else {
                        continue;
                    };
                    let Some(fewer) = left.checked_sub(1) else {
                        return;
                    };
                    *left = fewer;
                    mutator.load(spare, at, field);
                    let is_right = self.compare_place(mutator, spare, child, || {
                        format!("field {} of {}", field.0, Name::in_words(id))
                    });
                    let below = child.filter(|child| is_right && *child != id && depth > 1);
                    if let Some(child) = below {
                        self.compare(model, mutator, (spare, child), next, (depth - 1, left));
                    }
                    mutator.clear(spare);
                }
            }
            Shape::List => {
                let Some(sequence) = model.sequence(id) else {
                    return;
                };
                self.compare_len(mutator, at, sequence.len());
                for (index, child) in sequence.known() {
                    let Some(fewer) = left.checked_sub(1) else {
                        return;
                    };
                    *left = fewer;
                    mutator.get(spare, at, index);
                    let is_right =
                        self.compare_place(mutator, spare, Some(child), || element_in_words(index));
                    if is_right && depth > 1 {
                        self.compare(model, mutator, (spare, child), next, (depth - 1, left));
                    }
                    mutator.clear(spare);
                }
            }
        }
    }

    fn compare_len(&mut self, mutator: &mut dyn Mutator, list: Slot, len: u64) {
        let found = mutator.len(list);
        self.judge(found == len, || {
            format!("a list that nobody else changes is {found} long, not {len}")
        });
    }

    /// Compares what a place holds, which was read into register `spare`. Returns whether it holds
    /// what it should.
    fn compare_place(
        &mut self,
        mutator: &mut dyn Mutator,
        spare: Slot,
        expected: Option<ObjectId>,
        place: impl FnOnce() -> String,
    ) -> bool {
        let seen = mutator.peek(spare);
        self.tally.looks.see(seen);
        let (found, expected) = (Held::seen(seen), Held::Known(expected));
        self.judge(seen == Peek::Stale || found == expected, || {
            format!("{} holds {found}, not {expected}", place())
        });
        found == expected
    }

    fn judge(&mut self, is_right: bool, describe: impl FnOnce() -> String) {
        self.tally.judged += 1;
        if !is_right {
            self.tally.wrong.add(describe);
        }
    }
}

fn element_in_words(index: u64) -> String {
    format!("element {index} of a list that nobody else changes")
}
