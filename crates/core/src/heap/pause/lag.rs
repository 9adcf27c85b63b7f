//! How long objects wait between being unlinked and being free. Any thread may count at any time
//! and takes no lock for it: measuring a lock-free heap must not put one into it.
//!
//! Lengths are counted in steps of a thirty-second of a power of two, so each is right within 3 %.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Steps in a power of two, as a power of two.
const STEPS_LOG: u32 = 5;
const STEPS: usize = 1 << STEPS_LOG;
const COUNTS: usize = (64 - STEPS_LOG as usize + 1) * STEPS;

/// The counts. They are allocated at the first use, since most heaps run one short program and
/// never count anything.
#[derive(Debug, Default)]
pub(super) struct Lags(OnceLock<Box<[AtomicU64]>>);

impl Lags {
    /// Counts `objects` objects that waited for `nanos` nanoseconds.
    pub(super) fn add(&self, nanos: u64, objects: u64) {
        let counts = self
            .0
            .get_or_init(|| (0..COUNTS).map(|_| AtomicU64::new(0)).collect());
        // Relaxed: a count, which is read after the run.
        counts[step(nanos)].fetch_add(objects, Relaxed);
    }

    /// Forgets what was counted.
    pub(super) fn clear(&self) {
        for count in self.0.get().map_or(&[][..], |counts| counts) {
            // Relaxed: this is called between two runs. Only a collector may still be counting, and
            // what it counts now may belong to either run.
            count.store(0, Relaxed);
        }
    }

    /// The lengths that occurred, each with the number of objects that waited for so long.
    pub(super) fn counts(&self) -> Vec<(u64, u64)> {
        let counts = self.0.get().map_or(&[][..], |counts| counts);
        let counts = counts.iter().map(|count| count.load(Relaxed));
        let counts = counts.enumerate().filter(|(_, count)| *count > 0);
        counts.map(|(step, count)| (middle(step), count)).collect()
    }
}

/// The number of the step that a length lies in.
fn step(nanos: u64) -> usize {
    let power = (nanos | 1).ilog2().max(STEPS_LOG) - STEPS_LOG;
    // Below 2 * STEPS in any case, so it fits.
    let within = usize::try_from(nanos >> power).unwrap_or(0);
    power as usize * STEPS + within
}

/// A length in the middle of a step.
fn middle(step: usize) -> u64 {
    let power = (step / STEPS).saturating_sub(1);
    let within = (step - power * STEPS) as u64;
    (within << power) + (1_u64 << power) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: any length is returned within 3 %, and small ones are exact.
    #[test]
    fn lengths_are_told_again() {
        let lengths = (0..63).flat_map(|power| [0, 1, 3].map(|more| (1_u64 << power) + more));
        for nanos in lengths.chain([0, u64::MAX, 12_345, 99_999_999]) {
            let lags = Lags::default();
            lags.add(nanos, 7);
            let told = lags.counts();
            assert_eq!((told.len(), told[0].1), (1, 7), "{nanos}");
            assert!(told[0].0.abs_diff(nanos) <= nanos / 32, "{nanos} {told:?}");
        }
        assert_eq!(Lags::default().counts(), []);
    }
}
