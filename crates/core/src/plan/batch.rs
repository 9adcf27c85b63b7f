//! A batch: what an operation source hands out at a time.

use super::Op;

/// The maximum number of operations in a batch, with each repetition counted.
pub const BATCH_OPS: usize = 1024;

/// Operations to run in order, the whole sequence `times` times.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The sequence; at least one operation.
    pub ops: &'a [Op],
    /// How often to run it; at least once.
    pub times: u32,
}

impl Batch<'_> {
    /// The operation that is alone in this batch, if it is one that must be.
    #[inline]
    pub fn alone(&self) -> Option<Op> {
        self.ops.first().copied().filter(Op::stands_alone)
    }
}
