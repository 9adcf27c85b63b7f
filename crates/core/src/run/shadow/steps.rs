//! What each operation does to the model, and what it must answer.

use std::fmt::Arguments;

use super::held::Held;
use super::listening::Heard;
use super::model::Model;
use super::sequence::Sequence;
use crate::heap::{Field, ObjectId, Shape, Slot};
use crate::plan::Op;

/// Called for each answer: whether it is right, and what is wrong if it is not.
pub(super) type Judge<'a> = dyn FnMut(bool, Arguments<'_>) + 'a;

impl Model {
    /// Does what an operation did, which was answered what was `heard`. `roots` are the objects
    /// that the first shared roots always hold.
    pub(super) fn apply(
        &mut self,
        op: &Op,
        heard: &Heard,
        roots: &[ObjectId],
        judge: &mut Judge<'_>,
    ) {
        match *op {
            Op::Alloc { dst, shape } => self.make(dst, shape, heard.made),
            Op::AllocFinalized { dst, .. } => self.put(dst, Held::Known(heard.made)),
            Op::Copy { dst, src } => match self.held(src) {
                Held::NOTHING => {}
                Held::Known(object) => self.put(dst, Held::Known(object)),
                _ => self.blur(dst),
            },
            Op::Clear { slot } => self.put(slot, Held::NOTHING),
            Op::Peek { slot } => {
                let seen = heard.seen.map_or(Held::Unknown, Held::seen);
                if let (Held::Known(held), Held::Known(seen)) = (self.held(slot), seen) {
                    let (held, seen) = (Held::Known(held), Held::Known(seen));
                    let what = format_args!("found {seen} in a register that leads to {held}");
                    judge(held == seen, what);
                }
            }
            Op::Load { dst, obj, field } => match self.held(obj) {
                Held::Known(Some(id)) if id.shape() == Shape::Node => {
                    let held = self.field(id, field).filter(|held| *held != Held::Unknown);
                    self.put(dst, held.unwrap_or(Held::Answered));
                }
                Held::Known(_) => {}
                _ => self.blur(dst),
            },
            Op::Store { obj, field, val } => self.store(obj, field, val),
            Op::Erase { obj, field } => {
                if let Some(node) = self.held(obj).object() {
                    self.put_into_field(node, field, Held::NOTHING);
                }
            }
            Op::Publish { src, .. } => {
                self.share(self.held(src));
                if self.held(src) != Held::Unknown {
                    self.put(src, Held::NOTHING);
                }
            }
            Op::Fetch { dst, global } => {
                let root = roots.get(usize::from(global.0)).copied();
                if root.is_some() {
                    let what = format_args!("found nothing in a root that always holds an object");
                    judge(heard.found, what);
                }
                if heard.found {
                    self.put(dst, root.map_or(Held::Answered, |id| Held::Known(Some(id))));
                }
            }
            Op::Downgrade { dst, src } => match self.held(src) {
                Held::NOTHING => {}
                Held::Known(object) => {
                    self.share(Held::Known(object));
                    self.put(dst, Held::Unknown);
                }
                _ => self.blur(dst),
            },
            Op::Upgrade { dst, .. } if heard.found => self.put(dst, Held::Answered),
            Op::Add { .. } | Op::Read { .. } | Op::WriteBack { .. } => {
                self.apply_to_counter(op, heard, judge);
            }
            _ => self.apply_to_list(op, heard, judge),
        }
    }

    fn store(&mut self, obj: Slot, field: Field, val: Slot) {
        let value = self.held(val);
        match self.held(obj) {
            _ if value == Held::NOTHING => {}
            Held::Known(Some(node)) if node.shape() == Shape::Node => {
                if value == Held::Unknown {
                    // If it is weak, the field keeps what it holds.
                    let kept = self.field(node, field);
                    self.share(kept.unwrap_or(Held::Unknown));
                } else {
                    self.put(val, Held::NOTHING);
                }
                self.put_into_field(node, field, value);
            }
            Held::Known(_) => {}
            _ => self.blur(val),
        }
    }

