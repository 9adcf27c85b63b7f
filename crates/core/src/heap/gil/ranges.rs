//! Which registers of the collector's one register file belong to which mutator.
//!
//! A mutator gets the first gap that is large enough. A range that is given back is merged with the
//! gaps beside it, so threads that come and go do not use up the file.

use std::ops::Range;

/// The unused ranges below `end`, in order; no two of them touch.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    gaps: Vec<Range<u32>>,
    end: u32,
}

impl Ranges {
    /// A range of this length; `None` if it would exceed the largest slot number.
    pub(super) fn take(&mut self, len: u32) -> Option<Range<u32>> {
        if let Some(place) = self.gaps.iter().position(|gap| gap.end - gap.start >= len) {
            let gap = &mut self.gaps[place];
            let taken = gap.start..gap.start + len;
            gap.start = taken.end;
            if gap.start == gap.end {
                self.gaps.remove(place);
            }
            return Some(taken);
        }
        let start = self.end;
        self.end = start.checked_add(len)?;
        Some(start..self.end)
    }

    /// Takes a range back.
    pub(super) fn give(&mut self, range: Range<u32>) {
        if range.start == range.end {
            return;
        }
        let place = self.gaps.partition_point(|gap| gap.start < range.start);
        self.gaps.insert(place, range);
        if place + 1 < self.gaps.len() && self.gaps[place].end == self.gaps[place + 1].start {
            self.gaps[place].end = self.gaps.remove(place + 1).end;
        }
        if place > 0 && self.gaps[place - 1].end == self.gaps[place].start {
            self.gaps[place - 1].end = self.gaps.remove(place).end;
        }
        if self.gaps.last().is_some_and(|gap| gap.end == self.end) {
            self.end = self.gaps.pop().map_or(self.end, |gap| gap.start);
        }
    }

    /// How long the register file must be for all ranges in use.
    pub(super) fn end(&self) -> u32 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: ranges in use never overlap, and when all were given back, in any order, none is left.
    #[test]
    fn ranges_come_back_whole() {
        let mut ranges = Ranges::default();
        let taken = [5, 0, 3, 7, 1].map(|len| ranges.take(len).unwrap());
        assert_eq!(taken, [0..5, 5..5, 5..8, 8..15, 15..16]);
        ranges.give(taken[2].clone());
        assert_eq!(ranges.take(4), Some(16..20));
        assert_eq!(ranges.take(2), Some(5..7));
        for range in [8..15, 16..20, 0..5, 5..7, 15..16] {
            ranges.give(range);
        }
        assert_eq!(ranges.end(), 0);
        assert!(ranges.gaps.is_empty());
    }

    /// Goal: a range beyond the last slot number is refused, and nothing is taken.
    #[test]
    fn the_last_slot_is_the_last() {
        let mut ranges = Ranges::default();
        assert_eq!(ranges.take(u32::MAX), Some(0..u32::MAX));
        assert_eq!(ranges.take(1), None);
        ranges.give(0..u32::MAX);
        assert_eq!(ranges.take(1), Some(0..1));
    }
}
