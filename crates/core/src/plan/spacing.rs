//! Random numbers of operations between two events that are forced on a mutator, such as
//! collections.

use super::dice::Dice;

/// What the numbers are for. Each purpose has a stream of its own, so that one does not keep step
/// with the other. No operation is drawn from these streams, so operations are the same with and
/// without.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Between {
    /// Collections that are forced on a mutator.
    Collections = 1,
    /// Windows in which answers are followed.
    Windows = 2,
}

/// A random number of operations within a range, drawn anew each time.
#[derive(Debug)]
pub(crate) struct Spacing {
    least: u64,
    most: u64,
    dice: Dice,
}

impl Spacing {
    /// Numbers from `least` to `most`, which must not be less, for this mutator.
    pub(crate) fn new(
        (least, most): (u64, u64),
        between: Between,
        seed: u64,
        mutator: u32,
    ) -> Self {
        let stream = (between as u64) << 40;
        Self {
            least,
            most,
            dice: Dice::new(seed, stream | u64::from(mutator)),
        }
    }

    /// The next number.
    pub(crate) fn draw(&mut self) -> u64 {
        self.dice.between(self.least, self.most)
    }
}
