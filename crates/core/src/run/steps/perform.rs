//! One operation of a case on a mutator, and what it answered.

use super::{Player, Session};
use crate::evidence::Answer;
use crate::heap::tag::Life;
use crate::heap::{Finalizer, Mutator, Shape, Slot};
use crate::plan::Op;

impl Session<'_> {
    /// Does any operation of a mutator except `rejoin`.
    pub(super) fn perform(&mut self, number: usize, op: Op) -> Answer {
        // The mutator is woken if the operation uses the heap.
        if !matches!(op, Op::Safepoint | Op::Stall { .. } | Op::Rejoin) {
            self.mutator(number);
        }
        let player = &mut self.players[number];
        let answer = player.perform(op);
        let fresh = player.fresh.drain(..);
        self.living.extend(fresh.map(|id| (id, Life::Alive)));
        answer
    }
}

impl Player<'_> {
    /// Does any operation except `rejoin`. The mutator must be awake.
    pub(in crate::run) fn perform(&mut self, op: Op) -> Answer {
        match op {
            Op::Alloc { dst, shape } => return self.alloc(dst, shape, None),
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            } => return self.alloc(dst, shape, Some(finalizer)),
            Op::Read { counter } => {
                let value = self.mutator().read(counter);
                self.accumulator = value;
                return Answer::Value(value);
            }
            Op::WriteBack { counter, add } => {
                let value = self.accumulator.wrapping_add(add);
                self.mutator().write(counter, value);
                return Answer::Nothing;
            }
            // A stall has no effect, since no other mutator runs meanwhile.
            Op::Safepoint | Op::Stall { .. } | Op::Rejoin => return Answer::Nothing,
            _ => {}
        }
        perform(self.mutator().as_mutator(), op)
    }

    fn alloc(&mut self, dst: Slot, shape: Shape, finalizer: Option<Finalizer>) -> Answer {
        let tag = match finalizer {
            None => self.producer.birth(shape),
            Some(_) => self.producer.birth_with_finalizer(shape),
        };
        let Ok(tag) = tag else {
            return Answer::NoRoom;
        };
        let id = tag.id();
        let mutator = self.mutator();
        let made = match finalizer {
            None => mutator.alloc(dst, shape, tag),
            Some(finalizer) => mutator.alloc_with_finalizer(dst, shape, tag, finalizer),
        };
        self.births.push(id);
        if made.is_err() {
            self.producer.refused(id);
            return Answer::NoRoom;
        }
        self.fresh.push(id);
        Answer::Found(true)
    }
}

/// Does the operations that need only the mutator.
fn perform(mutator: &mut dyn Mutator, op: Op) -> Answer {
    match op {
        Op::Copy { dst, src } => mutator.copy(dst, src),
        Op::Clear { slot } => mutator.clear(slot),
        Op::Load { dst, obj, field } => mutator.load(dst, obj, field),
        Op::Store { obj, field, val } => mutator.store(obj, field, Some(val)),
        Op::Erase { obj, field } => mutator.store(obj, field, None),
        Op::Collect => mutator.collect(),
        Op::Append { list, val } => return Answer::Found(mutator.append(list, val)),
        Op::Len { list, .. } => return Answer::Length(mutator.len(list)),
        Op::Get { dst, list, index } => {
            return Answer::Found(mutator.get(dst, list, index.into()));
        }
        Op::Set { list, index, val } => {
            return Answer::Found(mutator.set(list, index.into(), val));
        }
        Op::Pop { dst, list } => return Answer::Found(mutator.pop(dst, list)),
        Op::TruncateFront { list, count } => mutator.truncate_front(list, count),
        Op::TruncateBack { list, count } => mutator.truncate_back(list, count),
        Op::TruncateFrontTo { list, leave } => {
            let len = mutator.len(list);
            mutator.truncate_front(list, len.saturating_sub(leave));
            return Answer::Length(len);
        }
        Op::TruncateBackTo { list, leave } => {
            let len = mutator.len(list);
            mutator.truncate_back(list, len.saturating_sub(leave));
            return Answer::Length(len);
        }
        Op::Add { counter, by } => mutator.add(counter, by),
        Op::Publish { global, src } => mutator.publish(global, src),
        Op::Fetch { dst, global } => return Answer::Found(mutator.fetch(dst, global)),
        Op::Downgrade { dst, src } => mutator.downgrade(dst, src),
        Op::Upgrade { dst, weak } => return Answer::Found(mutator.upgrade(dst, weak)),
        // The session reads the register of a peek after the operation; the others were handled
        // above.
        Op::Peek { .. }
        | Op::Alloc { .. }
        | Op::AllocFinalized { .. }
        | Op::Read { .. }
        | Op::WriteBack { .. }
        | Op::Safepoint
        | Op::Stall { .. }
        | Op::Rejoin => {}
    }
    Answer::Nothing
}