    fn apply_to_counter(&mut self, op: &Op, heard: &Heard, judge: &mut Judge<'_>) {
        let (Op::Add { counter, .. } | Op::Read { counter } | Op::WriteBack { counter, .. }) = *op
        else {
            return;
        };
        let Some(value) = self.counter_mut(counter) else {
            return;
        };
        match *op {
            Op::Read { .. } => {
                let found = heard.value;
                let what =
                    format_args!("answered {found}, not {value}; nobody else reaches the counter");
                judge(found == *value, what);
            }
            Op::Add { by, .. } => *value = value.wrapping_add(by),
            _ => *value = heard.value,
        }
    }

    fn apply_to_list(&mut self, op: &Op, heard: &Heard, judge: &mut Judge<'_>) {
        match *op {
            Op::Append { list, val } => {
                let value = self.held(val);
                if heard.found {
                    let what = format_args!("says that it appended, but its register was empty");
                    judge(value != Held::NOTHING, what);
                    if let Some(sequence) = self.sequence_mut(list) {
                        sequence.push(value);
                    }
                    self.put_into(list, value);
                    self.put(val, Held::NOTHING);
                }
            }
            Op::Set { list, index, val } => {
                let (index, value) = (u64::from(index), self.held(val));
                let len = self.sequence_mut(list).map(|sequence| sequence.len());
                if let (Some(len), Held::Known(value)) = (len, value) {
                    let can_be = index < len && value.is_some();
                    let (found, value) = (heard.found, Held::Known(value));
                    let what = format_args!(
                        "of {value} at index {index} answered {found}; the list has {len} elements"
                    );
                    judge(found == can_be, what);
                }
                if heard.found {
                    let sequence = self.sequence_mut(list).filter(|it| index < it.len());
                    if let Some(sequence) = sequence {
                        sequence.set(index, value);
                    }
                    self.put_into(list, value);
                    self.put(val, Held::NOTHING);
                }
            }
            Op::Get { dst, list, index } => self.get(dst, list, index.into(), heard, judge),
            Op::Pop { dst, list } => {
                let len = self.len(list).unwrap_or(0);
                let popped = self.sequence_mut(list).map(Sequence::pop);
                if let Some(element) = popped {
                    let found = heard.found;
                    let what = format_args!("answered {found}; the list had {len} elements");
                    judge(found == element.is_some(), what);
                }
                self.take_answer(dst, popped.flatten(), heard);
            }
            Op::Len { list, .. } => self.answer_len(list, heard, judge),
            Op::TruncateFront { list, count } => self.cut(list, |it| it.cut_front(count)),
            Op::TruncateBack { list, count } => self.cut(list, |it| it.cut_back(count)),
            Op::TruncateFrontTo { list, leave } => {
                self.answer_len(list, heard, judge);
                self.cut(list, |it| it.cut_front(heard.len.saturating_sub(leave)));
            }
            Op::TruncateBackTo { list, leave } => {
                self.answer_len(list, heard, judge);
                self.cut(list, |it| it.cut_back(heard.len.saturating_sub(leave)));
            }
            _ => {}
        }
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64, heard: &Heard, judge: &mut Judge<'_>) {
        let len = self.len(list).unwrap_or(0);
        let expected = self.sequence_mut(list).map(|sequence| sequence.get(index));
        if let Some(element) = expected {
            let found = heard.found;
            let what =
                format_args!("of index {index} answered {found}; the list has {len} elements");
            judge(found == element.is_some(), what);
        }
        self.take_answer(dst, expected.flatten(), heard);
    }

    /// An element was put into a register, if one was found.
    fn take_answer(&mut self, dst: Slot, expected: Option<Held>, heard: &Heard) {
        if heard.found {
            let known = expected.filter(|element| *element != Held::Unknown);
            self.put(dst, known.unwrap_or(Held::Answered));
        }
    }

    fn answer_len(&self, list: Slot, heard: &Heard, judge: &mut Judge<'_>) {
        if let Some(len) = self.len(list) {
            let found = heard.len;
            let what = format_args!("read a length of {found}; its only writer left {len}");
            judge(found == len, what);
        }
    }

    fn cut(&mut self, list: Slot, cut: impl FnOnce(&mut Sequence)) {
        if let Some(sequence) = self.sequence_mut(list) {
            cut(sequence);
        }
    }
}
