//! How many operations lie between two things that a mutator is made to do.

use super::dice::Dice;

/// Apart from the streams that operations are drawn from, so that the same operations are done
/// whether or not anything is done between them.
const STREAM: u64 = 1 << 40;

/// A random number of operations within a range, drawn anew each time.
#[derive(Debug)]
pub(crate) struct Spacing {
    least: u64,
    most: u64,
    dice: Dice,
}

impl Spacing {
    /// From `least` to `most`, which is not below it, for this mutator.
    pub(crate) fn new(least: u64, most: u64, seed: u64, mutator: u32) -> Self {
        Self {
            least,
            most,
            dice: Dice::new(seed, STREAM | u64::from(mutator)),
        }
    }

    /// The next.
    pub(crate) fn draw(&mut self) -> u64 {
        self.dice.between(self.least, self.most)
    }
}
