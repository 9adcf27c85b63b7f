//! Random numbers of operations between two events that are forced on a mutator, such as
//! collections.

use super::dice::Dice;

/// A stream apart from those that operations are drawn from, so that the operations are the same
/// with and without forced events.
const STREAM: u64 = 1 << 40;

/// A random number of operations within a range, drawn anew each time.
#[derive(Debug)]
pub(crate) struct Spacing {
    least: u64,
    most: u64,
    dice: Dice,
}

impl Spacing {
    /// Numbers from `least` to `most`, which must not be less, for this mutator.
    pub(crate) fn new(least: u64, most: u64, seed: u64, mutator: u32) -> Self {
        Self {
            least,
            most,
            dice: Dice::new(seed, STREAM | u64::from(mutator)),
        }
    }

    /// The next number.
    pub(crate) fn draw(&mut self) -> u64 {
        self.dice.between(self.least, self.most)
    }
}
