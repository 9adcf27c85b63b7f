//! The births of objects, by mutator. Deaths are recorded where they happen: when a tag is dropped.
//!
//! Each mutator owns one [`Producer`]. It hands out tags from its current segment, keeps the older
//! ones, and recycles one as soon as everything in it is dead, so the ledger of a run that made
//! 10^10 objects is as large as the live ones need.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed},
    fence,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::heap::tag::{Extent, Notes, OwnedSegment, SEGMENT_OBJECTS, Segment};
use crate::heap::{ObjectId, OutOfMemory, Shape, Tag};

/// How many older segments are checked for reuse whenever a new one is needed. Two are enough for
/// any pattern in which most objects die, since each one that can be recycled is the next that is
/// needed; a check ends at the first living object, so it usually costs next to nothing.
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
    notes: Notes,
    roll: Arc<Roll>,
}

/// The segments of all mutators of a run, so that somebody can tell how many objects are alive while
/// the mutators make them and let them die. They know nothing of it.
#[derive(Debug, Default)]
pub struct Roll {
    /// By number.
    segments: Mutex<BTreeMap<usize, &'static Segment>>,
    most: AtomicU64,
}

impl Roll {
    /// How many objects are alive. If mutators are at work, those that are born meanwhile do not
    /// count, and those that die meanwhile may not: so many were alive at the same time, at least.
    pub fn look(&self) -> u64 {
        let (segments, extents): (Vec<_>, Vec<Extent>) = {
            let segments = self.segments();
            let with_extent = segments
                .values()
                .map(|&segment| (segment, segment.extent()));
            with_extent.unzip()
        };
        // No entry is looked at before all extents are known. Births and deaths are Relaxed, so this
        // has no partner: it only keeps the two passes in order.
        fence(Acquire);
        let alive = segments.iter().zip(extents);
        let alive = alive
            .map(|(segment, extent)| segment.alive_of(extent))
            .sum();
        // Relaxed: a number by itself.
        self.most.fetch_max(alive, Relaxed);
        alive
    }

    /// The most that [`look`](Self::look) has found.
    pub fn most(&self) -> u64 {
        self.most.load(Relaxed)
    }

