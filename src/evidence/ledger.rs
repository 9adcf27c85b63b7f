//! Births, by the mutator that made them; deaths record themselves when a tag is dropped.
//!
//! Each mutator owns one [`Producer`]. It hands out tags from its current segment, keeps the older
//! ones, and recycles one as soon as everything in it is dead, so the ledger of a run that made
//! 10^10 objects is as large as the live ones need.

use std::collections::VecDeque;

use crate::heap::tag::{Doubles, OwnedSegment, SEGMENT_OBJECTS, Segment};
use crate::heap::{OutOfMemory, Shape, Tag};

/// How many older segments are looked at whenever a new one is needed. Two keeps up with any
/// pattern in which most objects die, since each look that succeeds frees what is needed next; a
/// look at a segment with a living object near its start costs next to nothing.
const LOOKS: usize = 2;

/// The births of one mutator.
#[derive(Debug)]
pub struct Producer {
    number: u32,
    current: Option<OwnedSegment>,
    older: VecDeque<OwnedSegment>,
    /// Births in segments that were recycled since; all of them are dead.
    recycled: u64,
    /// Births in `older` and before: the sequence number of the current segment's first object.
    base: u64,
    doubles: Doubles,
}

impl Producer {
    /// A producer without births. The number is what `order` is judged by.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            current: None,
            older: VecDeque::new(),
            recycled: 0,
            base: 0,
            doubles: Doubles::default(),
        }
    }

    /// A tag for a new object.
    #[inline]
    pub fn birth(&mut self, shape: Shape) -> Result<Tag, OutOfMemory> {
        if let Some(tag) = self
            .current
            .as_mut()
            .and_then(|segment| segment.birth(shape))
        {
            return Ok(tag);
        }
        self.next_segment()?;
        self.current
            .as_mut()
            .and_then(|segment| segment.birth(shape))
            .ok_or(OutOfMemory)
    }

    #[cold]
    fn next_segment(&mut self) -> Result<(), OutOfMemory> {
        if let Some(full) = self.current.take() {
            self.base += SEGMENT_OBJECTS as u64;
            self.older.push_back(full);
        }
        for _ in 0..LOOKS.min(self.older.len()) {
            let Some(mut oldest) = self.older.pop_front() else {
                break;
            };
            if let Some(doubles) = oldest.recycle(self.number, self.base) {
                self.recycled += SEGMENT_OBJECTS as u64;
                self.doubles.add(doubles);
                self.current = Some(oldest);
                return Ok(());
            }
            self.older.push_back(oldest);
        }
        self.current = Some(OwnedSegment::take(self.number, self.base).ok_or(OutOfMemory)?);
        Ok(())
    }

    /// Objects born so far.
    pub fn born(&self) -> u64 {
        self.base
            + self
                .current
                .as_ref()
                .map_or(0, |current| current.segment().born() as u64)
    }

    /// Births that died in segments that were recycled since.
    pub fn recycled(&self) -> u64 {
        self.recycled
    }

    /// The segments that may hold living objects, with their numbers.
    pub fn segments(&self) -> impl Iterator<Item = (usize, &'static Segment)> + '_ {
        self.older
            .iter()
            .chain(&self.current)
            .map(|owned| (owned.number(), owned.segment()))
    }

    /// The double deaths met so far.
    pub fn doubles(&mut self) -> &Doubles {
        for owned in self.older.iter().chain(&self.current) {
            self.doubles.add(owned.segment().take_doubles());
        }
        &self.doubles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::tag::Life;

    /// Goal: a death is seen once, a second one is reported as double.
    #[test]
    fn second_death_is_double() {
        let mut producer = Producer::new(3);
        let tag = producer.birth(Shape::Node).expect("a segment is free");
        let (id, bits) = (tag.id(), tag.into_bits());
        assert_eq!((id.state(), id.shape()), (Life::Alive, Shape::Node));
        assert_eq!(
            id.origin().map(|origin| (origin.producer, origin.sequence)),
            Some((3, 0))
        );
        drop(Tag::from_bits(bits));
        assert_eq!((id.state(), producer.doubles().count), (Life::Dead, 0));
        drop(Tag::from_bits(bits));
        assert_eq!(producer.doubles().first, vec![id]);
    }

    /// Goal: memory follows the living and not the born; a late death is still recognised after
    /// its segment was recycled.
    #[test]
    fn segments_are_recycled() {
        let mut producer = Producer::new(0);
        let first = producer
            .birth(Shape::Leaf)
            .expect("a segment is free")
            .into_bits();
        drop(Tag::from_bits(first));
        for _ in 0..10 * SEGMENT_OBJECTS {
            drop(producer.birth(Shape::Leaf).expect("a segment is free"));
        }
        assert_eq!(producer.born(), 10 * SEGMENT_OBJECTS as u64 + 1);
        assert!(producer.segments().count() <= 2);
        let dead: usize = producer.segments().map(|(_, segment)| segment.dead()).sum();
        assert_eq!(producer.recycled() + dead as u64, producer.born());
        drop(Tag::from_bits(first));
        assert_eq!(producer.doubles().count, 1);
    }

    /// Goal: one living object keeps its own segment and no other.
    #[test]
    fn a_survivor_keeps_one_segment() {
        let mut producer = Producer::new(0);
        let survivor = producer.birth(Shape::Leaf).expect("a segment is free");
        for _ in 0..10 * SEGMENT_OBJECTS {
            drop(producer.birth(Shape::Leaf).expect("a segment is free"));
        }
        assert!(producer.segments().count() <= 3);
        assert_eq!(survivor.id().state(), Life::Alive);
        let alive: usize = producer
            .segments()
            .map(|(_, segment)| segment.alive().count())
            .sum();
        assert_eq!(alive, 1);
    }
}
