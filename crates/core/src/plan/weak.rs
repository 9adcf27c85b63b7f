//! Which registers of a program hold weak references and never anything else: those whose upgrades
//! can be judged by what was downgraded into them last.

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
    /// the program.
    #[test]
    fn only_what_is_downgraded_into_is_weak() {
        let [src, weak, reused] = [Slot(0), Slot(1), Slot(2)];
        let downgrade = |dst| Step::Fixed(Op::Downgrade { dst, src });
        let mutator = MutatorPlan {
            name: String::new(),
            registers: 4,
            held: Vec::new(),
            setup: vec![Step::Fixed(Op::Alloc {
                dst: src,
                shape: Shape::Leaf,
            })],
            body: vec![
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
    }
}
