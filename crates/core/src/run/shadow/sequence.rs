//! The elements of a list that one mutator alone changes, as far as it has seen them.

use std::collections::BTreeMap;

use super::held::Held;
use crate::heap::ObjectId;

/// A list's length, and those of its elements that are known.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// How many elements were cut off the front so far: the place of the first that is left.
    front: u64,
    len: u64,
    /// By place. Entries before the front or behind the end are left over, and are never read.
    known: BTreeMap<u64, ObjectId>,
}

impl Sequence {
    /// A list of which only the length is known.
    pub(super) fn unseen(len: u64) -> Self {
        Self {
            len,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The element at an index; `None` if there is none.
    pub(super) fn get(&self, index: u64) -> Option<Held> {
        (index < self.len).then(|| {
            let known = self.known.get(&(self.front + index));
            known.map_or(Held::Unknown, |&id| Held::Known(Some(id)))
        })
    }

    /// Puts an element at an index below the length.
    pub(super) fn set(&mut self, index: u64, element: Held) {
        let place = self.front + index;
        match element.object() {
            Some(id) => self.known.insert(place, id),
            None => self.known.remove(&place),
        };
    }

    pub(super) fn push(&mut self, element: Held) {
        self.len += 1;
        self.set(self.len - 1, element);
    }

    /// Takes the last element out, if there is one.
    pub(super) fn pop(&mut self) -> Option<Held> {
        let last = self.get(self.len.checked_sub(1)?);
        self.len -= 1;
        last
    }

    /// `del l[:count]`
    pub(super) fn cut_front(&mut self, count: u64) {
        let count = count.min(self.len);
        self.front += count;
        self.len -= count;
    }

    /// `del l[-count:]`
    pub(super) fn cut_back(&mut self, count: u64) {
        self.len = self.len.saturating_sub(count);
    }

    /// The elements that are known, with their indices.
    pub(super) fn known(&self) -> impl Iterator<Item = (u64, ObjectId)> {
        let known = self.known.range(self.front..self.front + self.len);
        known.map(|(place, &id)| (place - self.front, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ledger::Producer;
    use crate::heap::Shape;

    /// Goal: elements are found where appends, pops and cuts of both ends have left them, and what
    /// was there before an element that is not known is forgotten.
    #[test]
    fn elements_stay_in_their_places() {
        let mut producer = Producer::new(0);
        let mut fresh = || Held::Known(Some(producer.birth(Shape::Leaf).expect("room").id()));
        let mut sequence = Sequence::unseen(3);
        let (a, b, c) = (fresh(), fresh(), fresh());
        for element in [a, b, c] {
            sequence.push(element);
        }
        assert_eq!(sequence.get(2), Some(Held::Unknown));
        assert_eq!((sequence.get(3), sequence.get(6)), (Some(a), None));
        sequence.cut_front(4);
        assert_eq!((sequence.get(0), sequence.len()), (Some(b), 2));
        assert_eq!(sequence.pop(), Some(c));
        sequence.push(Held::Unknown);
        assert_eq!(sequence.get(1), Some(Held::Unknown));
        sequence.set(1, a);
        assert_eq!(sequence.known().count(), 2);
        let mut sequence = Sequence::unseen(1);
        sequence.cut_back(5);
        assert_eq!((sequence.len(), sequence.pop()), (0, None));
    }
}