    fn segments(&self) -> MutexGuard<'_, BTreeMap<usize, &'static Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Producer {
    /// A producer without births, for the mutator with this number.
    pub fn new(number: u32) -> Self {
        Self::on(Arc::default(), number)
    }

    /// As [`new`](Self::new); its segments are on this roll.
    pub fn on(roll: Arc<Roll>, number: u32) -> Self {
        Self {
            number,
            current: None,
            older: VecDeque::new(),
            recycled: 0,
            base: 0,
            notes: Notes::default(),
            roll,
        }
    }

    /// A tag for a new object.
    #[inline]
    pub fn birth(&mut self, shape: Shape) -> Result<Tag, OutOfMemory> {
        self.next(|segment| segment.birth(shape))
    }

    /// A tag for a new object that is made with a finalizer.
    pub fn birth_with_finalizer(&mut self, shape: Shape) -> Result<Tag, OutOfMemory> {
        self.next(|segment| segment.birth_with_finalizer(shape))
    }

    #[inline]
    fn next(
        &mut self,
        birth: impl Fn(&mut OwnedSegment) -> Option<Tag>,
    ) -> Result<Tag, OutOfMemory> {
        if let Some(tag) = self.current.as_mut().and_then(&birth) {
            return Ok(tag);
        }
        self.next_segment()?;
        self.current.as_mut().and_then(birth).ok_or(OutOfMemory)
    }

    /// Notes that the heap had no room for this object, the latest one, so that nobody waits for
    /// its finalizer.
    pub fn refused(&mut self, id: ObjectId) {
        if let Some(current) = &self.current {
            current.segment().excuse(id);
        }
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
            if let Some(notes) = oldest.recycle(self.number, self.base) {
                self.recycled += SEGMENT_OBJECTS as u64;
                self.notes.add(notes);
                self.current = Some(oldest);
                return Ok(());
            }
            self.older.push_back(oldest);
        }
        let fresh = OwnedSegment::take(self.number, self.base).ok_or(OutOfMemory)?;
        (self.roll.segments()).insert(fresh.number(), fresh.segment());
        self.current = Some(fresh);
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

    /// How many objects were born, and died, in segments that were recycled since.
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

    /// What was noted so far besides births and deaths.
    pub fn notes(&mut self) -> &Notes {
        for owned in self.older.iter().chain(&self.current) {
            self.notes.add(owned.segment().take_notes());
        }
        &self.notes
    }
}

/// Its segments go to others from now on.
impl Drop for Producer {
    fn drop(&mut self) {
        let mut on_roll = self.roll.segments();
        for (number, _) in self.segments() {
            on_roll.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::tag::Life;
    use crate::heap::{Finalizer, Global};

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
        assert_eq!(
            (id.state(), producer.notes().double_deaths.count),
            (Life::Dead, 0)
        );
        drop(Tag::from_bits(bits));
        assert_eq!(producer.notes().double_deaths.first, vec![id]);
    }

    /// Goal: memory depends on the number of living objects and not on births, and a late death is
    /// still recognised after its segment was recycled.
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
        assert_eq!(producer.notes().double_deaths.count, 1);
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

    /// Goal: whoever counts what is alive while it is born and dies never counts too much, and counts
    /// all of it when nothing happens.
    #[test]
    fn the_roll_never_counts_too_much() {
        const ALIVE: usize = 7;
        let roll = Arc::<Roll>::default();
        let looked = AtomicU64::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut producer = Producer::on(Arc::clone(&roll), 0);
                let mut alive = VecDeque::new();
                while looked.load(Relaxed) < 200 {
                    alive.push_back(producer.birth(Shape::Leaf).expect("a segment is free"));
                    if alive.len() == ALIVE {
                        alive.pop_front();
                    }
                }
            });
            for _ in 0..200 {
                assert!(roll.look() <= ALIVE as u64);
                looked.fetch_add(1, Relaxed);
            }
        });
        let mut producer = Producer::on(Arc::clone(&roll), 1);
        let births = (0..3 * SEGMENT_OBJECTS).map(|_| producer.birth(Shape::Leaf).ok());
        let tags: Vec<_> = births.collect();
        assert_eq!(roll.look(), tags.len() as u64);
        drop(tags);
        assert_eq!((roll.look(), roll.most()), (0, 3 * SEGMENT_OBJECTS as u64));
    }

    /// Goal: a finalizer is seen to run once, and running it again, or on what has none, is noted.
    #[test]
    fn finalizers_run_once() {
        let mut producer = Producer::new(0);
        let tag = producer.birth_with_finalizer(Shape::List).unwrap();
        let plain = producer.birth(Shape::List).unwrap();
        let id = tag.id();
        assert_eq!((id.state(), id.shape()), (Life::Alive, Shape::List));
        assert!(id.has_finalizer() && !plain.id().has_finalizer());
        assert_eq!(Finalizer::Resurrect(Global(3)).run(id), Some(Global(3)));
        assert_eq!(id.state(), Life::Finalized);
        assert_eq!(producer.notes().clone(), finalized(1));
        assert_eq!(Finalizer::Witness.run(id), None);
        assert_eq!(producer.notes().stray_finalizations.first, [id]);
        drop(tag);
        Finalizer::Witness.run(id);
        assert_eq!(producer.notes().stray_finalizations.count, 2);
        Finalizer::Witness.run(plain.id());
        assert_eq!(producer.notes().stray_finalizations.count, 3);
        assert_eq!(producer.notes().finalized, 1);
        assert_eq!(producer.notes().unfinalized_deaths.count, 0);
    }

    /// Goal: a death without the finalizer is noted, except of an object that was never allocated;
    /// its segment is recycled all the same, and the notes are kept.
    #[test]
    fn deaths_without_the_finalizer_are_noted() {
        let mut producer = Producer::new(0);
        let refused = producer.birth_with_finalizer(Shape::Leaf).unwrap().id();
        assert_eq!(refused.state(), Life::Dead);
        producer.refused(refused);
        assert_eq!(producer.notes().clone(), Notes::default());
        let lost = producer.birth_with_finalizer(Shape::Leaf).unwrap().id();
        assert_eq!(producer.notes().unfinalized_deaths.first, [lost]);
        for _ in 0..3 * SEGMENT_OBJECTS {
            let tag = producer.birth_with_finalizer(Shape::Leaf).unwrap();
            Finalizer::Witness.run(tag.id());
        }
        assert!(producer.recycled() > 0);
        let notes = producer.notes();
        assert_eq!(notes.finalized, 3 * SEGMENT_OBJECTS as u64);
        assert_eq!(notes.unfinalized_deaths.count, 1);
        assert_eq!(notes.double_deaths.count, 0);
    }

    fn finalized(finalized: u64) -> Notes {
        Notes {
            finalized,
            ..Notes::default()
        }
    }
}
