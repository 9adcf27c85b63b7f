//! What each operation does to the model, and what it must answer.

use super::state::{Model, Register};
use super::{Wrong, answers};
use crate::evidence::{Answer, Seen, TraceStep};
use crate::heap::{Finalizer, Global, Shape, Slot};
use crate::plan::{Op, Turn};

impl Model<'_> {
    /// Does one turn, and compares what the heap answered with what the model does.
    pub(super) fn step(&mut self, turn: &Turn, step: &TraceStep) -> Result<(), Wrong> {
        let (mutator, op) = (turn.mutator as usize, turn.op);
        let expected = match op {
            Op::Alloc { dst, shape } => self.alloc(mutator, dst, shape, None, step)?,
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            } => self.alloc(mutator, dst, shape, Some(finalizer), step)?,
            Op::Upgrade { dst, weak } => self.upgrade(mutator, dst, weak, step)?,
            Op::Fetch { dst, global } => self.fetch(mutator, dst, global, step),
            op => self.apply(mutator, op),
        };
        answers::compare(op, expected, step.answer)?;
        let looked_at = match op {
            Op::Peek { slot } => Some(slot),
            op => op.changes(),
        };
        let Some(slot) = looked_at else {
            return Ok(());
        };
        let expected = match self.register(mutator, slot) {
            Register::Strong(object) => Seen::Object(self.objects[object].name),
            Register::Empty | Register::Weak(..) => Seen::Empty,
        };
        answers::compare_seen(op, expected, step.seen)
    }

    fn alloc(
        &mut self,
        mutator: usize,
        dst: Slot,
        shape: Shape,
        finalizer: Option<Finalizer>,
        step: &TraceStep,
    ) -> Result<Answer, Wrong> {
        if step.answer == Answer::NoRoom {
            self.refuse(mutator);
            let (capacity, made) = (self.case.capacity as usize, self.objects.len());
            // Dead objects may still take up room, so all objects that were ever made count.
            if made >= capacity {
                return Ok(Answer::NoRoom);
            }
            let text = format!(
                "an allocation was refused, but only {made} of {capacity} places were ever taken"
            );
            return Err(Wrong::new("conservation", text));
        }
        let object = self.make(mutator, shape, finalizer);
        self.put(mutator, dst, Register::Strong(object));
        Ok(Answer::Found(true))
    }

    /// An upgrade must succeed if its target is reachable, and must fail if the target is dead or
    /// was finalized since. If the target is garbage that is not collected yet, the heap chooses.
    fn upgrade(
        &mut self,
        mutator: usize,
        dst: Slot,
        weak: Slot,
        step: &TraceStep,
    ) -> Result<Answer, Wrong> {
        let Register::Weak(target, made_finalized) = self.register(mutator, weak) else {
            return Ok(Answer::Found(false));
        };
        let stands = self.stands(target, made_finalized);
        let name = self.objects[target].name;
        match step.answer {
            Answer::Found(true) if !stands => {
                let what = match self.objects[target].dead {
                    true => "after its death",
                    false => "after its finalizer had run",
                };
                let text = format!("a weak reference to {name} was upgraded {what}");
                Err(Wrong::new("weak", text))
            }
            Answer::Found(true) => {
                if self.survives_alone(target) {
                    self.fetched = Some((mutator, dst));
                }
                self.put(mutator, dst, Register::Strong(target));
                Ok(Answer::Found(true))
            }
            _ if stands && self.reached(&self.roots)[target] => {
                let text = format!("a weak reference to {name} was cleared, but it is reachable");
                Err(Wrong::new("weak", text))
            }
            _ => Ok(Answer::Found(false)),
        }
    }

    /// Fetches what was in the root before the turn, or an object that was resurrected there in it.
    fn fetch(&mut self, mutator: usize, dst: Slot, global: Global, step: &TraceStep) -> Answer {
        let root = Self::root(global);
        if let Seen::Object(name) = step.seen
            && let Some(object) = self.named(name)
            && self.running.contains(&object)
            && self.wants(object) == Some(root)
            && !self.reached(&self.roots)[object]
        {
            self.roots[root] = Some(object);
            self.fetched = Some((mutator, dst));
        }
        self.put_found(mutator, dst, self.roots[root])
    }

    fn put_found(&mut self, mutator: usize, dst: Slot, found: Option<usize>) -> Answer {
        if let Some(object) = found {
            self.put(mutator, dst, Register::Strong(object));
        }
        Answer::Found(found.is_some())
    }

    fn apply(&mut self, m: usize, op: Op) -> Answer {
        match op {
            Op::Copy { dst, src } => match self.register(m, src) {
                Register::Empty => {}
                held => self.put(m, dst, held),
            },
            Op::Clear { slot } => self.put(m, slot, Register::Empty),
            Op::Load { dst, obj, field } => {
                if let Some(node) = self.shaped(m, obj, Shape::Node) {
                    let found = self.objects[node].refs[usize::from(field.0)];
                    self.put(m, dst, found.map_or(Register::Empty, Register::Strong));
                }
            }
            Op::Store { obj, field, val } => {
                if let (Some(node), Some(value)) =
                    (self.shaped(m, obj, Shape::Node), self.strong(m, val))
                {
                    self.objects[node].refs[usize::from(field.0)] = Some(value);
                    self.put(m, val, Register::Empty);
                }
            }
            Op::Erase { obj, field } => {
                if let Some(node) = self.shaped(m, obj, Shape::Node) {
                    self.objects[node].refs[usize::from(field.0)] = None;
                }
            }
            Op::Publish { global, src } => {
                if !matches!(self.register(m, src), Register::Weak(..)) {
                    self.roots[Self::root(global)] = self.strong(m, src);
                    self.published = Some(Self::root(global));
                    self.put(m, src, Register::Empty);
                }
            }
            Op::Downgrade { dst, src } => {
                if let Some(object) = self.strong(m, src) {
                    let made_finalized = self.objects[object].finalized;
                    self.put(m, dst, Register::Weak(object, made_finalized));
                }
            }
            Op::Rejoin => {
                self.registers[m].fill(Register::Empty);
                self.hold_shared(m);
            }
            Op::Add { .. } | Op::Read { .. } | Op::WriteBack { .. } => {
                return self.apply_to_counter(m, op);
            }
            op => return self.apply_to_list(m, op),
        }
        Answer::Nothing
    }

    fn apply_to_counter(&mut self, m: usize, op: Op) -> Answer {
        let (Op::Add { counter, .. } | Op::Read { counter } | Op::WriteBack { counter, .. }) = op
        else {
            return Answer::Nothing;
        };
        let counter = self.shaped(m, counter, Shape::Counter);
        let value = counter.map(|counter| &mut self.objects[counter].value);
        match (op, value) {
            (Op::Read { .. }, value) => {
                self.accumulators[m] = value.map_or(0, |value| *value);
                return Answer::Value(self.accumulators[m]);
            }
            (Op::Add { by, .. }, Some(value)) => *value = value.wrapping_add(by),
            (Op::WriteBack { add, .. }, Some(value)) => {
                *value = self.accumulators[m].wrapping_add(add);
            }
            _ => {}
        }
        Answer::Nothing
    }

    fn apply_to_list(&mut self, m: usize, op: Op) -> Answer {
        match op {
            Op::Append { list, val } => {
                let (Some(list), Some(value)) =
                    (self.shaped(m, list, Shape::List), self.strong(m, val))
                else {
                    return Answer::Found(false);
                };
                self.objects[list].refs.push_back(Some(value));
                self.put(m, val, Register::Empty);
                Answer::Found(true)
            }
            Op::Len { list, .. } => Answer::Length(self.len(m, list)),
            Op::Get { dst, list, index } => {
                let list = self.shaped(m, list, Shape::List);
                let element = list.and_then(|list| *self.objects[list].refs.get(index as usize)?);
                self.put_found(m, dst, element)
            }
            Op::Set { list, index, val } => {
                let list = self.shaped(m, list, Shape::List);
                let (Some(list), Some(value)) = (list, self.strong(m, val)) else {
                    return Answer::Found(false);
                };
                let Some(place) = self.objects[list].refs.get_mut(index as usize) else {
                    return Answer::Found(false);
                };
                *place = Some(value);
                self.put(m, val, Register::Empty);
                Answer::Found(true)
            }
            Op::Pop { dst, list } => {
                let list = self.shaped(m, list, Shape::List);
                let popped = list.and_then(|list| self.objects[list].refs.pop_back()?);
                self.put_found(m, dst, popped)
            }
            Op::TruncateFront { list, count } => self.truncate(m, list, count, ListEnd::Front),
            Op::TruncateBack { list, count } => self.truncate(m, list, count, ListEnd::Back),
            Op::TruncateFrontTo { list, leave } => {
                let len = self.len(m, list);
                self.truncate(m, list, len.saturating_sub(leave), ListEnd::Front);
                Answer::Length(len)
            }
            Op::TruncateBackTo { list, leave } => {
                let len = self.len(m, list);
                self.truncate(m, list, len.saturating_sub(leave), ListEnd::Back);
                Answer::Length(len)
            }
            _ => Answer::Nothing,
        }
    }

    fn len(&self, m: usize, list: Slot) -> u64 {
        let list = self.shaped(m, list, Shape::List);
        list.map_or(0, |list| self.objects[list].refs.len() as u64)
    }

    fn truncate(&mut self, m: usize, list: Slot, count: u64, end: ListEnd) -> Answer {
        if let Some(list) = self.shaped(m, list, Shape::List) {
            let refs = &mut self.objects[list].refs;
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(refs.len());
            match end {
                ListEnd::Front => drop(refs.drain(..count)),
                ListEnd::Back => refs.truncate(refs.len() - count),
            }
        }
        Answer::Nothing
    }
}

/// The end at which a list is truncated.
#[derive(Debug, Clone, Copy)]
enum ListEnd {
    Front,
    Back,
}
