//! Who is told what a program draws, and where: enough to do the same operations without the dice.
//!
//! Places are named by the number of their step, as [`Flow`](super::Flow) counts: from 0 as they are
//! met, setup first, a repetition or mix before its parts. What is drawn at one place is told in the
//! order in which it is used there; nothing is said about the order between places.

use super::Step;

/// The number of a step.
pub type StepNumber = usize;

/// What was drawn, at the step of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Drawn {
    /// How often it is repeated.
    Times(StepNumber),
    /// Which arm is next.
    Arm(StepNumber),
    /// The number of its operation.
    Number(StepNumber),
}

/// Is told.
pub trait Listener {
    /// This was drawn. Of a mix with a single arm nothing is drawn, nor where a number is fixed.
    fn drew(&mut self, what: Drawn, drawn: u64);

    /// Everything of a round was drawn.
    fn finished_round(&mut self) {}
}

/// Nobody, at no cost.
impl Listener for () {
    #[inline(always)]
    fn drew(&mut self, _: Drawn, _: u64) {}
}

/// How many numbers these steps take, nested ones included.
pub(crate) fn size(steps: &[Step]) -> StepNumber {
    let inner = steps.iter().map(|step| match step {
        Step::Fixed(_) | Step::Drawn(_) => 0,
        Step::Repeat { body, .. } => size(body),
        Step::Mix { arms, .. } => arms.iter().map(|arm| size(&arm.body)).sum(),
    });
    steps.len() + inner.sum::<usize>()
}
