//! Planted faults that strike now and then, and the one place that says when they do.

use super::fault::{Fault, Faults};
use super::{Field, Peek, Tag};

/// How often a rare wrong answer shows: once in so many. Often enough for a short run, rarely
/// enough for a check that looks at little to miss it.
const WRONG_EVERY: u32 = 1000;

/// Operations of one mutator that a fault may make go wrong, now and then.
#[derive(Debug, Default)]
pub(super) struct Lapses {
    /// How many operations of this mutator a planted fault could have made go wrong.
    asked: u32,
    /// The tag that a `peek` found some time ago.
    earlier: Option<u64>,
}

impl Lapses {
    /// Whether this operation goes wrong: with the fault, one in `every` does.
    #[inline]
    pub(super) fn strikes(&mut self, faults: &impl Faults, fault: Fault, every: u32) -> bool {
        faults.has(fault) && self.is_next(every)
    }

    #[cold]
    fn is_next(&mut self, every: u32) -> bool {
        self.asked = self.asked.wrapping_add(1);
        self.asked.is_multiple_of(every)
    }

    /// The field that a `load` of this field reads.
    #[inline]
    pub(super) fn field(&mut self, faults: &impl Faults, field: Field) -> Field {
        match self.strikes(faults, Fault::LoadOtherField, WRONG_EVERY) {
            true => Field(1 - field.0),
            false => field,
        }
    }

    /// The index that a `get` of this index reads in a list of this length.
    pub(super) fn index(&mut self, faults: &impl Faults, index: u64, len: u64) -> u64 {
        let is_wrong = index + 1 < len && self.strikes(faults, Fault::GetNeighbour, WRONG_EVERY);
        index + u64::from(is_wrong)
    }

    /// What a `peek` answers that found the object with this tag.
    #[inline]
    pub(super) fn seen(&mut self, faults: &impl Faults, tag: u64) -> Peek {
        if self.strikes(faults, Fault::PeekStale, WRONG_EVERY) {
            return Peek::Stale;
        }
        let answered = if faults.has(Fault::PeekDead) {
            self.earlier_or(tag)
        } else {
            tag
        };
        Peek::Object(Tag::id_of_bits(answered))
    }

    #[cold]
    fn earlier_or(&mut self, tag: u64) -> u64 {
        if self.is_next(WRONG_EVERY) {
            return self.earlier.unwrap_or(tag);
        }
        if self.asked.is_multiple_of(WRONG_EVERY / 2) {
            self.earlier = Some(tag);
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: one answer in a thousand is wrong, and none without the fault.
    #[test]
    fn lapses_are_rare() {
        for (planted, wrong) in [(None, 0), (Some(Fault::LoadOtherField), 5)] {
            let mut lapses = Lapses::default();
            let answers = (0..5000).map(|_| lapses.field(&planted, Field(1)));
            assert_eq!(answers.filter(|field| *field != Field(1)).count(), wrong);
        }
    }

    /// Goal: the last element has no neighbour to be taken for.
    #[test]
    fn the_last_element_is_answered_itself() {
        let mut lapses = Lapses::default();
        let indexes: Vec<u64> = (0..5000)
            .map(|_| lapses.index(&Some(Fault::GetNeighbour), 7, 8))
            .collect();
        assert!(indexes.iter().all(|index| *index == 7));
    }
}
