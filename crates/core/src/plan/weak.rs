//! Which registers of a program hold weak references and never anything else, so that upgrades of
//! them can be judged by what was downgraded into them last; and which may ever hold one, and so
//! may look empty without being so.

use super::{MutatorPlan, Op};
use crate::heap::Slot;

/// The registers that `downgrade` writes and no other operation changes.
pub fn weak_registers(mutator: &MutatorPlan) -> Vec<Slot> {
    let mut uses = vec![Uses::default(); mutator.registers as usize];
    mutator.each_op(&mut |op| note_op(op, &mut uses));
    for (slot, _) in &mutator.held {
        uses[slot.0 as usize].otherwise = true;
    }
    (0..)
        .zip(uses)
        .filter_map(|(slot, uses)| (uses.downgraded && !uses.otherwise).then_some(Slot(slot)))
        .collect()
}

/// By register: whether it ever holds a weak reference, which only `downgrade` makes and only
/// `copy` copies.
pub(crate) fn may_be_weak(mutator: &MutatorPlan) -> Vec<bool> {
    let mut weak = vec![false; mutator.registers as usize];
    loop {
        let before = weak.clone();
        mutator.each_op(&mut |op| match *op {
            Op::Downgrade { dst, .. } => weak[dst.0 as usize] = true,
            Op::Copy { dst, src } => weak[dst.0 as usize] |= weak[src.0 as usize],
            _ => {}
        });
        if weak == before {
            return weak;
        }
    }
}

/// What changes a register.
#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    downgraded: bool,
    otherwise: bool,
}

fn note_op(op: &Op, uses: &mut [Uses]) {
    if let Some(slot) = op.changes() {
        let uses = &mut uses[slot.0 as usize];
        match op {
            Op::Downgrade { .. } => uses.downgraded = true,
            _ => uses.otherwise = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Shape;
    use crate::plan::{Draw, Step};

    /// Goal: a register counts as weak only if no operation but downgrades changes it anywhere in
    /// the program; it may be weak if anything makes or copies a weak reference there.
    #[test]
    fn only_what_is_downgraded_into_is_weak() {
        let [src, weak, reused, copied] = [0, 1, 2, 3].map(Slot);
        let downgrade = |dst| Step::Fixed(Op::Downgrade { dst, src });
        let mutator = MutatorPlan {
            name: String::new(),
            registers: 5,
            names: Vec::new(),
            held: Vec::new(),
            setup: vec![Step::Fixed(Op::Alloc {
                dst: src,
                shape: Shape::Leaf,
            })],
            body: vec![
                // The next round copies what is copied into its source only afterwards.
                Step::Fixed(Op::Copy {
                    dst: Slot(4),
                    src: copied,
                }),
                Step::Fixed(Op::Copy {
                    dst: copied,
                    src: reused,
                }),
                downgrade(weak),
                downgrade(reused),
                Step::Repeat {
                    times: Draw::Fixed(2),
                    body: vec![
                        Step::Fixed(Op::Upgrade { dst: src, weak }),
                        Step::Fixed(Op::Clear { slot: reused }),
                    ],
                },
            ],
            rounds: None,
            background: false,
            pace: None,
        };
        assert_eq!(weak_registers(&mutator), [weak]);
        assert_eq!(may_be_weak(&mutator), [false, true, true, true, true]);
    }
}
