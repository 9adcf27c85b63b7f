//! How many operations a mutator does before it says how far it is, and looks whether the run ends.
//!
//! A batch has a thousand operations, which take microseconds on most heaps. Where each of them is
//! a collection of millions of objects they take a minute, and whoever waits for progress would
//! take that for a standstill. So operations are done in strides: one at first, and twice as many
//! each time, as long as a stride takes less than [`SLOW_NS`]. If all operations become slow at
//! once, one stride of the old length is done before that is noticed.

use crate::plan::BATCH_OPS;

/// A stride that takes longer is slow: half as many operations are done in the next.
const SLOW_NS: u64 = 10_000_000;

/// The length of the next stride.
#[derive(Debug)]
pub(super) struct Stride(u64);

impl Stride {
    /// The first one.
    pub(super) fn new() -> Self {
        Self(1)
    }

    /// How many operations may be done.
    pub(super) fn ops(&self) -> u64 {
        self.0
    }

    /// A stride was done, and took this long. Returns whether that was slow.
    pub(super) fn done(&mut self, took_ns: u64) -> bool {
        let is_slow = took_ns > SLOW_NS;
        self.0 = if is_slow {
            (self.0 / 2).max(1)
        } else {
            (self.0 * 2).min(BATCH_OPS as u64)
        };
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: quick operations are done a batch at a time, and slow ones one by one.
    #[test]
    fn strides_follow_the_time_of_operations() {
        let mut stride = Stride::new();
        let quick: Vec<u64> = (0..12)
            .map(|_| {
                let ops = stride.ops();
                assert!(!stride.done(ops * 100));
                ops
            })
            .collect();
        assert_eq!(quick[..4], [1, 2, 4, 8]);
        assert_eq!(quick[11], BATCH_OPS as u64);
        for _ in 0..12 {
            assert!(stride.done(stride.ops() * 2 * SLOW_NS));
        }
        assert_eq!(stride.ops(), 1);
        assert!(!stride.done(SLOW_NS));
    }
}
