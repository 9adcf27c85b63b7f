//! What is known of a step without running it: its operations, if they are fixed and few, and
//! whether it has any.

use super::{Draw, Op, Step};

/// Repetitions of fixed operations up to this many are written out in place, to become part of a
/// longer burst or a mix's arm.
const UNROLL_MAX: u64 = 256;

/// The operations of a step, if it is fixed and short and contains none that must be alone in a
/// batch.
pub(super) fn unroll(step: &Step) -> Option<Vec<Op>> {
    match step {
        Step::Fixed(op) => (!op.stands_alone()).then(|| vec![*op]),
        Step::Repeat {
            times: Draw::Fixed(times),
            body,
        } => {
            let mut once = Vec::new();
            for step in body {
                once.extend(unroll(step)?);
                if once.len() as u64 > UNROLL_MAX {
                    return None;
                }
            }
            let total = times.checked_mul(once.len() as u64)?;
            (total <= UNROLL_MAX).then(|| {
                let times = usize::try_from(*times).unwrap_or(0);
                once.repeat(if once.is_empty() { 0 } else { times })
            })
        }
        Step::Drawn(_) | Step::Repeat { .. } | Step::Mix { .. } => None,
    }
}

/// Whether a program can hand out an operation at all.
pub(crate) fn yields(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Fixed(_) | Step::Drawn(_) => true,
        Step::Repeat { times, body } => can_be_positive(*times) && yields(body),
        Step::Mix { times, arms } => {
            can_be_positive(*times) && arms.iter().any(|arm| arm.weight > 0 && yields(&arm.body))
        }
    })
}

fn can_be_positive(times: Draw) -> bool {
    match times {
        Draw::Fixed(times) => times > 0,
        Draw::Uniform { high, .. } => high > 0,
        Draw::Geometric { mean } => mean > 0.0,
    }
}
