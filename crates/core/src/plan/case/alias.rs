//! Which registers may come to refer to a shared object besides those that hold it, and whether it
//! is changed through any of them.
//!
//! The analysis does not assume that an operation has any effect: a register that may have referred
//! to the object may do so for ever, whatever is written to it later, since that operation may have
//! found nothing to write.

use super::{Case, Turn};
use crate::heap::Slot;
use crate::plan::Op;

/// Whether the object is changed only through registers that hold it from the start and keep it,
/// and references to it are only in registers and in its root.
pub(super) fn has_none(case: &Case, object: usize) -> bool {
    let aliases = Aliases::of(case, object);
    case.all_turns().all(|turn| aliases.allow(turn))
}

/// The registers that may refer to one object.
struct Aliases<'c> {
    case: &'c Case,
    object: usize,
    /// By mutator and register.
    may_refer: Vec<Vec<bool>>,
}

impl<'c> Aliases<'c> {
    fn of(case: &'c Case, object: usize) -> Self {
        let files = case.mutators.iter().map(|mutator| {
            let mut file = vec![false; mutator.registers as usize];
            for (slot, held) in &mutator.held {
                file[slot.0 as usize] = *held == object;
            }
            file
        });
        let mut aliases = Self {
            case,
            object,
            may_refer: files.collect(),
        };
        // Registers are only ever added, so this ends: after two passes if every register is
        // written before it is copied.
        while aliases.spread() {}
        aliases
    }

    /// Follows references from register to register. Returns whether a register was added.
    fn spread(&mut self) -> bool {
        let mut is_new = false;
        for turn in self.case.all_turns() {
            let (dst, refers) = match turn.op {
                Op::Copy { dst, src } | Op::Downgrade { dst, src } => (dst, self.has(turn, src)),
                Op::Upgrade { dst, weak } => (dst, self.has(turn, weak)),
                Op::Fetch { dst, global } => (dst, global == Case::root_of(self.object)),
                _ => continue,
            };
            let place = &mut self.may_refer[turn.mutator as usize][dst.0 as usize];
            is_new |= refers && !*place;
            *place |= refers;
        }
        is_new
    }

    fn has(&self, turn: &Turn, slot: Slot) -> bool {
        self.may_refer[turn.mutator as usize][slot.0 as usize]
    }

    fn is_held(&self, turn: &Turn, slot: Slot) -> bool {
        let held = &self.case.mutators[turn.mutator as usize].held;
        held.contains(&(slot, self.object))
    }

    fn allow(&self, turn: &Turn) -> bool {
        let is_reload = |slot| {
            let global = Case::root_of(self.object);
            turn.op == Op::Fetch { dst: slot, global }
        };
        let changed = turn.op.changes();
        if changed.is_some_and(|slot| self.is_held(turn, slot) && !is_reload(slot)) {
            return false;
        }
        let is_its_own = |slot| !self.has(turn, slot) || self.is_held(turn, slot);
        match turn.op {
            Op::Store { val, .. } | Op::Publish { src: val, .. } => !self.has(turn, val),
            Op::Append { list, val } | Op::Set { list, val, .. } => {
                is_its_own(list) && !self.has(turn, val)
            }
            Op::Pop { list, .. }
            | Op::TruncateFront { list, .. }
            | Op::TruncateFrontTo { list, .. }
            | Op::TruncateBack { list, .. }
            | Op::TruncateBackTo { list, .. } => is_its_own(list),
            Op::Add { counter, .. } | Op::WriteBack { counter, .. } => is_its_own(counter),
            _ => true,
        }
    }
}
