//! One operation of a plan, applied to a mutator, and what it gave back.

use gcstorm::heap::{Mutator, Peek};
use gcstorm::plan::Op;

use crate::common::Births;

/// What an operation gave back.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Found(bool),
    Number(u64),
    Value(i64),
    Seen(Peek),
}

/// Applies an operation; one that the heap has no room for does nothing.
pub(crate) fn apply(mutator: &mut impl Mutator, births: &mut Births, op: Op) -> Answer {
    match op {
        Op::Alloc { dst, shape } => {
            let tag = births.tag(shape);
            return Answer::Found(mutator.alloc(dst, shape, tag).is_ok());
        }
        Op::AllocFinalized {
            dst,
            shape,
            finalizer,
        } => {
            let tag = births.tag_with_finalizer(shape);
            let made = mutator.alloc_with_finalizer(dst, shape, tag, finalizer);
            return Answer::Found(made.is_ok());
        }
        Op::Copy { dst, src } => mutator.copy(dst, src),
        Op::Clear { slot } => mutator.clear(slot),
        Op::Load { dst, obj, field } => mutator.load(dst, obj, field),
        Op::Store { obj, field, val } => mutator.store(obj, field, Some(val)),
        Op::Erase { obj, field } => mutator.store(obj, field, None),
        Op::Peek { slot } => return Answer::Seen(mutator.peek(slot)),
        Op::Safepoint => return Answer::Found(mutator.safepoint().is_ok()),
        Op::Collect => mutator.collect(),
        Op::Append { list, val } => return Answer::Found(mutator.append(list, val)),
        Op::Len { list, .. } => return Answer::Number(mutator.len(list)),
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
            let count = mutator.len(list).saturating_sub(leave);
            mutator.truncate_front(list, count);
        }
        Op::TruncateBackTo { list, leave } => {
            let count = mutator.len(list).saturating_sub(leave);
            mutator.truncate_back(list, count);
        }
        Op::Add { counter, by } => mutator.add(counter, by),
        Op::Read { counter } => return Answer::Value(mutator.read(counter)),
        Op::WriteBack { counter, add } => mutator.write(counter, add),
        Op::Publish { global, src } => mutator.publish(global, src),
        Op::Fetch { dst, global } => return Answer::Found(mutator.fetch(dst, global)),
        Op::Downgrade { dst, src } => mutator.downgrade(dst, src),
        Op::Upgrade { dst, weak } => return Answer::Found(mutator.upgrade(dst, weak)),
        Op::Rejoin | Op::Stall { .. } => unreachable!("no heap is asked to do it"),
    }
    Answer::Nothing
}
